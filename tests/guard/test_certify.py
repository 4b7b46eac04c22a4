"""`sp.certify` bounds anybody's field: rough or smooth, off at fixed pixels, below 0, on any problem."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import surrogate_plugin as sp
from surrogate_plugin.gallery import random_problem
from tests.exact import exact_field


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_bound_holds_wherever_the_field_comes_from(seed: int) -> None:
    rng = np.random.default_rng(seed)
    problem = random_problem(rng, variable_diffusivity=bool(seed % 2))
    exact = exact_field(problem)
    off = exact + 0.2 * exact.max() * rng.normal(size=exact.shape)
    error = float(np.abs(off - exact).max())
    assert error <= sp.certify(problem, off).error_bound * (1 + 1e-12) + 1e-12 * exact.max()


def test_it_says_what_is_no_field() -> None:
    problem = sp.Problem(np.zeros((8, 9)), decay=1.0, production=1.0)
    with pytest.raises(sp.InvalidProblemError, match=r"field .*\(9, 8\).*\(8, 9\)"):
        sp.certify(problem, np.zeros((9, 8)))
    with pytest.raises(sp.InvalidProblemError, match=r"field is NaN at \(row 0, column 0\)"):
        sp.certify(problem, np.full((8, 9), np.nan))
