"""Supersolutions of a batch: proposed by V-cycles, verified by what they leave lacking.

What the levels propose may be anything at all. A supersolution grows by what is above 0 of it on free pixels, and
stays 0 on fixed ones, so that the theorem of `surrogate_plugin.guard.certificate` applies to whatever comes out.
"""

from __future__ import annotations

import math
from copy import copy
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor

from surrogate_plugin.arguments import BoolArray, FloatArray, IndexArray
from surrogate_plugin.batched import operator, reading
from surrogate_plugin.batched.choice import fused
from surrogate_plugin.batched.levels import Levels
from surrogate_plugin.batched.stack import Stack
from surrogate_plugin.guard.barriers import up

#: What the first proposal and later ones are multiplied by, see `surrogate_plugin.guard.certificate`.
_FIRST, _LATER = 1.0, 1.6
#: Close proposals: conjugate gradients to this part of the residual, in the norm of the inverse, or for so many steps.
_LEFT, _MOST_STEPS = 0.1, 8


@dataclass(eq=False)
class Proposals:
    """Supersolutions ``w`` under way towards ``A w >= factor target``, for some problems of a batch.

    Attributes
    ----------
    stack, levels, c, target : of B problems
        ``target`` is (B, H, W) float64, >= 0; ``c`` the candidates, (B, H + 2, W + 2).
    factor : (B,) float64 tensor
        ``w / factor`` is in the units of ``c``.
    place : (B,) int64 array
        What number each problem has in the batch that these are some of.
    decay : (B, H, W) float64 tensor, or None
        In place of the equation's decay and uptake: for barriers, which are linear.
    lack : (B, H + 2, W + 2) float32 tensor
        What ``w`` falls short of, in units of ``factor target``; it has a halo of 0.
    w : (B, H + 2, W + 2) float32 or float64 tensor
    """

    stack: Stack
    levels: Levels
    c: Tensor
    target: Tensor
    factor: Tensor
    place: IndexArray
    decay: Tensor | None
    lack: Tensor
    w: Tensor

    @classmethod
    def begun(
        cls,
        stack: Stack,
        levels: Levels,
        c: Tensor,
        target: Tensor,
        factor: Tensor,
        place: IndexArray,
        decay: Tensor | None = None,
    ) -> Self:
        """With nothing proposed yet."""
        lack = _wanted(target, factor)
        return cls(stack, levels, c, target, factor, place, decay, lack, torch.zeros_like(lack))

    def begin(self) -> None:
        """Once more from nothing."""
        self.lack = _wanted(self.target, self.factor)
        self.w = torch.zeros_like(self.lack)

    def propose(self, *, first: bool, well: bool) -> None:
        """Add what the levels make of what is lacking, a little more of it where it is not the first time."""
        z = close_inverse(self.levels, self.lack) if well else self.levels.v_cycle(self.lack)
        by = _FIRST if first else _LATER
        if fused(self.w, z, self.stack.free):
            from surrogate_plugin.batched.fused import fields

            fields.grow(self.w, z, self.stack.free, by)
            return
        grown = torch.where(self.stack.free, z[:, 1:-1, 1:-1].clamp(min=0.0), 0.0)
        self.w[:, 1:-1, 1:-1].add_(grown, alpha=by)

    def lacking(self) -> tuple[FloatArray, FloatArray]:
        """What each ``w`` falls short of its target at most, and its largest value; infinite where it is none."""
        self.lack, largest, top = operator.deficit(
            self.stack, self.w, self.c, self.target, self.factor, decay=self.decay
        )
        most, high = reading.read(torch.stack((largest, top)))
        valid = (most >= 0.0) & (most < math.inf) & (high >= 0.0) & (high < math.inf)
        return np.where(valid, most, math.inf), np.where(valid, high, math.inf)

    def widen(self) -> None:
        """Hold ``w`` in float64: beside much larger neighbours float32 rounds more of it away than is lacking."""
        self.w = self.w.to(torch.float64)

    def of(self, which: BoolArray) -> Self:
        """Some of these alone; a copy."""
        at = reading.index(which, self.c.device)
        return type(self)(
            self.stack.take(at),
            self.levels.take(at),
            self.c[at],
            self.target[at],
            self.factor[at],
            self.place[which],
            None if self.decay is None else self.decay[at],
            self.lack[at],
            self.w[at],
        )


