"""Members in processes of their own, one of which is really killed in the middle, and what gets there with them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import types
from pathlib import Path

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_plugin import ensemble
from surrogate_plugin.ensemble import cores, local
from surrogate_plugin.ensemble.run import going_of
from surrogate_plugin.whole_files import UnwritableError
from tests.ensemble.members import (
    begun,
    deadly,
    interrupting,
    killing_the_command,
    noted,
    noting,
    spoiling_the_store,
    telling,
)

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("together", [None, 3])
def test_a_killed_process_loses_nothing_and_nothing_is_done_twice(tmp_path, together) -> None:
    notes = tmp_path / "notes"
    over = {"x": range(12), "kills": [4], "notes": [str(notes)]}
    results = ensemble.run(noting, ensemble.grid(over), tmp_path / "out.zarr", workers=2, together=together)

    (killed,), (before,) = noted(notes, "killed"), noted(notes, "finished")
    assert killed != os.getpid()
    assert results.finished.all()
    times = begun(notes)
    assert all(times[x] == 1 for x in before), "what was finished is not begun again"
    assert times[4] == 2
    assert max(times.values()) == 2, "what the killed process was in the middle of is begun once more"
    twice = [x for x in times if times[x] == 2]
    assert len(twice) <= (together or 1), "no more than that process had begun"
    assert results.number("second")[4] == 1.0, "it finds the checkpoint that it had written"

    here = ensemble.run(noting, ensemble.grid(over | {"kills": [-1]}), tmp_path / "here.zarr", workers=0)
    assert np.array_equal(results.stack("field"), here.stack("field")), "workers and kills change no result"
    assert os.getpid() not in results.number("process")
    assert set(here.number("process")) == {os.getpid()}


@pytest.mark.parametrize("together", [None, 3])
def test_a_member_that_kills_each_process_is_found_and_stops_no_other(tmp_path, together) -> None:
    sweep = ensemble.grid({"x": range(3)})
    with pytest.warns(RuntimeWarning, match="1 of 3 members failed, member 1 with WorkerDied"):
        results = ensemble.run(deadly, sweep, tmp_path / "out.zarr", workers=1, together=together)
    assert results.finished.tolist() == [True, False, True]
    assert results.failed[1].error == "WorkerDied: the process that ran it died, time after time."


def test_a_command_that_is_killed_takes_its_processes_along_and_is_gone_on_with(tmp_path) -> None:
    program = f"""
import os
from pathlib import Path
from surrogate_plugin import ensemble
from tests.ensemble.members import killing_the_command

folder = Path({str(tmp_path)!r})
(folder / "command").write_text(str(os.getpid()))
sweep = ensemble.grid({{"x": range(5), "notes": [str(folder / "notes")]}})
ensemble.run(killing_the_command, sweep, folder / "out.zarr", workers=1, together=1)
"""
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False, timeout=500)
    assert ended.returncode == -9
    sweep = ensemble.grid({"x": range(5), "notes": [str(tmp_path / "notes")]})
    results = ensemble.run(killing_the_command, sweep, tmp_path / "out.zarr", workers=0)
    (before,) = noted(tmp_path / "notes", "finished")
    assert before == [0, 1]
    assert results.number("twice").tolist() == [0.0, 2.0, 4.0, 6.0, 8.0]
    assert begun(tmp_path / "notes") == {0: 1, 1: 1, 2: 2, 3: 1, 4: 1}, "no worker goes on, and nothing is done twice"


@pytest.fixture
def interruptible():
    """Ctrl-C raises, also in tests that were started in the background, where a shell has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_ends_the_processes_at_once_and_is_gone_on_from(tmp_path) -> None:
    """Member 2 has its command interrupted, and waits for ever."""
    over = {"x": range(4), "notes": [str(tmp_path / "notes")]}
    with pytest.raises(KeyboardInterrupt):
        ensemble.run(interrupting, ensemble.grid(over), tmp_path / "out.zarr", workers=1)
    assert begun(tmp_path / "notes") == {0: 1, 1: 1, 2: 1}
    results = ensemble.run(interrupting, ensemble.grid(over), tmp_path / "out.zarr", workers=1)
    assert results.finished.all()
    assert begun(tmp_path / "notes") == {0: 1, 1: 1, 2: 2, 3: 1}


