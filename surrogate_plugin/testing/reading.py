"""How cells read a field, by hand: its value where they are, and its slope."""

from __future__ import annotations

import numpy as np

from surrogate_plugin.equation.problem import FloatArray
from surrogate_plugin.testing.scenario import CellTable, Scenario

__all__ = ["slopes", "values"]


def values(scenario: Scenario, field: FloatArray, cells: CellTable) -> FloatArray:
    """What each cell reads of a field, (n,) float64: that of its voxel, or between the centres where it is spread."""
    if scenario.deposit == "voxel":
        return np.asarray(field[scenario.voxels(cells)])
    wide = _with_ghosts(scenario, field)
    place = cells.position_um[:, ::-1] / scenario.spacing_um + 0.5  # row and column in the wider field
    lower = np.floor(place).astype(np.int64)
    (row, column), (t, s) = lower.T, (place - lower).T
    below = (1.0 - s) * wide[row, column] + s * wide[row, column + 1]
    above = (1.0 - s) * wide[row + 1, column] + s * wide[row + 1, column + 1]
    return np.asarray((1.0 - t) * below + t * above)


def slopes(scenario: Scenario, field: FloatArray) -> FloatArray:
    """The gradient (x, y) in each voxel, (2, H, W) float64, field units / um.

    It is the difference of the neighbours on either side; on the rim, unless the lattice is a torus, that of the voxel
    itself and its one neighbour; 0 along an axis of one voxel.
    """
    found = []
    for axis in (1, 0):
        if scenario.torus:
            slope = 0.5 * (np.roll(field, -1, axis) - np.roll(field, 1, axis))
        else:
            slope = np.gradient(field, axis=axis) if field.shape[axis] > 1 else np.zeros_like(field)
        found.append(slope / scenario.spacing_um)
    return np.array(found)


def _with_ghosts(scenario: Scenario, field: FloatArray) -> FloatArray:
    """The field with what holds one voxel outside each side."""
    wide = field
    for axis, ring in enumerate(scenario.rings):
        wide = np.pad(wide, [(1, 1) if axis == each else (0, 0) for each in (0, 1)], mode="wrap" if ring else "edge")
    if scenario.sides_at == "outside":
        for side, border in (("left", np.s_[:, 0]), ("right", np.s_[:, -1]), ("bottom", np.s_[0]), ("top", np.s_[-1])):
            value = scenario.sides.get(side, "reflecting")
            if isinstance(value, int | float):
                wide[border] = value
    return wide
