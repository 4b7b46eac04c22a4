"""A tissue that any host can be set up with, and its exact steady fields, found without any of the adapters' code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from surrogate_plugin.problem import BoolArray, FloatArray, Problem

__all__ = ["CellTable", "Medium", "Scenario"]

Indices = npt.NDArray[np.int64]

#: Names and coefficients (um^2 / min, 1 / min, value in vessels) of the substrates, in the order they are used.
_SUBSTRATES = (("oxygen", 1e5, 0.1, 38.0), ("glucose", 3e4, 0.05, 5.0), ("drug", 6e4, 0.4, 0.2))


@dataclass(frozen=True, eq=False)
class Medium:
    """One substrate of a scenario.

    Attributes
    ----------
    name : str
    diffusivity_um2_per_min : float, um^2 / min
    decay_per_min : float, 1 / min
    initial : float, field units
        The field everywhere before the first step.
    fixed : (H, W) bool
        Voxels that hold a value: vessels.
    value : (H, W) float64, field units
        What they hold; 0 elsewhere.
    """

    name: str
    diffusivity_um2_per_min: float
    decay_per_min: float
    initial: float
    fixed: BoolArray
    value: FloatArray


@dataclass(frozen=True, eq=False)
class CellTable:
    """The cells of a scenario; row k is the same cell in every table of a story, until it dies.

    Attributes
    ----------
    position_um : (n, 2) float64, um
        Centres (x, y), from the lattice's lower left corner.
    volume_um3 : (n,) float64, um^3
    uptake_per_min, secretion_per_min : dict of substrate to (n,) float64, 1 / min
    secretion_target : dict of substrate to (n,) float64, field units
    """

    position_um: FloatArray
    volume_um3: FloatArray
    uptake_per_min: Mapping[str, FloatArray]
    secretion_per_min: Mapping[str, FloatArray]
    secretion_target: Mapping[str, FloatArray]

    def __len__(self) -> int:
        return len(self.position_um)

    def at(self, position_um: FloatArray) -> CellTable:
        """The same cells elsewhere."""
        return replace(self, position_um=np.asarray(position_um, dtype=np.float64))

    def take(self, rows: Sequence[int] | range) -> CellTable:
        """Some of the cells, by row."""
        chosen = np.array(rows, dtype=np.int64)
        return CellTable(
            self.position_um[chosen],
            self.volume_um3[chosen],
            *(
                {name: rate[chosen] for name, rate in rates.items()}
                for rates in (self.uptake_per_min, self.secretion_per_min, self.secretion_target)
            ),
        )

    def eating(self, times: float) -> CellTable:
        """The same cells with their uptake multiplied."""
        return replace(self, uptake_per_min={name: times * rate for name, rate in self.uptake_per_min.items()})

    def giving(self, times: float) -> CellTable:
        """The same cells with their secretion multiplied."""
        return replace(self, secretion_per_min={name: times * rate for name, rate in self.secretion_per_min.items()})


@dataclass(frozen=True, eq=False)
class Scenario:
    """Lattice, substrates, vessels and cells; all sides of the lattice are reflecting.

    Attributes
    ----------
    shape : (int, int)
        (H, W): rows along y, columns along x.
    spacing_um, thickness_um : float, um
        Side and depth of a voxel.
    media : tuple of Medium
    cells : CellTable
        At first.

    Examples
    --------
    >>> scenario = Scenario.random(seed=1, shape=(12, 20))
    >>> field = scenario.steady("oxygen")
    >>> field.shape, bool(field.max() <= 38.0), len(scenario.cells)
    ((12, 20), True, 40)
    """

    shape: tuple[int, int]
    spacing_um: float
    thickness_um: float
    media: tuple[Medium, ...]
    cells: CellTable

    @classmethod
    def random(
        cls,
        seed: int,
        shape: tuple[int, int],
        *,
        substrates: int = 1,
        cells: int = 40,
        vessels: int = 4,
        spacing_um: float = 20.0,
        thickness_um: float | None = None,
        crowded: bool = True,
        secreting: bool = True,
    ) -> Scenario:
        """Vessels, and cells beside them, at random.

        Parameters
        ----------
        seed : int
        shape : (int, int)
            (H, W).
        substrates : int
            1 to 3.
        cells, vessels : int
            How many; vessels are voxels.
        spacing_um, thickness_um : float, um
            A cube if no thickness is given.
        crowded : bool
            Whether cells may share a voxel; some do then.
        secreting : bool
            Whether some cells secrete towards a target, besides taking up.

        Returns
        -------
        Scenario
        """
        rng = np.random.default_rng(seed)
        depth = spacing_um if thickness_um is None else thickness_um
        where = rng.permutation(shape[0] * shape[1]).astype(np.int64)
        # Each further substrate is held by one vessel fewer, since hosts hold them one by one.
        media = tuple(_medium(rng, shape, where[k:vessels], *_SUBSTRATES[k]) for k in range(substrates))
        free = where[vessels:]
        voxels = rng.choice(free, cells) if crowded else free[:cells]
        names = [medium.name for medium in media]
        table = _cells(rng, shape, spacing_um, voxels, spacing_um**2 * depth, names, secreting)
        return cls(shape, spacing_um, depth, media, table)

    @property
    def names(self) -> tuple[str, ...]:
        """The substrates."""
        return tuple(medium.name for medium in self.media)

    @property
    def voxel_volume_um3(self) -> float:
        """Volume of a voxel, um^3."""
        return self.spacing_um**2 * self.thickness_um

    def medium(self, name: str) -> Medium:
        """The substrate of this name."""
        return next(medium for medium in self.media if medium.name == name)

    def scale(self, name: str) -> float:
        """What errors are measured by, field units: the largest value the substrate's field can reach."""
        medium = self.medium(name)
        reached = [medium.value.max(), *self.cells.secretion_target[name]]
        return float(max(reached)) or 1.0

    def moved(self, seed: int, cells: CellTable) -> CellTable:
        """The same cells, each anywhere in a voxel of its own, off the vessels."""
        rng = np.random.default_rng(seed)
        free = np.flatnonzero(~np.any([medium.fixed for medium in self.media], axis=0))
        voxels = rng.choice(free, len(cells), replace=False)
        return cells.at(_inside(rng, voxels, self.shape[1], self.spacing_um))

    def voxels(self, cells: CellTable) -> tuple[Indices, Indices]:
        """Row and column of each cell; those off the lattice get numbers off it."""
        column, row = np.floor(cells.position_um / self.spacing_um).astype(np.int64).T
        return row, column

    def problem(self, name: str, cells: CellTable | None = None) -> Problem:
        """The discrete problem of one substrate; a cell's rates count times ``V_cell / V_voxel`` in its voxel."""
        medium, cells = self.medium(name), self.cells if cells is None else cells
        row, column = self.voxels(cells)
        share = cells.volume_um3 / self.voxel_volume_um3
        secretion = share * cells.secretion_per_min[name]
        decay, production = np.full(self.shape, medium.decay_per_min), np.zeros(self.shape)
        np.add.at(decay, (row, column), share * cells.uptake_per_min[name] + secretion)
        np.add.at(production, (row, column), secretion * cells.secretion_target[name])
        return Problem(
            medium.value,
            fixed=medium.fixed,
            diffusivity=medium.diffusivity_um2_per_min,
            decay=decay,
            production=production,
            spacing=self.spacing_um,
            boundary="reflecting",
        )

    def steady(self, name: str, cells: CellTable | None = None) -> FloatArray:
        """The exact steady field of one substrate, (H, W) float64, field units; 1e-10 of its largest value."""
        from surrogate_plugin.engine import solve

        return solve(self.problem(name, cells), method="sparse-direct").field

    def inflow(self, name: str, field: FloatArray, cells: CellTable | None = None) -> float:
        """What diffuses out of the vessels and is not lost to decay or made by secretion, by the field's own balance.

        In a steady field this is what the cells take up, in field units times um^3 / min.
        """
        medium, cells = self.medium(name), self.cells if cells is None else cells
        free = ~medium.fixed
        total = 0.0
        for axis in (0, 1):
            step, outer = np.diff(field, axis=axis), np.diff(free.astype(np.int64), axis=axis)
            total -= float((step * outer).sum()) * medium.diffusivity_um2_per_min / self.spacing_um**2
        total -= medium.decay_per_min * float(field[free].sum())
        row, column = self.voxels(cells)
        share = cells.volume_um3 / self.voxel_volume_um3
        made = share * cells.secretion_per_min[name] * (cells.secretion_target[name] - field[row, column])
        total += float(made[free[row, column]].sum())
        return total * self.voxel_volume_um3


