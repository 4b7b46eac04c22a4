"""Accuracy that was missed once without a word, each with the very numbers that missed it."""

from __future__ import annotations

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_plugin.equation.problem import MichaelisMenten, Problem
from surrogate_plugin.equation.solution import Reason, Solution
from surrogate_plugin.errors import UnsupportedProblemError
from surrogate_plugin.gallery import extreme_problems
from surrogate_plugin.reference import solve_extended

EVERY_METHOD = ("guarded", "exact", "multigrid", "spectral", "sparse-direct")


def extreme(seed: int, number: int) -> Problem:
    [problem] = extreme_problems(seed, 1, start=number)
    return problem


def flagged(solution: Solution) -> bool:
    return any(flag.reason is Reason.TOLERANCE_NOT_REACHED for flag in solution.flags)


# The last resort: Newton's method of sparse direct where km is small beside the field.


@pytest.mark.parametrize(("seed", "number"), [(1, 19), (1, 129), (1, 6), (1, 1371), (1, 141)])
def test_the_last_resort_finds_the_field_for_any_km(seed: int, number: int) -> None:
    problem = extreme(seed, number)
    assert problem.uptake is not None
    reference = solve_extended(problem)
    largest = float(reference.field.max())
    solution = sp.solve(problem, method="sparse-direct")
    assert reference.distance(solution.field) <= 1e-9 * largest
    assert reference.distance(solution.field) <= solution.error_bound + 1e-15 * largest


@pytest.mark.parametrize("km", [1e-9, 1e-10, 1e-12])
def test_zero_order_uptake_is_solved_by_every_method(km: float) -> None:
    source = np.zeros((24, 24))
    source[11:13, 11:13] = 1.0
    problem = Problem(source, decay=0.0, uptake=MichaelisMenten(0.02, km), boundary="reflecting")
    reference = solve_extended(problem)
    for method in ("guarded", "exact", "multigrid", "sparse-direct"):
        solution = sp.solve(problem, method=method)
        assert reference.distance(solution.field) <= solution.error_bound + 1e-15
        assert solution.error_bound <= (0.01 if method == "guarded" else 1e-10) or flagged(solution)


@pytest.mark.parametrize(("seed", "number"), [(1, 1305), (1, 567), (1, 257), (1, 557), (2, 576), (2, 367), (2, 31)])
@pytest.mark.parametrize("method", EVERY_METHOD)
def test_the_default_accuracy_is_reached_or_a_flag_says_so(seed: int, number: int, method: str) -> None:
    problem = extreme(seed, number)
    try:
        solution = sp.solve(problem, method=method)
    except UnsupportedProblemError:
        return
    largest = max(problem.largest_imposed, float(solution.field.max()))
    assert solution.error_bound <= (0.01 if method == "guarded" else 1e-10) * largest * (1 + 1e-9) or flagged(solution)
