"""The reference solver against the equation itself, written out pixel by pixel."""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import pytest
import scipy.sparse.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

from surrogate_plugin.equation.problem import MichaelisMenten, Problem
from surrogate_plugin.errors import InvalidProblemError, StaleStateError
from surrogate_plugin.gallery import nasty_problems, random_problem
from surrogate_plugin.solvers.direct.factorisation import factorise
from surrogate_plugin.solvers.direct.solver import SparseDirect
from tests.gone import engine_without_network


def solve(problem, guess=None):
    solver = SparseDirect()
    return solver.solve(solver.prepare(problem), problem, guess).field


def imbalance(problem, field):
    """The largest |inflow - consumption + production| over the free pixels, over the largest term of its pixel."""
    height, width = problem.shape
    spread = np.broadcast_to(problem.diffusivity, problem.shape)
    decay = np.broadcast_to(problem.decay, problem.shape)
    production = np.broadcast_to(problem.production, problem.shape)
    vmax = np.zeros(problem.shape) if problem.uptake is None else np.broadcast_to(problem.uptake.vmax, problem.shape)
    sides = {(0, -1): problem.boundary.left, (0, 1): problem.boundary.right}
    sides |= {(-1, 0): problem.boundary.bottom, (1, 0): problem.boundary.top}
    worst = 0.0
    for i, j in zip(*np.nonzero(~problem.fixed), strict=True):
        here = field[i, j]
        terms = [production[i, j], -decay[i, j] * here]
        if vmax[i, j]:
            terms.append(-vmax[i, j] * (here / (problem.uptake.km + here)))
        for (di, dj), side in sides.items():
            y, x = i + di, j + dj
            outside = not (0 <= y < height and 0 <= x < width)
            if outside and side.kind == "reflecting":
                continue
            if outside and side.kind == "value":
                link, there = spread[i, j], side.value
            else:
                y, x = y % height, x % width
                link, there = 2 / (1 / spread[i, j] + 1 / spread[y, x]), field[y, x]
            terms += [link / problem.spacing**2 * there, -link / problem.spacing**2 * here]
        size = max(abs(term) for term in terms)
        worst = max(worst, abs(sum(terms)) / size) if size > 0 else worst
    return worst


@pytest.mark.parametrize("seed", range(4))
def test_every_free_pixel_is_in_balance(seed):
    for problem in nasty_problems(seed, 60, max_side=17, variable_diffusivity=True):
        field = solve(problem)
        assert np.isfinite(field).all()
        assert (field >= 0).all()
        np.testing.assert_array_equal(field[problem.fixed], problem.source[problem.fixed])
        assert imbalance(problem, field) <= 1e-12


def test_weak_decay_alone_still_anchors_the_field():
    # Condition number 1e11: plain LU keeps four digits here, refinement keeps them all.
    rng = np.random.default_rng(0)
    production = rng.random((16, 24))
    problem = Problem(np.zeros((16, 24)), decay=1e-11, production=production, boundary="reflecting")
    assert solve(problem).mean() == pytest.approx(production.mean() / 1e-11, rel=1e-12)


def test_harmonic_mean_carries_the_flux_between_layers():
    # Without decay the profile of two layers is piecewise linear, and the discrete equation reproduces it exactly.
    diffusivity = np.where(np.arange(20) < 10, 1.0, 5.0) * np.ones((8, 20))
    sides = {"left": 0.0, "right": 1.0, "bottom": "reflecting", "top": "reflecting"}
    field = solve(Problem(np.zeros((8, 20)), diffusivity=diffusivity, decay=0.0, boundary=sides))
    resistance = np.cumsum([1.0] + [1.0] * 9 + [0.6] + [0.2] * 9 + [0.2])
    np.testing.assert_allclose(field, (resistance[:-1] / resistance[-1]) * np.ones((8, 1)), rtol=1e-13)


