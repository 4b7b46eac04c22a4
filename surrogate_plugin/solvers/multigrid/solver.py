"""Geometric multigrid: float32 V-cycles precondition conjugate gradients, inside float64 refinement."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from surrogate_plugin import calibration, team
from surrogate_plugin.equation.operator import Operator
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.equation.solution import Solution, Stats
from surrogate_plugin.sharing_kernels import CHUNKS
from surrogate_plugin.solvers.multigrid import krylov_kernels as krylov
from surrogate_plugin.solvers.multigrid.central_path import CentralPath, path_for
from surrogate_plugin.solvers.multigrid.difficulty import EVEN, difficulty_of
from surrogate_plugin.solvers.multigrid.hierarchy import Float32Array, Hierarchy
from surrogate_plugin.solvers.protocol import Solver, require_fresh

#: Where the energy falls no faster than this, the search direction is spoilt, by rounding (it rises) or by a changed
#: linearisation (it stalls): begin anew from the cycle's own direction.
RESTART_LINEAR, RESTART_SATURATING = 1.0, 0.3
#: A cycle that leaves more than this part of the error works on an outdated linearisation.
SLOW = 0.35
#: A field that is known to this part of ``km`` needs no new linearisation.
NEAR = 0.05
#: What a cycle takes however small the lattice is, in pixels.
_OVERHEAD = 4000
#: The part of the tolerance that the estimated error must reach where nobody certifies: it is up to 1.2 times too low.
_SURE = 0.5
#: More cycles than this to 1e-6 of the largest value, of which 1e-10 takes half as many again, are others' business.
_PATIENCE = 30.0
#: Before a field is certified.
SWEEPS, _SWEEPS_OF_MAPS = 3, 6
#: What a cycle with maps takes, in cycles without.
_MAPPED = 1.6
#: Decay beside which the four links of a pixel hardly count.
STIFF = 10.0


class Iteration:
    """A field under improvement: preconditioned conjugate gradients that can be inspected after every step.

    Each `advance` costs one float32 V-cycle and leaves ``field`` and its residual, both in float64, current, so that
    nothing is lost to the low precision and looking is free. With Michaelis-Menten uptake each step is an inexact
    Newton step: the finest level is linearised at the current field, the coarse levels, which only precondition, are
    kept. Where ``km`` is small beside the field the first cycles follow a `CentralPath`, all levels anew for each.

    Attributes
    ----------
    field : (H + 2, W + 2) float64, field units, with a halo
    largest_residual : float, field units (the equation has unit links)
        Before it was smoothed.
    estimate : float, field units
        Estimate (not a bound) of the largest error; infinite until the first cycle.
    correction : float, field units
        The largest value of what the last cycle proposed, which is about the error before it; infinite until then.
    """

    def __init__(self, equation: Operator, hierarchy: Hierarchy, start: FloatArray | None) -> None:
        self.equation = equation
        self.hierarchy = hierarchy
        self.cycles = 0
        self.field = equation.embed(start)
        self._r, self._z, self._p = hierarchy.vectors[:3]
        self._p.fill(0.0)
        self._energy = 0.0
        self._scale = self._direction_scale = 1.0
        self.correction = math.inf
        self._contraction = self._last_contraction = 0.2
        self._smoothed = False
        self._path = path_for(equation, self.field, start is not None)
        if self._path is None:
            self.decay = equation.decay if equation.vmax is None else equation.first_guess_decay(start, self.field)
            hierarchy.rebuild(equation.free, self.decay, equation.faces)
        self.largest_residual = self._refresh()
        self.estimate = 0.0 if self.largest_residual == 0.0 else math.inf

    @property
    def _left(self) -> float:
        """The part of a correction that is still wrong after it.

        Between faces that conduct differently errors fall by fits and starts, and the largest are in few pixels: twice
        what the slower of two cycles leaves is too little in one cycle of four, by 2.5 at most from the fourth on.
        """
        if self.equation.faces is None:
            return self._contraction
        return 2.0 * max(self._contraction, self._last_contraction)

    @property
    def on_path(self) -> bool:
        """Whether the field is still on its way to a small ``km``, where its residual and the estimate say little."""
        return self._path is not None

    def pixels_above(self, share: float) -> int:
        """At how many pixels the residual is more than a share of its largest value."""
        return int(np.count_nonzero(np.abs(self._r) > share * self.largest_residual * self._scale))

    def advance(self) -> None:
        """One V-cycle and one conjugate-gradient step."""
        if self._smoothed:
            self._smoothed = False
            self.largest_residual = self._refresh()
        if self.largest_residual == 0.0 or not math.isfinite(self.largest_residual):
            return
        if self._path is not None:
            self._follow(self._path)
            return
        self.hierarchy.v_cycle(self._z, self._r)
        sums = np.zeros(CHUNKS)
        energy, peak = team.run(krylov.dot_and_max, self._r, self._z, sums, np.zeros(CHUNKS, np.int32))
        if not 0.0 < energy < math.inf:
            self.estimate = 0.0 if energy == 0.0 else math.inf
            return
        # The residual is scaled to 1 anew each time, so energies compare only in units of the field.
        energy_in_field_units = energy / self._scale**2
        beta = energy_in_field_units / self._energy if self._energy > 0 else 0.0
        self._energy = energy_in_field_units
        if beta > 0:
            self._last_contraction = self._contraction
            self._contraction = min(0.7, max(0.05, math.sqrt(beta)))
        if beta > (RESTART_LINEAR if self.equation.vmax is None else RESTART_SATURATING):
            beta = 0.0
        # The last direction is still in the units of the residual before this one.
        beta *= self._scale / self._direction_scale
        self._direction_scale = self._scale
        curvature = team.run(
            krylov.direction_and_curvature, self._p, self._z, np.float32(beta), self.decay, *self.hierarchy.links,
            self.hierarchy.walls, self.hierarchy.rings, np.zeros(CHUNKS),
        )  # fmt: skip
        if not 0.0 < curvature < math.inf:
            self.estimate = math.inf
            return
        alpha = energy / curvature / self._scale
        self._add(self._p, alpha)
        self.correction = float(peak) / self._scale
        self.estimate = self.correction * self._left
        self.cycles += 1
        self._relinearise()
        self.largest_residual = self._refresh()

    def _follow(self, path: CentralPath) -> None:
        """One V-cycle along the path to a small ``km``, whose end is the start of Newton's method."""
        e, hierarchy = self.equation, self.hierarchy
        self.decay = path.decay(self.field)
        self._rebuild()
        size = e.residual(self.field, self._scale, self._r, path.km)
        hierarchy.v_cycle(self._z, self._r)
        sums = np.zeros(CHUNKS)
        energy, peak = team.run(krylov.dot_and_max, self._r, self._z, sums, np.zeros(CHUNKS, np.int32))
        curvature = team.run(
            krylov.direction_and_curvature, self._p, self._z, np.float32(0.0), self.decay, *hierarchy.links,
            hierarchy.walls, hierarchy.rings, np.zeros(CHUNKS),
        )  # fmt: skip
        usable = 0.0 < energy < math.inf and 0.0 < curvature < math.inf
        path.move(self.field, self._p, energy / curvature / self._scale if usable else 0.0)
        self.cycles += 1
        self.estimate = float(peak) / self._scale * self._contraction if usable else math.inf
        if 1e-290 < size < math.inf:
            self._scale = 1.0 / size
        if path.arrived:
            self._path = None
            self.decay = e.tangent(self.field)
            hierarchy.relinearise(e.free, self.decay)
            self.largest_residual = e.residual(self.field, self._scale, self._r)

    def _rebuild(self) -> None:
        """All levels anew. Where uptake is so stiff that a pixel has its way, coarse levels see a fixed one."""
        e = self.equation
        stiff = self.decay > STIFF
        if stiff.any():
            self.hierarchy.rebuild(e.free & ~stiff, self.decay, e.faces)
            self.hierarchy.relinearise(e.free, self.decay)
        else:
            self.hierarchy.rebuild(e.free, self.decay, e.faces)

    def smooth(self) -> None:
        """Gauss-Seidel sweeps on the finest level alone, before the field is certified.

        A conjugate-gradient step leaves some roughness, which hardly shows in the error but much in the residual:
        three sweeps, a quarter of a cycle, bring the bound from 2-16 times the error to 1.1-4; where faces conduct
        differently six bring it from 1.7 to 1.3 times. Its residual is left to the next `advance`, since as a rule
        there is none.
        """
        if not self.cycles or self.on_path or not 0.0 < self.largest_residual < math.inf:
            return
        self.hierarchy.sweep(self._z, self._r, SWEEPS if self.equation.faces is None else _SWEEPS_OF_MAPS)
        self._add(self._z, 1.0 / self._scale)
        self._smoothed = True

    def _add(self, direction: Float32Array, factor: float) -> None:
        """``field += factor direction``; where uptake saturates it stays at 0 or above."""
        floor = -np.inf if self.equation.vmax is None else 0.0
        team.run(krylov.add_direction, self.field, direction, factor, floor)

    def solution(self) -> FloatArray:
        """The field, (H, W) float64, not below 0, where no field is."""
        return np.maximum(self.field[1:-1, 1:-1], 0.0)

    def _relinearise(self) -> None:
        """With saturating uptake, take the tangent at the current field.

        The tangent changes by a fraction ``2 error / (km + c)``, so a field that is known to a small part of ``km``
        needs no new one. The coarse levels, which only precondition, follow once, when two cycles have shown where
        the field is low, and again where cycles converge slowly; more often costs more than it saves (measured).
        """
        slow = self._contraction > SLOW
        if self.equation.vmax is None or (self.estimate < NEAR * self.equation.km and not slow):
            return
        self.decay = self.equation.tangent(self.field)
        if self.cycles == 2 or slow:
            self._rebuild()
        else:
            self.hierarchy.relinearise(self.equation.free, self.decay)

    def _refresh(self) -> float:
        """The residual in float32, scaled so that its largest entry is of order 1."""
        self._scale = 1.0 / self.largest_residual if self.cycles else self.equation.residual_scale(self.field)
        return self.equation.residual(self.field, self._scale, self._r)


