"""Fused set-up of levels by rediscretisation: one pass over each level, and the coarsest one's inverse in one program.

A program has some coarse pixels of a problem. It inverts the diagonals of the (up to) four finer pixels of each, and
adds up what the coarse one is made of. Of the finest level it reads 10 bytes a pixel, and writes 4 there and 16 for
each coarse pixel; the reference goes over it about 25 times.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from surrogate_plugin.batched import setup
from surrogate_plugin.batched.fused.halo import edged
from surrogate_plugin.batched.fused.launching import launch
from surrogate_plugin.batched.fused.rows import around
from surrogate_plugin.batched.level import Level

__all__ = ["coarser", "finest", "invert_coarsest"]

_BLOCK = 256  # coarse pixels of a program
_WALL, _STRONGEST = tl.constexpr(setup.WALL), tl.constexpr(setup.STRONGEST)
_LEAST_PIVOT = tl.constexpr(setup.LEAST_PIVOT)


def finest(
    free: torch.Tensor, seen: torch.Tensor, decay: torch.Tensor, walls: torch.Tensor, rings: tuple[bool, bool]
) -> tuple[torch.Tensor, setup.Coefficients]:
    """`setup.finest_inverse` of ``free`` and `setup.first_coarse` of ``seen``, where faces conduct alike.

    Parameters
    ----------
    free, seen : (B, H, W) bool
    decay : (B, H, W) float64
    walls : (B, 2, 2) float64
    rings : (bool, bool)
    """
    count, h, w = decay.shape
    inverse = decay.new_empty((count, h + 2, w + 2), dtype=torch.float32)
    rate, wall, north, east = _coefficients(inverse)
    programs = triton.cdiv(((h + 1) // 2) * ((w + 1) // 2), _BLOCK)
    launch(
        _finest, count * programs, free, seen, decay, walls, inverse, rate, wall, north, east, h, w, programs,
        BLOCK=_BLOCK, RINGS=rings,
    )  # fmt: skip
    return inverse, (rate, wall, north, east)


def coarser(coefficients: setup.Coefficients, rings: tuple[bool, bool]) -> tuple[torch.Tensor, setup.Coefficients]:
    """`setup.inverse_of` a coarse level and `setup.coarser` than it."""
    rate, wall, north, east = coefficients
    inverse = torch.empty_like(rate)
    below = _coefficients(inverse)
    count, h, w = rate.shape[0], rate.shape[1] - 2, rate.shape[2] - 2
    programs = triton.cdiv(((h + 1) // 2) * ((w + 1) // 2), _BLOCK)
    launch(
        _coarser, count * programs, rate, wall, north, east, inverse, *below, h, w, programs, BLOCK=_BLOCK,
        RINGS=rings,
    )  # fmt: skip
    c_rate, c_wall, c_north, c_east = below
    return inverse, (c_rate, None if wall is None else c_wall, c_north, c_east)


def invert_coarsest(level: Level) -> torch.Tensor:
    """`setup.invert_coarsest` of a level of 5 points with links: a program a problem, its matrix in registers."""
    assert level.north is not None
    assert level.east is not None
    h, w = level.shape
    out = level.inverse.new_empty((level.count, h * w, h * w))
    block = max(triton.next_power_of_2(h * w), 2)
    launch(_invert, level.count, level.inverse, level.north, level.east, out, h, w, warps=1, BLOCK=block, COUNT=h * w)
    return out


def _coefficients(inverse: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Room for those of the next coarser level."""
    count, rows, columns = inverse.shape
    shape = count, (rows - 1) // 2 + 2, (columns - 1) // 2 + 2
    rate, wall, north, east = (inverse.new_empty(shape) for _ in range(4))
    return rate, wall, north, east


@triton.jit
def _opened(seen, i, j, there, walls, h, w, RINGS: tl.constexpr):
    """1 at a pixel that is free and 0 at one that is fixed; beyond a side the part that its wall does not take."""
    row = around(i, h) if RINGS[0] else i
    column = around(j, w) if RINGS[1] else j
    inside = (row >= 0) & (row < h) & (column >= 0) & (column < w)
    value = tl.load(seen + row * w + column, mask=there & inside, other=0).to(tl.float32)
    if not RINGS[0]:
        value = tl.where(i < 0, 1.0 - tl.load(walls).to(tl.float32), value)
        value = tl.where(i >= h, 1.0 - tl.load(walls + 1).to(tl.float32), value)
    if not RINGS[1]:
        value = tl.where(j < 0, 1.0 - tl.load(walls + 2).to(tl.float32), value)
        value = tl.where(j >= w, 1.0 - tl.load(walls + 3).to(tl.float32), value)
    return value


