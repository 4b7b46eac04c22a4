"""Algebraic multigrid: the field of the equation at any contrast, in a number of cycles that contrast hardly moves."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from surrogate_plugin import team
from surrogate_plugin.arguments import FloatArray
from surrogate_plugin.equation.operator import Operator
from surrogate_plugin.equation.problem import MichaelisMenten, Problem
from surrogate_plugin.gallery import nasty_problems
from surrogate_plugin.guard.certificate import Certifier
from surrogate_plugin.solvers.algebraic.hierarchy import AlgebraicHierarchy
from surrogate_plugin.solvers.algebraic.iteration import Iteration, run_to_estimate
from surrogate_plugin.solvers.algebraic.newton import NewtonIteration
from surrogate_plugin.solvers.algebraic.solver import Algebraic, begin
from tests.equation.assembled import solved
from tests.equation.wider import wide_problems
from tests.exact import exact_field
from tests.gone import engine_without_network


def vessels(shape: tuple[int, int], seed: int = 0) -> FloatArray:
    """A source image of a few small squares."""
    source, rng = np.zeros(shape), np.random.default_rng(seed)
    for row, column in rng.integers(0, np.array(shape) - 2, (max(1, source.size // 2000), 2)):
        source[row : row + 2, column : column + 2] = rng.uniform(0.5, 2.0)
    return source


def contrasts(shape: tuple[int, int]) -> Iterator[tuple[str, Problem]]:
    """Maps that coarse lattices do not follow: pixel noise, pixels of two kinds, walls of a pixel."""
    rng, source = np.random.default_rng(1), vessels(shape)
    for contrast in (1e2, 1e4, 1e6, 1e8):
        yield f"noise {contrast:g}", Problem(source, diffusivity=contrast ** -rng.random(shape), decay=1e-4)
        two = np.where(rng.random(shape) < 0.5, 1.0, 1.0 / contrast)
        yield f"two values {contrast:g}", Problem(source, diffusivity=two, decay=1e-6, boundary="reflecting")
        rooms = np.ones(shape)
        rooms[::8] = rooms[:, ::8] = 1.0 / contrast
        yield f"walls {contrast:g}", Problem(source, diffusivity=rooms, boundary="periodic")


def answer(problem: Problem, **asked: float) -> tuple[FloatArray, int]:
    """A field of the solver's, and its cycles."""
    solver = Algebraic()
    solution = solver.solve(solver.prepare(problem), problem, **asked)
    return solution.field, solution.stats.counts.get("cycles", 0)


def test_it_agrees_with_the_reference_on_nasty_problems() -> None:
    for variable in (False, True):
        for problem in nasty_problems(700, 36, variable_diffusivity=variable):
            exact = exact_field(problem)
            assert np.abs(answer(problem)[0] - exact).max() <= 1e-10 * max(float(exact.max()), 1e-100)


@pytest.mark.parametrize("shape", [(48, 40), (31, 57), (96, 96)])
def test_it_agrees_with_the_reference_at_any_contrast(shape: tuple[int, int]) -> None:
    for name, problem in contrasts(shape):
        exact = exact_field(problem)
        error = float(np.abs(answer(problem)[0] - exact).max())
        assert error <= 1e-10 * float(exact.max()), f"{name}: {error:g}"


def test_cycles_hardly_grow_with_the_contrast_or_the_lattice() -> None:
    for side in (48, 96, 192):
        for name, problem in contrasts((side, side)):
            _, cycles = answer(problem, tolerance=1e-6)
            assert cycles <= 22, (name, side)


def test_a_tolerance_saves_cycles_and_is_kept() -> None:
    for name, problem in contrasts((64, 48)):
        exact, taken = exact_field(problem), []
        for share in (1e-2, 1e-5, 1e-8):
            field, cycles = answer(problem, tolerance=share)
            assert np.abs(field - exact).max() <= share, name
            taken.append(cycles)
        assert taken[0] < taken[1] < taken[2], name


def test_a_field_does_not_depend_on_the_threads() -> None:
    """Nodes are swept in chunks that do not: two threads may sweep them, or one."""
    problem = dict(contrasts((160, 170)))["noise 1e+06"]
    fields = []
    try:
        for threads in (1, 2, 3):
            team.use_threads(threads)
            fields.append(answer(problem)[0])
    finally:
        team.use_threads(None)
    assert all(np.array_equal(fields[0], field) for field in fields)


def test_a_guess_saves_cycles() -> None:
    solver = Algebraic()
    for name, problem in contrasts((64, 64)):
        state, exact = solver.prepare(problem), exact_field(problem)
        cycles = [solver.solve(state, problem, guess, tolerance=1e-8).stats.counts["cycles"] for guess in (None, exact)]
        assert cycles[1] <= 2 < cycles[0], name


