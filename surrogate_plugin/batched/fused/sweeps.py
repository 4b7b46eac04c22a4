"""Fused passes over a level: sweeps from 0 with the residual handed down, the correction taken up with sweeps after it.

A program goes down a strip of rows. Half sweep ``s`` of row ``i`` needs rows ``i - 1`` to ``i + 1`` of half sweep ``s -
1``, so it runs one row behind it, and two rows of each are all that is held. A pixel depends on others as far away as
there are half sweeps; so far a strip begins before its own rows and ends behind them, and what its neighbours compute
too is computed again rather than waited for. Coefficients come from memory once, and for each half sweep from the
nearest cache.

Traffic in float32 fields of the level, with 2 sweeps: `descend` reads 2 and writes 1 1/4, where half sweeps, residual
and restriction one by one take 14 1/4; `ascend` reads 3 1/4 and writes 1, where one by one it is 16 1/4. Links, where
there are any, are 2 more each.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from surrogate_plugin.batched.fused.launching import launch, strips_of
from surrogate_plugin.batched.fused.rows import block_of, first, frame, lines_of, place, read, relax, row_of
from surrogate_plugin.batched.fused.rows import residual as residual_row
from surrogate_plugin.batched.level import Level

__all__ = ["ascend", "descend", "residual", "smooth"]


def descend(b: torch.Tensor, level: Level, sweeps: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Red-black sweeps for ``A x = b`` from 0, and the residual summed over the pixels of each coarse one.

    Parameters
    ----------
    b : (B, h + 2, w + 2) float32
    level : Level
    sweeps : int
        At least 1.

    Returns
    -------
    x : (B, h + 2, w + 2) float32
    coarse : (B, (h + 1) // 2 + 2, (w + 1) // 2 + 2) float32
        The next level's right-hand side. The halos of both hold anything.
    """
    h, w = level.shape
    coarse = b.new_empty((level.count, (h + 1) // 2 + 2, (w + 1) // 2 + 2))
    return _from_zero(b, level, sweeps, coarse), coarse


def smooth(b: torch.Tensor, level: Level, sweeps: int, *, backwards: bool = False) -> torch.Tensor:
    """Red-black sweeps for ``A x = b`` from 0, (B, h + 2, w + 2) float32 with a halo of 0. Reads 2 fields, writes 1."""
    return _from_zero(b, level, sweeps, None, first=int(backwards))


def _from_zero(
    b: torch.Tensor, level: Level, sweeps: int, coarse: torch.Tensor | None, *, first: int = 0
) -> torch.Tensor:
    x = torch.empty_like(b)
    cut = strips_of(level.shape, level.count, 2 * sweeps)
    launch(
        _descend, level.count * cut.down * cut.along, b, x, coarse, _passed(level), cut.down, cut.along,
        warps=cut.warps, SWEEPS=sweeps, ROWS=cut.rows, WIDTH=cut.width, WHOLE=cut.margin == 0, RINGS=level.rings,
        FIRST=first,
    )  # fmt: skip
    return x


def ascend(x: torch.Tensor, coarse: torch.Tensor, b: torch.Tensor, level: Level, sweeps: int) -> torch.Tensor:
    """Add each coarse pixel's correction to its fine ones, and sweep with the colours in the other order.

    Parameters
    ----------
    x, b : (B, h + 2, w + 2) float32
    coarse : (B, (h + 1) // 2 + 2, (w + 1) // 2 + 2) float32
        The next level's solution.
    level : Level
    sweeps : int

    Returns
    -------
    (B, h + 2, w + 2) float32
        With a halo of 0; ``x`` stays as it is.
    """
    out = torch.empty_like(x)
    cut = strips_of(level.shape, level.count, 2 * sweeps)
    launch(
        _ascend, level.count * cut.down * cut.along, x, coarse, b, out, _passed(level), cut.down, cut.along,
        warps=cut.warps, SWEEPS=sweeps, ROWS=cut.rows, WIDTH=cut.width, WHOLE=cut.margin == 0, RINGS=level.rings,
    )  # fmt: skip
    return out


def residual(x: torch.Tensor, b: torch.Tensor | None, level: Level) -> torch.Tensor:
    """``b - A x``, 0 on fixed pixels and in the halo; ``b`` None is 0. Reads 2 or 3 fields and writes 1."""
    out = torch.empty_like(x)
    cut = strips_of(level.shape, level.count, 2)
    launch(
        _residual, level.count * cut.down * cut.along, x, b, out, _passed(level), cut.down, cut.along,
        warps=cut.warps, ROWS=cut.rows, WIDTH=cut.width, WHOLE=cut.margin == 0, RINGS=level.rings,
    )  # fmt: skip
    return out


def _passed(level: Level) -> tuple[torch.Tensor | int | None, ...]:
    """A level as kernels take it."""
    return level.inverse, level.north, level.east, *level.shape


@triton.jit(do_not_specialize=["down", "along"])
def _descend(
    b, x, coarse, level, down, along,
    SWEEPS: tl.constexpr, ROWS: tl.constexpr, WIDTH: tl.constexpr, WHOLE: tl.constexpr, RINGS: tl.constexpr,
    FIRST: tl.constexpr,
):  # fmt: skip
    HALVES: tl.constexpr = 2 * SWEEPS
    MARGIN: tl.constexpr = 0 if WHOLE else HALVES
    problem, start, j = block_of(tl.program_id(0), ROWS, WIDTH, MARGIN, down, along)
    h, w = level[3], level[4]
    lines = lines_of(problem, j, h, w, RINGS)
    if coarse is not None:
        coarse += problem * ((h + 1) // 2 + 2) * ((w + 1) // 2 + 2)
    nothing = tl.zeros((WIDTH,), tl.float32)
    lower = nothing  # the residual of the row before
    held = two_rows_each(nothing, HALVES)
    for step in range(ROWS + 2 * HALVES):
        i = start - HALVES + step
        row = first(b, level, i, lines, FIRST, RINGS)
        kept = (held[1], row)
        for half in tl.static_range(1, HALVES):
            below, here = held[2 * half - 2], held[2 * half - 1]
            row = relax(below, here, row, b, level, i - half, lines, (half + FIRST) & 1, RINGS, WHOLE)
            kept = kept + (held[2 * half + 1], row)
        write(x, row, problem, i - HALVES + 1, j, start, h, w, ROWS, MARGIN)
        if coarse is not None:
            below, here = held[2 * HALVES - 2], held[2 * HALVES - 1]
            upper = residual_row(below, here, row, b, level, i - HALVES, lines, RINGS, WHOLE)
            upper = tl.where((j < w) & (i - HALVES < h), upper, 0.0)
            hand_down(coarse, lower + upper, i - HALVES, j, start, h, w, ROWS, MARGIN)
            lower = upper
        held = kept
    if coarse is None:
        frame(x, problem, start, j, h, w, ROWS, MARGIN)


@triton.jit(do_not_specialize=["down", "along"])
def _ascend(
    x, coarse, b, out, level, down, along,
    SWEEPS: tl.constexpr, ROWS: tl.constexpr, WIDTH: tl.constexpr, WHOLE: tl.constexpr, RINGS: tl.constexpr,
):  # fmt: skip
    HALVES: tl.constexpr = 2 * SWEEPS
    MARGIN: tl.constexpr = 0 if WHOLE else HALVES
    problem, start, j = block_of(tl.program_id(0), ROWS, WIDTH, MARGIN, down, along)
    h, w = level[3], level[4]
    lines = lines_of(problem, j, h, w, RINGS)
    coarse += problem * ((h + 1) // 2 + 2) * ((w + 1) // 2 + 2)
    held = two_rows_each(tl.zeros((WIDTH,), tl.float32), HALVES)
    for step in range(ROWS + 2 * HALVES):
        i = start - HALVES + step
        row = corrected(x, coarse, level, i, lines, RINGS)
        kept = (held[1], row)
        for half in tl.static_range(1, HALVES + 1):
            below, here = held[2 * half - 2], held[2 * half - 1]
            row = relax(below, here, row, b, level, i - half, lines, half & 1, RINGS, WHOLE)
            if half < HALVES:
                kept = kept + (held[2 * half + 1], row)
        write(out, row, problem, i - HALVES, j, start, h, w, ROWS, MARGIN)
        held = kept
    frame(out, problem, start, j, h, w, ROWS, MARGIN)


@triton.jit(do_not_specialize=["down", "along"])
def _residual(
    x, b, out, level, down, along, ROWS: tl.constexpr, WIDTH: tl.constexpr, WHOLE: tl.constexpr, RINGS: tl.constexpr
):
    MARGIN: tl.constexpr = 0 if WHOLE else 2
    problem, start, j = block_of(tl.program_id(0), ROWS, WIDTH, MARGIN, down, along)
    h, w = level[3], level[4]
    lines = lines_of(problem, j, h, w, RINGS)
    below, here = read(x, start - 1, lines, h, w, RINGS), read(x, start, lines, h, w, RINGS)
    for step in range(ROWS):
        i = start + step
        above = read(x, i + 1, lines, h, w, RINGS)
        row = residual_row(below, here, above, b, level, i, lines, RINGS, WHOLE)
        write(out, row, problem, i, j, start, h, w, ROWS, MARGIN)
        below, here = here, above
    frame(out, problem, start, j, h, w, ROWS, MARGIN)


@triton.jit
def two_rows_each(row, HALVES: tl.constexpr):
    """What a strip holds before its first row: the last two rows of each half sweep, the first sweep's first."""
    held = (row, row)
    for _ in tl.static_range(HALVES - 1):
        held = held + (row, row)
    return held


@triton.jit
def corrected(x, coarse, level, i, lines, RINGS: tl.constexpr):
    """Row ``i`` with the coarse pixels' corrections added where it is free."""
    inverse, _, _, h, w = level
    at, there = place(i, lines, h, w, RINGS)
    row, _ = row_of(i, h, RINGS)
    parent = (row // 2 + 1) * ((w + 1) // 2 + 2) + 1 + lines[1] // 2
    correction = tl.load(coarse + parent, mask=there, other=0.0)
    free = tl.load(inverse + at, mask=there, other=0.0) != 0.0
    return tl.load(x + at, mask=there, other=0.0) + tl.where(free, correction, 0.0)


@triton.jit
def own(WIDTH: tl.constexpr, MARGIN: tl.constexpr):
    """Which columns are a block's own, and no neighbour's."""
    k = tl.arange(0, WIDTH)
    return (k >= MARGIN) & (k < WIDTH - MARGIN)


@triton.jit
def write(array, row, problem, i, j, start, h, w, ROWS: tl.constexpr, MARGIN: tl.constexpr):
    """Store row ``i`` where it is a strip's own."""
    mine = (j >= 0) & (j < w) & own(row.shape[0], MARGIN)
    at = problem * (h + 2) * (w + 2) + (i + 1) * (w + 2) + j + 1
    tl.store(array + at, row, mask=mine & (i >= start) & (i < start + ROWS) & (i < h))


@triton.jit
def hand_down(coarse, pair, i, j, start, h, w, ROWS: tl.constexpr, MARGIN: tl.constexpr):
    """Store the sums of columns by two of what two rows hold together, row ``i`` the second of them."""
    WIDTH: tl.constexpr = pair.shape[0]
    sums = tl.sum(tl.reshape(pair, (WIDTH // 2, 2)), 1)
    column = tl.min(tl.reshape(j, (WIDTH // 2, 2)), 1) // 2
    mine = own(WIDTH // 2, MARGIN // 2) & (column >= 0) & (column < (w + 1) // 2)
    at = (i // 2 + 1) * ((w + 1) // 2 + 2) + column + 1
    tl.store(coarse + at, sums, mask=mine & (i % 2 == 1) & (i > start) & (i < start + ROWS) & (i <= h))
