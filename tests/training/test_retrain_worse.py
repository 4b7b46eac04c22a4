"""What counts as worse than the parent, and keeps a retrained model from being published."""

from __future__ import annotations

from typing import Any

import pytest

from surrogate_training.quality.assessment import Summary
from surrogate_training.retraining.report import Pair, worse


def summary(share: float, error: float = 0.1) -> Summary:
    shares = {0.01: (0.0, share, 1.0), 0.001: (0.0, 0.0, 0.0)}
    statistics = {"median": error, "p95": error, "largest": error}
    return Summary(
        states=100, covered=1.0, relative_l2=statistics, largest_error=statistics, certified=shares,
        certified_by_network=shares,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("held", "base", "complaints"),
    [
        (((0.2, 0.1), (0.5, 0.1)), (0.9, 0.9), 0),
        (((0.2, 0.1), (0.5, 0.2)), (0.9, 0.88), 0),
        (((0.2, 0.1), (0.5, 0.1)), (0.9, 0.87), 1),
        (((0.2, 0.1), (0.2, 0.09)), (0.9, 0.9), 0),
        (((0.2, 0.1), (0.2, 0.1)), (0.9, 0.9), 1),
        (((0.2, 0.1), (0.1, 0.01)), (0.9, 1.0), 1),
        (((0.2, 0.1), (0.1, 0.2)), (0.9, 0.1), 2),
        (((0.2, 0.1), (0.2, float("nan"))), (0.9, 0.9), 1),
    ],
)
def test_worse_is_what_the_documentation_says(held: Any, base: Any, complaints: int) -> None:
    held_out = Pair(parent=summary(*held[0]), child=summary(*held[1]))
    found = worse(held_out, Pair(parent=summary(base[0]), child=summary(base[1])))
    assert len(found) == complaints
    assert not any("\n" in sentence for sentence in found)
