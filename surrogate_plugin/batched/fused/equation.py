"""The equation in float64: residuals, and what the certificate needs, each in one pass over the maps.

As `surrogate_plugin.batched.operator`, operation by operation and in its order; differences of neighbours come first.
The compiler is told to contract nothing, so that each sum and product is rounded by itself as IEEE says; the allowance
for rounding would cover contraction too, which leaves roundings out and adds none. Divisions are the correctly rounded
ones that Triton has for float64. The constants are exact in float32, which Triton reads them as.

Traffic in bytes a pixel, for first-order uptake and faces that conduct alike: `residual` reads 8 each of the field,
decay and production and 1 of what is free, and writes 4; in torch one operation after the other takes some 450.
`inflated_residual` reads 8 more and writes 8; `deficit` reads 4 of ``w`` and 8 each of decay and target and writes 4.
Maps of faces are 16 more, uptake is 8.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
import triton
import triton.language as tl

from surrogate_plugin.batched.fused.launching import launch
from surrogate_plugin.batched.fused.rows import block_of, frame

if TYPE_CHECKING:
    from surrogate_plugin.batched.stack import Stack

__all__ = ["deficit", "inflated_residual", "parts_of_residual", "residual"]

#: That of `surrogate_plugin.batched.operator`, a power of two.
_ALLOWANCE: tl.constexpr = tl.constexpr(16 * 2.220446049250313e-16)
_MAGNITUDE: tl.constexpr = tl.constexpr(0x7FFFFFFFFFFFFFFF)
#: Rows and the most columns of a program.
_ROWS, _WIDTH = 8, 256


def residual(
    stack: Stack, c: torch.Tensor, factor: torch.Tensor, km: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """``factor r`` in float32 and the largest ``|r|``; the halo of ``c`` is set. See `batched.operator.residual`."""
    out, peaks = parts_of_residual(stack, c, factor, km)
    return out, largest_of(peaks)


def parts_of_residual(
    stack: Stack, c: torch.Tensor, factor: torch.Tensor, km: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The same, with what each program finds of the largest, (B, n): bit patterns of float64."""
    out = torch.empty(c.shape, dtype=torch.float32, device=c.device)
    cut = _Cut(stack)
    peaks = cut.peaks(c)
    launch(
        _residual, cut.programs, c, stack.free, stack.north, stack.east, stack.decay, stack.production, stack.vmax, km,
        factor, out, peaks, *stack.shape, cut.down, cut.along, ROWS=_ROWS, WIDTH=cut.width,
    )  # fmt: skip
    return out, peaks


