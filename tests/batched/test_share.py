"""What may be off of a field's largest value: of the very field that is certified, whatever came before it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from torch import Tensor

from surrogate_plugin.batched import certificate
from surrogate_plugin.batched.solve import solve
from surrogate_plugin.batched.stack import Stack
from surrogate_plugin.equation.problem import FloatArray, Problem


def test_a_share_is_of_the_field_that_is_certified(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sweeps before the certificate lower or raise its largest value."""
    seen: list[tuple[FloatArray, FloatArray]] = []
    bound = certificate.bound

    def noted(stack: Stack, levels: Any, candidate: Tensor, wanted: FloatArray, **options: Any) -> certificate.Bounds:
        seen.append((candidate[:, 1:-1, 1:-1].amax((1, 2)).numpy()[options["among"]], wanted[options["among"]]))
        return bound(stack, levels, candidate, wanted, **options)

    monkeypatch.setattr(certificate, "bound", noted)
    cells = np.random.default_rng(1).random((24, 30)) < 0.1
    problems = [
        Problem(np.zeros((24, 30)), decay=rate * (1.0 + cells), production=1.0 * cells, boundary="reflecting")
        for rate in (1e-3, 1e-2, 1e-1)
    ]
    answers = solve(Stack.of(problems, "cpu"), share=0.01)
    assert answers.settled.all()
    assert seen
    for largest, wanted in seen:
        np.testing.assert_array_equal(wanted, 0.01 * largest)
