"""Scenarios at random."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from surrogate_plugin.equation.problem import FloatArray
from surrogate_plugin.equation.sides import SideLike
from surrogate_plugin.testing.scenario import Scenario
from surrogate_plugin.testing.tables import CellTable, Disc, Indices, Medium

__all__ = ["inside", "random_scenario"]

#: Names and coefficients (um^2 / min, 1 / min, value in vessels) of the substrates, in the order they are used.
_SUBSTRATES = (("oxygen", 1e5, 0.1, 38.0), ("glucose", 3e4, 0.05, 5.0), ("drug", 6e4, 0.4, 0.2))


def random_scenario(
    seed: int,
    shape: tuple[int, int],
    *,
    substrates: int = 1,
    cells: int = 40,
    vessels: int = 4,
    discs: Sequence[tuple[float, float]] = (),
    spacing_um: float = 20.0,
    thickness_um: float | None = None,
    crowded: bool = True,
    secreting: bool = True,
    producing: bool = False,
    saturating: bool = False,
    conducting: bool = False,
    walled: bool = False,
    decaying: bool = False,
    placed: bool = False,
    regioned: bool = False,
    uneven: bool = False,
    torus: bool = False,
    sides: Mapping[str, SideLike] | None = None,
    sides_at: Literal["outside", "nodes"] = "outside",
    deposit: Literal["voxel", "area"] = "voxel",
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
    discs : sequence of (x, y), in parts of the width and of the height
        Centres of round vessels for the first substrate, between one and two voxels in radius.
    spacing_um, thickness_um : float, um
        A cube if no thickness is given.
    crowded : bool
        Whether cells may share a voxel; some do then.
    secreting, producing : bool
        Whether some cells secrete towards a target, and make an amount whatever is there, besides taking up.
    saturating : bool
        Whether uptake saturates, in the middle of what the field holds.
    conducting, walled : bool
        Whether some cells conduct in their own way, and have membranes.
    decaying : bool
        Whether some cells let decay more than there decays around them, or less.
    placed, regioned : bool
        Whether places conduct and decay in their own way, some of them obstacles, and membranes lie between regions.
    uneven : bool
        Whether voxels are less high than wide.
    torus, sides, sides_at, deposit
        As in `Scenario`.

    Returns
    -------
    Scenario
    """
    rng = np.random.default_rng(seed)
    depth = spacing_um if thickness_um is None else thickness_um
    height = 0.6 * spacing_um if uneven else spacing_um
    lengths = height, spacing_um
    where = rng.permutation(shape[0] * shape[1]).astype(np.int64)
    round_ones = _discs(rng, shape, lengths, discs)
    # Each further substrate is held by one vessel fewer, since hosts hold them one by one.
    media = tuple(
        _medium(rng, shape, where[k:vessels], round_ones if k == 0 else (), saturating, *_SUBSTRATES[k])
        for k in range(substrates)
    )
    free = where[vessels:]
    voxels = rng.choice(free, cells) if crowded else free[:cells]
    names = [medium.name for medium in media]
    table = _cells(rng, shape, lengths, voxels, height * spacing_um * depth, names, secreting, producing)
    usual = {medium.name: medium.diffusivity_um2_per_min for medium in media}
    if conducting:
        own = {name: usual[name] * rng.choice([np.nan, 0.02, 0.4], cells) for name in names}
        table = replace(table, diffusivity_um2_per_min=own)
    if walled:
        through = {name: usual[name] / spacing_um * rng.choice([np.inf, 0.01, 1.0], cells) for name in names}
        table = replace(table, membrane_um_per_min=through)
    if decaying:
        background = {medium.name: medium.decay_per_min for medium in media}
        table = replace(
            table,
            decay_change_per_min={name: rng.choice([0.0, -0.4 * background[name], 3.0], cells) for name in names},
        )
    if placed or regioned:
        media = tuple(_parted(rng, shape, medium, spacing_um, placed, regioned) for medium in media)
    return Scenario(
        shape, spacing_um, depth, media, table, torus, dict(sides or {}), sides_at, deposit, height if uneven else None
    )