@pytest.mark.parametrize("exponent", [-80, -12, 12, 80])
def test_units_of_the_values_do_not_matter(exponent):
    factor = 10.0**exponent
    for index in range(6):
        rng = np.random.default_rng([7, index])
        problem = random_problem(rng, shape=(12, 17), scale=1.0)
        uptake = problem.uptake
        if uptake is not None:
            uptake = MichaelisMenten(uptake.vmax * factor, uptake.km * factor)
        sides = zip(("left", "right", "bottom", "top"), problem.boundary.sides, strict=True)
        scaled = problem.replace(
            source=problem.source * factor,
            production=problem.production * factor,
            uptake=uptake,
            boundary={name: side.value * factor if side.kind == "value" else side.kind for name, side in sides},
        )
        expected = solve(problem)
        np.testing.assert_allclose(solve(scaled) / factor, expected, rtol=0, atol=1e-12 * expected.max())


@pytest.mark.parametrize("km", [1e-9, 1e-3, 1.0, 1e6])
@pytest.mark.parametrize("vmax", [1e-6, 1.0, 1e4])
def test_newton_settles_for_any_strength_of_uptake(km, vmax):
    rng = np.random.default_rng(1)
    source = np.where(rng.random((16, 16)) < 0.05, 1.0, 0.0)
    problem = Problem(source, uptake=MichaelisMenten(vmax * rng.random((16, 16)), km), boundary="reflecting")
    field = solve(problem)
    assert imbalance(problem, field) <= 1e-11
    assert (field <= solve(Problem(source, boundary="reflecting")) + 1e-12).all()


@pytest.mark.parametrize("start", [0.0, 1e-8, 1.0, 1e8, np.inf])
def test_newton_goes_to_the_same_field_from_any_guess(start):
    problem = random_problem(np.random.default_rng(2), shape=(16, 24), michaelis_menten=True, scale=1.0)
    expected = solve(problem)
    np.testing.assert_allclose(solve(problem, np.full((16, 24), start)), expected, rtol=0, atol=1e-12 * expected.max())


@pytest.mark.parametrize("start", [1.0, 1e50, 1e100])
def test_a_start_where_uptake_has_no_slope_left_costs_nothing(start):
    # Uptake alone anchors the field, which is where c / (km + c) is a thousandth; so far up the matrix is singular.
    problem = Problem(
        np.zeros((4, 4)), decay=0.0, production=1e-9, uptake=MichaelisMenten(1e-6, 1e-6), boundary="reflecting"
    )
    found = engine_without_network().solve(problem, method="sparse-direct", previous=np.full((4, 4), start))
    assert np.abs(found.field - 1e-6 / 999).max() <= found.error_bound <= 1e-18
    assert not found.flags


def test_stale_state_is_refused():
    solver = SparseDirect()
    state = solver.prepare(Problem(np.eye(8)))
    with pytest.raises(StaleStateError, match="prepare"):
        solver.solve(state, Problem(np.eye(8), decay=0.1))


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 2), st.integers(0, 2)), max_size=8))
def test_warm_cache_never_meets_a_changed_operator(changes):
    solver = SparseDirect(cache_size=3)
    for decay, pixel, spacing, kind in [(0, 0, 0, 0), *changes, (0, 0, 0, 0)]:
        source = np.eye(8, 9)
        source[0, 1 + pixel] = 2.0
        problem = Problem(
            source,
            decay=0.1 * (1 + decay) * np.ones((8, 9)),
            spacing=1.0 + spacing,
            boundary=("absorbing", "reflecting", "periodic")[kind],
        )
        warm = solver.solve(solver.prepare(problem), problem).field
        np.testing.assert_allclose(warm, solve(problem), rtol=0, atol=1e-13)


def pockets(*fed, uptake=None):
    """Three pockets of one column and two, sealed by obstacles, of which some make something."""
    conducts = np.ones((4, 6))
    conducts[:, [1, 4]] = 0.0
    made = np.zeros((4, 6))
    for column in fed:
        made[1, column] = 2.0
    source = np.zeros((4, 6))
    return Problem(source, None, conducts, decay=0.5, production=made, uptake=uptake, boundary="reflecting")


