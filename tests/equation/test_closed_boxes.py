"""Closed boxes in which saturating uptake alone takes what is produced: solved where it can, refused where not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import surrogate_plugin as sp
from surrogate_plugin.equation.solution import Reason
from surrogate_plugin.gallery import any_region
from surrogate_plugin.reference import solve_extended

METHODS = ("guarded", "exact", "multigrid", "sparse-direct")
SHARES = [0.0, 1e-6, 0.1, 0.5, 0.9, 0.99]


def closed_box(rng: np.random.Generator, share: float) -> sp.Problem:
    """Cells and makers in any regions, in any units; ``share`` of what can be taken up is produced."""
    shape, link = tuple(rng.integers(1, 20, 2)), 10.0 ** rng.uniform(-2, 3)
    where = [region if (region := any_region(rng, shape)).any() else ~region for _ in range(2)]
    vmax, production = (np.where(region, rng.uniform(0.5, 1.0, shape), 0.0) for region in where)
    vmax *= link * 10.0 ** rng.uniform(-6, 2)
    production *= share * vmax.sum() / production.sum()
    km = 10.0 ** rng.uniform(-6, 3) * vmax.max() / link
    return sp.Problem(
        np.zeros(shape), diffusivity=link, decay=0.0, production=production, uptake=sp.MichaelisMenten(vmax, km),
        boundary=str(rng.choice(["reflecting", "periodic"])),
    )  # fmt: skip


@given(st.integers(0, 2**32 - 1), st.sampled_from(SHARES))
def test_what_saturating_uptake_can_take_has_a_field_that_every_method_finds(seed, share):
    problem = closed_box(np.random.default_rng(seed), share)
    reference = solve_extended(problem)
    largest = float(reference.field.max())
    assert (largest > 0) == (share > 0)
    for method in METHODS:
        solution = sp.solve(problem, method=method)
        assert reference.distance(solution.field) <= solution.error_bound + 2 * reference.error
        # Multigrid's own certificate may miss a lone cell that anchors the whole box, and says so.
        missed = method == "multigrid" and any(flag.reason is Reason.TOLERANCE_NOT_REACHED for flag in solution.flags)
        assert missed or solution.error_bound <= (0.01 if method == "guarded" else 1e-6) * largest


@pytest.mark.parametrize("share", [0.25, 0.5, 0.9])
def test_a_level_field_takes_what_is_produced(share):
    problem = sp.Problem(
        np.zeros((12, 9)), decay=0.0, production=2.0 * share, uptake=sp.MichaelisMenten(2.0, 5.0), boundary="periodic"
    )
    field = sp.solve(problem, method="exact").field
    assert field == pytest.approx(np.full((12, 9), 5.0 * share / (1 - share)), rel=1e-9)


def box(production, vmax, **changes):
    problem = sp.Problem(
        np.zeros((6, 8)),
        **(
            {"decay": 0.0, "boundary": "reflecting", "production": production, "uptake": sp.MichaelisMenten(vmax, 1.0)}
            | changes
        ),
    )
    problem.check_steady()
    return problem


@pytest.mark.parametrize(("production", "vmax"), [(2.0, 2.0), (3.0, 2.0), (np.eye(6, 8) * 80, np.eye(6, 8) * 79)])
def test_more_than_saturating_uptake_can_take_is_refused_with_the_reason(production, vmax):
    with pytest.raises(sp.InvalidProblemError, match=r"no steady state: production is .* takes at most .* without end"):
        box(production, vmax)
    box(production, vmax, decay=1e-3)
    box(production, vmax, boundary={"left": 0.0, "right": "reflecting"})
    box(production, vmax, fixed=np.eye(6, 8, dtype=bool))


def test_what_comes_too_near_to_that_is_refused_as_anchored_too_weakly():
    with pytest.raises(sp.InvalidProblemError, match=r"slope that uptake keeps about .* nothing else anchors"):
        box(1.0 - 1e-9, 1.0)


def test_without_uptake_the_reason_stays_that_nothing_anchors_the_field():
    with pytest.raises(sp.InvalidProblemError, match="no unique steady state: decay is 0 everywhere"):
        box(1.0, 0.0)


def test_a_host_whose_cells_saturate_needs_no_decay():
    domain = sp.Domain.from_lattice((10, 12), 20.0)
    config = sp.BackendConfig(
        domain=domain, diffusivity_um2_per_min=1e4, decay_per_min=0.0, michaelis_km=4.0, boundary="reflecting"
    )
    backend = sp.Backend(config)
    cells = sp.Cells([(60.0, 90.0), (180.0, 110.0)], 8.4, uptake_per_min=[10.0, 0.0])
    made = np.zeros((10, 12))
    made[2, 3] = 5.0
    state = sp.TissueState(cells, voxels=sp.Voxels(production_per_min=made))
    result = backend.step(state)
    reference = solve_extended(backend.problem(state))
    assert reference.distance(result.field) <= result.solution.error_bound <= 0.01 * float(reference.field.max())


def test_a_start_on_the_wrong_side_leaves_the_cycles_as_good_as_none():
    rows, columns = np.indices((128, 128))
    vmax = np.where((rows - 64) ** 2 + (columns - 128 / 3) ** 2 < (128 / 5) ** 2, 10.0, 0.0)
    production = np.where(columns > 0.9 * 128, 1.0, 0.0)
    production *= 0.3 * vmax.sum() / production.sum()
    problem = sp.Problem(
        np.zeros((128, 128)), decay=0.0, production=production, uptake=sp.MichaelisMenten(vmax, 2.0),
        boundary="reflecting",
    )  # fmt: skip
    exact = sp.solve(problem, method="sparse-direct").field
    tolerance = 0.01 * float(exact.max())
    for method in ("guarded", "exact", "multigrid"):
        solution = sp.Engine().solve(problem, method=method, tolerance=tolerance, previous=1.01 * exact)
        assert solution.method == "multigrid"
        assert np.abs(solution.field - exact).max() <= solution.error_bound <= tolerance
