"""A tissue that any host can be set up with, and its exact steady fields, found without any of the adapters' code."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from surrogate_plugin.equation.problem import BoolArray, FloatArray, MichaelisMenten, Problem
from surrogate_plugin.equation.sides import Exchange, Flux, SideLike
from surrogate_plugin.testing import conducting
from surrogate_plugin.testing.discs import covered, shares
from surrogate_plugin.testing.tables import CellTable, Disc, Indices, Medium

__all__ = ["CellTable", "Disc", "Medium", "Scenario"]


@dataclass(frozen=True, eq=False)
class Scenario:
    """Lattice, substrates, vessels and cells; nothing leaves over the sides of the lattice unless it says so.

    Attributes
    ----------
    shape : (int, int)
        (H, W): rows along y, columns along x.
    spacing_um, thickness_um : float, um
        Width and depth of a voxel.
    media : tuple of Medium
    cells : CellTable
        At first.
    torus : bool
        Whether the host's own sides wrap around; if not, they let nothing through.
    sides : mapping of "left", "right", "bottom" or "top" to what `Problem` takes
        Sides that the adapter is told by name; all others are the host's own.
    sides_at : "outside" or "nodes"
        Where a side that is named holds its value: one spacing outside the lattice, or in its outermost voxels.
    deposit : "voxel" or "area"
        Whether a cell counts in the voxel that holds its centre and reads it, or is spread over the voxels it covers
        and reads between their centres.
    height_um : float, um, optional
        Height of a voxel, along y, where it is not as high as wide.

    Examples
    --------
    >>> scenario = Scenario.random(seed=1, shape=(12, 20))
    >>> steady = scenario.steady("oxygen")
    >>> steady.shape, bool(steady.max() <= 38.0), len(scenario.cells)
    ((12, 20), True, 40)
    """

    shape: tuple[int, int]
    spacing_um: float
    thickness_um: float
    media: tuple[Medium, ...]
    cells: CellTable
    torus: bool = False
    sides: Mapping[str, SideLike] = field(default_factory=dict)
    sides_at: Literal["outside", "nodes"] = "outside"
    deposit: Literal["voxel", "area"] = "voxel"
    height_um: float | None = None

    @classmethod
    def random(cls, seed: int, shape: tuple[int, int], **options: Any) -> Scenario:
        """Vessels, and cells beside them, at random; the options are those of `making.random_scenario`."""
        from surrogate_plugin.testing.making import random_scenario

        return random_scenario(seed, shape, **options)

    @property
    def names(self) -> tuple[str, ...]:
        """The substrates."""
        return tuple(medium.name for medium in self.media)

    @property
    def voxel_volume_um3(self) -> float:
        """Volume of a voxel, um^3."""
        return math.prod(self.spacings_um) * self.thickness_um

    @property
    def spacings_um(self) -> tuple[float, float]:
        """Height and width of a voxel, um: (dy, dx), as of a shape."""
        return self.spacing_um if self.height_um is None else self.height_um, self.spacing_um

    @property
    def size_um(self) -> FloatArray:
        """Width and height, (2,), um."""
        return np.asarray(np.array(self.shape[::-1]) * self.spacings_um[::-1])

    @property
    def rings(self) -> tuple[bool, bool]:
        """Whether rows and columns close: those of a torus, unless a side that is named cuts them."""
        return (
            self.torus and not {"bottom", "top"} & set(self.sides),
            self.torus and not {"left", "right"} & set(self.sides),
        )

    @property
    def poses(self) -> frozenset[str]:
        """What it has that not every host can be told, as `WiderSuite` names it.

        Examples
        --------
        >>> sorted(Scenario.random(1, (12, 20), conducting=True, regioned=True).poses)
        ['conducts', 'regions']
        """
        cells, media = self.cells, self.media
        has = {
            "conducts": any(not np.isnan(cells.conducts(name)).all() for name in self.names),
            "walls": any(not np.isinf(cells.membranes(name)).all() for name in self.names),
            "decays": any(cells.decays(name).any() for name in self.names),
            "places": any(m.diffusivity_map is not None or m.decay_map is not None for m in media),
            "regions": any(m.regions is not None for m in media),
            "uneven": self.height_um is not None,
            "fluxes": any(isinstance(side, Flux | Exchange) for side in self.sides.values()),
        }
        return frozenset(what for what, there in has.items() if there)

    def medium(self, name: str) -> Medium:
        """The substrate of this name."""
        return next(medium for medium in self.media if medium.name == name)

    def scale(self, name: str) -> float:
        """What errors are measured by, field units: the largest value the substrate's field can reach."""
        held = [getattr(side, "value", side) for side in self.sides.values() if not isinstance(side, str | Flux)]
        reached = [self.held(name)[1].max(), *self.cells.secretion_target[name], *held]
        return float(max(reached)) or 1.0

    def held(self, name: str) -> tuple[BoolArray, FloatArray]:
        """Which voxels hold a value, (H, W) bool, and which value, (H, W) float64, by whatever vessel or side."""
        medium = self.medium(name)
        fixed, value = medium.fixed.copy(), np.where(medium.fixed, medium.value, 0.0)
        for disc in medium.discs:
            place = disc.x_um, disc.y_um, disc.radius_um
            on = covered(self.shape, *place, rings=self.rings, pixel=self.spacings_um)
            value[on] = np.maximum(value[on], disc.value)
            fixed |= on
        if self.sides_at == "nodes":
            for side, held in self.sides.items():
                if not _is_value(held):
                    continue
                border = np.zeros(self.shape, dtype=np.bool_)
                border[_BORDERS[side]] = True
                value[border & ~fixed] = held
                fixed |= border
        return fixed, value

    def rolled(self, rows: int, columns: int) -> Scenario:
        """The same tissue moved around a torus by whole voxels."""
        shift, size = np.array([columns, rows]) * self.spacings_um[::-1], self.size_um

        def moved(medium: Medium) -> Medium:
            fixed = np.roll(medium.fixed, (rows, columns), (0, 1))
            value = np.roll(medium.value, (rows, columns), (0, 1))
            discs = []
            for disc in medium.discs:
                x, y = (np.array([disc.x_um, disc.y_um]) + shift) % size
                discs.append(replace(disc, x_um=float(x), y_um=float(y)))
            return replace(medium, fixed=fixed, value=value, discs=tuple(discs))

        cells = self.cells.at((self.cells.position_um + shift) % size)
        return replace(self, media=tuple(map(moved, self.media)), cells=cells)

    def moved(self, seed: int, cells: CellTable) -> CellTable:
        """The same cells, each anywhere in a voxel of its own, off the vessels."""
        from surrogate_plugin.testing.making import inside

        rng = np.random.default_rng(seed)
        free = np.flatnonzero(~np.any([self.held(name)[0] for name in self.names], axis=0))
        voxels = rng.choice(free, len(cells), replace=False)
        return cells.at(inside(rng, voxels, self.shape[1], self.spacings_um))

    def voxels(self, cells: CellTable) -> tuple[Indices, Indices]:
        """Row and column of each cell; those off the lattice get numbers off it."""
        column, row = np.floor(cells.position_um / self.spacings_um[::-1]).astype(np.int64).T
        return row, column

    def weights(self, cells: CellTable) -> FloatArray:
        """The part of each cell that counts in each voxel, (n, H W) float64."""
        if self.deposit == "voxel":
            out = np.zeros((len(cells), *self.shape))
            row, column = self.voxels(cells)
            out[np.arange(len(cells)), row, column] = 1.0
            return out.reshape(len(cells), self.shape[0] * self.shape[1])
        spread = [
            shares(self.shape, x, y, r, rings=self.rings, pixel=self.spacings_um).ravel()
            for (x, y), r in zip(cells.position_um, cells.radius_um, strict=True)
        ]
        return np.array(spread).reshape(len(cells), self.shape[0] * self.shape[1])

    def problem(self, name: str, cells: CellTable | None = None) -> Problem:
        """The discrete problem of one substrate; a cell's rates count times ``V_cell / V_voxel`` where it is."""
        medium, cells = self.medium(name), self.cells if cells is None else cells
        weights, share = self.weights(cells), cells.volume_um3 / self.voxel_volume_um3

        def spread(amount: FloatArray) -> FloatArray:
            return np.asarray((amount @ weights).reshape(self.shape))

        secretion, uptake = share * cells.secretion_per_min[name], spread(share * cells.uptake_per_min[name])
        background = medium.decay_per_min if medium.decay_map is None else medium.decay_map
        decay = np.maximum(background + spread(share * cells.decays(name)), 0.0) + spread(secretion)
        production = spread(secretion * cells.secretion_target[name] + cells.made(name) / self.voxel_volume_um3)
        km, (fixed, value) = medium.michaelis_km, self.held(name)
        own = "periodic" if self.torus else "reflecting"
        named = {k: side for k, side in self.sides.items() if self.sides_at == "outside" or not _is_value(side)}
        return Problem(
            value,
            fixed=fixed,
            diffusivity=conducting.diffusivity(self, name, cells),
            decay=decay if km is not None else decay + uptake,
            production=production,
            uptake=None if km is None else MichaelisMenten(uptake * km, km),
            spacing=self.spacing_um if self.height_um is None else self.spacings_um,
            boundary={side: named.get(side, own) for side in _BORDERS},
            membranes=conducting.membranes(self, name, cells),
        )

    def steady(self, name: str, cells: CellTable | None = None) -> FloatArray:
        """The exact steady field of one substrate, (H, W) float64, field units; 1e-10 of its largest value."""
        from surrogate_plugin.engine.engine import solve

        return solve(self.problem(name, cells), method="sparse-direct").field

    def step(self, name: str, field: FloatArray, dt_min: float, cells: CellTable | None = None) -> FloatArray:
        """The exact field one implicit step of ``dt_min`` minutes after ``field``, of the cells as they are then."""
        from surrogate_plugin.engine.engine import solve

        return solve(self.problem(name, cells).implicit_step(field, dt_min), method="sparse-direct").field

    def inflow(self, name: str, field: FloatArray, cells: CellTable | None = None) -> float:
        """What diffuses out of the vessels and is not lost to decay or made by secretion, by the field's own balance.

        In a steady field this is what the cells take up, in field units times um^3 / min.
        """
        medium, cells = self.medium(name), self.cells if cells is None else cells
        free = ~self.held(name)[0]
        total = 0.0
        for axis in (0, 1):
            step, outer = np.diff(field, axis=axis), np.diff(free.astype(np.int64), axis=axis)
            total -= float((step * outer).sum()) * medium.diffusivity_um2_per_min / self.spacings_um[axis] ** 2
        total -= medium.decay_per_min * float(field[free].sum())
        weights = self.weights(cells) * free.ravel()
        share = cells.volume_um3 / self.voxel_volume_um3
        given = share * cells.secretion_per_min[name]
        reached = weights.sum(axis=1) * cells.secretion_target[name] - weights @ field.ravel()
        return (total + float((given * reached).sum())) * self.voxel_volume_um3


def _is_value(side: SideLike) -> bool:
    return isinstance(side, int | float)


#: The outermost voxels along each side; left is column 0 and bottom is row 0.
_BORDERS: dict[str, Any] = {
    "left": (slice(None), 0),
    "right": (slice(None), -1),
    "bottom": (0, slice(None)),
    "top": (-1, slice(None)),
}
