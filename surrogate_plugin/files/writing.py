"""Fields to files, with what is known about them; a file appears whole or not at all."""

from __future__ import annotations

import io
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from surrogate_plugin.equation.problem import FloatArray
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.files.scenes import vti_bytes
from surrogate_plugin.whole_files import UnwritableError, said_of, whole

#: The largest size of each kind, bytes a pixel; what packs badly grows by a third in a .vti's text.
_LARGEST = {".npy": 8.0, ".png": 3.1, ".vti": 10.8}
_HEADERS = 8192
WRITABLE = tuple(_LARGEST)


@dataclass(frozen=True)
class Told:
    """What is written beside a field, so that the file alone says how good it is.

    Attributes
    ----------
    method : str
        Who answered.
    error_bound : float, field units, optional
        The largest distance to the exact solution of the discrete equation.
    tolerance : float, field units, optional
    units, length_units : str
        Of the field, as ``mmHg``, and of lengths, as ``um``; not written if empty.
    """

    method: str = ""
    error_bound: float | None = None
    tolerance: float | None = None
    units: str = ""
    length_units: str = ""

    def items(self) -> dict[str, str | float]:
        """Name and value of all that is known."""
        known = vars(self)
        return {name: value for name, value in known.items() if value is not None and value != ""}


def write_field(
    path: str | Path,
    field: FloatArray,
    *,
    spacing: float | tuple[float, ...] = 1.0,
    colours: str = "viridis",
    told: Told | None = None,
) -> None:
    """Write a field as numbers (.npy), as a picture to look at (.png), or for ParaView (.vti).

    Parameters
    ----------
    path : str or Path
        Its suffix says which.
    field : (H, W) float64
        Row 0 at the lowest y.
    spacing : float or (dy, dx), length per pixel
        Kept in the .vti and .png files.
    colours : str
        The name of a matplotlib colour map, stretched from 0 (or the lowest value, if that is lower) to the highest.
    told : Told, optional
        Written into .vti as field data and into .png as text, with the values at the ends of the colours.

    Raises
    ------
    InvalidProblemError
        If the suffix or the colour map is unknown.
    UnwritableError
        If the disk is full or the file may not be written; one that was there before is as it was.

    Examples
    --------
    >>> from surrogate_plugin.files import read_source
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "field.vti"
    ...     write_field(path, np.eye(8), spacing=20.0, told=Told("multigrid", error_bound=0.25))
    ...     source = read_source(path)
    >>> source.values.trace(), source.spacing, source.notes
    (np.float64(8.0), 20.0, ('Its field has an error of at most 0.25.',))
    """
    path = Path(path)
    _check_name(path, colours)
    known = (told or Told()).items()
    with whole(path) as stream:
        if path.suffix.lower() == ".npy":
            # In one go, not by numpy, which says of a full disk only how much it could write.
            values = np.ascontiguousarray(field, dtype=np.float64)
            np.lib.format.write_array_header_1_0(stream, np.lib.format.header_data_from_array_1_0(values))
            stream.write(values.data)
        elif path.suffix.lower() == ".png":
            stream.write(_png_bytes(field, colours, {**known, **_said_of(spacing)}))
        else:
            stream.write(vti_bytes(field, spacing, known))


def check_writable(path: Path, *, pixels: int = 0, colours: str = "viridis") -> None:
    """Raise where `write_field` would, so that nobody waits for a solve first.

    Parameters
    ----------
    path : Path
    pixels : int
        Of the field to come; there must be room for it.
    colours : str

    Raises
    ------
    InvalidProblemError
        If the suffix or the colour map is unknown.
    UnwritableError
        If the folder cannot be written to, or has no room.
    """
    _check_name(path, colours)
    if path.is_dir():
        raise UnwritableError(f"{path} is a folder; the name of a file is allowed.")
    folder = path.absolute().parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not folder.is_dir():
        raise UnwritableError(f"{path} cannot be written, since {folder} is not a folder.")
    try:
        # Permissions, read-only disks and quotas show when a file is made, and no sooner.
        with tempfile.TemporaryFile(dir=folder):
            free = shutil.disk_usage(folder).free
    except OSError as error:
        raise UnwritableError(f"{path} cannot be written ({said_of(error)} in {folder}).") from None
    needed = _LARGEST[path.suffix.lower()] * pixels + _HEADERS
    if needed > free:
        raise UnwritableError(
            f"{path} may take {needed / 1e6:.3g} MB, but {folder} has {free / 1e6:.3g} MB free; make room first."
        )


def _check_name(path: Path, colours: str) -> None:
    suffix = path.suffix.lower()
    if suffix not in WRITABLE:
        raise InvalidProblemError(f"output {path.name!r} ends in {path.suffix!r}; allowed are {', '.join(WRITABLE)}.")
    if suffix == ".png":
        import matplotlib

        if colours not in matplotlib.colormaps:
            raise InvalidProblemError(
                f"colours is {colours!r}; the name of a matplotlib colour map is allowed, as viridis."
            )


def _said_of(spacing: float | tuple[float, ...]) -> dict[str, str | float]:
    return {"spacing": " ".join(map(repr, spacing)) if isinstance(spacing, tuple) else spacing}


def _png_bytes(field: FloatArray, colours: str, known: dict[str, str | float]) -> bytes:
    import matplotlib
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    low, high = min(0.0, float(field.min())), float(field.max())
    scaled = (field - low) / (high - low) if high > low else np.zeros_like(field)
    pixels = matplotlib.colormaps[colours](scaled[::-1], bytes=True)
    text = PngInfo()
    text.add_text("Software", "surrogate-plugin")
    ends: dict[str, str | float] = {"colours": colours, "lowest_colour": low, "highest_colour": high}
    for name, value in {**known, **ends}.items():
        text.add_text(name, value if isinstance(value, str) else repr(float(value)))
    made = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels[..., :3])).save(made, "PNG", pnginfo=text)
    return made.getvalue()
