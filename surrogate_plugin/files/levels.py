"""What a file says of each pixel, before anybody decides what of it is held."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from surrogate_plugin.equation.problem import BoolArray, FloatArray
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.plain_files import check_plain


class Kind(StrEnum):
    """What the numbers of a file mean."""

    GREY = "grey"  # shades of a picture: 0 is black, 1 is white
    COUNTS = "counts"  # whole numbers of a picture without a known white
    NUMBERS = "numbers"  # values, as they are
    MASK = "mask"  # 0 and 1, by their type


@dataclass(frozen=True, eq=False)
class Levels:
    """A file as it was read.

    Attributes
    ----------
    values : (H, W) float64, row 0 at the lowest y
        In the unit that ``kind`` says.
    kind : Kind
    opacity : (H, W) float64 in [0, 1], optional
        0 where the file holds nothing: transparent pixels, masked entries.
    held : (H, W) bool, optional
        Which pixels are held, where the file itself says so.
    spacing : float or (dy, dx), length per pixel, optional
        Where the file knows it.
    notes : tuple of str
        Sentences on how the file was understood, for people.
    warnings : tuple of str
        Sentences on what may be meant otherwise.
    """

    values: FloatArray
    kind: Kind
    opacity: FloatArray | None = None
    held: BoolArray | None = None
    spacing: float | tuple[float, ...] | None = None
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@contextmanager
def readable(path: Path, what: str) -> Iterator[list[str]]:
    """Read a foreign file: whatever its decoder raises becomes one sentence, what it warns of is listed.

    Parameters
    ----------
    path : Path
    what : str
        What it is read as, with its article.

    Raises
    ------
    InvalidProblemError
        Instead of any exception inside.
    """
    said: list[str] = []
    try:
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            check_plain(path)
            yield said
        said += [f"{path.name} may be damaged ({_first_line(each.message)})." for each in heard]
    except InvalidProblemError:
        raise
    except MemoryError:
        raise InvalidProblemError(f"{path} does not fit into memory; a smaller lattice is allowed.") from None
    except Exception as error:  # Damaged files make decoders raise nearly anything.
        raise InvalidProblemError(f"{path} cannot be read as {what} ({_first_line(error)}).") from None


def one_of_these(names: Iterable[str]) -> str:
    """What to name of the arrays of a file, for the end of a sentence."""
    there = ", ".join(names)
    return f"name one of {there}" if there else "one of real numbers is needed"


def _first_line(problem: object) -> str:
    lines = str(problem).strip().splitlines()  # some quote what they have read, thousands of bytes of it
    return lines[0][:300].rstrip(".") if lines else type(problem).__name__
