"""Vectors of conjugate gradients: each step's sums together with what they are sums of.

As `surrogate_plugin.batched.krylov`. A program sums its own pixels, terms in float32 and the sum in float64, and leaves
that to be added up: in an order that does not change, so that a problem's numbers are the same in each run.

Traffic in bytes a pixel: `dot_and_max` reads 8; `direction_and_curvature` reads 8 and the decay's 8, and writes 4;
`add_direction` reads 12 and writes 8.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from surrogate_plugin.batched.fused.launching import launch
from surrogate_plugin.batched.fused.rows import block_of, frame, lines_of, place, read
from surrogate_plugin.batched.level import Level

__all__ = ["add_direction", "direction_and_curvature", "dot_and_max", "parts_of_direction", "parts_of_product"]

#: Rows and the most columns of a program; pixels of one that asks for no neighbours.
_ROWS, _WIDTH, _PIXELS = 8, 256, 1024


def dot_and_max(r: torch.Tensor, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """``(r, z)``, (B,) float64, and the largest ``|z|``, (B,) float32, NaN if any is."""
    sums, peaks = parts_of_product(r, z)
    return sums.sum(1), peaks.amax(1).view(torch.float32)


def parts_of_product(r: torch.Tensor, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """What each program finds of `dot_and_max`, (B, n): sums, and bit patterns of the largest values as int32."""
    count, rows, columns = r.shape
    width = min(_WIDTH, triton.next_power_of_2(columns - 2))
    down, along = -(-(rows - 2) // _ROWS), -(-(columns - 2) // width)
    sums = torch.empty((count, down * along), dtype=torch.float64, device=r.device)
    peaks = torch.empty((count, down * along), dtype=torch.int32, device=r.device)
    launch(
        _dot_and_max, count * down * along, r, z, sums, peaks, rows - 2, columns - 2, down, along,
        ROWS=_ROWS, WIDTH=width,
    )  # fmt: skip
    return sums, peaks


def direction_and_curvature(
    p: torch.Tensor, z: torch.Tensor, beta: torch.Tensor, decay: torch.Tensor, level: Level, walls: torch.Tensor,
    strongest: float,
) -> tuple[torch.Tensor, torch.Tensor]:  # fmt: skip
    """``p' = z + beta p``, and ``(p', A p')`` as a sum of squares; decay counts as ``strongest`` at most."""
    out, sums = parts_of_direction(p, z, beta, decay, level, walls, strongest)
    return out, sums.sum(1)