@triton.jit
def _side(beyond, wall, RING: tl.constexpr):
    """The link to a neighbour, which at a side is the wall's."""
    return tl.where(beyond, 1.0 if RING else tl.load(wall), 1.0)


@triton.jit(do_not_specialize=["programs"])
def _finest(
    free, seen, decay, walls, inverse, rate, wall, north, east, h, w, programs,
    BLOCK: tl.constexpr, RINGS: tl.constexpr,
):  # fmt: skip
    problem, y, x, kept = _pixels(h, w, programs, BLOCK)
    free += problem * h * w
    seen += problem * h * w
    decay += problem * h * w
    walls += problem * 4
    inverse += problem * (h + 2) * (w + 2)
    rates = tl.zeros((BLOCK,), tl.float32)
    resistances, norths, easts = rates, rates, rates
    for row in tl.static_range(2):
        for column in tl.static_range(2):
            i, j = 2 * y + row, 2 * x + column
            there = kept & (i < h) & (j < w)
            strength = tl.minimum(tl.load(decay + i * w + j, mask=there, other=0.0), _STRONGEST)
            south_link, north_link = _side(i == 0, walls, RINGS[0]), _side(i == h - 1, walls + 1, RINGS[0])
            west_link, east_link = _side(j == 0, walls + 2, RINGS[1]), _side(j == w - 1, walls + 3, RINGS[1])
            diagonal = ((south_link + north_link) + west_link) + east_link + strength
            own = (tl.load(free + i * w + j, mask=there, other=0) != 0) & (diagonal > 0.0)
            inverted = tl.where(own, 1.0 / tl.where(own, diagonal, 1.0), 0.0)
            edged(inverse, inverted.to(tl.float32), i, j, there, h, w, (False, False))
            here = tl.where(there, _opened(seen, i, j, there, walls, h, w, RINGS), 0.0)
            below = _opened(seen, i - 1, j, there, walls, h, w, RINGS)
            above = _opened(seen, i + 1, j, there, walls, h, w, RINGS)
            left = _opened(seen, i, j - 1, there, walls, h, w, RINGS)
            right = _opened(seen, i, j + 1, there, walls, h, w, RINGS)
            taken = 4.0 - ((left + right) + (below + above))
            rates += here * strength.to(tl.float32)
            resistances += here * (taken / (1.0 + _WALL * taken))
            up = ((i % 2 == 1) | (i == h - 1)) & ((i < h - 1) | RINGS[0])
            onward = ((j % 2 == 1) | (j == w - 1)) & ((j < w - 1) | RINGS[1])
            norths += tl.where(up, 0.5 * (here * above), 0.0)
            easts += tl.where(onward, 0.5 * (here * right), 0.0)
    _store(rate, wall, north, east, rates, resistances, norths, easts, problem, y, x, kept, h, w, RINGS)


@triton.jit(do_not_specialize=["programs"])
def _coarser(
    rate, wall, north, east, inverse, c_rate, c_wall, c_north, c_east, h, w, programs, BLOCK: tl.constexpr,
    RINGS: tl.constexpr,
):  # fmt: skip
    problem, y, x, kept = _pixels(h, w, programs, BLOCK)
    rates = tl.zeros((BLOCK,), tl.float32)
    resistances, norths, easts = rates, rates, rates
    for row in tl.static_range(2):
        for column in tl.static_range(2):
            i, j = 2 * y + row, 2 * x + column
            there = kept & (i < h) & (j < w)
            at = problem * (h + 2) * (w + 2) + (i + 1) * (w + 2) + j + 1
            up, down = tl.load(north + at, mask=there, other=0.0), tl.load(north + at - w - 2, mask=there, other=0.0)
            right, left = tl.load(east + at, mask=there, other=0.0), tl.load(east + at - 1, mask=there, other=0.0)
            strength = tl.load(rate + at, mask=there, other=0.0)
            diagonal = ((right + left) + (up + down)) + strength
            if wall is not None:
                taken = tl.load(wall + at, mask=there, other=0.0)
                diagonal += taken
                resistances += taken / (1.0 + _WALL * taken)
            linked = diagonal > 0.0
            inverted = tl.where(linked, 1.0 / tl.where(linked, diagonal, 1.0), 0.0)
            edged(inverse + problem * (h + 2) * (w + 2), inverted, i, j, there, h, w, (False, False))
            rates += strength
            norths += tl.where((i % 2 == 1) | (i == h - 1), 0.5 * up, 0.0)
            easts += tl.where((j % 2 == 1) | (j == w - 1), 0.5 * right, 0.0)
    _store(c_rate, c_wall, c_north, c_east, rates, resistances, norths, easts, problem, y, x, kept, h, w, RINGS)