def test_each_member_is_counted_once(tmp_path) -> None:
    sweep, moved = ensemble.grid({"a": range(6)}), []
    going = going_of(lambda given, link: {"found": 1 // (given["a"] % 3 - 1)}, sweep, tmp_path / "out.zarr", workers=2)
    going.run(lambda: moved.append(None))
    assert len(moved) == 6
    assert sorted(going.results().failed) == [1, 4]
    assert going.processes == 2


def test_what_members_rely_on_is_there_as_in_this_process(tmp_path, monkeypatch, capfd) -> None:
    """Modules by name, numpy's manners, arguments, and where they print to; threads are shared out."""
    monkeypatch.setattr(local, "cores", lambda: 6)
    monkeypatch.setattr(sys, "argv", ["grow.py", "--much"])
    (tmp_path / "module_beside.py").write_text("SIZE = 7\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("MKL_NUM_THREADS", "5")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with np.errstate(divide="ignore", over="raise"):
        results = ensemble.run(telling, ensemble.grid({"x": [1, 2]}), tmp_path / "out.zarr", workers=2)
    said = {"arguments": "grow.py --much", "divide": "ignore", "over": "raise", "mkl": "5", "omp": "3"}
    for each in results:
        assert each.texts == said
        assert (each.numbers["size"], each.numbers["threads"], each.numbers["read"]) == (7, 3, 0)
    assert sorted(capfd.readouterr().out.split()) == ["printed-1", "printed-2"]


def test_random_numbers_do_not_depend_on_workers(tmp_path) -> None:
    def drawn(given, link):
        return {"draw": link.rng.random(), "seed": link.seed}

    found = [
        ensemble.run(drawn, ensemble.grid({"x": range(5)}), tmp_path / f"{workers}.zarr", repeats=2, workers=workers)
        for workers in (0, 2)
    ]
    assert np.array_equal(found[0].number("draw"), found[1].number("draw"))
    assert np.array_equal(found[0].number("seed"), found[1].number("seed"))


@pytest.mark.parametrize("without", [(), ("distributed",)])
def test_functions_of_a_script_that_has_no_guard_get_there(tmp_path, without) -> None:
    """A function, a class and a lambda of ``__main__``, and what they name there; with and without an extra."""
    program = f"""
import sys
sys.modules.update(dict.fromkeys({without!r}))
import os
from dataclasses import dataclass
from surrogate_plugin import ensemble

FACTOR = 3

@dataclass
class Grown:
    size: int

def grow(given, link):
    return {{"size": Grown(FACTOR * given["x"]).size, "process": os.getpid()}}

for name, function in (("named", grow), ("nameless", lambda given, link: grow(given, link))):
    results = ensemble.run(function, ensemble.grid({{"x": [1, 2]}}), name + ".zarr", workers=1)
    assert results.number("size").tolist() == [3.0, 6.0], results.failed
    assert os.getpid() not in results.number("process")
print("both")
"""
    (tmp_path / "script.py").write_text(program)
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, check=True, timeout=300, capture_output=True, text=True
    )
    assert done.stdout.split() == ["both"], "nobody runs the script a second time"


def test_what_cannot_get_there_is_told_in_a_sentence(tmp_path, monkeypatch) -> None:
    lock = threading.Lock()

    def locked(given, link):
        with lock:
            return {}

    def lost(given, link):
        return {}

    nowhere = types.ModuleType("nowhere")
    nowhere.lost, lost.__module__, lost.__qualname__ = lost, "nowhere", "lost"
    monkeypatch.setitem(sys.modules, "nowhere", nowhere)
    for function, said in (
        (locked, r"locked cannot be sent to another process \(TypeError: cannot pickle '_thread.lock' object\)"),
        (lost, r"lost cannot be loaded in another process \(ModuleNotFoundError: No module named 'nowhere'\)"),
    ):
        with pytest.raises(sp.InvalidProblemError, match=f"{said}; workers=0, .* is allowed"):
            ensemble.run(function, ensemble.grid({"x": [1, 2]}), tmp_path / "out.zarr", workers=1)
    monkeypatch.setattr(sys, "executable", "/opt/a-program")
    monkeypatch.setattr("multiprocessing.spawn.get_executable", lambda: b"/opt/a-simulator")
    with pytest.raises(sp.InvalidProblemError, match="no other process can be started, since /opt/a-simulator is no"):
        ensemble.run(noting, ensemble.grid({"x": [1, 2]}), tmp_path / "out.zarr", workers=1)


def test_processes_that_end_as_they_are_started_are_told(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PYTHONHOME", str(tmp_path / "nowhere"))
    with pytest.raises(sp.InvalidProblemError, match="stays here, since other processes end as they are started"):
        ensemble.run(noting, ensemble.grid({"x": [1, 2]}), tmp_path / "out.zarr", workers=2)


def test_a_store_that_cannot_be_written_ends_all_in_a_sentence(tmp_path) -> None:
    with pytest.raises(UnwritableError, match="could not be written"):
        ensemble.run(spoiling_the_store, ensemble.grid({"x": range(9)}), tmp_path / "out.zarr", workers=1)


def test_a_container_has_the_cores_of_its_share(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(64)))
    assert cores.cores() <= 64
    for said, share in (("max 100000", None), ("200000 100000", 2.0), ("", None), ("junk", None), ("5", None)):
        (tmp_path / "cpu.max").write_text(said)
        assert cores._share(tmp_path) == share
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu/cpu.cfs_quota_us").write_text("-1\n")
    (tmp_path / "cpu/cpu.cfs_period_us").write_text("100000\n")
    assert cores._share(tmp_path) is None
    (tmp_path / "cpu/cpu.cfs_quota_us").write_text("400000\n")
    assert cores._share(tmp_path) == 4.0
    monkeypatch.setattr(cores, "_share", lambda groups: 4.0)
    monkeypatch.delenv("SURROGATE_PLUGIN_THREADS", raising=False)
    monkeypatch.setattr(cores, "available_bytes", lambda: None)
    assert (cores.cores(), cores.bearable()) == (4, 4)
    monkeypatch.setenv("SURROGATE_PLUGIN_THREADS", "3")
    assert cores.bearable() == 3, "a user's word for this package is for all of its processes"
    monkeypatch.setattr(cores, "_peak_bytes", lambda: 10**9)
    monkeypatch.setattr(cores, "available_bytes", lambda: int(1.5e9))
    assert cores.bearable() == 2, "one beside this one fits into the memory"
    monkeypatch.setattr(cores, "available_bytes", lambda: 0)
    assert cores.bearable() == 1
