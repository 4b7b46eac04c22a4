"""The cells of a file of positions (CSV), as PhysiCell creates them: types, volumes, and what columns say besides."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import surrogate_plugin as sp
from surrogate_adapters.physicell.cell_types import CellType, Rates
from surrogate_adapters.physicell.lattice import Lattice
from surrogate_adapters.physicell.rules import exchange
from surrogate_adapters.physicell.state import FloatArray

__all__ = ["Placed", "read_placed"]

#: What exchanges of a substrate are called in `Rates`.
_NUMBERS = {
    "uptake": "uptake_per_min",
    "secretion": "secretion_per_min",
    "secretion target": "secretion_target",
    "export": "net_export",
}


@dataclass(frozen=True, eq=False)
class Placed:
    """Cells of the start.

    Attributes
    ----------
    position_um : (n, 3) float64, um
    types : tuple of CellType
        Each one's.
    volume_um3 : (n,) float64, um^3
    written : mapping of behaviour to (n,) float64
        What columns say of single cells, such as ``"oxygen uptake"``; NaN for those that go by their type.
    left_out : int
        Those of unknown types, and off the lattice, where PhysiCell's cells do nothing.
    """

    position_um: FloatArray
    types: tuple[CellType, ...]
    volume_um3: FloatArray
    written: Mapping[str, FloatArray]
    left_out: int = 0

    @classmethod
    def none(cls) -> Placed:
        """No cells."""
        return cls(np.empty((0, 3)), (), np.empty(0), {})

    def __len__(self) -> int:
        return len(self.types)

    def cells(self, substrate: str) -> sp.Cells:
        """What they do with one substrate.

        Raises
        ------
        InvalidProblemError
            If a rate is negative.
        UnsupportedProblemError
            If a net export is negative: a constant drain can take the field below zero.
        """
        rates = self._rates(substrate)
        export = rates.pop("net_export")
        if (export < 0).any():
            first = int(np.argmax(export < 0))
            raise sp.UnsupportedProblemError(
                f"a cell of type {self.types[first].name!r} has net export {export[first]:g} of {substrate}; values "
                ">= 0 are allowed: use uptake for what cells take in."
            )
        return sp.Cells(
            position_um=self.position_um[:, :2],
            volume_um3=self.volume_um3,
            production_per_min=export / self.volume_um3,
            **rates,
        )

    def _rates(self, substrate: str) -> dict[str, FloatArray]:
        each = [one.rates.get(substrate, Rates()) for one in self.types]
        rates = {name: np.array([getattr(one, name) for one in each], dtype=np.float64) for name in _NUMBERS.values()}
        for behaviour, numbers in self.written.items():
            changed = exchange(behaviour, substrate)
            if changed is not None:
                name = _NUMBERS[changed]
                rates[name] = np.where(np.isnan(numbers), rates[name], numbers)
        return rates


def read_placed(path: Path, kind: str, types: Sequence[CellType], lattice: Lattice) -> Placed:
    """Read a file of positions.

    Parameters
    ----------
    path : Path
        A line a cell: x, y, z and the number of its type; or with a first line of names, x, y, z, the name of the type
        and what is said besides of the cell, such as its volume.
    kind : str
        PhysiCell reads ``"csv"`` alone.
    types : sequence of CellType
    lattice : Lattice

    Raises
    ------
    InvalidProblemError
        If it is of another kind, cannot be read, or has something else where a number should be.
    """
    if kind != "csv":
        raise sp.InvalidProblemError(f"cell_positions '{path}' are of type {kind!r}; 'csv' is allowed.")
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise sp.InvalidProblemError(f"cannot read the cell positions '{path}': {error.strerror}.") from None
    labels = _fields(lines[0]) if lines and lines[0][:1] in ("x", "X") else []
    known: dict[object, CellType] = {one.name: one for one in types} if labels else {one.number: one for one in types}
    rows = [_Row(path, number, _fields(line)) for number, line in enumerate(lines, 1) if line.strip()][bool(labels) :]
    each = [(row, known.get(row.type_of(labels))) for row in rows]
    kept = [(row, one) for row, one in each if one is not None and lattice.contains(row.position)]
    volumes = [row.number(labels, "volume") for row, _ in kept]
    return Placed(
        position_um=np.array([row.position for row, _ in kept], dtype=np.float64).reshape(-1, 3),
        types=tuple(one for _, one in kept),
        volume_um3=np.array([_volume(row, one, v) for (row, one), v in zip(kept, volumes, strict=True)], np.float64),
        written={label: np.array([row.number(labels, label) for row, _ in kept], np.float64) for label in labels[4:]},
        left_out=len(rows) - len(kept),
    )


@dataclass(frozen=True)
class _Row:
    """One line of the file."""

    path: Path
    line: int
    fields: list[str]

    @property
    def position(self) -> tuple[float, float, float]:
        if len(self.fields) < 4:
            raise self.error(f"there are {len(self.fields)} columns; x, y, z and a type are needed")
        x, y, z = (self._read(name, text) for name, text in zip("xyz", self.fields, strict=False))
        return x, y, z

    def type_of(self, labels: Sequence[str]) -> object:
        """Its name, or in files without a first line of names its number."""
        _ = self.position
        return self.fields[3] if labels else int(self._read("type", self.fields[3]))

    def number(self, labels: Sequence[str], label: str) -> float:
        """What a column says of the cell; NaN where it is left out, or begins with an s, for skip."""
        at = labels.index(label) if label in labels else len(self.fields)
        text = self.fields[at] if at < len(self.fields) else ""
        return math.nan if text[:1] in ("", "s", "S") else self._read(label, text)

    def error(self, said: str) -> sp.InvalidProblemError:
        return sp.InvalidProblemError(f"{self.path}, line {self.line}: {said}.")

    def _read(self, name: str, text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise self.error(f"{name} is {text[:60]!r}; a finite number is allowed")
        return number


def _volume(row: _Row, one: CellType, written: float) -> float:
    volume = one.volume_um3 if math.isnan(written) else written
    if volume <= 0:
        raise row.error(f"volume is {volume:g}; a finite number > 0 is allowed")
    return volume


def _fields(line: str) -> list[str]:
    rows: Iterable[list[str]] = csv.reader([line])
    return [field.strip() for row in rows for field in row]
