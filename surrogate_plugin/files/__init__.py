"""Lattices from and to files: pictures, numbers and scenes; what of a picture is held is decided here and nowhere else.

A picture has its first row on top, a lattice its row 0 at the lowest y, so pictures are turned upside down on the way
in and out; files of numbers (.npy, .npz, .csv) and scenes (.vti) hold the lattice as it is.
"""

from surrogate_plugin.files.census import Census
from surrogate_plugin.files.choice import Choice
from surrogate_plugin.files.example import draw_example
from surrogate_plugin.files.holding import Source
from surrogate_plugin.files.source import Map, read_field, read_map, read_source
from surrogate_plugin.files.writing import Told, check_writable, write_field
from surrogate_plugin.whole_files import UnwritableError

__all__ = [
    "Census",
    "Choice",
    "Map",
    "Source",
    "Told",
    "UnwritableError",
    "check_writable",
    "draw_example",
    "read_field",
    "read_map",
    "read_source",
    "write_field",
]
