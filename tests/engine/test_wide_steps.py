"""Steps of nasty problems of the wider equation, with a steady state or without, of any length."""

from __future__ import annotations

import numpy as np
import pytest

import surrogate_plugin as sp
from tests.equation.assembled import solved
from tests.equation.wider import wide_problem


def cases(seed: int, count: int):
    """Problems, fields that they may have had before, and lengths from a ten-millionth of a time to ten million."""
    rng = np.random.default_rng([seed, 5])
    for _ in range(count):
        problem = wide_problem(rng, 9)
        scale = max(problem.largest_imposed, 1e-3 * rng.random())
        field = scale * rng.choice([0.0, 0.2, 1.0]) * rng.uniform(0, 1, problem.shape)
        yield problem, field, 10.0 ** rng.uniform(-7, 7) / problem.reference_link


@pytest.mark.parametrize("seed", range(6))
def test_every_step_is_within_its_bound_and_within_what_feeds_it(seed: int) -> None:
    for problem, field, dt in cases(seed, 25):
        true = solved(problem.replace(decay=problem.decay + 1 / dt, production=problem.production + field / dt))
        # What the reference itself is off by, in a matrix of any condition.
        rounding = 1e-9 * max(true.max(), field.max(), problem.largest_imposed)
        highest = max(problem.largest_imposed, field.max() + dt * np.max(problem.supply)) * (1 + 1e-12)
        for method in ("guarded", "exact"):
            solution = sp.advance(problem, field, dt, method=method)
            assert np.abs(solution.field - true).max() <= solution.error_bound + rounding
            assert solution.field.min() >= 0.0
            assert solution.field.max() <= highest


@pytest.mark.parametrize("seed", range(3))
def test_exact_steps_balance(seed: int) -> None:
    for problem, field, dt in cases(seed, 25):
        solution = sp.advance(problem, field, dt, method="exact")
        assert sp.Balance.of(problem, field, solution.field, dt).relative_defect <= 1e-10
        assert solution.error_bound <= 1e-9 * max(solution.field.max(), problem.largest_imposed)
