"""A backend that goes on in time: every step within its bound, balanced, and from whatever the host has written."""

from __future__ import annotations

import copy
import math
import pickle

import numpy as np
import pytest

import surrogate_plugin as sp
from tests.exact import exact_field
from tests.session.scenes import DOMAIN, config, exact_step, tissue

NOTHING = sp.TissueState()


def drug(**changed) -> sp.BackendConfig:
    """A slow factor, which no step of minutes brings to rest."""
    given = {"diffusivity_um2_per_min": 300.0, "decay_per_min": 0.01, "boundary": "reflecting"}
    return config(**{"stepping": "implicit-euler", "tolerance": 0.02} | given | changed)


def test_each_step_is_within_its_bound_of_exact_steps_from_the_exact_field() -> None:
    backend = sp.Backend(drug(initial=3.0))
    true = np.full(DOMAIN.shape, 3.0)
    for k in range(20):
        state, dt = tissue(k), (0.1, 6.0, 60.0)[k % 3]
        result = backend.step(state, dt_min=dt)
        true = exact_step(backend.problem(state), true, dt)
        assert np.abs(result.field - true).max() <= result.record.bound
        assert result.record.dt_min == dt
        assert result.field is backend.field
        assert result.record.bound <= 0.02 * (1 + 1e-9)


@pytest.mark.parametrize("km", [None, 2.0])
def test_exact_steps_balance(km: float | None) -> None:
    boundary = {"left": 5.0, "right": "absorbing", "bottom": "reflecting", "top": "reflecting"}
    for sides in (boundary, "periodic", "reflecting"):
        backend = sp.Backend(drug(method="exact", tolerance=None, initial=4.0, boundary=sides, michaelis_km=km))
        before = backend.field
        for k in range(4):
            result = backend.step(tissue(k), 6.0)
            balance, free = result.record.balance, ~backend.problem(tissue(k)).fixed
            assert balance.relative_defect <= 1e-10
            assert balance.change == pytest.approx(400.0 * (result.field - before)[free].sum(), rel=1e-9)
            assert balance.cells > 0.0
            assert balance.decay == pytest.approx(400.0 * 6.0 * 0.01 * result.field[free].sum(), rel=1e-9)
            came = balance.sources + balance.sides - balance.cells - balance.decay
            assert balance.change == pytest.approx(came, rel=1e-8)
            before = result.field


def test_sources_are_what_cells_secrete_and_cells_are_what_they_take() -> None:
    cells = sp.Cells([(100.0, 100.0), (200.0, 200.0)], 8.0, [0.0, 3.0], production_per_min=[2.0, 0.0])
    backend = sp.Backend(drug(method="exact", tolerance=None, deposit="voxel", initial=1.0, decay_per_min=0.0))
    balance = backend.step(sp.TissueState(cells), 5.0).record.balance
    raster = backend.rasterise(sp.TissueState(cells))
    assert balance.sources == pytest.approx(400.0 * 5.0 * np.sum(raster.production_per_min), rel=1e-12)
    assert balance.cells == pytest.approx(400.0 * 5.0 * np.sum(raster.uptake_per_min * backend.field), rel=1e-12)
    assert balance.decay == balance.sides == 0.0


def test_what_leaks_through_walls_counts_as_sides() -> None:
    leaky = sp.Vessels([(200.0, 200.0)], 30.0, 38.0, permeability_um_per_min=20.0)
    cells = sp.Cells([(100.0, 100.0)], 8.0, 0.0, production_per_min=2.0)
    backend = sp.Backend(drug(method="exact", tolerance=None, initial=1.0, decay_per_min=0.0))
    alone = backend.step(sp.TissueState(cells), 5.0).record.balance
    backend.restart(np.full(DOMAIN.shape, 1.0))
    balance = backend.step(sp.TissueState(cells, leaky), 5.0).record.balance
    assert balance.relative_defect <= 1e-10
    assert balance.sources == pytest.approx(alone.sources, rel=1e-12)
    assert balance.decay == pytest.approx(0.0, abs=1e-9 * balance.sides)
    assert balance.sides == pytest.approx(balance.change - balance.sources, rel=1e-9)
    assert balance.sides > 0.0


