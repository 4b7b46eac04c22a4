"""Steps in time, and problems with maps of faces, are read back as they were; older recordings go on with them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import zarr

import surrogate_plugin as sp
from surrogate_plugin.recordings.reader import Recording, RecordingError
from surrogate_plugin.recordings.writer import Recorder
from tests.equation.test_balance import random_problem
from tests.recordings.posed import assert_holds, assert_same, problems, recorded
from tests.session.scenes import config, tissue

SHAPE = (9, 12)


def wide(count: int) -> list[sp.Problem]:
    """Obstacles, two axes, membranes, uneven pixels, fluxes and exchange, mixed."""
    return [random_problem(seed) for seed in range(count)]


def test_every_part_of_a_problem_is_read_back_bit_for_bit(tmp_path: Path) -> None:
    posed = wide(24)
    assert any(isinstance(each.diffusivity, sp.PerAxis) for each in posed)
    assert {each.membranes is None for each in posed} == {True, False}
    assert {type(each.spacing) for each in posed} == {float, tuple}
    assert {side.kind for each in posed for side in each.boundary.sides} >= {"flux", "exchange", "value", "periodic"}
    assert_holds(recorded(tmp_path / "run.zarr", posed), posed)


def test_an_axis_may_be_a_number_at_one_step_and_a_map_at_the_next(tmp_path: Path) -> None:
    varying = np.random.default_rng(0).uniform(1, 2, SHAPE)
    axes = [sp.PerAxis(x=2.0, y=3.0), sp.PerAxis(x=varying, y=3.0), sp.PerAxis(x=1.0, y=varying), 4.0]
    posed = [sp.Problem(np.eye(*SHAPE), diffusivity=each) for each in axes]
    assert_holds(recorded(tmp_path / "run.zarr", posed), posed)


def test_a_step_in_time_is_read_back_with_the_field_before_it(tmp_path: Path) -> None:
    path = tmp_path / "run.zarr"
    backend = sp.Backend(
        config(stepping="implicit-euler", initial=2.0, method="exact", tolerance=1e-9), recorder=Recorder(path)
    )
    before, fields = [], []
    for k in range(4):
        before.append(backend.field)
        fields.append(backend.step(tissue(k), dt_min=0.5 + k).field)
    recording = Recording(path)
    assert [header.dt for header in recording.headers] == [0.5, 1.5, 2.5, 3.5]
    for k in range(4):
        step, base = recording.time_step(k), backend.problem(tissue(k))
        assert_same(step.problem, base)
        assert np.array_equal(step.field, before[k])
        assert step.dt == 0.5 + k
        assert_same(recording.problem(k), base.implicit_step(before[k], 0.5 + k))
        assert np.abs(sp.solve(recording.problem(k), method="exact").field - fields[k]).max() < 1e-6
        assert recording.headers[k].largest_production == np.max(recording.problem(k).production)


def test_steady_steps_and_steps_in_time_may_follow_each_other(tmp_path: Path) -> None:
    path = tmp_path / "run.zarr"
    backend = sp.Backend(config(), recorder=Recorder(path))
    backend.step(tissue(1))
    backend.reconfigure(stepping="implicit-euler")
    backend.step(tissue(2), 6.0)
    backend.reconfigure(stepping="steady")
    backend.step(tissue(3))
    recording = Recording(path)
    assert [recording.time_step(k) is None for k in range(3)] == [True, False, True]
    assert_same(recording.problem(2), backend.problem(tissue(3)))
    assert {part.shape[0] for _, part in zarr.open_group(path, mode="r").arrays()} == {3}


def test_a_recording_of_plain_steady_problems_is_as_it_was(tmp_path: Path) -> None:
    path = recorded(tmp_path / "run.zarr", problems(3))
    store = zarr.open_group(path, mode="r")
    assert sorted(store.array_keys()) == ["decay", "diffusivity", "fixed", "header", "production", "source", "vmax"]
    assert not any(name in bytes(store["header"][0]) for name in (b"per_axis", b"faces", b"dt", b"rate"))


def test_a_recording_without_them_is_gone_on_with(tmp_path: Path) -> None:
    plain = [random_problem(seed).replace(diffusivity=2.0, membranes=None, spacing=1.0) for seed in range(2)]
    path = recorded(tmp_path / "run.zarr", plain)
    rare = [each for each in wide(6) if each.membranes is not None][:2]
    for step, problem in enumerate(rare):
        before = np.full(SHAPE, 3.0) if step else None
        Recorder(path).append(problem, sp.StepRecord(2 + step, "multigrid", 0.1, dt_min=2.0), before)
    recording = Recording(path)
    for index, problem in enumerate([*plain, rare[0]]):
        assert_same(recording.problem(index), problem)
    assert_same(recording.time_step(3).problem, rare[1])


@pytest.mark.parametrize("name", ["before", "membrane_x", "diffusivity_y"])
@pytest.mark.parametrize("how", ["lost", "changed"])
def test_what_is_lost_or_changed_is_refused(tmp_path: Path, name: str, how: str) -> None:
    varying = np.random.default_rng(0).uniform(1, 2, SHAPE)
    walls = sp.Membranes.between(np.arange(108).reshape(SHAPE) % 5, 0.3)
    problem = sp.Problem(np.eye(*SHAPE), diffusivity=sp.PerAxis(x=2.0, y=varying), membranes=walls)
    path = tmp_path / "run.zarr"
    recorder = Recorder(path)
    recorder.append(problem, sp.StepRecord(0, "multigrid", 0.1, dt_min=2.0), varying)
    store = zarr.open_group(path, mode="r+")
    if how == "changed":
        store[name][0, 3, 3] = 0.125
    else:
        (path / name / "c" / "0" / "0" / "0").unlink()
    with pytest.raises(RecordingError, match=r"step 0 of .* is damaged: "):
        Recording(path).problem(0)
    shutil.rmtree(path / name)
    with pytest.raises(RecordingError, match=rf"is damaged: its array {name} cannot be read"):
        Recording(path).problem(0)
