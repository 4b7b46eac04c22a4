"""The step loop: certified at every step, held when nothing changed, started from the last field, recorded."""

from __future__ import annotations

import copy
import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import surrogate_plugin as sp
from surrogate_plugin.session.steps import HELD, Summary
from tests.exact import exact_field

SEEDS = st.integers(0, 2**32 - 1)


def config(**changed) -> sp.BackendConfig:
    given = {
        "domain": sp.Domain(origin_um=(-50.0, 20.0), size_um=(480.0, 320.0), shape=(16, 24)),
        "diffusivity_um2_per_min": 1e5,
        "decay_per_min": 0.1,
        "tolerance": 0.38,
    }
    return sp.BackendConfig(**{**given, **changed})


def tissue(seed: int, *, cells: int = 40, vessels: int = 3) -> sp.TissueState:
    rng = np.random.default_rng(seed)
    low, high = np.array([-50.0, 20.0]), np.array([430.0, 340.0])
    return sp.TissueState(
        sp.Cells(
            rng.uniform(low, high, (cells, 2)),
            rng.uniform(3, 12, cells),
            rng.uniform(0, 20, cells),
            secretion_per_min=rng.uniform(0, 1, cells) * (rng.random() < 0.5),
            secretion_target=rng.uniform(0, 40, cells),
        ),
        sp.Vessels.from_segments(
            rng.uniform(low, high, (vessels, 2)),
            rng.uniform(low, high, (vessels, 2)),
            rng.uniform(0, 30, vessels),
            38.0,
        ),
    )


def exact(backend: sp.Backend, state: sp.TissueState) -> np.ndarray:
    return exact_field(backend.problem(state))


@settings(max_examples=30)
@given(
    SEEDS,
    st.sampled_from(["absorbing", "reflecting", "periodic", {"left": 38.0, "right": "reflecting"}]),
    st.sampled_from([None, 4.0]),
    st.sampled_from(["area", "voxel"]),
    st.sampled_from(["surrogate-first", "fastest"]),
    st.sampled_from([0.38, 1e-3, 1e-7]),
)
def test_every_step_is_within_its_bound_and_every_bound_within_the_tolerance(
    seed, boundary, km, deposit, policy, tolerance
):
    backend = sp.Backend(
        config(boundary=boundary, michaelis_km=km, deposit=deposit, policy=policy, tolerance=tolerance)
    )
    for step in range(3):
        state = tissue(seed + step)
        result = backend.step(state)
        error = np.abs(result.field - exact(backend, state)).max()
        assert error <= result.solution.error_bound + 1e-11
        assert result.solution.error_bound <= tolerance
        raster = backend.rasterise(state)
        assert np.array_equal(result.field[raster.fixed], raster.source[raster.fixed])


def test_the_same_state_twice_is_answered_with_the_field_held():
    backend = sp.Backend(config())
    first = backend.step(tissue(1))
    again = backend.step(tissue(1))
    assert again.field is first.field
    assert [record.method for record in backend.records] == [first.solution.method, HELD]
    assert again.record.bound == first.record.bound
    other = backend.step(tissue(2))
    assert other.record.method != HELD
    assert not np.array_equal(other.field, first.field)


def test_a_field_handed_out_stays_as_it_was():
    backend = sp.Backend(config())
    first = backend.step(tissue(1))
    kept = first.field.copy()
    for seed in range(2, 6):
        backend.step(tissue(seed))
    assert np.array_equal(first.field, kept)
    with pytest.raises(ValueError, match="read-only"):
        first.field[0, 0] = 1.0


class Recorder:
    """An engine that notes what it was asked."""

    def __init__(self) -> None:
        self.engine = sp.Engine()
        self.asked: list[dict] = []

    def solve(self, problem, **options):
        self.asked.append(options)
        return self.engine.solve(problem, **options)


def test_each_step_starts_from_the_field_of_the_step_before():
    recorder = Recorder()
    backend = sp.Backend(config(tolerance=0.1, method="exact"), engine=recorder)
    first = backend.step(tissue(1))
    backend.step(tissue(2))
    assert [asked["tolerance"] for asked in recorder.asked] == [0.1, 0.1]
    assert [asked["method"] for asked in recorder.asked] == ["exact", "exact"]
    assert recorder.asked[0]["previous"] is None
    assert recorder.asked[1]["previous"] is first.field


def test_a_step_that_fails_leaves_the_backend_as_it_was():
    backend = sp.Backend(config())
    first = backend.step(tissue(1))
    with pytest.raises(sp.InvalidProblemError, match="off the domain"):
        backend.step(sp.TissueState(sp.Cells([(1e4, 0.0)], 8.0, 1.0)))
    assert len(backend.records) == 1
    assert backend.step(tissue(1)).field is first.field


def test_another_configuration_in_mid_run_is_solved_with_at_once():
    backend, state = sp.Backend(config()), tissue(3)
    finer = sp.Domain(origin_um=(-50.0, 20.0), size_um=(480.0, 320.0), shape=(32, 48))
    before = backend.step(state)
    for changed in ({"decay_per_min": 5.0}, {"boundary": "reflecting"}, {"domain": finer}, {}):
        backend.config = config(**changed)
        result = backend.step(state)
        assert result.record.method != HELD
        assert result.field.shape == backend.config.domain.shape
        assert np.abs(result.field - exact(backend, state)).max() <= result.solution.error_bound <= 0.38
        assert backend.step(state).record.method == HELD
    assert before.sample([(0.0, 100.0)]) == pytest.approx(result.sample([(0.0, 100.0)]), abs=0.76)


