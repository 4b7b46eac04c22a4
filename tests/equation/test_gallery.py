"""The gallery reaches as far as problems may be posed, and names each by its seed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from surrogate_plugin.equation.problem import Problem
from surrogate_plugin.gallery import (
    WIDER_KINDS,
    any_region,
    cells_with_membranes,
    extreme_problem,
    extreme_problems,
    fibres,
    leaky_vessels,
    obstacles,
    open_sides,
    two_tissues,
    wider_problems,
)

PROBLEMS = list(extreme_problems(0, 4000))


def largest(problem: Problem) -> float:
    return problem.largest_imposed or 1.0


def decay_per_link(problem: Problem) -> np.ndarray:
    return np.asarray(problem.decay) * (problem.spacing**2 / problem.reference_diffusivity)


def contrast(values: np.ndarray) -> float:
    positive = values[values > 0]
    return float(positive.max() / positive.min()) if positive.size else 1.0


MEASURES: dict[str, tuple[Callable[[Problem], float], float, float]] = {
    "strongest decay": (lambda p: decay_per_link(p).max(), 1e-11, 1e11),
    "contrast of decay": (lambda p: contrast(decay_per_link(p)), 1.0, 1e11),
    "contrast of diffusivity": (lambda p: contrast(np.asarray(p.diffusivity)), 1.0, 5e7),
    "spacing": (lambda p: p.spacing, 2e-2, 5e1),
    "diffusivity": (lambda p: p.reference_diffusivity, 2e-3, 5e5),
    "km over the largest": (lambda p: p.uptake.km / largest(p) if p.uptake else 1.0, 1e-11, 1e2),
    "vmax over the largest": (
        lambda p: (
            float(np.max(p.uptake.vmax)) * p.spacing**2 / p.reference_diffusivity / largest(p) if p.uptake else 1.0
        ),
        1e-7,
        1e3,
    ),
    "imposed values": (lambda p: contrast(p.source), 1.0, 1e5),
    "rows": (lambda p: p.shape[0], 8, 40),
    "columns": (lambda p: p.shape[1], 8, 40),
    "fixed share": (lambda p: p.fixed.mean(), 0.0, 0.9),
    "production": (lambda p: float(np.max(p.production)), 0.0, 1e-8),
}


@pytest.mark.parametrize("measure", MEASURES)
def test_each_measure_goes_from_end_to_end(measure: str) -> None:
    value, low, high = MEASURES[measure]
    values = [value(problem) for problem in PROBLEMS]
    assert min(values) <= low
    assert max(values) >= high


def test_strong_regions_have_every_share() -> None:
    rng = np.random.default_rng(0)
    shares = [any_region(rng, (12, 12)).mean() for _ in range(2000)]
    counts, _ = np.histogram(shares, bins=10, range=(0.0, 1.0))
    assert counts.min() >= 20
    assert min(shares) <= 1 / 144
    assert max(shares) >= 143 / 144


def test_all_boundaries_masks_and_lattices_come() -> None:
    kinds = {tuple(side.kind for side in problem.boundary.sides) for problem in PROBLEMS}
    assert len(kinds) == 5 * 5  # a pair of sides is both periodic, or each of the other two kinds
    assert any(problem.shape == (8, 40) for problem in PROBLEMS)
    assert any(not problem.fixed.any() for problem in PROBLEMS)
    assert sum(problem.shape[0] % 2 for problem in PROBLEMS) > 1000
    assert sum(problem.uptake is not None for problem in PROBLEMS) > 1000


def test_a_seed_and_a_number_name_a_problem() -> None:
    again = list(extreme_problems(0, 3, start=17))
    assert [p.fingerprint for p in again] == [p.fingerprint for p in PROBLEMS[17:20]]
    alone = extreme_problem(np.random.default_rng([0, 18]))
    assert alone.fingerprint == PROBLEMS[18].fingerprint


def test_tissues_have_what_they_are_named_for():
    rng = np.random.default_rng(4)
    shape = (40, 48)
    assert 0.2 < np.mean(obstacles(rng, shape).diffusivities[0] == 0.0) < 0.45
    assert contrast(two_tissues(rng, shape, times=300.0).diffusivities[0]) == pytest.approx(300.0)
    walled = cells_with_membranes(rng, shape, cells=9, ratio=0.5)
    assert walled.membranes is not None
    through = walled.membranes.x[np.isfinite(walled.membranes.x)]
    assert through.max() == pytest.approx(0.5 * walled.reference_diffusivity / walled.spacing)
    leaking = leaky_vessels(rng, shape, michaelis_menten=False, variable_decay=False, diffusion_length=20.0)
    assert np.ptp(leaking.decay) > 0.0
    assert {side.kind for side in open_sides(rng, shape).boundary.sides} == {"flux", "exchange", "reflecting"}
    striped = fibres(rng, shape, ratio=7.0)
    assert np.allclose(striped.diffusivities[1], 7.0 * np.asarray(striped.diffusivities[0]))
    assert striped.spacings[1] == 2.0 * striped.spacings[0]


def test_tissues_are_named_by_their_seed_and_have_steady_states():
    made = list(wider_problems(3, 4 * len(WIDER_KINDS), 20))
    for problem in made:
        problem.check_steady()
    again = list(wider_problems(3, len(WIDER_KINDS), 20))
    assert [problem.fingerprint for problem in again] == [problem.fingerprint for problem in made[: len(again)]]
    assert not any(problem.plain for problem in made[: len(WIDER_KINDS)])
