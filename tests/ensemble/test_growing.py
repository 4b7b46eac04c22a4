"""As many processes as pay: when others are opened, that they change no result, and who has none."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_plugin import ensemble
from surrogate_plugin.ensemble import growing, local, side_by_side
from surrogate_plugin.ensemble.growing import Pace, pays_off
from surrogate_plugin.ensemble.run import going_of
from tests.ensemble.members import begun, meeting


@pytest.fixture
def eager(monkeypatch):
    """Two cores, and another process as soon as a member has begun."""
    monkeypatch.setattr(growing, "bearable", lambda: 2)
    monkeypatch.setattr(growing, "START_S", 0.0)
    monkeypatch.setattr(growing, "ALONE_S", 0.0)
    monkeypatch.setattr(growing, "TICK_S", 0.001)


def test_another_process_is_opened_in_the_middle_of_a_member_and_changes_no_result(tmp_path, eager) -> None:
    """Member 0, which runs here, ends when member 1 runs elsewhere."""
    os.mkfifo(tmp_path / "pipe")
    sweep = ensemble.grid({"x": range(8), "notes": [str(tmp_path / "notes")]})
    going, moved = going_of(meeting, sweep, tmp_path / "out.zarr"), []
    sp.use_threads(3)
    try:
        going.run(lambda: moved.append(None))
    finally:
        sp.use_threads(None)
    results = going.results()
    assert results.finished.all()
    assert (len(moved), going.processes) == (8, 2)
    assert begun(tmp_path / "notes") == dict.fromkeys(range(8), 1)
    processes, threads = results.number("process"), results.number("threads")
    assert processes[0] == os.getpid()
    assert processes[1] != os.getpid()
    assert threads[0] == 3, "one that is alone has all of them"
    assert set(threads[1:]) == {1}, "then each process has a core"

    (tmp_path / "pipe").unlink()
    (tmp_path / "pipe").touch()
    alone = ensemble.run(meeting, sweep, tmp_path / "alone.zarr", workers=0)
    assert np.array_equal(alone.stack("field"), results.stack("field"))
    assert np.array_equal(alone.number("draw"), results.number("draw"))
    assert set(alone.number("process")) == {os.getpid()}


def test_members_that_take_no_time_stay_here(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(growing, "bearable", lambda: 64)
    monkeypatch.setattr(growing, "ALONE_S", 1e-3)
    monkeypatch.setattr(growing, "START_S", 1e6)
    process = os.getpid()
    results = ensemble.run(lambda given, link: {"process": os.getpid()}, [{"x": k} for k in range(5)], tmp_path / "a")
    assert set(results.number("process")) == {process}


def test_a_function_that_cannot_go_elsewhere_stays_with_one_warning_where_others_would_pay(tmp_path, eager) -> None:
    asked = threading.Event()

    def asking(left, member_s):
        asked.set()
        return True

    def locked(given, link):
        assert given["x"] or asked.wait(120)
        return {"process": os.getpid()}

    sweep = ensemble.grid({"x": range(4)})
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(growing, "pays_off", asking)
        with pytest.warns(RuntimeWarning) as told:
            results = ensemble.run(locked, sweep, tmp_path / "out.zarr")
    assert set(results.number("process")) == {os.getpid()}
    (warning,) = told
    said = str(warning.message)
    assert said.startswith("members run one after the other, in one process: ")
    assert "locked cannot be sent to another process (TypeError: cannot pickle '_thread." in said
    assert warning.filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ensemble.run(locked, sweep, tmp_path / "other.zarr", workers=0)


def test_who_has_no_other_process(tmp_path, eager, monkeypatch) -> None:
    """One core, one member, members of members, members that share a process by a word, and a GPU."""
    grown = []

    class Grown:
        def __init__(self, *given) -> None:
            self.given = given

        def run(self):
            grown.append(1)
            return local.run_here(*self.given), 1

    monkeypatch.setattr(growing, "_Growing", Grown)

    def outer(given, link):
        ensemble.run(lambda given, link: {}, ensemble.grid({"x": [1, 2]}), link.folder / "inner.zarr")
        return {}

    two = ensemble.grid({"x": [1, 2]})
    ensemble.run(outer, two, tmp_path / "outer.zarr", workers=0)
    for name, sweep, said in (
        ("one", [{"x": 1}], {}),
        ("here", two, {"workers": 0}),
        ("threads", two, {"together": 2}),
        ("batches", two, {"limit": 1}),
    ):
        assert ensemble.run(lambda given, link: {}, sweep, tmp_path / f"{name}.zarr", **said).finished.all()
    monkeypatch.setattr(side_by_side, "_has_gpu", lambda: True)
    assert ensemble.run(lambda given, link: {}, two, tmp_path / "gpu.zarr").finished.all()
    monkeypatch.setattr(side_by_side, "_has_gpu", lambda: False)
    monkeypatch.setattr(growing, "bearable", lambda: 1)
    assert ensemble.run(lambda given, link: {}, two, tmp_path / "core.zarr").finished.all()
    assert not grown
    monkeypatch.setattr(growing, "bearable", lambda: 2)
    assert ensemble.run(lambda given, link: {}, two, tmp_path / "two.zarr").finished.all()
    assert grown, "and who has"


def test_ctrl_c_in_a_member_here_ends_the_others_too(tmp_path, eager) -> None:
    os.mkfifo(tmp_path / "pipe")

    def interrupted(given, link):
        found = meeting(given, link)
        if given["x"] == 0:
            raise KeyboardInterrupt
        return found

    sweep = ensemble.grid({"x": range(2), "notes": [str(tmp_path / "notes")]})
    with pytest.raises(KeyboardInterrupt):
        ensemble.run(interrupted, sweep, tmp_path / "out.zarr")
    assert not [each for each in threading.enumerate() if each.name.startswith("surrogate-plugin-ensemble")]


def test_when_others_pay() -> None:
    rng = np.random.default_rng(5)
    for _ in range(200):
        left, member_s = int(rng.integers(1, 500)), float(10.0 ** rng.uniform(-3, 2))
        alone = left * member_s
        beside = growing.START_S + 0.5 * max(0.0, alone - 0.5 * growing.START_S)
        if pays_off(left, member_s):
            assert beside < alone, "even where the start takes a core half of the time"
        elif alone > 4 * growing.START_S:
            pytest.fail("much is left, and the other cores idle")
    assert not pays_off(0, 1e9)


def test_a_member_that_is_slow_is_seen_before_it_has_ended() -> None:
    pace = Pace()
    assert pace.member_s(0.0) == 0.0
    pace.end(1.0)
    assert pace.member_s(2.0) == 0.0, "nothing had begun"
    pace.begin(2.0)
    assert pace.member_s(5.0) == 3.0
    pace.end(6.0)
    assert pace.member_s(9.0) == 4.0
    for second in range(10, 20):
        pace.begin(second)
        pace.end(second + 0.5)
    assert pace.member_s(20.0) == 0.5, "the first one is no measure of the others"


def test_an_ensemble_of_one_process_a_core_takes_nobody_elses(tmp_path) -> None:
    """Bound to one core by the system, whatever the machine has."""
    program = """
import os
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from surrogate_plugin.ensemble.cores import bearable, cores
print(cores(), bearable())
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["1", "1"]