@dataclass
class MultigridState:
    """The hierarchy's buffers; `Iteration` rebuilds the levels, which costs about a cycle."""

    fingerprint: str
    hierarchy: Hierarchy


class Multigrid(Solver[MultigridState]):
    """Multigrid for variable decay, Michaelis-Menten uptake, and faces that conduct differently.

    Conjugate gradients preconditioned by a symmetric V(2, 2) cycle in float32, restarted inside float64 refinement;
    Newton for Michaelis-Menten.

    Error
    -----
    ``solve`` stops when the estimated largest error is below the tolerance; the guard bounds it.

    Source
    ------
    Briggs, Henson, McCormick, *A Multigrid Tutorial*, 2nd ed., SIAM 2000 (cycles, FAS); Tatebe, "The multigrid
    preconditioned conjugate gradient method", 1993.

    Examples
    --------
    >>> from surrogate_plugin.equation.problem import Problem
    >>> source = np.zeros((32, 48)); source[16, 20] = 1.0
    >>> problem = Problem(source, decay=np.full((32, 48), 0.01))
    >>> solver = Multigrid()
    >>> field = solver.solve(solver.prepare(problem), problem).field
    >>> float(field[16, 20]), bool(field.min() >= 0)
    (1.0, True)
    """

    name = "multigrid"

    def refusal(self, problem: Problem) -> str | None:
        """Why ``problem`` is not for this solver, or None."""
        if _cycles(problem) > _PATIENCE:
            return (
                "multigrid is slow where conductances jump from pixel to pixel, where walls thinner than a pixel are "
                "tight, or where one axis conducts far more than the other; algebraic and sparse-direct take that."
            )
        return None

    def cost(self, problem: Problem) -> float:
        """Eleven cycles, more for maps, twice as many where uptake saturates, and as much as two for the set-up."""
        cycles = 11.0 * _cycles(problem) / EVEN + 2.0
        each = cycle_seconds(problem.source.size) * (1.0 if problem.plain else _MAPPED)
        return (cycles if problem.uptake is None else 2.0 * cycles) * each

    def prepare(self, problem: Problem) -> MultigridState:
        """Allocate the hierarchy for the problem's lattice."""
        return MultigridState(problem.fingerprint, Hierarchy(problem.shape, problem.walls))

    def solve(
        self,
        state: MultigridState,
        problem: Problem,
        guess: FloatArray | None = None,
        *,
        tolerance: float | None = None,
    ) -> Solution:
        """Solve to ``tolerance`` (largest pointwise error, field units; default 1e-10 of the largest value)."""
        require_fresh(state.fingerprint, problem)
        iteration = Iteration(Operator(problem), state.hierarchy, guess)
        run_to_estimate(iteration, None if tolerance is None else _SURE * tolerance)
        return Solution(iteration.solution(), method=self.name, stats=Stats(counts={"cycles": iteration.cycles}))