def test_what_others_write_is_gone_on_from() -> None:
    backend = sp.Backend(drug())
    true = np.zeros(DOMAIN.shape)
    for k in range(8):
        host = backend.field.astype(np.float32)
        if k % 3 == 0:
            host[k, k] += 50.0
            true[k, k] += 50.0
        backend.field = host
        result = backend.step(NOTHING, 6.0)
        true = exact_step(backend.problem(NOTHING), true, 6.0)
        assert np.abs(result.field - true).max() <= result.record.bound + 1e-5
        assert result.record.bound <= 0.02 * (1 + 1e-9)


def test_a_field_in_the_hosts_own_precision_is_not_taken_for_written() -> None:
    backend, twin = (sp.Backend(drug(initial=1 / 3)) for _ in range(2))
    for k in range(4):
        one, other = backend.step(tissue(k), 6.0), twin.step(tissue(k), 6.0)
        backend.field = one.field.astype(np.float32)
        assert np.array_equal(one.field, other.field)
    assert np.array_equal(backend.field, twin.field)


def test_parts_are_as_short_as_the_time_tolerance_needs() -> None:
    state = tissue(1)
    fine, wanted = sp.Backend(drug(method="exact", tolerance=1e-9, initial=5.0)), []
    for _ in range(4):
        for _ in range(512):
            result = fine.step(state, 12.0 / 512)
        wanted.append(result.field)
    for tolerance in (0.5, 0.05):
        backend = sp.Backend(drug(tolerance=1e-3, time_tolerance=tolerance, initial=5.0))
        records = []
        for field in wanted:
            result = backend.step(state, 12.0)
            records.append(result.record)
            assert result.record.time_error <= tolerance
            assert np.abs(result.field - field).max() <= 2 * tolerance
        assert records[0].parts > records[-1].parts >= 2
    assert records[0].parts >= 16


def test_a_time_tolerance_out_of_reach_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("surrogate_plugin.session.evolution.MOST_PARTS", 8)
    backend = sp.Backend(drug(time_tolerance=1e-7, initial=5.0))
    result = backend.step(tissue(1), 12.0)
    assert result.record.parts == 8
    assert result.record.time_error > 1e-7
    assert any("above the time_tolerance 1e-07; take shorter steps." in flag.message for flag in result.record.flags)


def test_without_a_time_tolerance_some_steps_are_estimated() -> None:
    backend = sp.Backend(drug(initial=5.0))
    records = [backend.step(tissue(1), 6.0).record for _ in range(33)]
    assert [k for k, record in enumerate(records) if math.isfinite(record.time_error)] == [0, 16, 32]
    assert {record.parts for record in records} == {1}


def test_held_values_may_change_in_time() -> None:
    backend, true = sp.Backend(drug(boundary={"left": 5.0, "right": "reflecting"})), np.zeros(DOMAIN.shape)
    for k in range(12):
        value = 38.0 * math.exp(-0.6 * k)
        state = sp.TissueState(vessels=sp.Vessels([(200.0, 200.0)], 30.0, value))
        backend.reconfigure(boundary={"left": 5.0 / (1 + k), "right": "reflecting"})
        result = backend.step(state, 6.0)
        problem = backend.problem(state)
        true = exact_step(problem, true, 6.0)
        assert np.array_equal(result.field[problem.fixed], problem.source[problem.fixed])
        assert np.abs(result.field - true).max() <= result.record.bound


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda backend: pickle.loads(pickle.dumps(backend))])
def test_a_copy_goes_on_in_time_by_itself(duplicate) -> None:
    backend = sp.Backend(drug(initial=2.0, method="exact"))
    for k in range(3):
        backend.step(tissue(k), 6.0)
    twin = duplicate(backend)
    first = backend.step(tissue(9), 6.0)
    assert twin.records == backend.records[:-1]
    again = twin.step(tissue(9), 6.0)
    assert np.abs(again.field - first.field).max() <= 1e-9
    assert again.record.bound == pytest.approx(first.record.bound, rel=0.5)


def test_a_run_resumes_from_a_checkpoint_of_the_hosts_own() -> None:
    backend = sp.Backend(drug(initial=2.0))
    record = backend.step(tissue(1), 6.0).record
    resumed = sp.Backend(drug())
    resumed.restart(np.array(backend.field), record.bound)
    one, other = backend.step(tissue(2), 6.0), resumed.step(tissue(2), 6.0)
    assert np.array_equal(one.field, other.field)
    assert one.record.bound == other.record.bound