def inside(rng: np.random.Generator, voxels: Indices, columns: int, spacings_um: tuple[float, float]) -> FloatArray:
    """A point in each voxel, (n, 2), um, a little off its edges, where hosts may round either way."""
    row, column = np.divmod(voxels, columns)
    corner = np.stack([column, row], axis=1)
    return np.asarray((corner + rng.uniform(0.05, 0.95, corner.shape)) * spacings_um[::-1])


def _discs(
    rng: np.random.Generator,
    shape: tuple[int, int],
    spacings_um: tuple[float, float],
    places: Sequence[tuple[float, float]],
) -> tuple[Disc, ...]:
    height, width = (side * spacing for side, spacing in zip(shape, spacings_um, strict=True))
    top = _SUBSTRATES[0][3]
    return tuple(
        Disc(x * width, y * height, max(spacings_um) * rng.uniform(1.2, 1.9), top * rng.uniform(0.6, 1.0))
        for x, y in places
    )


def _medium(
    rng: np.random.Generator,
    shape: tuple[int, int],
    vessels: Indices,
    discs: tuple[Disc, ...],
    saturating: bool,
    name: str,
    diffusivity: float,
    decay: float,
    value: float,
) -> Medium:
    fixed, held = np.zeros(shape, dtype=np.bool_), np.zeros(shape)
    fixed.flat[vessels] = True
    held.flat[vessels] = value * rng.uniform(0.6, 1.0, len(vessels))
    km = 0.2 * value if saturating else None
    return Medium(name, diffusivity, decay, 0.25 * value, fixed, held, discs, km)


def _parted(
    rng: np.random.Generator, shape: tuple[int, int], medium: Medium, spacing_um: float, placed: bool, regioned: bool
) -> Medium:
    """The substrate with places of their own: quarters of the lattice, cut off the middle, with single obstacles."""
    row, column = int(rng.integers(1, shape[0])), int(rng.integers(1, shape[1]))
    quarters = np.add.outer(2 * (np.arange(shape[0]) >= row), np.arange(shape[1]) >= column).astype(np.int64)
    if placed:
        share = np.array([1.0, 0.05, 0.5, 0.2])[quarters]
        share[(rng.random(shape) < 0.05) & ~medium.fixed] = 0.0
        decay = medium.decay_per_min * (0.5 + quarters)
        medium = replace(medium, diffusivity_map=medium.diffusivity_um2_per_min * share, decay_map=decay)
    if regioned:
        leak = 0.05 * medium.diffusivity_um2_per_min / spacing_um
        medium = replace(medium, regions=quarters, permeability_um_per_min=leak)
    return medium


def _cells(
    rng: np.random.Generator,
    shape: tuple[int, int],
    spacings_um: tuple[float, float],
    voxels: Indices,
    voxel_volume_um3: float,
    names: Sequence[str],
    secreting: bool,
    producing: bool,
) -> CellTable:
    n = len(voxels)
    position = inside(rng, voxels, shape[1], spacings_um)
    volume = rng.uniform(0.1, 0.9, n) * voxel_volume_um3
    value = {name: limit for name, _, _, limit in _SUBSTRATES}
    giving = (rng.random(n) < 0.25) & secreting
    uptake = {name: rng.uniform(0.5, 20.0, n) for name in names}
    secretion = {name: np.where(giving, rng.uniform(0.5, 5.0, n), 0.0) for name in names}
    target = {name: np.where(giving, value[name] * rng.uniform(0.2, 0.8, n), 0.0) for name in names}
    made: dict[str, FloatArray] = {}
    if producing:
        amount = {name: voxel_volume_um3 * value[name] * rng.uniform(0.5, 5.0, n) for name in names}
        made = {name: np.where(rng.random(n) < 0.3, amount[name], 0.0) for name in names}
    return CellTable(position, volume, uptake, secretion, target, made)
