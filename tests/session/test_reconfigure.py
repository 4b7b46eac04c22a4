"""Options changed in mid run by name: validated, solved with at once, and nothing else of a backend lost."""

from __future__ import annotations

import numpy as np
import pytest

import surrogate_plugin as sp
from tests.session.scenes import DOMAIN, config, tissue


def test_the_next_step_solves_with_the_new_options_by_the_same_engine() -> None:
    backend, state = sp.Backend(config()), tissue(0)
    engine, first = backend.engine, backend.step(state)
    backend.reconfigure(decay_per_min=5.0, tolerance=1e-6)
    second = backend.step(state)
    alone = sp.Backend(config(decay_per_min=5.0, tolerance=1e-6)).step(state)
    assert second.record.method != "held"
    assert second.record.start == "previous"
    assert np.abs(second.field - alone.field).max() <= 2e-6
    assert np.abs(second.field - first.field).max() > 0.1
    assert backend.engine is engine
    assert [record.step for record in backend.records] == [0, 1]


def test_options_with_the_values_they_had_are_no_change() -> None:
    decay = np.linspace(0.1, 0.2, 16 * 24).reshape(16, 24)
    backend, state = sp.Backend(config(decay_per_min=decay, boundary={"left": 38.0})), tissue(0)
    backend.step(state)
    backend.reconfigure(decay_per_min=decay.copy(), boundary={"left": 38.0}, tolerance=0.38, model="default")
    assert backend.step(state).record.method == "held"
    backend.reconfigure(decay_per_min=2 * decay)
    assert backend.step(state).record.method != "held"


def test_another_lattice_is_solved_on_from_the_next_step_on() -> None:
    backend = sp.Backend(config())
    backend.step(tissue(0))
    backend.reconfigure(domain=sp.Domain(DOMAIN.origin_um, DOMAIN.size_um, (32, 48)))
    result = backend.step(tissue(0))
    assert result.field.shape == (32, 48)
    assert result.solution.error_bound <= 0.38


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tolerance": -1.0}, "BackendConfig.tolerance is -1.0; a positive finite number is allowed."),
        ({"tolerence": 1.0}, "BackendConfig has no option 'tolerence'; it has domain"),
        ({"decay_per_min": np.ones((3, 3))}, r"BackendConfig.decay_per_min has shape \(3, 3\), but the domain has"),
        ({"policy": "surrogate-first"}, "policy is 'fastest' of the engine, which a backend keeps; make another Back"),
        ({"device": "cpu"}, "device is 'auto' of the engine"),
    ],
)
def test_what_is_not_allowed_leaves_the_backend_as_it_was(changes, message) -> None:
    backend, state = sp.Backend(config()), tissue(0)
    backend.step(state)
    with pytest.raises(sp.InvalidProblemError, match=message):
        backend.reconfigure(**{"decay_per_min": 0.3, **changes})
    assert backend.config.decay_per_min == 0.1
    assert backend.step(state).record.method == "held"


def test_a_map_of_the_old_lattice_does_not_fit_another_one() -> None:
    backend = sp.Backend(config(decay_per_min=np.linspace(0.1, 0.2, 16 * 24).reshape(16, 24)))
    with pytest.raises(sp.InvalidProblemError, match=r"BackendConfig\.decay_per_min has shape"):
        backend.reconfigure(domain=sp.Domain(DOMAIN.origin_um, DOMAIN.size_um, (32, 48)))
    assert backend.config.domain is DOMAIN


def test_the_recorder_goes_on_and_refuses_another_lattice(tmp_path) -> None:
    recorder = sp.Recorder(tmp_path / "run.zarr")
    backend = sp.Backend(config(), recorder=recorder)
    backend.step(tissue(0))
    backend.reconfigure(decay_per_min=0.3)
    backend.step(tissue(0))
    with pytest.raises(sp.RecordingError, match="records a lattice of 16 x 24, this one is 32 x 48"):
        backend.reconfigure(domain=sp.Domain(DOMAIN.origin_um, DOMAIN.size_um, (32, 48)))
    assert backend.config.domain is DOMAIN
    assert len(recorder) == 2


def test_a_configuration_may_still_be_put_in_the_place_of_the_old_one() -> None:
    backend = sp.Backend(config())
    backend.step(tissue(0))
    backend.config = config(tolerance=1e-3)
    assert backend.step(tissue(0)).record.bound <= 1e-3