def _inside(rng: np.random.Generator, voxels: Indices, columns: int, spacing_um: float) -> FloatArray:
    """A point in each voxel, a little off its edges, where hosts may round either way."""
    row, column = np.divmod(voxels, columns)
    corner = np.stack([column, row], axis=1)
    return np.asarray((corner + rng.uniform(0.05, 0.95, corner.shape)) * spacing_um)


def _medium(
    rng: np.random.Generator,
    shape: tuple[int, int],
    vessels: Indices,
    name: str,
    diffusivity: float,
    decay: float,
    value: float,
) -> Medium:
    fixed, held = np.zeros(shape, dtype=np.bool_), np.zeros(shape)
    fixed.flat[vessels] = True
    held.flat[vessels] = value * rng.uniform(0.6, 1.0, len(vessels))
    return Medium(name, diffusivity, decay, 0.25 * value, fixed, held)


def _cells(
    rng: np.random.Generator,
    shape: tuple[int, int],
    spacing_um: float,
    voxels: Indices,
    voxel_volume_um3: float,
    names: Sequence[str],
    secreting: bool,
) -> CellTable:
    n = len(voxels)
    position = _inside(rng, voxels, shape[1], spacing_um)
    volume = rng.uniform(0.1, 0.9, n) * voxel_volume_um3
    value = {name: limit for name, _, _, limit in _SUBSTRATES}
    giving = (rng.random(n) < 0.25) & secreting
    uptake = {name: rng.uniform(0.5, 20.0, n) for name in names}
    secretion = {name: np.where(giving, rng.uniform(0.5, 5.0, n), 0.0) for name in names}
    target = {name: np.where(giving, value[name] * rng.uniform(0.2, 0.8, n), 0.0) for name in names}
    return CellTable(position, volume, uptake, secretion, target)
