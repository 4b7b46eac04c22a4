"""Where much is produced and little decays, fields exceed all that may be given; every door takes them."""

from __future__ import annotations

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_plugin.engine.engine import Engine
from surrogate_plugin.equation.problem import Problem

_HIGH = 1e108
_DECAY = {"one": np.full((16, 16), 1e-8), "several": np.linspace(1e-8, 2e-8, 256).reshape(16, 16)}


def _problem(decay: str) -> Problem:
    """Production and decay as they are in proportion, so that the field is level."""
    rate = _DECAY[decay]
    return Problem(np.zeros((16, 16)), decay=rate, production=0.5 * _HIGH * rate, boundary="reflecting")


@pytest.mark.parametrize("decay", ["one", "several"])
@pytest.mark.parametrize("method", ["guarded", "exact", "multigrid", "algebraic", "sparse-direct"])
def test_such_a_field_is_bounded_pixel_by_pixel_and_started_from(method: str, decay: str) -> None:
    problem, level = _problem(decay), 0.5 * _HIGH
    solution = Engine(device="cpu").solve(problem, method=method, error_map=True)
    off = np.abs(solution.field - level)
    assert off.max() <= solution.error_bound < 0.02 * level
    assert solution.error_map is not None
    assert (off <= solution.error_map).all()
    certificate = sp.certify(problem, solution.field)
    assert off.max() <= certificate.error_bound < 0.02 * level
    for found in (
        Engine(device="cpu").solve(problem, method=method, previous=solution.field),
        *sp.solve_many([problem, problem], method, device="cpu", previous=[solution.field, 1e150 * solution.field]),
    ):
        assert np.abs(found.field - level).max() <= found.error_bound < 0.02 * level


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused_in_a_sentence(value: float) -> None:
    problem, field = _problem("several"), np.full((16, 16), _HIGH)
    field[3, 4] = value
    for ask in (lambda: sp.certify(problem, field), lambda: Engine(device="cpu").solve(problem, previous=field)):
        with pytest.raises(sp.InvalidProblemError, match=r" at \(row 3, column 4\); finite values are allowed\.$"):
            ask()