def close_inverse(levels: Levels, b: Tensor) -> Tensor:
    """``A^-1 b`` by conjugate gradients that V-cycles precondition, (B, H + 2, W + 2) float32.

    Walls and anisotropy leave some modes that a cycle hardly touches; these steps find them.
    """
    r, z, p = b.clone(), torch.zeros_like(b), torch.zeros_like(b)
    first = before = torch.zeros(b.shape[0], dtype=torch.float64, device=b.device)
    going = torch.ones_like(first, dtype=torch.bool)
    for step in range(_MOST_STEPS):
        v = levels.v_cycle(r)
        energy = _dot(r, v)
        first = energy if step == 0 else first
        going = going & (energy > _LEFT**2 * first) & (energy < math.inf)
        p = v + _each(torch.where(before > 0.0, energy / before, 0.0)) * p
        ap = -levels.residual(p)
        curvature = _dot(p, ap)
        going = going & (curvature > 0.0) & (curvature < math.inf)
        # Where a problem has come to its end, or to nothing finite, it stays as it is.
        size, before = _each(torch.where(going, energy / curvature, 0.0)), energy
        z = torch.where(going[:, None, None], z + size * p, z)
        r = torch.where(going[:, None, None], r - size * ap, r)
    return z


def verified_height(
    proposals: Proposals, wanted: FloatArray, *, cycles: int, well_from: int, patience: int
) -> tuple[FloatArray, FloatArray]:
    """A computed barrier of each problem: its height, and the largest bound that may count on it.

    The height is the largest value of a ``z`` with ``A z >= 1``, from proposals for ``A z = 1``: ``A z >= 1 - m`` gives
    ``z / (1 - m)``. Where uptake saturates ``A`` includes its slope at the candidate plus its reach, see
    `surrogate_plugin.guard.barriers`.

    Parameters
    ----------
    proposals : Proposals
        Of these problems.
    wanted : (B,) float64 array, field units
        What the reach is to be at least.
    cycles, well_from, patience : int
        Proposals at most, from which on they are close ones, and after how many ``z`` is held in float64.

    Returns
    -------
    height, reach : (B,) float64 arrays
        Dimensionless, infinite where none is found; field units.
    """
    stack, levels, c = proposals.stack, proposals.levels, proposals.c
    reach = np.full(wanted.size, math.inf)
    decay = stack.decay
    if stack.vmax is not None:
        away = torch.maximum(reading.upload(wanted, c.device), stack.km)
        ceiling = c + away[:, None, None]
        decay = operator.least_slope(stack, ceiling)
        room = (ceiling - c)[:, 1:-1, 1:-1].masked_fill(~stack.free, math.inf)
        reach = reading.read(room.amin((1, 2)))
        levels = copy(levels)  # whose finest level is another one then; the given ones stay as they are
        levels.relinearise(stack.free, decay)
    ones, unit = stack.free.to(torch.float64), torch.ones_like(proposals.factor)
    barrier = Proposals.begun(stack, levels, c, ones, unit, np.arange(wanted.size), decay)
    height = np.full(wanted.size, math.inf)
    for cycle in range(1, cycles + 1):
        if cycle == well_from:
            barrier.begin()
        barrier.propose(first=cycle in (1, well_from), well=cycle >= well_from)
        lack, top = barrier.lacking()
        found = (lack < 0.5) & np.isinf(height[barrier.place])
        height[barrier.place[found]] = up(top[found] / (1.0 - lack[found]))
        going = np.isinf(height[barrier.place])
        if not going.any():
            break
        if 2 * int(going.sum()) <= going.size:
            barrier = barrier.of(going)
        if cycle == patience:
            barrier.widen()
    return height, reach


def _wanted(target: Tensor, factor: Tensor) -> Tensor:
    """``factor target`` as a right-hand side of the levels."""
    if fused(target, factor):
        from surrogate_plugin.batched.fused import fields

        return fields.wanted(target, factor)
    return torch.nn.functional.pad((factor[:, None, None] * target).to(torch.float32), (1, 1, 1, 1))


def _dot(a: Tensor, b: Tensor) -> Tensor:
    """(B,) float64; of each problem alone."""
    return (a * b).sum((1, 2), dtype=torch.float64)


def _each(numbers: Tensor) -> Tensor:
    return numbers.to(torch.float32)[:, None, None]