@pytest.mark.parametrize("uptake", [None, MichaelisMenten(3.0, 0.5)])
def test_what_is_kept_of_an_operator_is_not_taken_where_others_of_its_pockets_are_fed(uptake):
    engine, solver = engine_without_network(), SparseDirect()
    for fed in [(0,), (5,), (2, 3), (0,), (0, 5), (2,), (5,)]:
        problem = pockets(*fed, uptake=uptake)
        expected = solve(problem)
        assert (expected[:, list(fed)] > 0).all()
        np.testing.assert_array_equal(solver.solve(solver.prepare(problem), problem).field, expected)
        for method in ("sparse-direct", "exact"):
            found = engine.solve(problem, method=method)
            assert not [flag for flag in found.flags if flag.reason == "tolerance-not-reached"]
            assert np.abs(found.field - expected).max() <= found.error_bound <= 1e-8


def test_a_state_of_other_pockets_is_stale():
    solver = SparseDirect()
    state = solver.prepare(pockets(0))
    solver.solve(state, pockets(0).replace(production=3.0 * pockets(0).production))
    with pytest.raises(StaleStateError):
        solver.solve(state, pockets(5))


def test_cache_keeps_what_it_may_and_no_more():
    problems = [Problem(np.eye(8), decay=0.1 * (1 + i)) for i in range(3)]
    solver = SparseDirect(cache_size=2)
    first = solver.prepare(problems[0])
    assert solver.prepare(problems[0]) is first
    solver.prepare(problems[1])
    solver.prepare(problems[2])
    assert solver.prepare(problems[0]) is not first
    tight = SparseDirect(cache_bytes=10)
    assert tight.prepare(problems[0]) is not tight.prepare(problems[0])


def test_same_factors_serve_other_values():
    solver = SparseDirect()
    one = Problem(np.eye(8), fixed=np.eye(8, dtype=bool))
    two = Problem(3 * np.eye(8), fixed=np.eye(8, dtype=bool), production=1e-3)
    np.testing.assert_allclose(solver.solve(solver.prepare(one), two).field, solve(two), rtol=1e-13)


def test_field_that_overflows_is_refused_with_a_sentence():
    tiny = {"diffusivity": 1e-90, "decay": 1e-130, "spacing": 1e20}
    with pytest.raises(InvalidProblemError, match=r"production reaches 1e\+100, more than .* check the units"):
        Problem(np.eye(8), production=1e100, **tiny)
    with pytest.raises(InvalidProblemError, match=r"uptake.vmax reaches 1e\+100, more than"):
        Problem(np.eye(8), uptake=MichaelisMenten(1e100, 1e100), decay=0.0, spacing=1e5)


def fake_cholmod(monkeypatch, **functions):
    package, module = ModuleType("sksparse"), ModuleType("sksparse.cholmod")
    package.cholmod = module
    for name, function in functions.items():
        setattr(module, name, function)
    monkeypatch.setitem(sys.modules, "sksparse", package)
    monkeypatch.setitem(sys.modules, "sksparse.cholmod", module)


class FakeFactor:
    """Both the 0.4 and the 0.5 interface of a scikit-sparse factor."""

    nnz = 1

    def __init__(self, matrix):
        self.matrix = matrix
        self.solve = self.solve_A = scipy.sparse.linalg.splu(scipy.sparse.csc_array(matrix)).solve

    def L(self):
        return self.matrix


def matrix_and_rhs():
    return scipy.sparse.csc_array(np.diag(np.arange(1.0, 9.0))), np.ones(8)


def test_cholmod_of_both_generations_is_used(monkeypatch):
    matrix, rhs = matrix_and_rhs()
    for functions in (
        {"cho_factor": lambda matrix, order: FakeFactor(matrix)},
        {"cholesky": lambda matrix, ordering_method: FakeFactor(matrix)},
    ):
        fake_cholmod(monkeypatch, **functions)
        factors = factorise(matrix)
        assert factors.kind == "cholmod"
        np.testing.assert_allclose(factors.apply(rhs), 1 / np.arange(1.0, 9.0))


def test_broken_cholmod_is_passed_over(monkeypatch):
    def broken(*_args, **_keywords):
        raise RuntimeError("symbol lookup error")

    matrix, rhs = matrix_and_rhs()
    fake_cholmod(monkeypatch, cho_factor=broken)
    factors = factorise(matrix)
    assert factors.kind == "superlu"
    np.testing.assert_allclose(factors.apply(rhs), 1 / np.arange(1.0, 9.0))
