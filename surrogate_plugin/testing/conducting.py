"""What a scenario's cells conduct and what their membranes hold back, by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from surrogate_plugin.equation.membranes import Membranes
from surrogate_plugin.equation.problem import BoolArray, Coefficient, FloatArray
from surrogate_plugin.testing.discs import covered, parts

if TYPE_CHECKING:
    from surrogate_plugin.testing.scenario import Scenario
    from surrogate_plugin.testing.tables import CellTable

__all__ = ["diffusivity", "membranes"]

#: Of a voxel: an obstacle that a cell covers less of remains one.
_GRAZED = 1e-6


def diffusivity(scenario: Scenario, name: str, cells: CellTable) -> Coefficient:
    """The mean by area of the cells in each voxel, and of the medium around them: a number, or (H, W) float64."""
    medium, own = scenario.medium(name), cells.conducts(name)
    around: Coefficient = medium.diffusivity_um2_per_min if medium.diffusivity_map is None else medium.diffusivity_map
    if np.isnan(own).all():
        return around
    told = ~np.isnan(own)
    cover = _cover(scenario, cells)[told]
    total, conducted = cover.sum(axis=0), np.tensordot(own[told], cover, axes=1)
    return np.asarray(conducted / np.maximum(total, 1.0) + np.maximum(1.0 - total, 0.0) * around)


def membranes(scenario: Scenario, name: str, cells: CellTable) -> Membranes | None:
    """Membranes in series on the faces between voxels that a cell is in and those that it is not in; None if none.

    Those between regions are in series with them.
    """
    medium, permeability = scenario.medium(name), cells.membranes(name)
    if np.isinf(permeability).all() and medium.regions is None:
        return None
    with np.errstate(divide="ignore"):
        resistance = 1.0 / permeability
    found = []
    for axis, ring in enumerate(scenario.rings):
        if scenario.deposit == "voxel":
            each = _mean_by_volume(scenario, cells, resistance)
            faces = each + np.roll(each, -1, axis=axis)
        else:
            faces = np.zeros(scenario.shape)
            for inside, held in zip(_discs(scenario, cells), resistance, strict=True):
                faces[inside != np.roll(inside, -1, axis=axis)] += held
        if medium.regions is not None:
            faces[medium.regions != np.roll(medium.regions, -1, axis=axis)] += 1.0 / medium.permeability_um_per_min
        found.append(faces if ring else np.delete(faces, -1, axis=axis))
    with np.errstate(divide="ignore"):
        return Membranes(y=1.0 / found[0], x=1.0 / found[1])


def _cover(scenario: Scenario, cells: CellTable) -> FloatArray:
    """Which part of each voxel each cell fills, (n, H, W)."""
    if scenario.deposit == "voxel":
        share = cells.volume_um3 / scenario.voxel_volume_um3
        return scenario.weights(cells).reshape(len(cells), *scenario.shape) * share[:, np.newaxis, np.newaxis]
    each = [parts(*disc, rings=scenario.rings, pixel=scenario.spacings_um) for disc in _each(scenario, cells)]
    cover = np.array(each).reshape(len(cells), *scenario.shape)
    return np.where(cover < _GRAZED, 0.0, cover)


def _mean_by_volume(scenario: Scenario, cells: CellTable, resistance: FloatArray) -> FloatArray:
    """Of the cells in each voxel, (H, W); 0 where none is."""
    mean, (row, column) = np.zeros(scenario.shape), scenario.voxels(cells)
    for place in set(zip(row.tolist(), column.tolist(), strict=True)):
        here = (row == place[0]) & (column == place[1])
        mean[place] = (resistance[here] * cells.volume_um3[here]).sum() / cells.volume_um3[here].sum()
    return mean


def _discs(scenario: Scenario, cells: CellTable) -> list[BoolArray]:
    """The voxels whose centres each cell covers."""
    return [covered(*disc, rings=scenario.rings, pixel=scenario.spacings_um) for disc in _each(scenario, cells)]


def _each(scenario: Scenario, cells: CellTable) -> Iterator[tuple[tuple[int, int], float, float, float]]:
    """The lattice, and places and radii of spheres of the cells' volumes, um from the lower left corner."""
    for (x, y), radius in zip(cells.position_um, cells.radius_um, strict=True):
        yield scenario.shape, x, y, radius
