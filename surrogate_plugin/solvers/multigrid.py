"""Geometric multigrid: float32 V-cycles precondition conjugate gradients, inside float64 refinement."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from surrogate_plugin.problem import FloatArray, Problem
from surrogate_plugin.solution import Solution, Stats
from surrogate_plugin.solvers import krylov_kernels as krylov
from surrogate_plugin.solvers import lattice_kernels
from surrogate_plugin.solvers.equation import Equation
from surrogate_plugin.solvers.hierarchy import Hierarchy
from surrogate_plugin.solvers.protocol import require_fresh

#: A float32 residual cannot be trusted to shrink further than this before it is recomputed in float64.
_FLOAT32_REDUCTION = 1e-4


class Iteration:
    """A field under improvement: preconditioned conjugate gradients that may be stopped, inspected and resumed.

    ``advance`` makes one step on a float32 correction; ``commit`` adds it to the float64 field and recomputes the true
    residual. The search direction survives a commit, so that looking costs no convergence. With
    Michaelis-Menten uptake every commit is a Newton step: the finest level is linearised anew.
    """

    def __init__(self, equation: Equation, hierarchy: Hierarchy, start: FloatArray | None, level: float) -> None:
        self.equation = equation
        self.hierarchy = hierarchy
        self.cycles = 0
        self.field = equation.embed(start)
        padded = self.field.shape
        self.residual = np.zeros(padded)
        self._r, self._z, self._p, self._q, self._x = (np.zeros(padded, np.float32) for _ in range(5))
        self._rz = 0.0
        self._scale = 1.0
        self._contraction = 0.2
        if equation.vmax is None:
            decay = equation.decay
        else:
            decay = equation.secant(level) if start is None else equation.tangent(self.field)
        hierarchy.rebuild(equation.free, decay)
        self.largest_residual = self._refresh()
        #: Estimate of the largest error, field units; infinite until the first cycle.
        self.estimate = 0.0 if self.largest_residual == 0.0 else math.inf

    def advance(self) -> None:
        """One V-cycle and one conjugate-gradient step; updates ``estimate``."""
        if self.largest_residual == 0.0 or not math.isfinite(self.largest_residual):
            return
        self.hierarchy.v_cycle(self._z, self._r)
        rz, peak = krylov.dot_and_max(self._r, self._z)
        if not rz > 0.0:
            self.estimate = 0.0 if rz == 0.0 else math.inf
            return
        beta = rz / self._rz if self._rz > 0 else 0.0
        if self._rz > 0:
            self._contraction = min(0.7, max(0.05, math.sqrt(beta)))
        krylov.direction(self._p, self._z, np.float32(beta))
        curvature = krylov.apply(self._p, self.hierarchy.dinv0, self._q, self.hierarchy.sides)
        alpha = rz / curvature if curvature > 0 else 0.0
        krylov.step(self._x, self._p, self._r, self._q, np.float32(alpha))
        self._rz = rz
        self.cycles += 1
        self.estimate = float(peak) / self._scale * self._contraction

    def commit(self) -> None:
        """Add the correction to the field and recompute the residual in float64."""
        linear = self.equation.vmax is None
        lattice_kernels.add_correction(self.field, self._x, 1.0 / self._scale, -np.inf if linear else 0.0)
        self._x.fill(0.0)
        old_scale = self._scale
        if not linear:
            self.hierarchy.relinearise(self.equation.free, self.equation.tangent(self.field))
        self.largest_residual = self._refresh()
        # Keep the search direction in the units of the new, rescaled residual.
        ratio = self._scale / old_scale
        if linear and 0 < ratio < 1e15:
            self._p *= np.float32(ratio)
            self._rz *= ratio * ratio
        else:
            self._p.fill(0.0)
            self._rz = 0.0

    def solution(self) -> FloatArray:
        """The field, (H, W) float64."""
        return np.ascontiguousarray(self.field[1:-1, 1:-1])

    def _refresh(self) -> float:
        """The residual, scaled so that its largest entry is about 1 in float32."""
        largest = self.equation.residual(self.field, self.residual, self._r, 1.0)
        if largest > 0 and math.isfinite(largest):
            self._scale = 1.0 / largest
            np.multiply(self.residual, self._scale, out=self._r, casting="same_kind")
        return largest


@dataclass
class MultigridState:
    """The hierarchy's buffers; `Iteration` rebuilds the levels, which costs about a cycle."""

    fingerprint: str
    hierarchy: Hierarchy


class Multigrid:
    """Multigrid for variable decay and Michaelis-Menten uptake, constant diffusivity.

    Conjugate gradients preconditioned by a symmetric V(2, 2) cycle in float32, restarted inside float64 refinement;
    Newton for Michaelis-Menten.

    Error
    -----
    ``solve`` stops when the estimated largest error is below the tolerance; the guard bounds it.

    Source
    ------
    Briggs, Henson, McCormick, *A Multigrid Tutorial*, 2nd ed., SIAM 2000 (cycles, FAS); Tatebe, "The multigrid preconditioned
    conjugate gradient method", 1993.

    Examples
    --------
    >>> from surrogate_plugin.problem import Problem
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
        if isinstance(problem.diffusivity, np.ndarray):
            return "multigrid needs a constant diffusivity; sparse-direct takes a diffusivity map."
        return None

    def prepare(self, problem: Problem) -> MultigridState:
        """Allocate the hierarchy for the problem's lattice."""
        return MultigridState(problem.fingerprint, Hierarchy(problem.shape, problem.boundary))

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
        iteration = Iteration(Equation(problem), state.hierarchy, guess, 0.5 * problem.largest_imposed)
        run_to_estimate(iteration, tolerance)
        return Solution(iteration.solution(), method=self.name, stats=Stats(counts={"cycles": iteration.cycles}))


def run_to_estimate(iteration: Iteration, tolerance: float | None, max_cycles: int = 100) -> None:
    """Advance until the estimated error is at most ``tolerance`` (None: as far as rounding allows); then commit."""
    linear = iteration.equation.vmax is None
    target = 0.0 if tolerance is None else tolerance
    while iteration.estimate > target and iteration.cycles < max_cycles:
        before = iteration.largest_residual
        _inner(iteration, target, max_cycles, 20 if linear else 2)
        iteration.commit()
        # Rounding shows as a residual that no longer falls; one Newton step may rightly raise it.
        if iteration.largest_residual > (0.5 if linear else 2.0) * before:
            break


def _inner(iteration: Iteration, target: float, max_cycles: int, steps: int) -> None:
    """Cycles between two commits: until the target or what float32 can resolve."""
    first = math.inf
    for step in range(steps):
        iteration.advance()
        if step == 0:
            first = iteration.estimate
        if iteration.estimate <= max(target, _FLOAT32_REDUCTION * first) or iteration.cycles >= max_cycles:
            return
