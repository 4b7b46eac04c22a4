"""The part of a V-cycle below 64 x 64 pixels in one launch: a program a problem, each level whole and in registers.

There a level is too small to fill a GPU, and what costs is the launch of each of the fifty passes and what they wait
for one another. Here nothing leaves the multiprocessor: neighbours are exchanged through its shared memory, and
right-hand sides and solutions of all levels, a third more than those of the first, are held while the levels below are
gone through. A lattice that is no larger than this has its whole cycle in one launch.

Traffic in float32 fields of the first level: ``b`` and the coefficients, 4, come from memory once, and for each half
sweep from the nearest cache; 1 is written.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import triton
import triton.language as tl

from surrogate_plugin.batched.fused.halo import edged
from surrogate_plugin.batched.fused.launching import launch
from surrogate_plugin.batched.level import Level

__all__ = ["PIXELS", "bottom", "fits"]

#: Pixels of a level that a program can hold, its sides rounded up to powers of two: eight a thread.
PIXELS = 4096
_THREADS_BY_32 = 16


def fits(shape: tuple[int, int]) -> bool:
    """Whether one program can hold a level of this shape."""
    return _tile(shape)[0] * _tile(shape)[1] <= PIXELS


def bottom(b: torch.Tensor, levels: Sequence[Level], coarsest: torch.Tensor, sweeps: int) -> torch.Tensor:
    """One V(sweeps, sweeps) cycle from 0 on ``levels``, the last of which is solved by its inverse.

    Parameters
    ----------
    b : (B, h + 2, w + 2) float32
        The right-hand side on the first of the levels.
    levels : sequence of Level
        Each half the one before it; the first `fits`.
    coarsest : (B, n, n) float32
        The inverse of the last one's matrix, its pixels row by row.
    sweeps : int

    Returns
    -------
    (B, h + 2, w + 2) float32
        With a halo of 0.
    """
    x = torch.empty_like(b)
    rows, columns = _tile(levels[0].shape)
    passed = tuple((level.inverse, level.north, level.east, *level.shape) for level in levels)
    warps = max(1, min(_THREADS_BY_32, rows * columns // 256))
    launch(
        _bottom, levels[0].count, b, x, passed, coarsest, warps=warps,
        LAST=len(levels) - 1, SWEEPS=sweeps, ROWS=rows, COLUMNS=columns, RINGS=levels[0].rings,
    )  # fmt: skip
    return x


def _tile(shape: tuple[int, int]) -> tuple[int, int]:
    """The powers of two that hold a level."""
    return triton.next_power_of_2(shape[0]), triton.next_power_of_2(shape[1])


@triton.jit
def _bottom(
    b, x, levels, coarsest,
    LAST: tl.constexpr, SWEEPS: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr, RINGS: tl.constexpr,
):  # fmt: skip
    problem = tl.program_id(0).to(tl.int64)
    h, w = levels[0][3], levels[0][4]
    i, j = tl.arange(0, ROWS)[:, None], tl.arange(0, COLUMNS)[None, :]
    at = problem * (h + 2) * (w + 2) + (i + 1) * (w + 2) + j + 1
    there = (i < h) & (j < w)
    rhs = tl.load(b + at, mask=there, other=0.0)
    found = cycle(rhs, levels, coarsest, problem, 0, LAST, SWEEPS, ROWS, COLUMNS, RINGS)
    edged(x + problem * (h + 2) * (w + 2), found, i, j, there, h, w, (False, False))


@triton.jit
def cycle(
    b, levels, coarsest, problem,
    NUMBER: tl.constexpr, LAST: tl.constexpr, SWEEPS: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr,
    RINGS: tl.constexpr,
):  # fmt: skip
    """``x ~ A^-1 b`` on level ``NUMBER``, by the levels below it."""
    level = levels[NUMBER]
    if NUMBER == LAST:
        x = solve_coarsest(b, level, coarsest, problem, ROWS, COLUMNS)
    else:
        x = tl.zeros((ROWS, COLUMNS), tl.float32)
        for half in range(2 * SWEEPS):
            x = half_sweep(x, b, level, problem, half & 1, ROWS, COLUMNS, RINGS)
        handed = halve(residual(x, b, level, problem, ROWS, COLUMNS, RINGS), ROWS, COLUMNS)
        below = cycle(
            handed, levels, coarsest, problem, NUMBER + 1, LAST, SWEEPS, (ROWS + 1) // 2, (COLUMNS + 1) // 2, RINGS
        )
        free = coefficient(level, level[0], problem, 0, 0, ROWS, COLUMNS, RINGS) != 0.0
        x += tl.where(free, double(below, ROWS, COLUMNS), 0.0)
        for half in range(2 * SWEEPS):
            x = half_sweep(x, b, level, problem, 1 - (half & 1), ROWS, COLUMNS, RINGS)
    return x


@triton.jit
def coefficient(
    level, array, problem, ROW: tl.constexpr, COLUMN: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr,
    RINGS: tl.constexpr,
):  # fmt: skip
    """A map of a level, seen from ``ROW`` rows and ``COLUMN`` columns further; 0 outside."""
    h, w = level[3], level[4]
    i, j = tl.arange(0, ROWS)[:, None], tl.arange(0, COLUMNS)[None, :]
    row, column = i + ROW, j + COLUMN
    if RINGS[0]:
        row = (row + h) % h
    if RINGS[1]:
        column = (column + w) % w
    at = problem * (h + 2) * (w + 2) + (row + 1) * (w + 2) + column + 1
    return tl.load(array + at, mask=(i < h) & (j < w) & (row >= 0) & (column >= 0), other=0.0)


@triton.jit
def moved(
    x, AXIS: tl.constexpr, BY: tl.constexpr, count, ROWS: tl.constexpr, COLUMNS: tl.constexpr, RING: tl.constexpr
):
    """``x`` of the pixel one further along an axis, or one before; 0 where there is none."""
    i, j = tl.arange(0, ROWS)[:, None], tl.arange(0, COLUMNS)[None, :]
    k = tl.broadcast_to((i if AXIS == 0 else j) + BY, (ROWS, COLUMNS))
    if RING:
        k = (k + count) % count
    there = (k >= 0) & (k < count)
    return tl.where(there, tl.gather(x, tl.where(there, k, 0), AXIS), 0.0)


@triton.jit
def inflow(x, level, problem, ROWS: tl.constexpr, COLUMNS: tl.constexpr, RINGS: tl.constexpr):
    """What the four neighbours of each pixel bring."""
    _, north, east, h, w = level
    below = moved(x, 0, -1, h, ROWS, COLUMNS, RINGS[0])
    above = moved(x, 0, 1, h, ROWS, COLUMNS, RINGS[0])
    left = moved(x, 1, -1, w, ROWS, COLUMNS, RINGS[1])
    right = moved(x, 1, 1, w, ROWS, COLUMNS, RINGS[1])
    if north is not None:
        below *= coefficient(level, north, problem, -1, 0, ROWS, COLUMNS, RINGS)
        above *= coefficient(level, north, problem, 0, 0, ROWS, COLUMNS, RINGS)
        left *= coefficient(level, east, problem, 0, -1, ROWS, COLUMNS, RINGS)
        right *= coefficient(level, east, problem, 0, 0, ROWS, COLUMNS, RINGS)
    return (below + above) + (left + right)


@triton.jit
def half_sweep(x, b, level, problem, colour, ROWS: tl.constexpr, COLUMNS: tl.constexpr, RINGS: tl.constexpr):
    """Gauss-Seidel on the pixels of one colour; 0 is that of an odd row plus column."""
    i, j = tl.arange(0, ROWS)[:, None], tl.arange(0, COLUMNS)[None, :]
    inverse = coefficient(level, level[0], problem, 0, 0, ROWS, COLUMNS, RINGS)
    relaxed = (b + inflow(x, level, problem, ROWS, COLUMNS, RINGS)) * inverse
    return tl.where(((i + j + 1) & 1) == colour, relaxed, x)


@triton.jit
def residual(x, b, level, problem, ROWS: tl.constexpr, COLUMNS: tl.constexpr, RINGS: tl.constexpr):
    """``b - A x``, 0 on fixed pixels and outside."""
    inverse = coefficient(level, level[0], problem, 0, 0, ROWS, COLUMNS, RINGS)
    diagonal = 1.0 / tl.where(inverse == 0.0, 1.0, inverse)
    value = b + inflow(x, level, problem, ROWS, COLUMNS, RINGS) - x * diagonal
    return tl.where(inverse == 0.0, 0.0, value)


@triton.jit
def halve(r, ROWS: tl.constexpr, COLUMNS: tl.constexpr):
    """Sums over two by two pixels."""
    if ROWS > 1:
        r = tl.sum(tl.reshape(r, (ROWS // 2, 2, COLUMNS)), 1)
    if COLUMNS > 1:
        r = tl.sum(tl.reshape(r, ((ROWS + 1) // 2, COLUMNS // 2, 2)), 2)
    return r


@triton.jit
def double(x, ROWS: tl.constexpr, COLUMNS: tl.constexpr):
    """Each pixel's value on the two by two finer ones."""
    rows: tl.constexpr = (ROWS + 1) // 2
    columns: tl.constexpr = (COLUMNS + 1) // 2
    spread = tl.broadcast_to(x[:, None, :, None], (rows, ROWS // rows, columns, COLUMNS // columns))
    return tl.reshape(spread, (ROWS, COLUMNS))


@triton.jit
def solve_coarsest(b, level, coarsest, problem, ROWS: tl.constexpr, COLUMNS: tl.constexpr):
    """``A^-1 b`` by the dense inverse; a pixel of the tile that the level does not have takes part with 0."""
    h, w = level[3], level[4]
    tile: tl.constexpr = ROWS * COLUMNS
    p, q = tl.arange(0, tile)[:, None], tl.arange(0, tile)[None, :]
    row, column, row_q, column_q = p // COLUMNS, p % COLUMNS, q // COLUMNS, q % COLUMNS
    there = (row < h) & (column < w) & (row_q < h) & (column_q < w)
    at = problem * (h * w) * (h * w) + (row * w + column) * (h * w) + row_q * w + column_q
    matrix = tl.load(coarsest + at, mask=there, other=0.0)
    return tl.reshape(tl.sum(matrix * tl.reshape(b, (1, tile)), 1), (ROWS, COLUMNS))
