"""A run that was killed, anywhere between a step and what is kept of it, has each step in its recording once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_plugin.recordings.reader import Header
from surrogate_plugin.running import going as going_module
from surrogate_plugin.running.going import Going
from surrogate_plugin.running.saving import Saved
from tests.fuzzing import assert_one_sentence
from tests.running.scenes import DOMAIN, DOSE, DRUG, OXYGEN, TIME, VESSEL, going

#: One that goes on in time, and one that is solved for anew where something comes or goes, and held else.
STEADY = OXYGEN + VESSEL.replace("[[vessels]]\n", "[[vessels]]\nsubstrate = 'oxygen'\n")
PARTS = ("record = 'run.zarr'\n", DOMAIN, DRUG, STEADY, "from_min = 1.0\nuntil_min = 3.5\n", DOSE, TIME)
#: Steps after which the run is kept.
KEPT = (3, 6, 10)


class Killed(BaseException):
    """What nobody catches."""


@pytest.fixture(autouse=True)
def _kept_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(going_module, "_SECONDS_BETWEEN", 1e9)
    monkeypatch.setattr(Going, "_is_shown", lambda self, step: step in KEPT)


def killed(folder: Path, after: int, *parts: str) -> None:
    """Kill the run after so many solves of this process: what is not kept by then is lost, but for its recording."""
    left, run = [after], going(folder, *parts)

    def kill() -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Killed

    with pytest.raises(Killed):
        run.run(kill)


def recorded(folder: Path, name: str) -> tuple[Header, ...]:
    return sp.Recording(folder / "run.zarr" / name).headers


def named(headers: tuple[Header, ...]) -> list[tuple[int, str]]:
    return [(header.step, header.digest) for header in headers]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[int, str]]]:
    """What a run records that nobody stops."""
    folder = tmp_path_factory.mktemp("whole")
    assert going(folder, *PARTS).run()
    found = {name: named(recorded(folder, name)) for name in ("drug", "oxygen")}
    assert [step for step, _ in found["drug"]] == list(range(10))
    assert [step for step, _ in found["oxygen"]] == [0, 2, 7]
    return found


@pytest.mark.parametrize("kills", [[1], [2], [5], [6], [7], [12, 1], [13], [14, 2, 1], [3, 4, 9], [19, 1]])
def test_each_step_is_recorded_once_wherever_the_run_is_killed(tmp_path: Path, whole: Any, kills: list[int]) -> None:
    for after in kills:
        killed(tmp_path, after, *PARTS)
    assert going(tmp_path, *PARTS).run()
    assert {name: named(recorded(tmp_path, name)) for name in whole} == whole


def test_a_kill_while_the_run_is_kept_leaves_no_step_twice(
    tmp_path: Path, whole: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes, left = Saved._write, [0]

    def write(self: Saved, name: str, *given: Any, **said: Any) -> None:
        if name == "latest.npz":
            left[0] -= 1
            if left[0] < 0:
                raise Killed
        return writes(self, name, *given, **said)

    monkeypatch.setattr(Saved, "_write", write)
    for times in (0, 0, 1, 1):
        left[0] = times
        run = going(tmp_path, *PARTS)
        with pytest.raises(Killed):
            run.run()
    left[0] = len(KEPT)
    assert going(tmp_path, *PARTS).run()
    assert {name: named(recorded(tmp_path, name)) for name in whole} == whole


def test_the_steps_of_runs_before_stay_where_they_are(tmp_path: Path, whole: Any) -> None:
    run = going(tmp_path, *PARTS)
    assert run.run()
    run.saved.remove()  # type: ignore[union-attr]
    for after in (3, 5, 11):
        killed(tmp_path, after, *PARTS)
    assert going(tmp_path, *PARTS).run()
    assert {name: named(recorded(tmp_path, name)) for name in whole} == {name: 2 * each for name, each in whole.items()}


@pytest.mark.parametrize("after", [1, 5, 13])
def test_what_somebody_else_recorded_since_is_left_alone(tmp_path: Path, after: int) -> None:
    killed(tmp_path, after, *PARTS)
    for name in ("drug", "oxygen"):
        recorder = sp.Recorder(tmp_path / "run.zarr" / name)
        for step in range(2):
            source = np.zeros((12, 16))
            source[3, 4 + step] = 1.0
            recorder.append(sp.Problem(source), sp.StepRecord(step, "multigrid", 0.1))
    before = {name: recorded(tmp_path, name) for name in ("drug", "oxygen")}
    assert going(tmp_path, *PARTS).run()
    for name, headers in before.items():
        assert recorded(tmp_path, name)[: len(headers)] == headers


def test_another_store_is_left_alone(tmp_path: Path, whole: Any) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    other = STEADY.replace("1e4", "2e4")
    assert going(elsewhere, *PARTS[:2], DRUG.replace("600.0", "500.0"), other, *PARTS[4:]).run()
    there = {name: named(recorded(elsewhere, name)) for name in whole}
    killed(tmp_path, 13, *PARTS)
    parts = (f"record = '{elsewhere / 'run.zarr'}'\n", *PARTS[1:])
    assert going(tmp_path, *parts).run()
    # That the steady field was solved for before is not recorded there, so it is once it is solved for again.
    for name, steps in {"drug": [6, 7, 8, 9], "oxygen": [6, 7]}.items():
        found = named(recorded(elsewhere, name))
        assert found[: len(there[name])] == there[name]
        assert [step for step, _ in found[len(there[name]) :]] == steps


def test_a_run_of_other_settings_takes_the_place_of_one_of_which_nothing_is_kept(tmp_path: Path) -> None:
    killed(tmp_path, 3, *PARTS)
    other = going(tmp_path, *PARTS[:2], DRUG.replace("600.0", "500.0"), *PARTS[3:])
    assert other.resumed_min is None
    assert other.run()


@pytest.mark.parametrize("content", ["", "[]", '{"drug": -1}', '{"drug": "many"}', "{"])
def test_a_note_of_what_was_recorded_that_is_damaged_is_told(tmp_path: Path, content: str) -> None:
    killed(tmp_path, 3, *PARTS)
    (tmp_path / "surrogate.run" / "recorded.json").write_text(content)
    with pytest.raises(sp.InvalidProblemError, match="--fresh begins anew") as caught:
        going(tmp_path, *PARTS)
    assert_one_sentence(caught.value)
    assert going(tmp_path, *PARTS, fresh=True).run()
