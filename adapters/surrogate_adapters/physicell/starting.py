"""The fields that a simulation starts from, where a file has them: a row a voxel, x, y, z and the substrates."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.io import loadmat
from scipy.io.matlab import MatReadError

import surrogate_plugin as sp
from surrogate_adapters.physicell.lattice import Lattice
from surrogate_adapters.physicell.state import FloatArray

__all__ = ["field_of"]


def field_of(path: Path, kind: str, lattice: Lattice, names: Sequence[str], name: str, otherwise: float) -> FloatArray:
    """The field of one substrate.

    Parameters
    ----------
    path : Path
    kind : "csv" or "matlab"
        A csv has a first line x, y, z and names of substrates; a matrix has all substrates in their order.
    lattice : Lattice
        Of one layer.
    names : sequence of str
        All substrates.
    name : str
    otherwise : float, field units
        Where the file says nothing of it.

    Returns
    -------
    (H, W) float64, field units

    Raises
    ------
    InvalidProblemError
        If the file cannot be read, or its numbers or columns are not those.
    """
    readers = {"csv": _csv, "matlab": _matrix}
    if kind not in readers:
        raise sp.InvalidProblemError(f"initial_condition '{path}' is of type {kind!r}; 'csv' and 'matlab' are allowed.")
    try:
        columns, rows = readers[kind](path, names)
    except OSError as error:
        raise sp.InvalidProblemError(f"cannot read the initial condition '{path}': {error.strerror}.") from None
    except (ValueError, TypeError, NotImplementedError, MatReadError) as error:
        raise sp.InvalidProblemError(f"{path} is no initial condition: {' '.join(str(error).split())[:200]}.") from None
    field = np.full(lattice.nodes[1::-1], otherwise)
    if name not in columns:
        return field
    if rows.shape[1] != 3 + len(columns) or not np.isfinite(rows).all():
        raise sp.InvalidProblemError(
            f"{path} has {rows.shape[1]} columns of numbers for x, y, z, {', '.join(columns)}; a finite number for "
            f"each of these {3 + len(columns)} is allowed."
        )
    i, j = (_voxel(lattice, axis, rows[:, axis]) for axis in (0, 1))
    field[j, i] = rows[:, 3 + columns.index(name)]
    return field


def _csv(path: Path, names: Sequence[str]) -> tuple[list[str], FloatArray]:
    first, *lines = path.read_text(encoding="utf-8", errors="replace").splitlines() or [""]
    if not first.lower().startswith("x,y,z"):
        raise ValueError("its first line should be x,y,z and the names of substrates")
    rows = [[float(field) for field in line.split(",")] for line in lines if line.strip()]
    return [one.strip() for one in first.split(",")[3:]], np.array(rows, dtype=np.float64).reshape(len(rows), -1)


def _matrix(path: Path, names: Sequence[str]) -> tuple[list[str], FloatArray]:
    found = [each for key, each in loadmat(path).items() if not key.startswith("__")]
    if len(found) != 1 or found[0].ndim != 2:
        raise ValueError("it should hold one matrix")
    return list(names), np.asarray(found[0], dtype=np.float64)


def _voxel(lattice: Lattice, axis: int, places: FloatArray) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    steps = np.floor((places - lattice.origin_um[axis]) / lattice.spacing_um[axis])
    return np.clip(steps, 0, lattice.nodes[axis] - 1).astype(np.int64)
