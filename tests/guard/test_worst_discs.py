"""Problems that a search of 40,000 found the default model's network to answer worst, through the guard.

``worst_discs.json`` is of `surrogate-plugin study edge-cases`: slivers of discs that others cover, mostly.
"""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_training.problems.discs import read_scenes

SCENES = read_scenes(Path(__file__).parent / "worst_discs.json")
TOLERANCE = 0.01
every = pytest.mark.parametrize("number", range(len(SCENES)))


@functools.cache
def problem(number: int) -> Problem:
    return SCENES[number].problem((64, 64))


@functools.cache
def exact(number: int) -> FloatArray:
    return sp.solve(problem(number), method="sparse-direct").field


def test_the_network_alone_is_far_off_on_all_of_them() -> None:
    errors = [np.abs(sp.solve(problem(n), method="surrogate").field - exact(n)).max() for n in range(len(SCENES))]
    assert len(errors) >= 10
    assert min(errors) > 10 * TOLERANCE


@every
@pytest.mark.parametrize("policy", ["surrogate-first", "fastest"])
def test_the_guard_answers_within_the_tolerance_and_its_bound_holds(number: int, policy: str) -> None:
    solution = sp.solve(problem(number), method="guarded", tolerance=TOLERANCE, policy=policy)
    error = np.abs(solution.field - exact(number)).max()
    assert error <= solution.error_bound <= TOLERANCE
    if policy == "surrogate-first":
        assert solution.method == "surrogate"
        assert solution.stats.counts["cycles"] >= 1  # not as it came


@every
def test_the_bound_of_the_network_alone_holds(number: int) -> None:
    solution = sp.solve(problem(number), method="surrogate")
    assert np.abs(solution.field - exact(number)).max() <= solution.error_bound