def test_a_run_may_turn_from_steady_to_stepping_and_back() -> None:
    backend = sp.Backend(drug(stepping="steady"))
    assert backend.field is None
    steady = backend.step(tissue(1))
    backend.reconfigure(stepping="implicit-euler")
    assert backend.field is steady.field
    stepped = backend.step(tissue(1), 1e6)
    assert np.abs(stepped.field - steady.field).max() <= stepped.record.bound + steady.record.bound
    backend.reconfigure(stepping="steady")
    assert backend.step(tissue(2)).record.dt_min == math.inf


def test_a_step_that_fails_leaves_the_field_as_it_was() -> None:
    backend = sp.Backend(drug(initial=1.0))
    before = backend.step(tissue(1), 6.0).field
    with pytest.raises(sp.InvalidProblemError, match="off the domain"):
        backend.step(sp.TissueState(sp.Cells([(1e4, 0.0)], 8.0, 1.0)), 6.0)
    assert backend.field is before
    assert len(backend.records) == 1


@pytest.mark.parametrize("dt", [0.0, -6.0, math.nan, math.inf, "6", None])
def test_a_length_that_is_none_is_refused(dt) -> None:
    with pytest.raises(sp.InvalidProblemError, match=r"^dt_min is .*; a positive finite number .*is allowed"):
        sp.Backend(drug()).step(NOTHING, dt)


def test_a_field_that_is_none_is_refused_and_leaves_the_one_there_is() -> None:
    backend = sp.Backend(drug(initial=2.0))
    negative, unknown = np.full(DOMAIN.shape, 1.0), np.full(DOMAIN.shape, 1.0)
    negative[3, 4], unknown[2, 1] = -1.0, np.nan
    for given, message in (
        (negative, r"^field is -1 at \(row 3, column 4\)"),
        (unknown, r"^field is NaN at \(row 2, column 1\)"),
        (np.ones((3, 3)), r"^field has shape \(3, 3\), but the domain has \(16, 24\)"),
    ):
        with pytest.raises(sp.InvalidProblemError, match=message):
            backend.field = given
    assert (backend.field == 2.0).all()
    with pytest.raises(sp.InvalidProblemError, match=r"^field is written, but stepping is 'steady'"):
        sp.Backend(config()).field = np.ones(DOMAIN.shape)


def test_a_field_that_rests_and_goes_on_again_goes_on_from_where_it_rests() -> None:
    """Each time from the field there is, never from one of before."""
    backend, true = sp.Backend(drug(stepping="steady")), None
    for k, stepping in enumerate(["steady", "implicit-euler", "steady", "implicit-euler", "implicit-euler"]):
        backend.reconfigure(stepping=stepping, decay_per_min=0.01 * (1 + k))
        before = backend.field
        result = backend.step(tissue(k), 6.0)
        problem = backend.problem(tissue(k))
        true = exact_field(problem) if stepping == "steady" else exact_step(problem, true, 6.0)
        assert np.abs(result.field - true).max() <= result.record.bound
        assert result.field is backend.field
        assert before is None or np.abs(result.field - before).max() > 10 * result.record.bound


def test_another_lattice_needs_a_field_of_its_own() -> None:
    backend = sp.Backend(drug(initial=2.0))
    first = backend.step(NOTHING, 6.0)
    finer = sp.Domain(origin_um=(-50.0, 20.0), size_um=(480.0, 320.0), shape=(32, 48))
    backend.config = drug(domain=finer)
    with pytest.raises(sp.InvalidProblemError, match=r"shape \(16, 24\), but the domain has \(32, 48\); .*restart"):
        backend.step(NOTHING, 6.0)
    backend.restart(np.kron(first.field, np.ones((2, 2))))
    assert backend.step(NOTHING, 6.0).field.shape == (32, 48)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"stepping": "euler"}, "BackendConfig.stepping is 'euler'; input should be 'steady' or 'implicit-euler'."),
        ({"time_tolerance": 0.0}, "BackendConfig.time_tolerance is 0.0; a positive finite number is allowed."),
        ({"initial": -1.0}, "BackendConfig.initial is -1;"),
        ({"initial": np.ones((2, 2))}, "initial has shape"),
    ],
)
def test_a_wrong_option_is_named(changed, message) -> None:
    with pytest.raises(sp.InvalidProblemError, match=message):
        drug(**changed)
