"""How cells read a field, by hand: its value where they are, and its slope."""

from __future__ import annotations

import numpy as np

from surrogate_plugin.equation.problem import Coefficient, FloatArray
from surrogate_plugin.equation.sides import Exchange, Flux
from surrogate_plugin.testing.scenario import CellTable, Scenario

__all__ = ["slopes", "values"]


def values(scenario: Scenario, field: FloatArray, cells: CellTable, conducted: Coefficient | None = None) -> FloatArray:
    """What each cell reads of a field, (n,) float64: that of its voxel, or between the centres where it is spread.

    What a flux or an exchange makes outside a side goes by what the voxels beside it conduct, um^2 / min.
    """
    if scenario.deposit == "voxel":
        return np.asarray(field[scenario.voxels(cells)])
    wide = _with_ghosts(scenario, field, conducted)
    place = cells.position_um[:, ::-1] / scenario.spacings_um + 0.5  # row and column in the wider field
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
        found.append(slope / scenario.spacings_um[axis])
    return np.array(found)


def _with_ghosts(scenario: Scenario, field: FloatArray, conducted: Coefficient | None) -> FloatArray:
    """The field with what holds one voxel outside each side."""
    wide, conducted = field, np.broadcast_to(np.inf if conducted is None else conducted, field.shape)
    for axis, ring in enumerate(scenario.rings):
        around = [(1, 1) if axis == each else (0, 0) for each in (0, 1)]
        wide, conducted = (np.pad(each, around, mode="wrap" if ring else "edge") for each in (wide, conducted))
    height, width = scenario.spacings_um
    across = {"left": width, "right": width, "bottom": height, "top": height}
    for side, border in (("left", np.s_[:, 0]), ("right", np.s_[:, -1]), ("bottom", np.s_[0]), ("top", np.s_[-1])):
        given = scenario.sides.get(side, "reflecting")
        if isinstance(given, Flux | Exchange):
            wide[border] = _beyond(given, wide[border], conducted[border] / across[side])
        elif isinstance(given, int | float) and scenario.sides_at == "outside":
            wide[border] = given
    return wide


def _beyond(side: Flux | Exchange, edge: FloatArray, link: FloatArray) -> FloatArray:
    """What is one voxel outside where so much comes in; ``link`` is D / h of the voxels at the edge, um / min."""
    with np.errstate(divide="ignore"):
        if isinstance(side, Flux):
            return np.where(link > 0, edge + side.inward / link, edge)
        share = 1.0 / (1.0 + link / side.rate) * (link > 0)
    return np.asarray(edge + share * (side.value - edge))