@triton.jit
def _pixels(h, w, programs, BLOCK: tl.constexpr):
    """Which problem a program has, and which coarse pixels of it: rows, columns, and which of them there are."""
    program = tl.program_id(0)
    k = program % programs * BLOCK + tl.arange(0, BLOCK)
    across = (w + 1) // 2
    return (program // programs).to(tl.int64), k // across, k % across, k < (h + 1) // 2 * across


@triton.jit
def _store(rate, wall, north, east, rates, resistances, norths, easts, problem, y, x, kept, h, w, RINGS: tl.constexpr):
    """The coefficients of coarse pixels of a level whose finer one is h x w."""
    rows, columns = (h + 1) // 2, (w + 1) // 2
    at = problem * (rows + 2) * (columns + 2)
    edged(rate + at, rates, y, x, kept, rows, columns, (False, False))
    edged(wall + at, resistances, y, x, kept, rows, columns, (False, False))
    edged(north + at, norths, y, x, kept, rows, columns, RINGS)
    edged(east + at, easts, y, x, kept, rows, columns, RINGS)


@triton.jit
def _invert(inverse, north, east, out, h, w, BLOCK: tl.constexpr, COUNT: tl.constexpr):
    problem = tl.program_id(0).to(tl.int64)
    k = tl.arange(0, BLOCK)
    there, i, j = k < COUNT, k // w, k % w
    at = problem * (h + 2) * (w + 2) + (i + 1) * (w + 2) + j + 1
    inv = tl.load(inverse + at, mask=there, other=0.0).to(tl.float64)
    linked = inv > 0.0
    diagonal = tl.where(linked, 1.0 / tl.where(linked, inv, 1.0), 1.0)
    least = tl.where(linked, _LEAST_PIVOT * diagonal, 0.0)
    up, right = (i + 1) % h * w + j, i * w + (j + 1) % w
    norths = tl.load(north + at, mask=there, other=0.0).to(tl.float64)
    easts = tl.load(east + at, mask=there, other=0.0).to(tl.float64)
    rows, columns = k[:, None], k[None, :]
    matrix = tl.where(rows == columns, diagonal[:, None], 0.0)
    # A link leads there and back; around a ring of one both lead from a pixel to itself.
    matrix -= tl.where(columns == up[:, None], norths[:, None], 0.0)
    matrix -= tl.where(rows == up[None, :], norths[None, :], 0.0)
    matrix -= tl.where(columns == right[:, None], easts[:, None], 0.0)
    matrix -= tl.where(rows == right[None, :], easts[None, :], 0.0)
    for p in range(COUNT):
        row, column = tl.sum(tl.where(rows == p, matrix, 0.0), 0), tl.sum(tl.where(columns == p, matrix, 0.0), 1)
        own, floor = tl.sum(tl.where(k == p, column, 0.0), 0), tl.sum(tl.where(k == p, least, 0.0), 0)
        pivot = 1.0 / tl.maximum(own, floor)
        row = tl.where(k == p, pivot, row * pivot)
        factor = tl.where(k == p, 0.0, column)
        matrix = tl.where(columns == p, 0.0, matrix) - factor[:, None] * row[None, :]
        matrix = tl.where(rows == p, row[None, :], matrix)
    matrix = tl.where(linked[:, None] & linked[None, :], matrix, 0.0).to(tl.float32)
    tl.store(out + problem * COUNT * COUNT + rows * COUNT + columns, matrix, mask=there[:, None] & there[None, :])
