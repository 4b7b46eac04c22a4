"""Diffusion that vanishes beside decay: right down to a limit, and one sentence beyond it."""

from __future__ import annotations

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_plugin.reference import solve_extended

RNG = np.random.default_rng(0)
MADE, DECAY = RNG.random((9, 11)), RNG.uniform(0.01, 0.1, (9, 11))
SPACING = 20.0


def debris(diffusivity: float) -> sp.Problem:
    """What cells leave lying where they are."""
    return sp.Problem(
        np.zeros((9, 11)), diffusivity=diffusivity, decay=DECAY, production=MADE, spacing=SPACING, boundary="reflecting"
    )


@pytest.mark.parametrize("method", ["guarded", "exact", "multigrid", "sparse-direct"])
@pytest.mark.parametrize("diffusivity", [1e3, 1.0, 1e-6, 1e-9, 1e-10])
def test_the_field_stays_within_its_bound_as_diffusion_vanishes(diffusivity: float, method: str) -> None:
    problem = debris(diffusivity)
    reference, solution = solve_extended(problem), sp.solve(problem, method=method, tolerance=1e-8)
    assert reference.distance(solution.field) <= solution.error_bound <= 1e-8
    link = diffusivity / SPACING**2
    if link < 1e-3:  # to first order in it, each pixel is by itself
        alone = MADE / DECAY
        assert np.abs(solution.field - alone).max() <= 4 * link * alone.max() / DECAY.min() + 1e-8


def test_beyond_that_a_sentence_says_what_the_field_is() -> None:
    with pytest.raises(
        sp.InvalidProblemError, match=r"more than 1e12 times .*; .* or take production / decay"
    ) as caught:
        debris(1e-12)
    assert str(caught.value).endswith("nothing is meant to diffuse.")
