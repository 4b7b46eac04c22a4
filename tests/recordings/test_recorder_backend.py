"""A backend records what it solves, and its run stands above the recording."""

from __future__ import annotations

import copy
import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_plugin.recordings.reader import Recording, RecordingError
from surrogate_plugin.recordings.writer import Recorder, RecordingWarning
from tests.recordings.posed import assert_holds, problems, recorded


def config(**changed) -> sp.BackendConfig:
    given = {
        "domain": sp.Domain(origin_um=(0.0, 0.0), size_um=(480.0, 320.0), shape=(16, 24)),
        "diffusivity_um2_per_min": 1e5,
        "decay_per_min": 0.1,
        "tolerance": 0.38,
        "method": "exact",
        "boundary": {"left": 20.0, "top": "reflecting"},
    }
    return sp.BackendConfig(**{**given, **changed})


def tissue(seed: int) -> sp.TissueState:
    rng = np.random.default_rng(seed)
    return sp.TissueState(
        sp.Cells(rng.uniform(20, 300, (30, 2)), radius_um=8.0, uptake_per_min=10.0),
        sp.Vessels(rng.uniform(20, 300, (2, 2)), radius_um=15.0, value=38.0),
    )


@pytest.mark.parametrize("km", [None, 2.0])
def test_a_backend_records_what_it_solves_and_nothing_it_holds(tmp_path: Path, km: float | None) -> None:
    backend = sp.Backend(config(michaelis_km=km), recorder=sp.Recorder(tmp_path / "run.zarr"))
    for seed in (1, 1, 2, 2, 3):
        backend.step(tissue(seed))
    assert_holds(tmp_path / "run.zarr", [backend.problem(tissue(seed)) for seed in (1, 2, 3)])
    recording = sp.Recording(tmp_path / "run.zarr")
    solved = [record for record in backend.records if record.method != "held"]
    assert recording.steps.tolist() == [record.step for record in solved] == [0, 2, 4]
    assert recording.methods == tuple(record.method for record in solved)
    assert recording.bounds.tolist() == [record.bound for record in solved]
    assert recording.flags == tuple(record.flags for record in solved)


def test_only_every_so_many_steps_are_recorded(tmp_path: Path) -> None:
    backend = sp.Backend(config(), recorder=Recorder(tmp_path / "run.zarr", every=3))
    for seed in range(8):
        backend.step(tissue(seed))
    assert Recording(tmp_path / "run.zarr").steps.tolist() == [0, 3, 6]


def test_another_lattice_is_refused_before_the_run_starts(tmp_path: Path) -> None:
    path = recorded(tmp_path / "run.zarr", problems(1))
    with pytest.raises(RecordingError, match="records a lattice of 9 x 13, this one is 16 x 24"):
        sp.Backend(config(), recorder=Recorder(path))
    assert_holds(path, problems(1))


def test_a_full_disc_costs_the_recording_a_step_and_the_host_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.zarr"
    backend, alone = sp.Backend(config(), recorder=Recorder(path)), sp.Backend(config())
    replace = Path.replace

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    for seed in range(6):
        monkeypatch.setattr(Path, "replace", full if seed in (1, 2, 4) else replace)
        if seed == 1:
            with pytest.warns(RecordingWarning, match=r"step 1 was not recorded in .*No space left on device"):
                result = backend.step(tissue(seed))
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                result = backend.step(tissue(seed))
        assert np.array_equal(result.field, alone.step(tissue(seed)).field)
    monkeypatch.undo()
    assert [record.step for record in backend.records] == list(range(6))
    assert backend.step(tissue(5)).record.method == "held"
    assert_holds(path, [backend.problem(tissue(seed)) for seed in (0, 3, 5)])
    assert Recording(path).steps.tolist() == [0, 3, 5]


COPIES = [copy.copy, copy.deepcopy, lambda backend: pickle.loads(pickle.dumps(backend))]


@pytest.mark.parametrize("duplicate", COPIES)
def test_a_copy_records_nothing_and_the_original_goes_on(tmp_path: Path, duplicate) -> None:
    backend = sp.Backend(config(), recorder=Recorder(tmp_path / "run.zarr"))
    backend.step(tissue(1))
    twin = duplicate(backend)
    assert twin.recorder is None
    twin.step(tissue(2))
    backend.step(tissue(3))
    assert Recording(tmp_path / "run.zarr").steps.tolist() == [0, 1]
    assert len(backend.records) == len(twin.records) == 2


@pytest.mark.parametrize("duplicate", COPIES)
def test_a_copy_goes_on_by_itself_from_the_field_held(duplicate) -> None:
    backend, alone = sp.Backend(config()), sp.Backend(config())
    for each in (backend, alone):
        each.step(tissue(1))
    twin = duplicate(backend)
    assert twin.records == backend.records
    assert twin.step(tissue(1)).record.method == "held"
    backend.step(tissue(2))
    assert [record.step for record in twin.records] == [0, 1]
    assert [record.step for record in backend.records] == [0, 1]
    assert twin.records[1].method == "held"
    assert backend.records[1].method != "held"
    for seed in (3, 2):
        assert np.array_equal(twin.step(tissue(seed)).field, alone.step(tissue(seed)).field)
    assert twin.engine is not backend.engine


@pytest.mark.parametrize("duplicate", COPIES)
def test_a_recorder_cannot_be_copied_into_a_second_writer(tmp_path: Path, duplicate) -> None:
    recorder = Recorder(recorded(tmp_path / "run.zarr", problems(1)))
    recorder.open((9, 13))
    with pytest.raises(TypeError, match=r"Recorder\('.*run.zarr', every=1\) cannot be copied or pickled"):
        duplicate(recorder)