@pytest.mark.parametrize("km", [1.0, 1e-2, 1e-4])
def test_uptake_saturates_between_conductances_of_any_contrast(km: float) -> None:
    for name, problem in contrasts((32, 40)):
        rng = np.random.default_rng(3)
        eating = problem.replace(uptake=MichaelisMenten(rng.uniform(0.0, 0.02, problem.shape), km))
        exact = exact_field(eating)
        error = float(np.abs(answer(eating)[0] - exact).max())
        assert error <= 1e-9 * float(exact.max()), f"{name}: {error:g}"


def begun(problem: Problem) -> tuple[Operator, AlgebraicHierarchy, Iteration | NewtonIteration]:
    """A problem's operator, hierarchy, and a field that nothing was done for yet."""
    operator = Operator(problem)
    hierarchy = AlgebraicHierarchy(problem.shape, operator.walls)
    return operator, hierarchy, begin(problem, operator, hierarchy, None)


@pytest.mark.parametrize("saturating", [False, True])
def test_its_hierarchy_certifies_its_fields(saturating: bool) -> None:
    """As an approximate inverse of the guard; where residuals of both signs make more of an error, cycles go on."""
    for name, plain in contrasts((40, 32)):
        law = MichaelisMenten(np.random.default_rng(3).uniform(0.0, 0.02, plain.shape), 0.1)
        problem = plain.replace(uptake=law) if saturating else plain
        exact = exact_field(problem)
        operator, hierarchy, iteration = begun(problem)
        for tolerance in (1e-3, 1e-6):
            wanted, bound = 0.5 * tolerance, np.inf
            while bound > tolerance and iteration.cycles < 100:
                run_to_estimate(iteration, wanted)
                iteration.smooth()
                bound = Certifier(operator, hierarchy, rebuild=True).bound(iteration.field, tolerance).value
                assert np.abs(iteration.solution() - exact).max() <= bound < np.inf, name
                wanted *= 0.3
            assert bound <= tolerance, name


def test_the_wider_equation_is_solved_and_certified() -> None:
    """Obstacles, membranes, two axes, every kind of side, saturating uptake, against a matrix written out densely."""
    for index, problem in enumerate(wide_problems(41, 120)):
        exact = solved(problem)
        size = max(float(exact.max()), 1e-290)
        operator, hierarchy, iteration = begun(problem)
        tolerance, wanted, bound = 1e-6 * size, 0.5e-6 * size, np.inf
        while bound > tolerance and wanted > 1e-12 * size:
            run_to_estimate(iteration, wanted)
            iteration.smooth()
            bound = Certifier(operator, hierarchy, rebuild=True).bound(iteration.field, tolerance).value
            error = float(np.abs(iteration.field[1:-1, 1:-1] - exact).max())
            assert error <= bound + 1e-11 * size, index
            wanted *= 0.3
        assert bound <= tolerance, index
        assert np.abs(answer(problem)[0] - exact).max() <= 1e-9 * size, index


def test_an_estimate_is_about_the_error_before_and_after_certificates() -> None:
    """Which use the same hierarchy, and leave the directions as they are."""
    for name, problem in contrasts((64, 48)):
        exact = exact_field(problem)
        operator, hierarchy, iteration = begun(problem)
        for _ in range(8):
            iteration.advance()
            Certifier(operator, hierarchy).bound(iteration.field, 0.0)
            error = float(np.abs(iteration.solution() - exact).max())
            assert error <= 8.0 * iteration.estimate, name
        assert error <= 1e-3, name


def test_sweeps_bring_the_bound_closer_to_the_error() -> None:
    for name, problem in contrasts((64, 48)):
        operator, hierarchy, iteration = begun(problem)
        run_to_estimate(iteration, 1e-6)
        certifier = Certifier(operator, hierarchy)
        before = certifier.bound(iteration.field, 0.0).value
        iteration.smooth()
        assert certifier.bound(iteration.field, 0.0).value <= 0.85 * before, name


@pytest.mark.parametrize("shape", [(1, 1), (6, 9)])
def test_a_start_that_lacks_nothing_is_certified(shape: tuple[int, int]) -> None:
    # A production of 1 is taken up, to the bit, where c = km.
    uptake = MichaelisMenten(vmax=2.0, km=4.0)
    problem = Problem(np.zeros(shape), decay=0.0, production=1.0, uptake=uptake, boundary="reflecting")
    exact = np.full(shape, 4.0)
    # Before it, the same levels were those of another mask.
    engine = engine_without_network()
    engine.solve(problem.replace(source=exact, fixed=np.eye(*shape) > 0), method="algebraic", tolerance=1e-9)
    for asked in (engine, engine_without_network()):
        solution = asked.solve(problem, method="algebraic", previous=exact)
        assert not solution.flags
        assert np.array_equal(solution.field, exact)
        assert solution.error_bound <= 1e-10 * 4.0


def test_the_engine_asks_it_by_its_name() -> None:
    engine = engine_without_network()
    problem = dict(contrasts((48, 48)))["two values 1e+08"]
    solution = engine.solve(problem, method="algebraic", tolerance=1e-6)
    assert solution.method == "algebraic"
    assert np.abs(solution.field - exact_field(problem)).max() <= solution.error_bound <= 1e-6
