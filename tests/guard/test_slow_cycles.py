"""Where a hierarchy's cycles converge slowly, proposals by conjugate gradients keep bounds near the error."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

import surrogate_plugin as sp
from surrogate_plugin.equation.operator import Operator
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.guard.certificate import Certifier
from surrogate_plugin.solvers.multigrid.hierarchy import Hierarchy
from surrogate_plugin.solvers.multigrid.solver import Iteration
from tests.exact import exact_field


def slow(seed: int) -> Problem:
    """One axis conducts up to eight times as well as the other, tissues a hundred times, and decay is weak."""
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(60, 130)), int(rng.integers(60, 130)))
    smooth = ndimage.gaussian_filter(rng.normal(size=shape), rng.uniform(2.0, 10.0))
    tissue = np.where(smooth > 0, 1.0, 10.0 ** -rng.uniform(0.5, 2.0))
    source = (rng.random(shape) < 0.002).astype(float)
    source[0, 0] = 1.0
    return Problem(
        source,
        diffusivity=sp.PerAxis(x=tissue, y=tissue / rng.uniform(4.0, 8.0)),
        decay=10.0 ** -rng.uniform(3.0, 5.0),
        boundary="reflecting",
    )


def polished(problem: Problem, cycles: int) -> tuple[Operator, Iteration]:
    operator = Operator(problem)
    iteration = Iteration(operator, Hierarchy(problem.shape, problem.walls), None)
    for _ in range(cycles):
        iteration.advance()
    iteration.smooth()
    return operator, iteration


def error(problem: Problem, iteration: Iteration) -> float:
    return float(np.abs(iteration.field[1:-1, 1:-1] - exact_field(problem)).max())


def test_bounds_stay_near_the_error_where_cycles_are_slow() -> None:
    ratios = []
    for seed in range(24):
        problem = slow(seed)
        operator, iteration = polished(problem, 4)
        bound = Certifier(operator, iteration.hierarchy).bound(iteration.field, 0.0).value
        ratios.append(bound / error(problem, iteration))
    assert min(ratios) >= 1.0
    assert max(ratios) < 10.0
    assert np.median(ratios) < 5.0


@pytest.mark.parametrize("seed", range(4))
def test_what_is_too_much_for_sure_is_told_at_once(seed: int) -> None:
    """A bound beyond the tolerance is a bound all the same, takes no longer, and is no more than twice a tight one."""
    problem = slow(seed)
    operator, iteration = polished(problem, 4)
    tight = Certifier(operator, iteration.hierarchy).bound(iteration.field, 0.0)
    told = Certifier(operator, iteration.hierarchy).bound(iteration.field, 0.1 * error(problem, iteration))
    assert error(problem, iteration) <= told.value <= 2.0 * tight.value
    assert told.cycles <= tight.cycles


@pytest.mark.parametrize("seed", range(6))
def test_a_hierarchy_inverts_as_closely_as_it_is_asked_to(seed: int) -> None:
    """In the norm of the inverse a tenth is left, however slow the cycles are."""
    problem, rng = slow(seed), np.random.default_rng(seed)
    operator, hierarchy = Operator(problem), Hierarchy(problem.shape, problem.walls)
    hierarchy.rebuild(operator.free, operator.decay, operator.faces)
    given = rng.random(problem.shape) * operator.free
    b, z = (np.zeros_like(hierarchy.vectors[0]) for _ in range(2))
    b[1:-1, 1:-1] = given
    for buffer in hierarchy._gradients:
        buffer[1:-1, 1:-1] = np.nan  # whatever an earlier operator has left
    hierarchy.apply_well(z, b)
    matrix, inside = operator.matrix(operator.decay), operator.free
    exact = _solved(matrix, given[inside])
    left = exact - z[1:-1, 1:-1][inside]
    assert left @ (matrix @ left) <= 0.3**2 * (exact @ (matrix @ exact))
    assert not z[1:-1, 1:-1][~inside].any()


def _solved(matrix: object, right: FloatArray) -> FloatArray:
    from scipy.sparse.linalg import spsolve

    return np.asarray(spsolve(matrix, right))
