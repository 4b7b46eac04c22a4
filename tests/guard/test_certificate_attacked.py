"""The certifier under attack: whatever the candidates, their order, the cycles and the barriers, bounds hold."""

from __future__ import annotations

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_plugin.equation.operator import Operator
from surrogate_plugin.equation.problem import MichaelisMenten, Problem
from surrogate_plugin.guard.certificate import Certifier
from surrogate_plugin.guard.matrix_certificate import bound_by_factorisation
from surrogate_plugin.reference import Reference, solve_extended
from surrogate_plugin.solvers.multigrid.hierarchy import Hierarchy


def any_problem(rng: np.random.Generator, *, saturating: bool = True) -> Problem:
    """A small lattice of any strength of uptake, ``km`` from 1e-8 of the largest value to ten times it."""
    shape = tuple(rng.integers(8, 13, 2))
    scale = float(rng.choice([1.0, 38.0, 1e-9, 1e9]))
    source = np.where(rng.random(shape) < rng.choice([0.02, 0.1, 0.4]), rng.random(shape), 0.0) * scale
    source[tuple(rng.integers(0, 8, 2))] = scale
    cells = rng.random(shape) < rng.choice([0.3, 1.0])
    sides = ["absorbing", "reflecting", float(rng.uniform(0.0, scale))]
    pairs = [("left", "right"), ("bottom", "top")]
    boundary = {}
    for pair in pairs:
        wraps = rng.random() < 0.3
        boundary |= {name: "periodic" if wraps else sides[int(rng.integers(3))] for name in pair}
    decay = float(rng.choice([0.0, 10.0 ** rng.uniform(-8, 1)]))
    production = float(rng.choice([0.0, 0.0, 10.0 ** rng.uniform(-4, 0)])) * scale
    uptake = None
    if saturating:
        km = scale * 10.0 ** rng.uniform(-8, 1)
        vmax = scale * 10.0 ** rng.uniform(-4, 1.5) * (rng.random(shape) if rng.random() < 0.5 else 1.0)
        uptake = MichaelisMenten(cells * vmax, km)
    return Problem(source, decay=decay * (1.0 + cells), production=production, uptake=uptake, boundary=boundary)


def any_candidate(rng: np.random.Generator, problem: Problem, exact: np.ndarray) -> np.ndarray:
    """Something from all but exact to absurd; above the solution, below it, or both."""
    largest = max(float(exact.max()), 1e-300)
    unit = rng.choice([1.0, 0.0 if problem.uptake is None else problem.uptake.km / largest])
    size = largest * unit * 10.0 ** rng.uniform(-8, 2)
    noise = rng.choice([rng.normal(size=exact.shape), rng.random(exact.shape), -rng.random(exact.shape)])
    base = rng.choice([exact, exact, exact, np.zeros_like(exact), np.full_like(exact, largest)])
    return np.where(problem.fixed, problem.source, np.maximum(base + size * noise, 0.0))


class Hostile(Hierarchy):
    """Cycles that return noise, nothing, far too much, or only in part what they should."""

    def __init__(self, problem: Problem, rng: np.random.Generator) -> None:
        super().__init__(problem.shape, problem.walls)
        self._rng, self._free, self._kind = rng, ~problem.fixed, int(rng.integers(5))

    def v_cycle(self, z, b, **sweeps) -> None:
        super().v_cycle(z, b, **sweeps)
        free, rng = self._free, self._rng
        noise = rng.random(self.shape).astype(np.float32)
        inner = z[1:-1, 1:-1]
        with np.errstate(over="ignore", invalid="ignore"):
            inner *= (1.0, noise, 0.0, np.float32(10.0 ** rng.uniform(-3, 6)), -1.0)[self._kind]
            if rng.random() < 0.3:
                inner += np.float32(10.0 ** rng.uniform(-6, 3)) * noise
        inner[~free] = 0.0


def slack(problem: Problem, reference: Reference) -> float:
    """What the reference itself may be off by."""
    return reference.error + 1e-18 * max(float(reference.field.max()), problem.largest_imposed)


def check(problem: Problem, certifier: Certifier, rng: np.random.Generator, reference: Reference, tries: int) -> None:
    for _ in range(tries):
        field = any_candidate(rng, problem, reference.field.astype(np.float64))
        error = reference.distance(field)
        tolerance = float(rng.choice([0.0, error * 10.0 ** rng.uniform(-3, 3)]))
        bound = certifier.bound(certifier.operator.embed(field), tolerance).value
        assert error <= bound + slack(problem, reference)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("hostile", [False, True])
def test_one_certifier_bounds_candidate_after_candidate(seed: int, hostile: bool) -> None:
    for index in range(60):
        rng = np.random.default_rng([seed, index])
        problem = any_problem(rng, saturating=rng.random() < 0.9)
        reference = solve_extended(problem)
        hierarchy = Hostile(problem, rng) if hostile else Hierarchy(problem.shape, problem.walls)
        equation = Operator(problem)
        hierarchy.rebuild(equation.free, equation.tangent(equation.embed(reference.field.astype(np.float64))))
        check(problem, Certifier(equation, hierarchy, rebuild=bool(rng.random() < 0.5)), rng, reference, tries=6)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_ten_thousand_problems_are_bounded(seed: int) -> None:
    for index in range(1250):
        rng = np.random.default_rng([100 + seed, index])
        problem = any_problem(rng, saturating=rng.random() < 0.9)
        reference = solve_extended(problem)
        hierarchy = Hostile(problem, rng) if rng.random() < 0.3 else Hierarchy(problem.shape, problem.walls)
        check(problem, Certifier(Operator(problem), hierarchy, rebuild=True), rng, reference, tries=8)


@pytest.mark.parametrize("seed", range(2))
def test_the_factorisation_bounds_any_candidate(seed: int) -> None:
    for index in range(60):
        rng = np.random.default_rng([200 + seed, index])
        problem = any_problem(rng)
        reference = solve_extended(problem)
        for _ in range(3):
            field = any_candidate(rng, problem, reference.field.astype(np.float64))
            bound = bound_by_factorisation(problem, field)
            assert reference.distance(field) <= bound + slack(problem, reference)


def test_a_barrier_serves_no_candidate_beyond_its_reach() -> None:
    """Cells between three vessels: a barrier made low on uptake's curve promises too much higher up."""
    source = np.zeros((8, 8))
    source[4, 5] = source[7, 2] = 38.0
    source[5, 5] = 1.560344014696087
    uptake = MichaelisMenten(46.156725312628716, 0.009732762981584285)
    problem = Problem(source, decay=0.0, boundary="periodic", uptake=uptake)
    reference = solve_extended(problem)
    for tolerance in (1.0, 0.1, 0.01, 1e-3, 1e-4, 1e-6):
        for method in ("guarded", "exact", "multigrid"):
            solution = sp.solve(problem, method=method, tolerance=tolerance)
            assert reference.distance(solution.field) <= solution.error_bound + slack(problem, reference)
