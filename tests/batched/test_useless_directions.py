"""A search direction that has become useless is forgotten: where the energy rises, or stalls while uptake saturates."""

from __future__ import annotations

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_plugin.batched.iteration import Iteration
from surrogate_plugin.batched.levels import Levels
from surrogate_plugin.batched.stack import Stack
from tests.exact import exact_field


def advanced(problem: sp.Problem, cycles: int) -> Iteration:
    stack = Stack.of([problem], "cpu")
    iteration = Iteration(stack, Levels(stack.shape, stack.rings, stack.count, stack.device))
    for _ in range(cycles):
        iteration.advance()
    return iteration


@pytest.mark.parametrize("uptake", [None, sp.MichaelisMenten(vmax=0.05, km=1.0)])
def test_rounding_leads_no_field_away_that_others_keep_going(uptake: sp.MichaelisMenten | None) -> None:
    rng = np.random.default_rng(7)
    source = np.where(rng.random((16, 18)) < 0.1, 1.0, 0.0)
    decay = 10.0 ** rng.uniform(5.0, 6.0, source.shape) if uptake is None else 1e5
    problem = sp.Problem(source, decay=decay, uptake=uptake)
    done, kept = advanced(problem, 4), advanced(problem, 24)
    assert float(done.largest_residual) < 1e-14
    assert float(kept.largest_residual) < 1e-14
    exact = exact_field(problem)
    assert float(np.abs(kept.solution()[0].numpy() - exact).max()) <= 1e-13 * float(exact.max())


@pytest.mark.parametrize("boundary", [10.0, 40.0])
def test_a_new_linearisation_has_a_direction_of_its_own(boundary: float) -> None:
    rng = np.random.default_rng(7)
    source = np.where(rng.random((16, 18)) < 0.3, 38.0, 0.0)
    uptake = sp.MichaelisMenten(vmax=3000.0, km=14.0)
    problem = sp.Problem(source, decay=1e-3, uptake=uptake, boundary=boundary)
    # Where a direction is kept until the energy rises, 4e-7 and 1.5e-6 are left; where always, 1e-4 and 0.5.
    error = np.abs(advanced(problem, 10).solution()[0].numpy() - exact_field(problem))
    assert float(error.max()) <= 1e-9
