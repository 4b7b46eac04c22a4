"""The levels of many hierarchies by rediscretisation, as `surrogate_plugin.solvers.multigrid.setup_kernels`.

A coarse pixel gathers 2 x 2 finer ones. Its link to a neighbour is half the sum of the finer links that cross between
them, its decay is the sum of theirs, and a finer wall conductance ``g`` passes on as ``g / (1 + WALL g)``.

Everything is a function of tensors alone. Coefficients of coarse levels are (B, h + 2, w + 2) float32 with a halo,
which repeats the far side on a ring and is 0 elsewhere.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from surrogate_plugin.batched.halos import shifted, wrap_, wrapped
from surrogate_plugin.batched.level import Level
from surrogate_plugin.batched.reference import gather, inflow

#: As in the kernels, where they are measured: what a wall's distance adds in resistance, and the strongest decay.
WALL = 0.2
STRONGEST = 1e28
#: Of a pivot beside its diagonal, at least: float32's rounding.
LEAST_PIVOT = 1.1920929e-07

#: Decay, wall conductances (None: all in the decay), links north and links east of a coarse level.
Coefficients = tuple[Tensor, Tensor | None, Tensor, Tensor]


def finest_inverse(
    free: Tensor,
    decay: Tensor,
    north: Tensor | None,
    east: Tensor | None,
    walls: Tensor,
    rings: tuple[bool, bool],
) -> Tensor:
    """The inverse diagonal of the finest level, (B, H + 2, W + 2) float32; 0 on fixed pixels.

    Parameters
    ----------
    free : (B, H, W) bool
    decay : (B, H, W) float64, dimensionless
    north, east : (B, H + 1, W) and (B, H, W + 1) float64, dimensionless, or None
        Conductances of all faces; None: all are 1, and the outer ones the walls'.
    walls : (B, 2, 2) float64
        The conductance of each axis' low and high wall.
    rings : (bool, bool)
    """
    if north is not None and east is not None:
        links = ((north[:, :-1] + north[:, 1:]) + east[:, :, :-1]) + east[:, :, 1:]
    else:
        links = torch.full_like(decay, 4.0)
        for axis, ring in enumerate(rings):
            if not ring:
                ends = links.transpose(1, 1 + axis)
                ends[:, 0] += (walls[:, axis, 0] - 1.0)[:, None]
                ends[:, -1] += (walls[:, axis, 1] - 1.0)[:, None]
    diagonal = links + decay.clamp(max=STRONGEST)
    inverse = torch.where(free & (diagonal > 0.0), 1.0 / diagonal, 0.0)
    return functional.pad(inverse.to(torch.float32), (1, 1, 1, 1))


def finest_links(north: Tensor | None, east: Tensor | None) -> tuple[Tensor, Tensor] | tuple[None, None]:
    """The links of the finest level from its faces, (B, H + 2, W + 2) float32 with a halo."""
    if north is None or east is None:
        return None, None
    return (
        functional.pad(north.to(torch.float32), (1, 1, 0, 1)),
        functional.pad(east.to(torch.float32), (0, 1, 1, 1)),
    )


def first_coarse(
    free: Tensor,
    decay: Tensor,
    north: Tensor | None,
    east: Tensor | None,
    walls: Tensor,
    rings: tuple[bool, bool],
) -> Coefficients:
    """The coefficients of the first coarse level; parameters as of `finest_inverse`."""
    opened = _opened(free, None if north is not None else walls.to(torch.float32), rings)
    here = opened[:, 1:-1, 1:-1]
    south_open, north_open, west_open, east_open = (shifted(opened, *to) for to in ((-1, 0), (1, 0), (0, -1), (0, 1)))
    if north is None or east is None:
        wall = 4.0 - ((west_open + east_open) + (south_open + north_open))
        link_n, link_e = north_open.clone(), east_open.clone()
        # What stands in the halo is a part of a wall, which is no link.
        if not rings[0]:
            link_n[:, -1] = 0.0
        if not rings[1]:
            link_e[:, :, -1] = 0.0
    else:
        across, along = north.to(torch.float32), east.to(torch.float32)
        wall = (across[:, :-1] * (1.0 - south_open) + across[:, 1:] * (1.0 - north_open)) + (
            along[:, :, :-1] * (1.0 - west_open) + along[:, :, 1:] * (1.0 - east_open)
        )
        link_n, link_e = across[:, 1:] * north_open, along[:, :, 1:] * east_open
    rate = here * decay.clamp(max=STRONGEST).to(torch.float32)
    return _gathered(rate, here * _farther(wall), here * link_n, here * link_e, rings)


def coarser(rate: Tensor, wall: Tensor | None, north: Tensor, east: Tensor, rings: tuple[bool, bool]) -> Coefficients:
    """The coefficients of the next coarser level."""
    inner = (slice(None), slice(1, -1), slice(1, -1))
    return _gathered(rate[inner], None if wall is None else _farther(wall[inner]), north[inner], east[inner], rings)


def inverse_of(rate: Tensor, wall: Tensor | None, north: Tensor, east: Tensor) -> Tensor:
    """The inverse diagonal of a coarse level, with a halo of 0; 0 where a pixel has neither links nor decay."""
    diagonal = (shifted(east, 0, 0) + shifted(east, 0, -1)) + (shifted(north, 0, 0) + shifted(north, -1, 0))
    diagonal = diagonal + shifted(rate, 0, 0)
    if wall is not None:
        diagonal = diagonal + shifted(wall, 0, 0)
    return functional.pad(torch.where(diagonal > 0.0, 1.0 / diagonal, 0.0), (1, 1, 1, 1))


def invert_coarsest(level: Level) -> Tensor:
    """The dense inverse of the coarsest level, (B, n, n) float32; rows of pixels without any link are 0.

    Gauss-Jordan elimination, which needs no pivots in a symmetric, diagonally dominant matrix; where nothing that
    float32 can hold anchors the level, a pivot of its rounding does.
    """
    rows, columns = level.shape
    count = rows * columns
    inverse = level.inverse[:, 1:-1, 1:-1].flatten(1).to(torch.float64)
    linked = inverse > 0.0
    diagonal = torch.where(linked, 1.0 / inverse, 1.0)
    matrix = torch.diag_embed(diagonal) - _brought(level).to(torch.float64)
    least = torch.where(linked, LEAST_PIVOT * diagonal, 0.0)
    for p in range(count):
        pivot = 1.0 / torch.maximum(matrix[:, p, p], least[:, p])
        row = matrix[:, p] * pivot[:, None]
        row[:, p] = pivot
        factor = matrix[:, :, p].clone()
        factor[:, p] = 0.0
        matrix[:, :, p] = 0.0
        matrix -= factor[:, :, None] * row[:, None, :]
        matrix[:, p] = row
    return torch.where(linked[:, :, None] & linked[:, None, :], matrix, 0.0).to(torch.float32)


def _brought(level: Level) -> Tensor:
    """What each pixel's neighbours bring to it when one pixel is 1: (B, n, n), to each row from each column."""
    rows, columns = level.shape
    count = rows * columns
    units = torch.eye(count, dtype=torch.float32, device=level.inverse.device).view(count, rows, columns)
    around = wrapped(functional.pad(units, (1, 1, 1, 1)), level.rings)
    return inflow(around, level.among_many()).flatten(2).transpose(1, 2)


