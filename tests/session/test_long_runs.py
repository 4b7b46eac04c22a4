"""A thousand steps with cells that move: the bound holds at each audited one, against exact steps all along."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.sparse

import surrogate_plugin as sp
from surrogate_plugin.equation.assembly import assemble, known_values
from tests.session.scenes import DOMAIN

BOUNDARY = {"left": 6.0, "right": sp.Exchange(8.0, 2.0), "bottom": "reflecting", "top": sp.Flux(30.0)}
DT = 6.0


def scenes(count: int):
    """Cells that wander and take up, some of which secrete, and a vessel whose value follows the clock."""
    rng = np.random.default_rng(11)
    low, high = np.array(DOMAIN.origin_um), np.array(DOMAIN.origin_um) + DOMAIN.size_um
    place, uptake = rng.uniform(low, high, (30, 2)), rng.uniform(0, 3, 30)
    for step in range(count):
        place = np.clip(place + rng.normal(0, 6, place.shape), low, high)
        cells = sp.Cells(place, 8.0, uptake, production_per_min=2.0 * (uptake < 0.5))
        yield sp.TissueState(cells, sp.Vessels([(200.0, 200.0)], 30.0, 10.0 * math.exp(-step * DT / 600.0)))


def exact_step(problem: sp.Problem, field: np.ndarray) -> np.ndarray:
    """The step by a dense matrix: nothing that answers is asked."""
    posed = problem.replace(decay=problem.decay + 1 / DT, production=problem.production + field / DT)
    graph = assemble(posed)
    known = known_values(posed, 1.0)
    feed = np.broadcast_to(posed.supply, posed.shape)[graph.free] / posed.reference_link
    whole = (graph.incidence.T @ scipy.sparse.diags_array(graph.weight) @ graph.incidence).toarray()
    free = np.flatnonzero(graph.free)
    matrix = whole[np.ix_(free, free)] + np.diag(graph.decay)
    after = problem.known.copy()
    after[graph.free] = np.linalg.solve(matrix, feed - whole[free] @ known)
    return after


def test_the_bound_holds_at_each_of_a_thousand_steps() -> None:
    backend = sp.Backend(
        sp.BackendConfig(
            domain=DOMAIN, diffusivity_um2_per_min=300.0, decay_per_min=0.005, boundary=BOUNDARY, tolerance=0.01,
            stepping="implicit-euler", initial=3.0, method="guarded",
        )
    )  # fmt: skip
    true = np.full(DOMAIN.shape, 3.0)
    for step, state in enumerate(scenes(1000)):
        result = backend.step(state, DT)
        true = exact_step(backend.problem(state), true)
        if step % 10 == 9:
            assert np.abs(result.field - true).max() <= result.record.bound
        assert result.field.min() >= 0.0
    assert backend.summary().largest_bound <= 0.01 * (1 + 1e-6)
    assert backend.summary().steps == 1000


def test_where_nothing_decays_a_thousand_steps_stay_within_the_tolerance() -> None:
    domain = sp.Domain.from_lattice((8, 9), 20.0)
    backend = sp.Backend(
        sp.BackendConfig(
            domain=domain, diffusivity_um2_per_min=1.0, decay_per_min=0.0, boundary="reflecting", tolerance=0.05,
            stepping="implicit-euler", initial=np.pad([[50.0]], ((3, 4), (4, 4))),
        )
    )  # fmt: skip
    for _ in range(1000):
        result = backend.step(sp.TissueState(), DT)
    assert result.record.bound <= 0.05 * (1 + 1e-6)
    assert abs(result.field.sum() - 50.0) <= 72 * result.record.bound
    assert np.ptp(result.field) < 5.0


@pytest.mark.parametrize("km", [0.5, 5.0])
def test_the_bound_holds_where_uptake_saturates(km: float) -> None:
    backend, fine = (
        sp.Backend(
            sp.BackendConfig(
                domain=DOMAIN, diffusivity_um2_per_min=300.0, decay_per_min=0.005, boundary=BOUNDARY, michaelis_km=km,
                stepping="implicit-euler", initial=3.0, tolerance=tolerance, method=method,
            )
        )
        for tolerance, method in ((0.01, "guarded"), (1e-11, "sparse-direct"))
    )  # fmt: skip
    for state in scenes(60):
        result, true = backend.step(state, DT), fine.step(state, DT)
        assert np.abs(result.field - true.field).max() <= result.record.bound + 1e-9
