"""The certificate alone: it bounds the error of any candidate, tightly where the candidate is smooth."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given, settings
from hypothesis import strategies as st

from surrogate_plugin.equation.operator import Operator
from surrogate_plugin.equation.problem import FloatArray, MichaelisMenten, Problem
from surrogate_plugin.gallery import nasty_problems, random_problem, tumour_and_vessels
from surrogate_plugin.guard.barriers import usual_height
from surrogate_plugin.guard.certificate import Certifier
from surrogate_plugin.guard.matrix_certificate import bound_by_factorisation
from surrogate_plugin.solvers.direct.solver import SparseDirect
from surrogate_plugin.solvers.multigrid.hierarchy import Hierarchy


def _exact(problem: Problem) -> FloatArray:
    solver = SparseDirect()
    return solver.solve(solver.prepare(problem), problem).field


def _bound(problem: Problem, field: FloatArray, tolerance: float = 0.0) -> float:
    equation = Operator(problem)
    certifier = Certifier(equation, Hierarchy(problem.shape, problem.walls), rebuild=True)
    return certifier.bound(equation.embed(field), tolerance).value


def _disturbed(problem: Problem, exact: FloatArray, rng: np.random.Generator) -> FloatArray:
    size = float(exact.max()) * 10.0 ** rng.uniform(-9, 1)
    noise = scipy.ndimage.gaussian_filter(rng.normal(size=exact.shape), rng.choice([0.0, 1.0, 5.0]), mode="nearest")
    return np.where(problem.fixed, exact, np.maximum(exact + size * noise, 0.0))


@pytest.mark.parametrize(
    ("absorbing", "height"),
    [
        (("left", "right"), 13**2 / 8),
        (("bottom", "top"), 9**2 / 8),
        (("bottom",), 8 * 9 / 2),
        (("right",), 12 * 13 / 2),
        (("left", "right", "bottom", "top"), 9**2 / 8),
    ],
)
def test_a_parabola_hangs_between_two_walls_or_beside_one(absorbing: tuple[str, ...], height: float) -> None:
    """Its height is that of ``-z'' = 1`` on 8 rows or 12 columns, and what solves ``A z = 1`` is nowhere higher."""
    sides = {name: "absorbing" if name in absorbing else "reflecting" for name in ("left", "right", "bottom", "top")}
    problem = Problem(np.zeros((8, 12)), decay=0.0, production=1.0, boundary=sides)
    assert usual_height(Operator(problem)) == height
    assert float(_exact(problem).max()) <= height * (1.0 + 1e-12)


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32 - 1))
def test_any_candidate_is_bounded(seed: int) -> None:
    rng = np.random.default_rng(seed)
    problem = next(nasty_problems(seed % 100_000, 1))
    exact = _exact(problem)
    field = _disturbed(problem, exact, rng)
    error = float(np.abs(field - exact).max())
    assert error <= _bound(problem, field) + 1e-12 * exact.max()


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1))
def test_any_candidate_is_bounded_with_variable_diffusivity(seed: int) -> None:
    rng = np.random.default_rng(seed)
    problem = random_problem(rng, variable_diffusivity=True)
    exact = _exact(problem)
    field = _disturbed(problem, exact, rng)
    error = float(np.abs(field - exact).max())
    assert error <= bound_by_factorisation(problem, field) + 1e-12 * exact.max()


@pytest.mark.parametrize("saturating", [False, True])
def test_smooth_errors_have_tight_bounds(saturating: bool) -> None:
    ratios = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        problem = tumour_and_vessels(rng, (96, 128), michaelis_menten=saturating)
        exact = _exact(problem)
        # An error that A maps to a smooth, positive residual: what is left after a few cycles.
        bump = _exact(_with_half_the_source(problem)) * 1e-3
        field = np.maximum(exact - bump, 0.0)
        ratios.append(_bound(problem, field) / float(np.abs(exact - field).max()))
    assert np.median(ratios) <= 3.0
    assert min(ratios) >= 1.0


def _with_half_the_source(problem: Problem) -> Problem:
    rng = np.random.default_rng(0)
    production = scipy.ndimage.gaussian_filter(rng.random(problem.shape), 3.0)
    return Problem(
        np.zeros(problem.shape),
        problem.fixed,
        problem.diffusivity,
        problem.decay,
        production * problem.largest_imposed / 100,
        None,
        problem.spacing,
        {"left": "absorbing", "right": "absorbing", "bottom": "absorbing", "top": "absorbing"},
    )


def test_a_looser_tolerance_never_gives_a_wrong_bound() -> None:
    for seed, problem in enumerate(nasty_problems(9, 40)):
        rng = np.random.default_rng(seed)
        exact = _exact(problem)
        field = _disturbed(problem, exact, rng)
        error = float(np.abs(field - exact).max())
        for tolerance in (0.0, 0.5 * error, 2 * error, 100 * error):
            assert error <= _bound(problem, field, tolerance) + 1e-12 * exact.max()


def test_the_exact_field_has_a_bound_near_rounding() -> None:
    for problem in nasty_problems(11, 60):
        exact = _exact(problem)
        assert _bound(problem, exact) <= 1e-9 * max(float(exact.max()), 1e-100)


def test_not_a_number_is_never_certified() -> None:
    problem = random_problem(np.random.default_rng(1), shape=(16, 16), variable_decay=True)
    field = _exact(problem)
    free = np.argwhere(~problem.fixed)[0]
    field[tuple(free)] = np.nan
    assert _bound(problem, field) == np.inf


def test_uptake_tightens_the_bound() -> None:
    """The certificate knows the cells: with more uptake the same residual means less error."""
    source = np.zeros((48, 48))
    source[24, 24] = 1.0
    bounds = []
    for vmax in (0.0, 0.05):
        problem = Problem(source, decay=1e-4, uptake=MichaelisMenten(np.full((48, 48), vmax), 0.5))
        exact = _exact(problem)
        bounds.append(_bound(problem, exact + np.where(problem.fixed, 0.0, 1e-6)))
    assert bounds[1] < bounds[0]


@pytest.mark.parametrize("km", [1e-3, 1e-2, 0.1, 1.0])
def test_saturated_uptake_is_credited_with_no_more_than_it_takes_up(km: float) -> None:
    """From a field of 0 the tangent promises ``vmax / km`` of decay; what cells really take up at ``c`` is far less."""
    for seed in range(6):
        rng = np.random.default_rng(seed)
        source = np.zeros((40, 48))
        source[tuple(rng.integers(4, 36, 2))] = 1.0
        source[18:22, 22:26] = 1.0
        uptake = MichaelisMenten(rng.uniform(0.0, 4e-3, source.shape), km)
        problem = Problem(source, decay=1e-4, uptake=uptake, boundary="reflecting")
        exact = _exact(problem)
        for start in (0.0, 0.3 * km, km):
            field = np.where(problem.fixed, source, start)
            assert float(np.abs(field - exact).max()) <= _bound(problem, field) * (1 + 1e-9)
