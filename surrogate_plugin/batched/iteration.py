"""Many fields under improvement: float32 V-cycles precondition conjugate gradients, inside float64 refinement."""

from __future__ import annotations

import copy
import math
from typing import Self

import torch
from torch import Tensor

from surrogate_plugin.batched import krylov, operator
from surrogate_plugin.batched.central_path import CentralPath
from surrogate_plugin.batched.choice import fused
from surrogate_plugin.batched.levels import Levels
from surrogate_plugin.batched.setup import STRONGEST
from surrogate_plugin.batched.stack import Stack

#: See `surrogate_plugin.solvers.multigrid.solver`, where each was measured: when a search direction is spoilt and when
#: a linearisation is outdated; how many sweeps smooth a field; decay beside which a pixel's links hardly count.
_RESTART_LINEAR, _RESTART_SATURATING = 1.0, 0.3
_SLOW, _KNOWN = 0.35, 0.05
_SWEEPS, _SWEEPS_OF_MAPS = 3, 6
_STIFF = 10.0
#: A residual below this is not scaled up: its inverse would not be finite.
_SMALLEST = 1e-290


class Iteration:
    """The fields of a stack under improvement, each as `surrogate_plugin.solvers.multigrid.solver.Iteration` does it.

    What belongs to a problem is on the device, and no step waits for it. A problem whose residual is 0, or is not
    finite, is left alone by `advance`; nothing that becomes of one problem touches another.

    Where uptake saturates each step is an inexact Newton step, with all levels made anew for its linearisation, and the
    first ones follow a `CentralPath` where ``km`` is small.

    Parameters
    ----------
    stack : Stack
    levels : Levels
        For the stack's lattice; they are set up here.
    start : (B, H, W) float64, field units, optional
        Fields to start from.

    Attributes
    ----------
    field : (B, H + 2, W + 2) float64, field units, with a halo
    largest_residual : (B,) float64, field units
        The largest residual, infinite where it is not finite; on a path that of another ``km``.
    estimate : (B,) float64, field units
        Estimate (not a bound) of the largest error; infinite until the first cycle.
    correction : (B,) float64, field units
        The largest value of what the last cycle proposed, which is about the error before it; infinite until then.
    cycles : (B,) int64

    Examples
    --------
    >>> import numpy as np
    >>> from surrogate_plugin import Problem
    >>> stack = Stack.of([Problem(np.eye(16), decay=0.01), Problem(np.eye(16), decay=1.0)], "cpu")
    >>> iteration = Iteration(stack, Levels(stack.shape, stack.rings, stack.count, stack.device))
    >>> for _ in range(8):
    ...     iteration.advance()
    >>> bool((iteration.estimate < 1e-8).all())
    True
    """

    def __init__(self, stack: Stack, levels: Levels, start: Tensor | None = None) -> None:
        self.stack, self.levels = stack, levels
        self.field = operator.embed(stack, start)
        ones = torch.ones_like(stack.km)
        self.cycles = torch.zeros_like(stack.km, dtype=torch.int64)
        self.correction = torch.full_like(ones, math.inf)
        self._p = torch.zeros(self.field.shape, dtype=torch.float32, device=stack.device)
        self._energy = torch.zeros_like(ones)
        self._direction_scale = ones
        self._contraction = self._last_contraction = torch.full_like(ones, 0.2)
        self._path: CentralPath | None = None
        self.decay = operator.first_guess_decay(stack, self.field, started=start is not None)
        if stack.vmax is not None:
            self._path = CentralPath.begun(stack, stack.vmax, self.field, started=start is not None)
            on_path = self._path.decay(stack, stack.vmax, self.field)
            self.decay = torch.where(self.on_path[:, None, None], on_path, self.decay)
        self._set_up_levels()
        self._scale = _residual_scale(stack, self.field)
        self._r, self.largest_residual = self._residual()
        self.estimate = torch.full_like(ones, math.inf)
        if self._path is not None:
            # Where nothing is left, or what is left is no number, a path leads nowhere.
            self._path = self._path.among((self.largest_residual > 0.0) & (self.largest_residual < math.inf))
        self._settle()

    @property
    def on_path(self) -> Tensor:
        """Whether a field is still on its way to a small ``km``, where its residual and estimate say little, (B,)."""
        return torch.zeros_like(self.cycles, dtype=torch.bool) if self._path is None else self._path.on

    @property
    def is_short(self) -> bool:
        """Whether a step is few launches: by kernels, where uptake is of first order."""
        return self._path is None and fused(self._r, self.field, self._p, self.decay)

    def advance(self) -> None:
        """One V-cycle and one conjugate-gradient step for each problem that has something left to do."""
        if self.is_short:
            self._advance_fused()
            return
        on_path, scale = self.on_path, self._scale
        going = (on_path | (self.largest_residual > 0.0)) & (self.largest_residual < math.inf)
        z = self.levels.v_cycle(self._r)
        energy, peak = krylov.dot_and_max(self._r, z)
        usable = going & (energy > 0.0) & (energy < math.inf)
        beta = self._conjugate(energy / scale**2, usable & ~on_path)
        direction, curvature = krylov.direction_and_curvature(
            self._p, z, beta * scale / self._direction_scale, self.decay, self.levels.finest,
            self.stack.wall_conductance,
        )  # fmt: skip
        moving = usable & (curvature > 0.0) & (curvature < math.inf)
        alpha = torch.where(moving, energy / curvature / scale, 0.0)
        before = self.field
        self.field = krylov.add_direction(before, direction, alpha, self._floor)
        self._p, self._direction_scale = direction, scale
        # A direction that leads nowhere is not remembered.
        self._energy = torch.where(moving, self._energy, 0.0)
        self._judge(going, moving, energy, peak.to(torch.float64) / scale)
        self._linearise(before, alpha, moving)
        self._refresh()
        self._settle()

    def _advance_fused(self) -> None:
        """The same where uptake is of first order, with all numbers of a problem in three launches."""
        from surrogate_plugin.batched.fused import equation, gradients, judging

        stack, z = self.stack, self.levels.v_cycle(self._r)
        standing = judging.Standing(
            self.largest_residual, self._scale, self._energy, self._contraction, self._last_contraction,
            self._direction_scale, self.correction, self.estimate, self.cycles,
        )  # fmt: skip
        product = gradients.parts_of_product(self._r, z)
        standing, kept, now = judging.after_product(standing, *product, _RESTART_LINEAR)
        self._p, curvature = gradients.parts_of_direction(
            self._p, z, kept, self.decay, self.levels.finest, stack.wall_conductance, STRONGEST
        )
        standing, alpha = judging.after_curvature(standing, now, curvature, mapped=stack.north is not None)
        self.field = krylov.add_direction(self.field, self._p, alpha, self._floor)
        operator.set_halo_(stack, self.field)
        self._r, peaks = equation.parts_of_residual(stack, self.field, standing.scale, stack.km)
        (
            self.largest_residual, self._scale, self._energy, self._contraction, self._last_contraction,
            self._direction_scale, self.correction, self.estimate, self.cycles,
        ) = judging.after_residual(standing, peaks)  # fmt: skip

    def smoothed(self) -> Tensor:
        """The fields after Gauss-Seidel sweeps on the finest level alone, (B, H + 2, W + 2); what is here stays.

        A conjugate-gradient step leaves some roughness, which hardly shows in the error but much in the residual, and
        so in the bound. Fields that are on a path, or have had no cycle, are as they are.
        """
        z = self.levels.sweep(self._r, _SWEEPS if self.stack.north is None else _SWEEPS_OF_MAPS)
        rough = (self.cycles > 0) & ~self.on_path & (self.largest_residual > 0.0) & (self.largest_residual < math.inf)
        return krylov.add_direction(self.field, z, torch.where(rough, 1.0 / self._scale, 0.0), self._floor)

    def solution(self) -> Tensor:
        """The fields, (B, H, W) float64, not below 0, where no field is."""
        return operator.inner(self.field).clamp(min=0.0)

    def take(self, index: Tensor) -> Self:
        """Some of the problems, on their own from here."""
        some = copy.copy(self)
        for name, value in vars(self).items():
            if isinstance(value, Tensor):
                setattr(some, name, value[index])
            elif isinstance(value, Stack | Levels | CentralPath):
                setattr(some, name, value.take(index))
        return some

    @property
    def _floor(self) -> float:
        """Where uptake saturates a field stays at 0 or above."""
        return -math.inf if self.stack.vmax is None else 0.0

    def _conjugate(self, energy: Tensor, usable: Tensor) -> Tensor:
        """How much of the last direction the next one keeps; ``energy`` is in units of the field, as all are kept."""
        beta = torch.where(usable & (self._energy > 0.0), energy / self._energy, 0.0)
        self._energy = torch.where(usable, energy, 0.0)
        known = beta > 0.0
        self._last_contraction = torch.where(known, self._contraction, self._last_contraction)
        self._contraction = torch.where(known, beta.sqrt().clamp(0.05, 0.7), self._contraction)
        most = _RESTART_LINEAR if self.stack.vmax is None else _RESTART_SATURATING
        return torch.where(beta > most, 0.0, beta)

    def _judge(self, going: Tensor, moving: Tensor, energy: Tensor, correction: Tensor) -> None:
        """What the last cycle says of the error; no energy is no error, and another reason to stay put is no news."""
        left = self._contraction
        if self.stack.north is not None:
            # Between faces that conduct differently errors fall by fits and starts, see the solver.
            left = torch.where(self.on_path, left, 2.0 * torch.maximum(left, self._last_contraction))
        self.correction = torch.where(moving, correction, self.correction)
        stuck = torch.where((energy == 0.0) & ~self.on_path, 0.0, math.inf).to(torch.float64)
        self.estimate = torch.where(moving, correction * left, torch.where(going, stuck, self.estimate))
        self.cycles = self.cycles + (moving | (going & self.on_path))

    def _linearise(self, before: Tensor, alpha: Tensor, moving: Tensor) -> None:
        """The next step's linear equation, where uptake saturates.

        The tangent changes by a fraction ``2 error / (km + c)``, so a field that is known to a small part of ``km``
        needs no new one.
        """
        stack, path = self.stack, self._path
        if stack.vmax is None or path is None:
            return
        on_path = path.on
        path = path.moved(before, self.field, operator.inner(alpha[:, None, None] * self._p))
        known = (self.estimate < _KNOWN * stack.km) & (self._contraction <= _SLOW)
        anew = on_path | (moving & ~known)
        decay = operator.tangent(stack, self.field)
        decay = torch.where(path.on[:, None, None], path.decay(stack, stack.vmax, self.field), decay)
        self.decay = torch.where(anew[:, None, None], decay, self.decay)
        self._path = path
        self._set_up_levels()

    def _set_up_levels(self) -> None:
        """All levels for the current linear equation.

        Where uptake is so stiff that a pixel has its way, coarse levels see a fixed one.
        """
        stack = self.stack
        seen = None if stack.vmax is None else stack.free & (self.decay <= _STIFF)
        self.levels.set_up(stack.free, self.decay, stack.north, stack.east, stack.wall_conductance, seen=seen)

    def _refresh(self) -> None:
        """The residuals, in float32 and scaled so that the largest entry of each is of order 1.

        That is their scale before the step, or now where there was none: one that fell so far in a step that float32
        lost it is found again.
        """
        known = (self.largest_residual > _SMALLEST) & (self.largest_residual < math.inf)
        self._scale = torch.where(known, 1.0 / self.largest_residual, self._scale)
        self._r, self.largest_residual = self._residual()

    def _settle(self) -> None:
        """No residual is no error."""
        self.estimate = torch.where((self.largest_residual == 0.0) & ~self.on_path, 0.0, self.estimate)

    def _residual(self) -> tuple[Tensor, Tensor]:
        km = None if self._path is None else torch.where(self._path.on, self._path.km, self.stack.km)
        return operator.residual(self.stack, self.field, self._scale, km)


def _residual_scale(stack: Stack, c: Tensor) -> Tensor:
    """The inverse of a residual's likely size before any is known: links carry the field, production adds."""
    size = torch.linalg.vector_norm(c, math.inf, (1, 2)) + stack.wall_value.amax((1, 2))
    if stack.supplied:
        size = size + stack.production.amax((1, 2))
    return torch.where(size > 0.0, 1.0 / size, 1.0)