def _cycles(problem: Problem) -> float:
    """About how many cycles 1e-6 of the largest value takes."""
    if problem.faces is None:
        return EVEN
    rate = float(np.mean(problem.decay)) / problem.reference_link
    longest = float(max(problem.shape))
    return difficulty_of(problem.faces).cycles(min(longest, 1.0 / math.sqrt(rate)) if rate > 0.0 else longest)


def cycle_seconds(pixels: int) -> float:
    """About what one cycle takes on this machine: measured once on 256 x 256 pixels, and in proportion to those."""
    shape = (256, 256)

    def cycle() -> Callable[[], None]:
        problem = Problem(np.eye(*shape), decay=0.01)
        return Iteration(Operator(problem), Hierarchy(shape, problem.walls), None).advance

    measured = calibration.made_seconds(f"cycle of {shape}, {team.thread_count()} threads", cycle)
    return measured * (_OVERHEAD + pixels) / math.prod(shape)


def run_to_estimate(iteration: Iteration, tolerance: float | None, max_cycles: int = 60) -> None:
    """Advance until the estimated error is at most ``tolerance`` (None: 1e-11 of the largest value).

    Stops early where rounding allows no more progress: when the residual has not halved in four cycles.
    """
    best, since = math.inf, 0
    while iteration.cycles < max_cycles:
        target = 1e-11 * float(iteration.field.max()) if tolerance is None else tolerance
        if iteration.estimate <= target and not iteration.on_path:
            return
        before = iteration.cycles
        iteration.advance()
        since += 1
        if iteration.on_path:  # the residual there is a larger km's and says nothing about progress
            best, since = math.inf, 0
        elif iteration.largest_residual < 0.5 * best:
            best, since = iteration.largest_residual, 0
        if iteration.cycles == before or since >= 4:
            return
