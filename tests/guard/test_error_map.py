"""A bound at each pixel, of anybody's field and of what is solved; what it says of the gradient; and the residual."""

from __future__ import annotations

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_plugin.equation.assembly import assemble, known_values, saturating_uptake, supply, value_unit
from surrogate_plugin.equation.gradients import Surroundings
from surrogate_plugin.gallery.extremes import extreme_problems
from surrogate_plugin.gallery.nasty import nasty_problems
from surrogate_plugin.reference import solve_extended


def hostile(seed: int, count: int = 20) -> list[sp.Problem]:
    return [*nasty_problems(seed, count, 14), *extreme_problems(seed, count, max_side=12)]


def fields(rng: np.random.Generator, problem: sp.Problem, exact: np.ndarray) -> list[np.ndarray]:
    """Smooth and rough errors, of every size; a peak; off at fixed pixels and below 0."""
    largest, shape = max(float(exact.max()), 1e-90), problem.shape
    peak = np.zeros(shape)
    peak[rng.integers(shape[0]), rng.integers(shape[1])] = largest
    held = np.where(problem.fixed, problem.source, 0.0)
    return [
        np.where(problem.fixed, problem.source, 0.97 * exact),
        np.maximum(exact + 1e-3 * largest * rng.normal(size=shape) * ~problem.fixed, 0.0),
        exact + 0.2 * largest * rng.normal(size=shape),
        exact + 1e-9 * largest * rng.normal(size=shape),
        exact + peak,
        held,
    ]


@pytest.mark.parametrize("seed", range(3))
def test_no_pixel_is_farther_off_than_its_bound(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for problem in hostile(seed):
        reference = solve_extended(problem)
        for field in fields(rng, problem, np.asarray(reference.field, np.float64)):
            certificate = sp.certify(problem, field)
            apart = np.abs(field - reference.field)
            allowed = 1e-15 * float(np.abs(field).max()) + reference.error
            assert (apart <= certificate.error_map + allowed).all()
            assert (certificate.error_map <= certificate.error_bound).all()


@pytest.mark.parametrize("method", ["guarded", "exact", "sparse-direct"])
def test_a_solve_says_it_where_it_is_asked_to(method: str) -> None:
    for problem in hostile(7, 10):
        plain = sp.solve(problem, method=method)
        solution = sp.solve(problem, method=method, error_map=True)
        assert plain.error_map is None
        assert solution.error_map.shape == solution.gradient()[0].shape == problem.shape
        assert (solution.error_map[problem.fixed] == 0.0).all()
        assert (solution.error_map <= solution.error_bound).all()
        exact = np.asarray(solve_extended(problem).field, np.float64)
        tiny = 1e-15 * float(exact.max())
        assert (np.abs(solution.field - exact) <= solution.error_map + tiny).all()
        of_exact = sp.Solution(exact, around=Surroundings.of(problem)).gradient()
        slack = 4 * tiny / problem.spacing
        assert (np.abs(solution.gradient() - of_exact) <= solution.gradient_bound + slack).all()


def test_the_map_is_small_where_the_field_is_good() -> None:
    """An error far from a place says little of it where decay forgets."""
    problem = sp.Problem(np.eye(48), decay=0.5)
    exact = sp.solve(problem, method="sparse-direct").field
    off = exact.copy()
    off[40, 8] += 0.1
    certificate = sp.certify(problem, off)
    assert certificate.error_map[40, 8] >= 0.1
    assert certificate.error_map[8, 40] < 1e-3 * certificate.error_bound


def test_the_residual_is_what_the_equation_lacks() -> None:
    rng = np.random.default_rng(0)
    for problem in hostile(9):
        unit = value_unit(problem)
        if unit == 0.0:
            continue
        field = np.where(problem.fixed, problem.source, unit * rng.random(problem.shape))
        graph, law = assemble(problem), saturating_uptake(problem, unit)
        nodes = known_values(problem, unit)
        nodes[: field.size] = field.ravel() / unit
        inside = field[~problem.fixed] / unit
        expected = np.zeros(problem.shape)
        lacking = graph.residual(nodes, supply(problem, unit)) - law.rate(inside)
        expected[~problem.fixed] = lacking * unit * problem.reference_diffusivity / problem.spacing**2
        largest = float(np.abs(expected).max())
        np.testing.assert_allclose(sp.certify(problem, field).residual, expected, rtol=1e-6, atol=1e-6 * largest)
