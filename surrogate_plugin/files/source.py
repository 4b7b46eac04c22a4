"""From a file to what is imposed, and to coefficients in every pixel."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from surrogate_plugin.equation.problem import FloatArray
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.files.arrays import read_csv, read_npy, read_npz
from surrogate_plugin.files.choice import Choice
from surrogate_plugin.files.holding import Source, hold
from surrogate_plugin.files.levels import Kind, Levels
from surrogate_plugin.files.pixels import read_picture
from surrogate_plugin.files.scenes import read_vti

#: Files that hold numbers as they are.
_NUMBERS = (".npy", ".npz", ".csv", ".vti")


@dataclass(frozen=True, eq=False)
class Map:
    """A coefficient in every pixel, (H, W) float64, with what is to be said about it."""

    values: FloatArray
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def read_source(path: str | Path, choice: Choice | None = None) -> Source:
    """Read what is imposed from a picture, a file of numbers or a scene.

    A picture that is a mask (two shades, smoothed or blurred by JPEG or not) is held at ``white`` where it is bright;
    one that is not needs ``threshold`` or ``values``. Numbers above 0 are held as they are, numbers that are all 0 or
    1 are a mask.

    Parameters
    ----------
    path : str or Path
        .npy, .npz, .csv, .vti, or a picture.
    choice : Choice, optional

    Raises
    ------
    InvalidProblemError
        One sentence, if the file cannot be read or could mean several things.

    Examples
    --------
    >>> import tempfile
    >>> from PIL import Image
    >>> mask = np.zeros((8, 12), dtype=np.uint8); mask[0, 3:5] = 255
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "mask.png"
    ...     Image.fromarray(mask).save(path)
    ...     source = read_source(path, Choice(white=38.0))
    >>> np.argwhere(source.fixed).tolist(), source.values.max(), source.rule
    ([[7, 3], [7, 4]], np.float64(38.0), 'a mask, cut at 0.5 of white')
    """
    path, choice = Path(path), choice or Choice()
    levels = _read(path, choice)
    _check_finite(path, levels)
    return hold(path, levels, choice)


def read_map(path: str | Path, white: float, choice: Choice | None = None) -> Map:
    """Read a coefficient in every pixel: shades of a picture and masks times ``white``, numbers as they are.

    Parameters
    ----------
    path : str or Path
        .npy, .npz, .csv, .vti, or a picture.
    white : float
        What white stands for.
    choice : Choice, optional
        Its page, channel and array are heeded.

    Raises
    ------
    InvalidProblemError
        If the file cannot be read or says nothing of some pixels.
    """
    path = Path(path)
    levels = _read(path, choice or Choice())
    _check_finite(path, levels)
    values, notes = levels.values, levels.notes
    if levels.opacity is not None:
        if levels.kind is not Kind.GREY:
            raise InvalidProblemError(f"{path} has masked entries; a map needs a value in every pixel.")
        values = values * levels.opacity
        notes = (*(note for note in notes if "ransparent" not in note), "Transparent pixels count as black.")
    if levels.kind is Kind.COUNTS:
        notes = (*notes, f"The whole numbers of {path.name} are taken as they are.")
    if levels.kind is Kind.GREY and 0.0 < float(values.max()) <= 1 / 255 and np.unique(values).size <= 2:
        values = values / values.max()
        notes = (*notes, f"{path.name} was read as a mask of 0 and 1.")
    scaled = values * white if levels.kind in (Kind.GREY, Kind.MASK) else values
    return Map(scaled, notes, levels.warnings)


def read_field(path: str | Path, array: str | None = None) -> Map:
    """Read a field as it is, to be judged.

    Parameters
    ----------
    path : str or Path
        .npy, .npz, .csv or .vti: the shades of a picture are no field.
    array : str, optional
        Of a .npz or .vti file with several.

    Raises
    ------
    InvalidProblemError
        If the file cannot be read, is a picture or says nothing of some pixels.
    """
    path = Path(path)
    if path.is_file() and path.suffix.lower() not in _NUMBERS:
        raise InvalidProblemError(
            f"{path} ends in {path.suffix!r}; a field as {', '.join(_NUMBERS)} is allowed, not as a picture's shades."
        )
    return read_map(path, 1.0, Choice(array=array))


def _read(path: Path, choice: Choice) -> Levels:
    if not path.is_file():
        raise InvalidProblemError(f"{path} is not a file; give a picture, or numbers as .npy, .npz, .csv or .vti.")
    suffix = path.suffix.lower()
    if choice.array is not None and suffix not in (".npz", ".vti"):
        raise InvalidProblemError(f"array is {choice.array!r}, but {path} has no named arrays; .npz and .vti have.")
    if suffix not in _NUMBERS:
        return read_picture(path, choice.page, choice.channel)
    if choice.page is not None or choice.channel is not None:
        raise InvalidProblemError(f"{path} is no picture; page and channel are for pictures.")
    if suffix == ".npz":
        return read_npz(path, choice.array)
    if suffix == ".vti":
        return read_vti(path, choice.array)
    return read_npy(path) if suffix == ".npy" else read_csv(path)


def _check_finite(path: Path, levels: Levels) -> None:
    wrong = ~np.isfinite(levels.values)
    if levels.opacity is not None:
        wrong &= levels.opacity > 0
    if bool(wrong.any()):
        row, column = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
        raise InvalidProblemError(
            f"{path} holds {levels.values[row, column]:g} at (row {row}, column {column}); finite numbers are allowed."
        )