def parts_of_direction(
    p: torch.Tensor, z: torch.Tensor, beta: torch.Tensor, decay: torch.Tensor, level: Level, walls: torch.Tensor,
    strongest: float,
) -> tuple[torch.Tensor, torch.Tensor]:  # fmt: skip
    """The same, with what each program finds of the curvature, (B, n)."""
    h, w = level.shape
    width = min(_WIDTH, triton.next_power_of_2(w))
    down, along = -(-h // _ROWS), -(-w // width)
    out = torch.empty_like(z)
    sums = torch.empty((level.count, down * along), dtype=torch.float64, device=z.device)
    launch(
        _direction, level.count * down * along, p, z, beta, decay, level.north, level.east, walls, out, sums,
        h, w, down, along, strongest, ROWS=_ROWS, WIDTH=width, RINGS=level.rings,
    )  # fmt: skip
    return out, sums


def add_direction(c: torch.Tensor, p: torch.Tensor, alpha: torch.Tensor, floor: float) -> torch.Tensor:
    """``c + alpha p`` in float64, never below ``floor``; ``c`` where ``alpha`` is 0."""
    out = torch.empty_like(c)
    pixels = c[0].numel()
    blocks = -(-pixels // _PIXELS)
    launch(_add, c.shape[0] * blocks, c, p, alpha, out, pixels, blocks, floor, PIXELS=_PIXELS)
    return out


@triton.jit(do_not_specialize=["down", "along"])
def _dot_and_max(r, z, sums, peaks, h, w, down, along, ROWS: tl.constexpr, WIDTH: tl.constexpr):
    problem, start, j = block_of(tl.program_id(0), ROWS, WIDTH, 0, down, along)
    lines = lines_of(problem, j, h, w, (False, False))
    total, highest = tl.zeros((WIDTH,), tl.float64), tl.zeros((WIDTH,), tl.int32)
    for step in range(ROWS):
        value = read(z, start + step, lines, h, w, (False, False))
        total += (read(r, start + step, lines, h, w, (False, False)) * value).to(tl.float64)
        # Floats without their sign order like integers, NaN above all.
        highest = tl.maximum(highest, value.to(tl.int32, bitcast=True) & 0x7FFFFFFF)
    tl.store(sums + tl.program_id(0), tl.sum(total, 0))
    tl.store(peaks + tl.program_id(0), tl.max(highest, 0))


@triton.jit(do_not_specialize=["down", "along"])
def _direction(
    p, z, beta, decay, north, east, walls, out, sums, h, w, down, along, strongest,
    ROWS: tl.constexpr, WIDTH: tl.constexpr, RINGS: tl.constexpr,
):  # fmt: skip
    problem, start, j = block_of(tl.program_id(0), ROWS, WIDTH, 0, down, along)
    factor = tl.zeros((WIDTH,), tl.float32) + tl.load(beta + problem).to(tl.float32)
    lines, right = lines_of(problem, j, h, w, RINGS), lines_of(problem, j + 1, h, w, RINGS)
    walls += 4 * problem
    total = tl.zeros((WIDTH,), tl.float64)
    for step in range(ROWS):
        i = start + step
        there = (j < w) & (i < h)
        here = direction(p, z, factor, i, lines, h, w, RINGS)
        above = direction(p, z, factor, i + 1, lines, h, w, RINGS) - here
        beside = direction(p, z, factor, i, right, h, w, RINGS) - here
        upward, along_row, own = above * above, beside * beside, here * here
        at, _ = place(i, lines, h, w, RINGS)
        if north is not None:
            upward *= tl.load(north + at, mask=there, other=0.0)
            along_row *= tl.load(east + at, mask=there, other=0.0)
        elif not RINGS[0]:
            upward *= tl.where(i == h - 1, tl.load(walls + 1).to(tl.float32), 1.0)
        if north is None and not RINGS[1]:
            along_row *= tl.where(j == w - 1, tl.load(walls + 3).to(tl.float32), 1.0)
        squares = upward + along_row
        if not RINGS[0]:  # the low sides are nobody else's
            if north is None:
                squares += tl.where(i == 0, tl.load(walls).to(tl.float32), 0.0) * own
            else:
                squares += tl.load(north + at - (w + 2), mask=there & (i == 0), other=0.0) * own
        if not RINGS[1]:
            if north is None:
                squares += tl.where(j == 0, tl.load(walls + 2).to(tl.float32), 0.0) * own
            else:
                squares += tl.load(east + at - 1, mask=there & (j == 0), other=0.0) * own
        pixel = problem * h * w + i * w + j
        rate = tl.minimum(tl.load(decay + pixel, mask=there, other=0.0), strongest).to(tl.float32)
        squares += rate * own
        total += tl.where(there, squares, 0.0).to(tl.float64)
        tl.store(out + problem * (h + 2) * (w + 2) + (i + 1) * (w + 2) + j + 1, here, mask=there)
    frame(out, problem, start, j, h, w, ROWS, 0)
    tl.store(sums + tl.program_id(0), tl.sum(total, 0))


@triton.jit(do_not_specialize=["blocks"])
def _add(c, p, alpha, out, pixels, blocks, floor, PIXELS: tl.constexpr):
    program = tl.program_id(0)
    problem, k = (program // blocks).to(tl.int64), program % blocks * PIXELS + tl.arange(0, PIXELS)
    at, there = problem * pixels + k, k < pixels
    before, factor = tl.load(c + at, mask=there, other=0.0), tl.load(alpha + problem)
    moved = before + factor * tl.load(p + at, mask=there, other=0.0).to(tl.float64)
    moved = tl.where(moved < floor, floor, moved)
    tl.store(out + at, tl.where(factor == 0.0, before, moved), mask=there)


@triton.jit
def direction(p, z, factor, i, lines, h, w, RINGS: tl.constexpr):
    """``z + factor p`` of a row, 0 outside; ``p`` is not looked at where the factor is 0."""
    at, there = place(i, lines, h, w, RINGS)
    before = tl.load(p + at, mask=there & (factor != 0.0), other=0.0)
    return tl.load(z + at, mask=there, other=0.0) + factor * before
