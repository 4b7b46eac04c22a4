"""Dirichlet nodes of a finished run: its sides by the settings, and those of custom code, which is in no file of it."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

import surrogate_plugin as sp
from surrogate_adapters.nodes import Nodes

FloatArray = npt.NDArray[np.float64]


def held_nodes(before: FloatArray, now: FloatArray, known: npt.NDArray[np.bool_]) -> Nodes:
    """The voxels above 0 that hold the very same value in two fields while a neighbour changes, but for known ones.

    Examples
    --------
    >>> before, now = np.ones((4, 4)), np.full((4, 4), 2.0)
    >>> before[2, 2] = now[2, 2] = 38.0
    >>> np.argwhere(held_nodes(before, now, np.zeros((4, 4), dtype=bool)).fixed).tolist()
    [[2, 2]]
    """
    changed = np.pad(before != now, 1)
    beside = changed[:-2, 1:-1] | changed[2:, 1:-1] | changed[1:-1, :-2] | changed[1:-1, 2:]
    fixed = (before == now) & (now > 0) & beside & ~known
    return Nodes(fixed, np.where(fixed, now, 0.0))


def nodes_of_file(path: Path, domain: sp.Domain, names: Sequence[str]) -> dict[str, Nodes]:
    """The nodes in a ``.csv`` of columns x, y and one a substrate, empty where that is not held.

    Parameters
    ----------
    path : Path
    domain : Domain
    names : sequence of str
        The substrates that there are.

    Raises
    ------
    InvalidProblemError
        If it cannot be read, names no x, y or substrate, or a place that is none of the domain's.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [{(key or "").strip(): text for key, text in row.items()} for row in csv.DictReader(file)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise sp.InvalidProblemError(
            f"cannot read nodes from '{path}': {error}; 'held' or a .csv is allowed."
        ) from None
    columns = [name for name in (rows[0] if rows else ()) if name in names]
    if not rows or not {"x", "y"} <= rows[0].keys() or not columns:
        raise sp.InvalidProblemError(f"{path} needs columns x, y and at least one of {', '.join(names)}, and a row.")
    x, y = (_column(path, rows, name) for name in "xy")
    if not domain.contains(np.stack([x, y], axis=1)).all():
        raise sp.InvalidProblemError(f"{path} has a node off the domain; places on it, in um, are allowed.")
    (height, width), (dy, dx) = domain.shape, domain.spacings_um
    column = np.clip((x - domain.origin_um[0]) // dx, 0, width - 1).astype(np.int64)
    row = np.clip((y - domain.origin_um[1]) // dy, 0, height - 1).astype(np.int64)
    found = {}
    for name in columns:
        held = np.array([bool((each[name] or "").strip()) for each in rows])
        fixed, value = np.zeros(domain.shape, dtype=np.bool_), np.zeros(domain.shape)
        fixed[row[held], column[held]] = True
        value[row[held], column[held]] = _column(path, [each for each in rows if (each[name] or "").strip()], name)
        found[name] = Nodes(fixed, value)
    return found


def _column(path: Path, rows: Sequence[Mapping[str, str]], name: str) -> FloatArray:
    try:
        numbers = np.array([float(row[name]) for row in rows])
    except (TypeError, ValueError):
        numbers = np.array([np.nan])
    if not np.isfinite(numbers).all():
        raise sp.InvalidProblemError(f"{path} has something else than finite numbers in its column {name}.")
    return numbers
