"""Lattice fields from and to files: numbers (.npy), pictures (.png and what Pillow reads), scenes (.vti).

A picture has its first row on top, a lattice its row 0 at the lowest y, so pictures are turned upside down on the
way in and out; .npy files hold the lattice as it is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.problem import FloatArray

#: The value of white in each of Pillow's grey modes; float pictures hold their values as they are.
_WHITE = {"1": 1.0, "L": 255.0, "I;16": 65535.0, "I;16B": 65535.0, "I;16L": 65535.0, "I": 65535.0, "F": 1.0}
WRITABLE = (".npy", ".png", ".vti")


def read_lattice(path: Path, white: float = 1.0) -> FloatArray:
    """Read a lattice from a file.

    Parameters
    ----------
    path : Path
        ``.npy`` with a 2-D array of real numbers, or a picture; colours become their luminance.
    white : float
        What white stands for in a picture, in the field's units; black is 0. Not used for ``.npy``.

    Returns
    -------
    (H, W) float64, row 0 at the lowest y.

    Raises
    ------
    InvalidProblemError
        If the file is missing or holds neither.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "field.npy"
    ...     write_field(path, np.eye(8))
    ...     read_lattice(path).trace()
    np.float64(8.0)
    """
    if not path.is_file():
        raise InvalidProblemError(f"{path} is not a file; give a .npy array or a picture.")
    return _read_array(path) if path.suffix.lower() == ".npy" else _read_picture(path, white)


def write_field(path: Path, field: FloatArray, *, spacing: float = 1.0, colours: str = "viridis") -> None:
    """Write a field as numbers (.npy), as a picture to look at (.png), or for ParaView (.vti).

    Parameters
    ----------
    path : Path
        Its suffix says which.
    field : (H, W) float64
        Row 0 at the lowest y.
    spacing : float, length per pixel
        Kept in the .vti file.
    colours : str
        The name of a matplotlib colour map, stretched from 0 (or the lowest value, if that is lower) to the highest.

    Raises
    ------
    InvalidProblemError
        If the suffix or the colour map is unknown.
    """
    check_writable(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    suffix = path.suffix.lower()
    if suffix == ".npy":
        np.save(path, field)
    elif suffix == ".png":
        _write_picture(path, field, colours)
    else:
        _write_vti(path, field, spacing)


def check_writable(path: Path) -> None:
    """Raise `InvalidProblemError` where `write_field` would, so that nobody waits for a solve first."""
    if path.suffix.lower() not in WRITABLE:
        raise InvalidProblemError(f"output {path.name!r} ends in {path.suffix!r}; allowed are {', '.join(WRITABLE)}.")


def _read_array(path: Path) -> FloatArray:
    try:
        array: Any = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise InvalidProblemError(f"{path} cannot be read as a .npy array ({error}).") from None
    if not isinstance(array, np.ndarray) or array.ndim != 2 or array.dtype.kind not in "fiub":
        described = (
            f"shape {array.shape} and dtype {array.dtype}" if isinstance(array, np.ndarray) else "several arrays"
        )
        raise InvalidProblemError(f"{path} holds {described}; one 2-D array of real numbers is allowed.")
    return array.astype(np.float64)


def _read_picture(path: Path, white: float) -> FloatArray:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as opened:
            grey = opened if opened.mode in _WHITE else opened.convert("RGB").convert("L")
            values = np.asarray(grey, dtype=np.float64)
    except UnidentifiedImageError:
        raise InvalidProblemError(f"{path} is neither a .npy array nor a picture that can be read.") from None
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise InvalidProblemError(f"{path} cannot be read as a picture ({error}).") from None
    return np.ascontiguousarray(values[::-1] * (white / _WHITE[grey.mode]))


def _write_picture(path: Path, field: FloatArray, colours: str) -> None:
    import matplotlib
    from PIL import Image

    if colours not in matplotlib.colormaps:
        raise InvalidProblemError(
            f"colours is {colours!r}; the name of a matplotlib colour map is allowed, as viridis."
        )
    low, high = min(0.0, float(field.min())), float(field.max())
    scaled = (field - low) / (high - low) if high > low else np.zeros_like(field)
    pixels = matplotlib.colormaps[colours](scaled[::-1], bytes=True)
    Image.fromarray(np.ascontiguousarray(pixels[..., :3])).save(path)


def _write_vti(path: Path, field: FloatArray, spacing: float) -> None:
    """One point a pixel centre, x fastest, the lower left corner of the lattice at the origin."""
    import pyvista

    rows, columns = field.shape
    scene = pyvista.ImageData(
        dimensions=(columns, rows, 1), spacing=(spacing, spacing, 1.0), origin=(spacing / 2, spacing / 2, 0.0)
    )
    scene.point_data["field"] = field.ravel()
    scene.save(str(path))