def inflated_residual(stack: Stack, c: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """``|r|`` plus the allowance for rounding, and the largest; the halo of ``c`` is set. See `batched.operator`."""
    out = torch.empty_like(stack.decay)
    cut = _Cut(stack)
    peaks = cut.peaks(c)
    launch(
        _inflated, cut.programs, c, stack.source, stack.free, stack.north, stack.east, stack.decay, stack.production,
        stack.vmax, stack.km, out, peaks, *stack.shape, cut.down, cut.along, ROWS=_ROWS, WIDTH=cut.width,
    )  # fmt: skip
    return out, largest_of(peaks)


def deficit(
    stack: Stack, w: torch.Tensor, c: torch.Tensor, target: torch.Tensor, factor: torch.Tensor,
    decay: torch.Tensor | None,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:  # fmt: skip
    """``max(factor target - A w, 0)``, inflated, its largest and that of ``w``, whose halo is set; see there."""
    out = torch.empty(w.shape, dtype=torch.float32, device=w.device)
    vmax = stack.vmax if decay is None else None
    cut = _Cut(stack)
    lacks, tops = cut.peaks(w), cut.peaks(w)
    launch(
        _deficit, cut.programs, w, c, stack.free, stack.north, stack.east, stack.decay if decay is None else decay,
        vmax, stack.km, target, factor, 1.0 / factor, out, lacks, tops, *stack.shape, cut.down, cut.along,
        ROWS=_ROWS, WIDTH=cut.width,
    )  # fmt: skip
    return out, largest_of(lacks), largest_of(tops)


class _Cut:
    """How a stack's lattice is shared out: strips of rows by blocks of columns, none of which overlap."""

    def __init__(self, stack: Stack) -> None:
        rows, columns = stack.shape
        self.count = stack.count
        self.width = min(_WIDTH, triton.next_power_of_2(columns))
        self.down, self.along = -(-rows // _ROWS), -(-columns // self.width)
        self.programs = stack.count * self.down * self.along

    def peaks(self, like: torch.Tensor) -> torch.Tensor:
        """Room for a bit pattern of each program."""
        return torch.empty((self.count, self.down * self.along), dtype=torch.int64, device=like.device)


def largest_of(peaks: torch.Tensor) -> torch.Tensor:
    """The float64 behind the largest bit pattern of each problem: magnitudes order like their bits, NaN above all."""
    values = peaks.amax(1).view(torch.float64)
    return torch.nan_to_num(values, nan=math.inf, posinf=math.inf)


@triton.jit(do_not_specialize=["down", "along"])
def _residual(
    c, free, north, east, decay, production, vmax, km, factor, out, peaks, h, w, down, along,
    ROWS: tl.constexpr, WIDTH: tl.constexpr,
):  # fmt: skip
    problem, start, j = block_of(tl.program_id(0), ROWS, WIDTH, 0, down, along)
    scale = tl.load(factor + problem)
    highest = tl.zeros((WIDTH,), tl.int64)
    for step in range(ROWS):
        i = start + step
        there = (j < w) & (i < h)
        at, pixel = haloed(problem, i, j, h, w), problem * h * w + i * w + j
        here = tl.load(c + at, mask=there, other=0.0)
        flow, _ = inflow(c, here, problem, i, j, h, w, north, east, there)
        lost = loss(here, pixel, decay, vmax, km, problem, there)
        value = (tl.load(production + pixel, mask=there, other=0.0) + flow) - lost
        value = tl.where(tl.load(free + pixel, mask=there, other=0) != 0, value, 0.0)
        tl.store(out + at, (value * scale).to(tl.float32), mask=there)
        highest = tl.maximum(highest, tl.where(there, bits_of(value), 0))
    frame(out, problem, start, j, h, w, ROWS, 0)
    tl.store(peaks + tl.program_id(0), tl.max(highest, 0))


@triton.jit(do_not_specialize=["down", "along"])
def _inflated(
    c, source, free, north, east, decay, production, vmax, km, out, peaks, h, w, down, along,
    ROWS: tl.constexpr, WIDTH: tl.constexpr,
):  # fmt: skip
    problem, start, j = block_of(tl.program_id(0), ROWS, WIDTH, 0, down, along)
    highest = tl.zeros((WIDTH,), tl.int64)
    for step in range(ROWS):
        i = start + step
        there = (j < w) & (i < h)
        at, pixel = haloed(problem, i, j, h, w), problem * h * w + i * w + j
        here = tl.load(c + at, mask=there, other=0.0)
        flow, magnitude = inflow(c, here, problem, i, j, h, w, north, east, there)
        lost = loss(here, pixel, decay, vmax, km, problem, there)
        gain = tl.load(production + pixel, mask=there, other=0.0)
        size = tl.abs((gain + flow) - lost)
        size += _ALLOWANCE * (magnitude + (tl.abs(lost) + gain))
        if vmax is not None:
            size = tl.where(here < 0.0, float("inf"), size)
        held = tl.where(here == tl.load(source + pixel, mask=there, other=0.0), 0.0, float("inf"))
        size = tl.where(tl.load(free + pixel, mask=there, other=0) != 0, size, held)
        tl.store(out + pixel, size, mask=there)
        highest = tl.maximum(highest, tl.where(there, bits_of(size), 0))
    tl.store(peaks + tl.program_id(0), tl.max(highest, 0))


@triton.jit(do_not_specialize=["down", "along"])
def _deficit(
    w_field, c, free, north, east, decay, vmax, km, target, factor, unit, out, lacks, tops, h, w, down, along,
    ROWS: tl.constexpr, WIDTH: tl.constexpr,
):  # fmt: skip
    problem, start, j = block_of(tl.program_id(0), ROWS, WIDTH, 0, down, along)
    scale, per_unit = tl.load(factor + problem), tl.load(unit + problem)
    most, top = tl.zeros((WIDTH,), tl.int64), tl.zeros((WIDTH,), tl.int64)
    for step in range(ROWS):
        i = start + step
        there = (j < w) & (i < h)
        at, pixel = haloed(problem, i, j, h, w), problem * h * w + i * w + j
        value = tl.load(w_field + at, mask=there, other=0.0).to(tl.float64)
        flow, magnitude = inflow(w_field, value, problem, i, j, h, w, north, east, there)
        strength = tl.load(decay + pixel, mask=there, other=0.0)
        if vmax is not None:
            constant = tl.load(km + problem)
            full = constant + tl.load(c + at, mask=there, other=0.0)
            share = tl.load(vmax + pixel, mask=there, other=0.0) * (constant / full)
            strength += share / (full + per_unit * value)
        lost, wanted = strength * value, scale * tl.load(target + pixel, mask=there, other=0.0)
        lack = (wanted - lost) + flow
        lack += _ALLOWANCE * (magnitude + (tl.abs(lost) + wanted))
        # Written so that NaN stays NaN: the comparison is false for it.
        lack = tl.where((lack < 0.0) | (tl.load(free + pixel, mask=there, other=0) == 0), 0.0, lack)
        # What is wanted is a magnitude; anything else was never computed.
        lack = tl.where(wanted < 0.0, float("inf"), lack)
        tl.store(out + at, lack.to(tl.float32), mask=there)
        most = tl.maximum(most, tl.where(there, bits_of(lack), 0))
        top = tl.maximum(top, tl.where(there, bits_of(tl.where(value >= 0.0, value, float("inf"))), 0))
    frame(out, problem, start, j, h, w, ROWS, 0)
    tl.store(lacks + tl.program_id(0), tl.max(most, 0))
    tl.store(tops + tl.program_id(0), tl.max(top, 0))


@triton.jit
def haloed(problem, i, j, h, w):
    """Where a pixel stands in an array with a halo."""
    return problem * (h + 2) * (w + 2) + (i + 1) * (w + 2) + j + 1


@triton.jit
def inflow(x, here, problem, i, j, h, w, north, east, there):
    """What the four faces of a pixel carry into it, and the sum of the magnitudes, from a field whose halo is set."""
    at = haloed(problem, i, j, h, w)
    below = tl.load(x + at - (w + 2), mask=there, other=0.0).to(tl.float64) - here
    above = tl.load(x + at + (w + 2), mask=there, other=0.0).to(tl.float64) - here
    left = tl.load(x + at - 1, mask=there, other=0.0).to(tl.float64) - here
    right = tl.load(x + at + 1, mask=there, other=0.0).to(tl.float64) - here
    if north is not None:
        row = north + problem * (h + 1) * w + i * w + j
        column = east + problem * h * (w + 1) + i * (w + 1) + j
        below *= tl.load(row, mask=there, other=0.0)
        above *= tl.load(row + w, mask=there, other=0.0)
        left *= tl.load(column, mask=there, other=0.0)
        right *= tl.load(column + 1, mask=there, other=0.0)
    return (below + above) + (left + right), (tl.abs(below) + tl.abs(above)) + (tl.abs(left) + tl.abs(right))


@triton.jit
def loss(here, pixel, decay, vmax, km, problem, there):
    """What decay and uptake take."""
    taken = tl.load(decay + pixel, mask=there, other=0.0) * here
    if vmax is not None:
        taken += tl.load(vmax + pixel, mask=there, other=0.0) * (here / (tl.load(km + problem) + here))
    return taken


@triton.jit
def bits_of(value):
    """The bit pattern of a magnitude."""
    return value.to(tl.int64, bitcast=True) & _MAGNITUDE
