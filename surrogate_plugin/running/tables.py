"""Tables of cells and vessels: a line with the names of the columns, then one line each."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from surrogate_plugin.arguments import HUGE, MAX_PIXELS, FloatArray, IndexArray
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.plain_files import check_plain

_DELIMITERS = ",;\t"
_LONGEST_LINE = 1_000_000


@dataclass(frozen=True, eq=False)
class Column:
    """What a column of numbers may hold.

    Attributes
    ----------
    name : str
    lowest : float
        Numbers are at least this.
    """

    name: str
    lowest: float = -HUGE

    @property
    def allowed(self) -> str:
        """In words."""
        return "a number >= 0" if self.lowest == 0 else "a finite number"


@dataclass(frozen=True, eq=False)
class Table:
    """What was read of one.

    Attributes
    ----------
    path : Path
    numbers : dict of str to (n,) float64
        The columns of numbers that it has.
    words : dict of str to tuple of str
        Those of words.
    lines : (n,) int64
        On which line of the file each row stands.
    """

    path: Path
    numbers: dict[str, FloatArray]
    words: dict[str, tuple[str, ...]]
    lines: IndexArray

    def __len__(self) -> int:
        return len(self.lines)


def has_header(path: Path) -> bool:
    """Whether the first line of a .csv names columns, so that it is no lattice of numbers."""
    first = next((line for line in _lines(path) if line.strip()), "")
    try:
        [float(part) for part in first.replace(";", ",").replace("\t", ",").replace(",", " ").split()]
    except ValueError:
        return True
    return False


def read_table(
    path: Path, needed: Sequence[Column], optional: Sequence[Column] = (), words: Sequence[str] = ()
) -> Table:
    """Read a table; columns of other names are passed over.

    Parameters
    ----------
    path : Path
        Commas, semicolons or tabs between, in UTF-8.
    needed, optional : sequence of Column
        Columns of numbers.
    words : sequence of str
        Columns of words, all optional.

    Raises
    ------
    InvalidProblemError
        If it cannot be read, lacks a column, or a place of it is not allowed: one sentence with the line.
    """
    rows = _rows(path)
    line, names = next(rows, (1, []))
    if not names:
        raise InvalidProblemError(f"{path} is empty; a line with the names of the columns is needed.")
    known = [*(column.name for column in (*needed, *optional)), *words]
    _check_names(path, line, names, known, [column.name for column in needed])
    read, lines = [], []
    for line, row in rows:
        if len(row) != len(names):
            raise InvalidProblemError(f"{path}, line {line}: there are {len(row)} columns; {len(names)} are allowed.")
        read.append(row)
        lines.append(line)
        if len(read) > MAX_PIXELS:
            raise InvalidProblemError(f"{path} has more than {MAX_PIXELS} lines; fewer are allowed.")
    place = {name: names.index(name) for name in known if name in names}
    numbers = {
        column.name: _numbers(path, column, [row[place[column.name]] for row in read], lines)
        for column in (*needed, *optional)
        if column.name in place
    }
    found = {name: tuple(row[place[name]].strip() for row in read) for name in words if name in place}
    return Table(path, numbers, found, np.array(lines, dtype=np.int64))


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The lines that hold something, with their numbers, cut into parts."""
    delimiter = None
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if delimiter is None:
            delimiter = next((each for each in _DELIMITERS if each in line), ",")
        try:
            (parts,) = csv.reader([line], delimiter=delimiter, strict=True)
        except (csv.Error, ValueError):
            raise InvalidProblemError(f"{path}, line {number}: this is no line of a table.") from None
        yield number, [part.strip() for part in parts]


def _lines(path: Path) -> Iterator[str]:
    try:
        check_plain(path)
        with path.open(encoding="utf-8-sig", newline=None) as stream:
            while line := stream.readline(_LONGEST_LINE + 1):
                if len(line) > _LONGEST_LINE:
                    raise InvalidProblemError(
                        f"{path} has a line of more than {_LONGEST_LINE:,} characters, so is no table."
                    )
                yield line
    except OSError as error:
        raise InvalidProblemError(f"cannot read {path}: {(error.strerror or type(error).__name__).lower()}.") from None
    except UnicodeDecodeError:
        raise InvalidProblemError(f"{path} is no text in UTF-8; a table as .csv in that encoding is allowed.") from None


def _check_names(path: Path, line: int, names: list[str], known: list[str], needed: list[str]) -> None:
    for name in names:
        if name in known and names.count(name) > 1:
            raise InvalidProblemError(f"{path}, line {line}: column {name!r} is there twice; once is allowed.")
    missing = next((name for name in needed if name not in names), None)
    if missing is not None:
        near = difflib.get_close_matches(missing, names, n=1, cutoff=0.5)
        meant = f"; the nearest is {near[0][:40]!r}" if near else ""
        raise InvalidProblemError(
            f"{path}, line {line}: column {missing!r} is missing; {', '.join(known)} may be there{meant}."
        )
    for name in names:  # a column that is passed over for a slip of the pen would be missed
        near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.75)
        if name not in known and near and near[0] not in names:
            raise InvalidProblemError(
                f"{path}, line {line}: column {name[:40]!r} is unknown; the nearest is {near[0]!r}."
            )


def _numbers(path: Path, column: Column, texts: list[str], lines: list[int]) -> FloatArray:
    values = np.empty(len(texts))
    for row, text in enumerate(texts):
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not column.lowest <= value <= HUGE:
            shown = repr(text) if len(text) <= 40 else f"{text[:37]!r}..."
            raise InvalidProblemError(
                f"{path}, line {lines[row]}: {column.name} is {shown}; {column.allowed} is allowed."
            )
        values[row] = value
    return values