def test_uptake_saturates_at_the_rate_times_km_and_is_first_order_far_below():
    state = tissue(3)
    linear = sp.Backend(config(tolerance=1e-8)).step(state).field
    nearly = sp.Backend(config(tolerance=1e-8, michaelis_km=1e7)).step(state).field
    assert np.abs(linear - nearly).max() < 1e-3
    saturated = sp.Backend(config(tolerance=1e-8, michaelis_km=0.5)).step(state).field
    assert (saturated >= linear - 1e-8).all()
    assert (saturated - linear).max() > 0.1
    problem = sp.Backend(config(michaelis_km=0.5)).problem(state)
    assert problem.uptake is not None
    raster = sp.Backend(config()).rasterise(state)
    assert np.allclose(problem.uptake.vmax, 0.5 * raster.uptake_per_min)


def test_samples_lean_on_the_boundary_and_refuse_what_is_off_the_domain():
    backend = sp.Backend(config(boundary={"left": 7.0, "right": "reflecting"}))
    result = backend.step(tissue(4))
    y = backend.config.domain.centres_um()[1][5]
    assert result.sample([(-50.0, y)])[0] == pytest.approx((result.field[5, 0] + 7.0) / 2)
    assert result.sample([(430.0, y)])[0] == pytest.approx(result.field[5, -1])
    with pytest.raises(sp.InvalidProblemError, match="off the domain"):
        result.sample([(431.0, y)])
    lenient = sp.Backend(config(boundary="reflecting", outside="drop"))
    assert lenient.step(tissue(4)).sample([(999.0, y)]).shape == (1,)


def test_cells_left_out_are_on_the_record():
    backend = sp.Backend(config(outside="drop"))
    state = sp.TissueState(sp.Cells([(1e4, 0.0), (0.0, 100.0)], 8.0, 1.0), sp.Vessels([(100.0, 100.0)], 20.0, 38.0))
    assert backend.step(state).record.left_out == 1
    assert "up to 1 cells or vessels left out" in str(backend.summary())


def test_the_summary_counts_what_the_records_say():
    backend = sp.Backend(config())
    for seed in (1, 1, 2, 3):
        backend.step(tissue(seed))
    summary = backend.summary()
    assert summary.steps == 4
    assert sum(summary.answered.values()) == 4
    assert summary.answered[HELD] == 1
    assert summary.largest_bound == max(record.bound for record in backend.records) <= 0.38
    assert summary.median_seconds > 0
    assert sum(summary.flags.values()) == sum(len(record.flags) for record in backend.records)
    assert Summary.of([]).largest_bound == 0.0
    assert all(record.total_seconds > 0 for record in backend.records if record.method != HELD)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda backend: pickle.loads(pickle.dumps(backend))])
def test_a_copy_goes_on_where_the_original_was(duplicate):
    backend = sp.Backend(config())
    first = backend.step(tissue(1))
    twin = duplicate(backend)
    held = twin.step(tissue(1))
    assert held.record.method == HELD
    assert np.array_equal(held.field, first.field)
    assert twin.step(tissue(2)).solution.error_bound <= 0.38
    assert len(backend.records) == 1


def test_variable_coefficients_are_taken_as_maps():
    rng = np.random.default_rng(0)
    diffusivity = 1e5 * rng.uniform(0.2, 1, (16, 24))
    maps = {"diffusivity_um2_per_min": diffusivity, "decay_per_min": rng.uniform(0.1, 1, (16, 24))}
    backend = sp.Backend(config(**maps))
    state = tissue(5)
    result = backend.step(state)
    assert np.abs(result.field - exact(backend, state)).max() <= min(0.38, result.solution.error_bound + 1e-11)
    assert np.array_equal(backend.problem(state).diffusivity, maps["diffusivity_um2_per_min"])


def test_a_vessel_alone_has_constant_coefficients_so_that_the_fastest_solver_applies():
    backend = sp.Backend(config())
    assert backend.problem(sp.TissueState(vessels=sp.Vessels([(100.0, 100.0)], 20.0, 38.0))).constant_coefficients


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"tolerance": -1.0}, "BackendConfig.tolerance is -1.0; a positive finite number is allowed."),
        ({"tolerance": math.nan}, "BackendConfig.tolerance is nan"),
        ({"diffusivity_um2_per_min": -1.0}, "BackendConfig.diffusivity_um2_per_min is -1;"),
        ({"decay_per_min": -0.1}, "BackendConfig.decay_per_min is -0.1"),
        ({"domain": (512, 512)}, r"BackendConfig.domain is \(512, 512\)"),
        ({"boundary": "open"}, "boundary .all sides. is 'open'"),
        ({"policy": "slowest"}, "BackendConfig.policy is 'slowest'; input should be 'surrogate-first' or 'fastest'."),
        ({"method": "magic"}, "BackendConfig.method is 'magic'; allowed are 'guarded', 'surrogate', 'exact'"),
        ({"deposit": "blob"}, "BackendConfig.deposit is 'blob'"),
        ({"michaelis_km": 0.0}, "BackendConfig.michaelis_km is 0;"),
        ({"tolerence": 0.1}, "BackendConfig has no option 'tolerence'; it has domain"),
        ({"self": 0.1}, "BackendConfig has no option 'self'; it has domain"),
    ],
)
def test_a_wrong_option_is_named_in_one_sentence(changed, message):
    with pytest.raises(sp.InvalidProblemError, match=message) as caught:
        config(**changed)
    assert "\n" not in str(caught.value)


def test_a_missing_option_is_named():
    with pytest.raises(sp.InvalidProblemError, match=r"BackendConfig\.domain is missing"):
        sp.BackendConfig(diffusivity_um2_per_min=1.0, decay_per_min=1.0)
