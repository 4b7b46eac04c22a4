"""Whenever a recording run is killed, every completed step is there and the run goes on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
import zarr

from surrogate_plugin.recordings.reader import Recording
from surrogate_plugin.recordings.writer import Recorder
from tests.recordings.posed import SHAPE, assert_holds, problems, record, recorded


class Killed(BaseException):
    """What no handler of ours or zarr's catches."""


@pytest.fixture
def kill(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """``[n]``: the n-th file to be put in place is the last thing that is not done; infinite: none."""
    left = [math.inf]
    replace = Path.replace

    def put(self: Path, target: Path) -> Path:
        left[0] -= 1
        if left[0] < 0:
            raise Killed
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", put)
    return left


def test_a_kill_at_any_write_leaves_every_completed_step_and_the_run_goes_on(tmp_path: Path, kill: list[float]) -> None:
    posed = problems(5)
    writes, complete = 0, False
    while not complete:
        path = tmp_path / f"{writes}.zarr"
        recorder = Recorder(path)
        recorder.append(posed[0], record(0))
        kill[0] = writes
        try:
            recorder.append(posed[1], record(1))
            recorder.append(posed[2], record(2))
            complete = True
        except Killed:
            pass
        kill[0] = math.inf
        done = len(Recording(path))
        assert 1 <= done <= 3
        assert_holds(path, posed[:done])
        again = Recorder(path)
        again.open(SHAPE)
        assert len(again) == done
        assert not list(path.rglob("*.partial"))
        assert {part.shape[0] for _, part in zarr.open_group(path, mode="r").arrays()} == {done}
        for step in range(done, len(posed)):
            again.append(posed[step], record(step))
        assert_holds(path, posed)
        writes += 1
    assert writes > 15


def test_a_kill_while_the_store_is_made_leaves_a_path_that_can_be_taken(tmp_path: Path, kill: list[float]) -> None:
    for writes in range(8):
        kill[0] = writes
        with pytest.raises(Killed):
            Recorder(tmp_path / f"{writes}.zarr").open(SHAPE)
        assert not (tmp_path / f"{writes}.zarr").exists()
    kill[0] = math.inf
    path = tmp_path / "run.zarr"
    zarr.create_group(tmp_path / ".partial-run.zarr", attributes={"steps": 7})
    assert_holds(recorded(path, problems(2)), problems(2))


def test_a_kill_while_steps_are_cut_off_leaves_those_that_are_kept(tmp_path: Path, kill: list[float]) -> None:
    posed = problems(5)
    writes, complete = 0, False
    while not complete:
        path = recorded(tmp_path / f"{writes}.zarr", posed)
        recorder = Recorder(path)
        recorder.open(SHAPE)
        kill[0] = writes
        try:
            recorder.cut(2)
            complete = True
        except Killed:
            pass
        kill[0] = math.inf
        done = len(Recording(path))
        assert 2 <= done <= 5
        assert_holds(path, posed[:done])
        again = Recorder(path)
        again.open(SHAPE)
        again.cut(2)
        for step in range(2, len(posed)):
            again.append(posed[step], record(step))
        assert_holds(path, posed)
        writes += 1
    assert writes > 6


@pytest.mark.parametrize("steps", [-1, 3, 1.0, True, None])
def test_only_steps_that_are_there_are_kept(tmp_path: Path, steps: object) -> None:
    recorder = Recorder(recorded(tmp_path / "run.zarr", problems(2)))
    recorder.open(SHAPE)
    with pytest.raises(ValueError, match=r"a whole number from 0 to 2 is allowed\."):
        recorder.cut(steps)  # type: ignore[arg-type]
    assert len(recorder) == 2
