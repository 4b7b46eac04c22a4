"""Fields that were saved, with what their files say of them; pictures that `write_field` wrote, by their colours."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from surrogate_plugin.arguments import FloatArray
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.files.levels import readable
from surrogate_plugin.files.scenes import read_told, read_vti
from surrogate_plugin.files.source import read_field
from surrogate_plugin.files.writing import Told
from surrogate_plugin.memory import check_size

READABLE = (".npy", ".npz", ".csv", ".vti", ".png")


@dataclass(frozen=True, eq=False)
class Saved:
    """A field, (H, W) float64 with row 0 at the lowest y, and what its file says of it."""

    values: FloatArray
    spacing: float | tuple[float, ...] | None = None
    told: Told = field(default_factory=Told)


def read_saved(path: Path, array: str | None = None) -> Saved:
    """Read a field.

    Parameters
    ----------
    path : Path
        .npy, .npz, .csv or .vti; or a .png that `write_field` wrote, whose 256 colours tell values to a part in 120.
    array : str, optional
        Of a .npz or .vti with several.

    Raises
    ------
    InvalidProblemError
        If it cannot be read, is a picture of another kind, or says nothing of some pixels.

    Examples
    --------
    >>> import tempfile
    >>> from surrogate_plugin.files import write_field
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_field(Path(folder) / "field.png", np.eye(8), spacing=20.0, told=Told(units="mmHg"))
    ...     saved = read_saved(Path(folder) / "field.png")
    >>> saved.values.trace(), saved.spacing, saved.told.units
    (np.float64(8.0), 20.0, 'mmHg')
    """
    if path.suffix.lower() == ".png":
        return _read_coloured(path)
    read = read_field(path, array)
    if path.suffix.lower() != ".vti":
        return Saved(read.values)
    said = read_told(path)
    bound = said.get("error_bound")
    texts: dict[str, Any] = {
        name: str(said[name]) for name in ("method", "units", "length_units") if isinstance(said.get(name), str)
    }
    told = Told(**texts) if bound is None or isinstance(bound, str) else Told(**texts, error_bound=bound)
    return Saved(read.values, read_vti(path, array).spacing, told)


def _read_coloured(path: Path) -> Saved:
    import matplotlib
    from PIL import Image

    with readable(path, "a picture"), Image.open(path) as opened:
        check_size(path, opened.size[::-1])
        text = {name: value for name, value in opened.info.items() if isinstance(value, str)}
        pixels = np.asarray(opened.convert("RGB"))
        colours = text.get("colours")
        if colours is None or colours not in matplotlib.colormaps:
            raise InvalidProblemError(
                f"{path} is a picture, and not of a field that `solve` wrote; solve it first, or give the field as "
                ".npy, .npz, .csv or .vti."
            )
        low, high = float(text["lowest_colour"]), float(text["highest_colour"])
        shades = matplotlib.colormaps[colours](np.arange(256), bytes=True)[:, :3]
        # A map may have one colour twice, in neighbouring places; it then stands for the middle of them.
        codes, first, times = np.unique(_coded(shades), return_index=True, return_counts=True)
        found = np.searchsorted(codes, _coded(pixels)).clip(max=len(codes) - 1)
        if not np.array_equal(codes[found], _coded(pixels)):
            raise InvalidProblemError(
                f"{path} has colours that are not in {colours}; the picture as it was written is allowed."
            )
        values = low + (high - low) * (first + 0.5 * (times - 1))[found] / 255.0
        sides = tuple(float(side) for side in text.get("spacing", "1").split())
        bound = text.get("error_bound")
        told = Told(
            text.get("method", ""),
            None if bound is None else float(bound),
            units=text.get("units", ""),
            length_units=text.get("length_units", ""),
        )
    return Saved(np.ascontiguousarray(values[::-1]), sides[0] if len(sides) == 1 else sides, told)


def _coded(colours: np.ndarray) -> np.ndarray:
    red, green, blue = (colours[..., k].astype(np.int64) for k in range(3))
    return (red << 16) + (green << 8) + blue
