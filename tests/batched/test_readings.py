"""How often a solve waits for its device: once a cycle and once a proposal, however many problems there are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from torch import Tensor

from surrogate_plugin.batched import reading
from surrogate_plugin.batched.solve import solve
from surrogate_plugin.batched.stack import Stack
from surrogate_plugin.equation.problem import Problem
from surrogate_plugin.gallery import tumour_and_vessels


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many numbers were read each time."""
    found: list[int] = []
    read = reading.read

    def counted(numbers: Tensor) -> np.ndarray:
        found.append(numbers.numel())
        return read(numbers)

    monkeypatch.setattr(reading, "read", counted)
    return found


def _tissues(count: int) -> list[Problem]:
    return [
        tumour_and_vessels(
            np.random.default_rng(seed), (40, 40), boundary="reflecting", michaelis_menten=False, variable_decay=True
        )
        for seed in range(count)
    ]


def test_readings_are_few_and_small(sizes: list[int]) -> None:
    for count in (1, 12):
        sizes.clear()
        problems = _tissues(count)
        tolerance = np.array([0.01 * problem.largest_imposed for problem in problems])
        answers = solve(Stack.of(problems, "cpu"), tolerance=tolerance)
        assert answers.settled.all()
        # What is imposed, a look before the first cycle and after each, and of each try its residual and proposals.
        tries = len(set(answers.cycles.tolist()))
        assert len(sizes) <= 2 + int(answers.cycles.max()) + 5 * tries
        assert max(sizes) <= 4 * count


def test_problems_that_are_done_leave_the_batch(sizes: list[int]) -> None:
    """One is wanted much closer than the others: in the end it goes on alone."""
    problems = _tissues(16)
    tolerance = np.array([1e-2 * problem.largest_imposed for problem in problems])
    tolerance[7] *= 1e-7
    answers = solve(Stack.of(problems, "cpu"), tolerance=tolerance)
    assert answers.settled.all()
    assert answers.cycles[7] > np.delete(answers.cycles, 7).max()
    assert max(sizes) > 16
    assert max(sizes[-5:]) <= 4
