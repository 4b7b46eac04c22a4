"""The way of many problems to a small half-saturation constant: see `surrogate_plugin.solvers.multigrid.central_path`.

Each problem has a place of its own on its path, or is on none; nobody waits for another, and nothing is asked of the
device on the way.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from surrogate_plugin.batched.operator import inner
from surrogate_plugin.batched.stack import Stack
from surrogate_plugin.batched.taking import take

#: When a path pays, how its steps go and when it ends: measured where `solvers.multigrid.central_path` has them.
_SMALL, _STEEP = 0.2, 0.1
_SHRINKAGE, _NEAR, _BACK = 0.03, 0.1, 1e-3
_PATIENCE, _MAX_STEPS = 12, 32
#: What one step leaves at least of a pixel's unsaturated share.
_KEPT = 0.05


@dataclass(frozen=True, eq=False)
class CentralPath:
    """How far along their paths the problems of a stack are; all tensors are float64 if nothing else is said.

    Attributes
    ----------
    on : (B,) bool
        Whether Newton's method for the field alone would still be slow.
    km, goal : (B,), field units
        The half-saturation constant of the next step, and that of the equation, which is the end.
    unsaturated : (B, H, W)
        The unsaturated share of uptake, an unknown of its own.
    size : (B,), field units
        About how large the field gets.
    steps : (B,) int64
    started : bool
        Whether the fields came from somebody; they may be near already, which the first step shows.
    """

    on: Tensor
    km: Tensor
    goal: Tensor
    unsaturated: Tensor
    size: Tensor
    steps: Tensor
    started: bool

    @classmethod
    def begun(cls, stack: Stack, vmax: Tensor, c: Tensor, *, started: bool) -> Self:
        """Paths from ``c``, (B, H + 2, W + 2), or from nothing, for those whose uptake is steep beside their field."""
        size, goal = _size(stack, c), stack.km
        on = (goal < _SMALL * size) & (vmax.amax((1, 2)) >= _STEEP * goal)
        if started:
            km, unsaturated = goal, _share(goal, c)
        else:
            km, unsaturated = torch.maximum(goal, size), torch.full_like(vmax, 2.0 / 3.0)
        return cls(on, km, goal, unsaturated, size, torch.zeros_like(goal, dtype=torch.int64), started)

    def decay(self, stack: Stack, vmax: Tensor, c: Tensor) -> Tensor:
        """The decay of the step's linear equation, (B, H, W)."""
        return stack.decay + vmax * self.unsaturated / (self.km[:, None, None] + inner(c))

    def moved(self, before: Tensor, after: Tensor, change: Tensor) -> Self:
        """On to the next ``km``, after a step from one field to the other that proposed a change.

        Parameters
        ----------
        before, after : (B, H + 2, W + 2), field units
        change : (B, H, W), field units
            ``after`` is ``before`` with the change, never below 0.
        """
        km, goal = self.km[:, None, None], self.goal[:, None, None]
        was, now, share = inner(before), inner(after), self.unsaturated
        share = torch.minimum(torch.maximum((km - share * change) / (km + was), _KEPT * share), share.new_ones(()))
        # NaN is left out: it shows in the residual.
        distance = torch.nan_to_num(((now - was).abs() / (goal + now)).amax((1, 2)), nan=0.0)
        steps = self.steps + 1
        arrived = ((self.km <= self.goal) & (distance <= _NEAR)) | (steps >= _MAX_STEPS)
        next_km = torch.maximum(self.goal, _SHRINKAGE * self.km)
        if self.started:
            untried, lost = steps == 1, steps == _PATIENCE
            next_km = torch.where(untried, torch.maximum(self.goal, _BACK * self.size), next_km)
            next_km = torch.where(lost, torch.maximum(self.goal, self.size), next_km)
            share = torch.where((untried | lost)[:, None, None], _share(next_km, after), share)
        return dataclasses.replace(
            self,
            on=self.on & ~arrived,
            km=torch.where(arrived, self.km, next_km),
            unsaturated=share,
            steps=steps,
        )

    def among(self, some: Tensor) -> Self:
        """The same paths, but that only some of the problems, (B,) bool, are on theirs."""
        return dataclasses.replace(self, on=self.on & some)

    def take(self, index: Tensor) -> Self:
        """The paths of some of the problems."""
        return take(self, index)


def _share(km: Tensor, c: Tensor) -> Tensor:
    """The unsaturated share at a field."""
    return km[:, None, None] / (km[:, None, None] + inner(c))


def _size(stack: Stack, c: Tensor) -> Tensor:
    """About how large the fields get: what is imposed, a start, or what production would sustain without uptake."""
    size = torch.maximum(c.amax((1, 2)), stack.wall_value.amax((1, 2)))
    smallest = stack.decay.masked_fill(~stack.free, math.inf).amin((1, 2))
    lifetime = (1.0 / smallest).clamp(max=float(max(stack.shape)) ** 2)
    return size + stack.production.amax((1, 2)) * lifetime