def _opened(free: Tensor, walls: Tensor | None, rings: tuple[bool, bool]) -> Tensor:
    """1 where a pixel is free and 0 where it is fixed, with a halo, float32.

    Outside stands the part of a unit link that a wall does not take, so that the same sums hold there; 0 without walls.
    """
    opened = functional.pad(free.to(torch.float32), (1, 1, 1, 1))
    if walls is not None:
        passed = 1.0 - walls
        opened[:, 0], opened[:, -1] = passed[:, 0, 0, None], passed[:, 0, 1, None]
        opened[:, :, 0], opened[:, :, -1] = passed[:, 1, 0, None], passed[:, 1, 1, None]
    wrap_(opened, rings)
    return opened


def _farther(wall: Tensor) -> Tensor:
    """The conductance of a wall that is farther away by the step from a finer pixel's centre to a coarser one's."""
    return wall / (1.0 + WALL * wall)


def _gathered(rate: Tensor, wall: Tensor | None, north: Tensor, east: Tensor, rings: tuple[bool, bool]) -> Coefficients:
    """Coarse coefficients from finer ones without a halo."""
    rates = gather(functional.pad(rate, (1, 1, 1, 1)))
    walls = None if wall is None else gather(functional.pad(wall, (1, 1, 1, 1)))
    norths = functional.pad(_paired(_crossing(0.5 * north, 1), 2), (1, 1, 1, 1))
    easts = functional.pad(_crossing(_paired(0.5 * east, 1), 2), (1, 1, 1, 1))
    wrap_(norths, rings)
    wrap_(easts, rings)
    return rates, walls, norths, easts


def _crossing(links: Tensor, axis: int) -> Tensor:
    """The links that leave a pair of pixels: every second one, and a last one alone."""
    count = links.shape[axis]
    every = links.narrow(axis, 1, count - 1) if count > 1 else links.narrow(axis, 0, 0)
    every = every[:, ::2] if axis == 1 else every[:, :, ::2]
    return every if count % 2 == 0 else torch.cat((every, links.narrow(axis, count - 1, 1)), axis)


def _paired(links: Tensor, axis: int) -> Tensor:
    """Sums of two pixels' links side by side, or of a last one alone."""
    if links.shape[axis] % 2:
        links = functional.pad(links, (0, 1) if axis == 2 else (0, 0, 0, 1))
    return links[:, ::2] + links[:, 1::2] if axis == 1 else links[:, :, ::2] + links[:, :, 1::2]
