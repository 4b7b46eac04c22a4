"""The solver of algebraic multigrid: for any faces, where coarse lattices do not follow the conductances."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field as default

import numpy as np

from surrogate_plugin import calibration, team
from surrogate_plugin.equation.assembly import value_unit
from surrogate_plugin.equation.operator import Operator
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.equation.solution import Solution, Stats
from surrogate_plugin.solvers.algebraic.hierarchy import AlgebraicHierarchy
from surrogate_plugin.solvers.algebraic.iteration import Iteration, run_to_estimate
from surrogate_plugin.solvers.algebraic.newton import NewtonIteration
from surrogate_plugin.solvers.protocol import Solver, require_fresh

#: The part of the tolerance that the estimated error must reach, since nobody certifies it here.
_SURE = 0.1
#: Newton's method for saturating uptake, whose steps are solved for roughly, takes as much as so many linear solves.
_STEPS = 4.0
#: What a solve takes however small the lattice is, in pixels.
_OVERHEAD = 4000


@dataclass(eq=False)
class AlgebraicState:
    """The hierarchy, set up for the operator; with saturating uptake each solve sets it up for its own tangents."""

    fingerprint: str
    hierarchy: AlgebraicHierarchy
    lock: threading.Lock = default(default_factory=threading.Lock, repr=False)

    @property
    def nbytes(self) -> int:
        """About what the levels occupy."""
        return self.hierarchy.nbytes


class Algebraic(Solver[AlgebraicState]):
    """Algebraic multigrid for faces of any contrast: pixel noise, thin walls, membranes, islands, strong anisotropy.

    Every other pixel is eliminated exactly, the rest is solved for by conjugate gradients with Ruge and Stueben's
    multigrid, inside float64 refinement; Newton for Michaelis-Menten.

    Error
    -----
    ``solve`` stops when the estimated largest error is below the tolerance; the guard bounds it.

    Source
    ------
    Stueben, "A review of algebraic multigrid", *J. Comput. Appl. Math.* 128, 2001.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> source = np.zeros((32, 48)); source[16, 20] = 1.0
    >>> problem = Problem(source, diffusivity=10.0 ** -rng.uniform(0, 6, (32, 48)), decay=0.01)
    >>> solver = Algebraic()
    >>> solution = solver.solve(solver.prepare(problem), problem)
    >>> float(solution.field[16, 20]), bool(solution.field.min() >= 0)
    (1.0, True)
    """

    name = "algebraic"

    def refusal(self, problem: Problem) -> str | None:
        """None: every problem is taken."""
        return None

    def cost(self, problem: Problem) -> float:
        """From one solve of pixel noise on 160 x 160 pixels, in proportion to those."""
        shape = (160, 160)

        def whole() -> Callable[[], object]:
            noise = 10.0 ** -np.random.default_rng(0).uniform(0.0, 6.0, shape)
            posed, solver = Problem(np.eye(*shape), diffusivity=noise), Algebraic()
            return lambda: solver.solve(solver.prepare(posed), posed)

        one = calibration.made_seconds(f"algebraic multigrid on {shape}, {team.thread_count()} threads", whole)
        steps = 1.0 if problem.uptake is None else _STEPS
        return float(steps * one * (_OVERHEAD + problem.source.size) / math.prod(shape))

    def prepare(self, problem: Problem) -> AlgebraicState:
        """Set the hierarchy up for the operator."""
        operator = Operator(problem)
        hierarchy = AlgebraicHierarchy(problem.shape, operator.walls)
        if operator.vmax is None:
            hierarchy.rebuild(operator.free, operator.decay, operator.faces)
        return AlgebraicState(problem.fingerprint, hierarchy)

    def solve(
        self,
        state: AlgebraicState,
        problem: Problem,
        guess: FloatArray | None = None,
        *,
        tolerance: float | None = None,
    ) -> Solution:
        """Solve to ``tolerance`` (largest pointwise error, field units; default 1e-10 of the largest value)."""
        require_fresh(state.fingerprint, problem)
        operator = Operator(problem)
        if value_unit(problem) == 0.0 or not operator.free.any():
            return Solution(np.where(operator.free, 0.0, operator.source), method=self.name)
        with state.lock:
            iteration = begin(problem, operator, state.hierarchy, None if guess is None else _finite(guess))
            run_to_estimate(iteration, None if tolerance is None else _SURE * tolerance)
            iteration.smooth()
            field = np.maximum(iteration.field[1:-1, 1:-1], 0.0)
        counts = {"cycles": iteration.cycles}
        if isinstance(iteration, NewtonIteration):
            counts["steps"] = iteration.steps
        return Solution(np.where(operator.free, field, operator.source), method=self.name, stats=Stats(counts=counts))


def begin(
    problem: Problem, operator: Operator, hierarchy: AlgebraicHierarchy, start: FloatArray | None
) -> Iteration | NewtonIteration:
    """A field of the problem's to be improved, for `run_to_estimate` and for whoever certifies it between steps.

    Parameters
    ----------
    problem : Problem
    operator : Operator
        Its equation.
    hierarchy : AlgebraicHierarchy
        Of its lattice; it is built for the equation, unless it is.
    start : (H, W) float64, field units, or None
        Finite; where it is negative with saturating uptake, 0 is taken.
    """
    if operator.vmax is None:
        return Iteration(operator, hierarchy, start)
    return NewtonIteration(operator, hierarchy, start, value_unit(problem) or 1.0)


def _finite(guess: FloatArray) -> FloatArray:
    return np.nan_to_num(np.asarray(guess, dtype=np.float64), posinf=0.0, neginf=0.0)
