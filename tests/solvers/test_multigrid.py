"""Multigrid: agreement with the reference, convergence that does not depend on the lattice, honest refusals."""

from __future__ import annotations

import numpy as np
import pytest

from surrogate_plugin.equation.operator import Operator
from surrogate_plugin.equation.problem import Problem
from surrogate_plugin.errors import InvalidProblemError, StaleStateError, UnsupportedProblemError
from surrogate_plugin.gallery import nasty_problems, paper_discs, random_problem, tumour_and_vessels
from surrogate_plugin.solvers.multigrid.hierarchy import Hierarchy
from surrogate_plugin.solvers.multigrid.solver import Iteration, Multigrid
from tests.exact import exact_field
from tests.gone import engine_without_network

_engine = engine_without_network()


def _assert_agreement(problem: Problem) -> None:
    exact = exact_field(problem)
    largest = max(float(exact.max()), 1e-100)
    for method in ("exact", "multigrid", "spectral"):
        try:
            solution = _engine.solve(problem, method=method)
        except UnsupportedProblemError:
            assert method != "exact"
            continue
        assert np.abs(solution.field - exact).max() <= 1e-8 * largest, method
        assert solution.error_bound <= 1e-8 * largest, method


def test_every_exact_method_agrees_with_sparse_direct() -> None:
    for problem in nasty_problems(500, 220):
        _assert_agreement(problem)


@pytest.mark.parametrize("shape", [(128, 96), (257, 130), (512, 512)])
def test_every_exact_method_agrees_on_larger_lattices(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(shape[0])
    _assert_agreement(paper_discs(rng, 4, shape))
    _assert_agreement(tumour_and_vessels(rng, shape, michaelis_menten=False, scale=38.0))


@pytest.mark.parametrize("side", [32, 64, 128, 256])
@pytest.mark.parametrize("boundary", ["absorbing", "reflecting", "periodic"])
def test_cycles_do_not_grow_with_the_lattice(side: int, boundary: str) -> None:
    problem = tumour_and_vessels(np.random.default_rng(3), (side, side), boundary=boundary, michaelis_menten=False)
    equation = Operator(problem)
    iteration = Iteration(equation, Hierarchy(problem.shape, problem.walls), None)
    first = iteration.largest_residual
    for _ in range(9):
        iteration.advance()
    assert iteration.largest_residual <= 1e-6 * first


def test_v_cycle_is_symmetric() -> None:
    """Conjugate gradients need ``(u, V v) = (V u, v)``."""
    rng = np.random.default_rng(4)
    for problem in nasty_problems(30, 40):
        hierarchy = Hierarchy(problem.shape, problem.walls)
        decay = np.broadcast_to(Operator(problem).decay, problem.shape).copy()
        hierarchy.rebuild(~problem.fixed, decay)
        padded = (problem.shape[0] + 2, problem.shape[1] + 2)
        vectors = []
        for _ in range(2):
            b, z = np.zeros(padded, np.float32), np.zeros(padded, np.float32)
            b[1:-1, 1:-1] = np.where(problem.fixed, 0.0, rng.normal(size=problem.shape))
            hierarchy.v_cycle(z, b)
            vectors.append((b.astype(np.float64), z.astype(np.float64)))
        (u, vu), (v, vv) = vectors
        size = np.sqrt((vu * u).sum() * (vv * v).sum())
        if any(n % 2 and wraps for n, wraps in zip(problem.shape[::-1], _wraps(problem), strict=True)):
            continue  # an odd periodic seam cannot be coloured red and black
        assert abs((u * vv).sum() - (v * vu).sum()) <= 1e-3 * size


def _wraps(problem: Problem) -> tuple[bool, bool]:
    return problem.boundary.periodic_x, problem.boundary.periodic_y


def test_warm_start_saves_cycles() -> None:
    problem = tumour_and_vessels(np.random.default_rng(6), (128, 128), michaelis_menten=False, scale=38.0)
    cold = _engine.solve(problem, method="multigrid", tolerance=1e-3)
    warm = _engine.solve(problem, method="multigrid", tolerance=1e-3, previous=cold.field * 1.001)
    assert warm.stats.counts["cycles"] < cold.stats.counts["cycles"]


def test_a_stale_state_raises() -> None:
    rng = np.random.default_rng(7)
    solver = Multigrid()
    one, other = (random_problem(rng, shape=(16, 16), variable_decay=True) for _ in range(2))
    with pytest.raises(StaleStateError, match="prepare"):
        solver.solve(solver.prepare(one), other)


@pytest.mark.parametrize("tolerance", [0.0, -1.0, np.nan, np.inf])
def test_a_bad_tolerance_is_one_sentence(tolerance: float) -> None:
    problem = random_problem(np.random.default_rng(9), shape=(16, 16))
    with pytest.raises(InvalidProblemError, match="tolerance"):
        _engine.solve(problem, tolerance=tolerance)


def test_a_result_does_not_depend_on_what_was_solved_before() -> None:
    """Buffers are reused from solve to solve; nothing of the last problem may leak into the next."""
    problems = [p for p in nasty_problems(77, 60) if not isinstance(p.diffusivity, np.ndarray)]
    fresh = [engine_without_network().solve(p, method="multigrid", tolerance=None).field for p in problems[:20]]
    used = engine_without_network()
    for problem, field in zip(problems[:20], fresh, strict=True):
        used.solve(problem, method="multigrid")
        assert np.array_equal(used.solve(problem, method="multigrid").field, field)


@pytest.mark.parametrize("shape", [(1, 30), (5, 5)])
@pytest.mark.parametrize("decay", [0.0, 1e-50])
def test_a_level_that_nothing_anchors_still_preconditions(shape: tuple[int, int], decay: float) -> None:
    """Decay below what float32 holds is 0 to it, and so is the slope of uptake around a field far too large."""
    hierarchy = Hierarchy(shape, Problem(np.zeros(shape), decay=1.0, boundary="reflecting").walls)
    hierarchy.rebuild(np.ones(shape, dtype=np.bool_), np.full(shape, decay))
    z, b = np.zeros((2, shape[0] + 2, shape[1] + 2), np.float32)
    b[1:-1, 1:-1] = np.random.default_rng(0).random(shape)
    hierarchy.v_cycle(z, b)
    assert np.isfinite(z).all()
    assert z.max() > 0
