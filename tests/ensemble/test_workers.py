"""Members on dask workers, in processes of their own, one of which is really killed in the middle."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import dask
import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_plugin import ensemble
from tests.ensemble.members import begun, deadly, killing_the_command, noted, noting

ROOT = Path(__file__).parents[2]


def test_a_killed_worker_loses_nothing_and_nothing_is_done_twice(tmp_path) -> None:
    notes = tmp_path / "notes"
    over = {"x": range(12), "kills": [4], "notes": [str(notes)]}
    results = ensemble.run(noting, ensemble.grid(over), tmp_path / "out.zarr", workers=2, together=3)

    (killed,), (before,) = noted(notes, "killed"), noted(notes, "finished")
    assert killed != os.getpid()
    assert results.finished.all()
    times = begun(notes)
    assert all(times[x] == 1 for x in before), "what was finished is not begun again"
    assert times[4] == 2
    assert max(times.values()) == 2, "what the killed process was in the middle of is begun once more"
    twice = [x for x in times if times[x] == 2]
    assert len(twice) <= 3, "no more than that process had begun"
    assert results.number("second")[4] == 1.0, "it finds the checkpoint that it had written"

    here = ensemble.run(noting, ensemble.grid(over | {"kills": [-1]}), tmp_path / "here.zarr")
    assert np.array_equal(results.stack("field"), here.stack("field")), "workers and kills change no result"
    assert os.getpid() not in results.number("process")


def test_a_member_that_kills_each_worker_is_found_and_stops_no_other(tmp_path) -> None:
    with dask.config.set({"distributed.scheduler.allowed-failures": 0}):
        results = ensemble.run(deadly, ensemble.grid({"x": range(3)}), tmp_path / "out.zarr", workers=1)
    assert results.finished.tolist() == [True, False, True]
    assert results.failed[1].error == "WorkerDied: the process that ran it died, time after time."


def test_workers_of_a_scheduler_of_ones_own(tmp_path) -> None:
    from distributed import LocalCluster

    over = {"x": range(4), "kills": [-1], "notes": [str(tmp_path / "notes")]}
    with LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None) as cluster:
        address = cluster.scheduler_address
        results = ensemble.run(noting, ensemble.grid(over), tmp_path / "out.zarr", scheduler=address)
    assert results.finished.all()
    assert begun(tmp_path / "notes") == dict.fromkeys(range(4), 1)


def test_both_kinds_of_workers_at_once_are_refused(tmp_path) -> None:
    with pytest.raises(sp.InvalidProblemError, match="scheduler and workers are both given; one of them is allowed"):
        ensemble.run(noting, [{"x": 1}], tmp_path / "out.zarr", workers=1, scheduler="tcp://127.0.0.1:1")
    assert not (tmp_path / "out.zarr").exists()


def test_a_command_that_is_killed_takes_its_workers_along_and_is_gone_on_with(tmp_path) -> None:
    program = f"""
import os
from pathlib import Path
from surrogate_plugin import ensemble
from tests.ensemble.members import killing_the_command

if __name__ == "__main__":
    folder = Path({str(tmp_path)!r})
    (folder / "command").write_text(str(os.getpid()))
    sweep = ensemble.grid({{"x": range(5), "notes": [str(folder / "notes")]}})
    ensemble.run(killing_the_command, sweep, folder / "out.zarr", workers=1, together=1)
"""
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False, timeout=500)
    assert ended.returncode == -9
    sweep = ensemble.grid({"x": range(5), "notes": [str(tmp_path / "notes")]})
    results = ensemble.run(killing_the_command, sweep, tmp_path / "out.zarr")
    (before,) = noted(tmp_path / "notes", "finished")
    assert before == [0, 1]
    assert results.number("twice").tolist() == [0.0, 2.0, 4.0, 6.0, 8.0]
    assert begun(tmp_path / "notes") == {0: 1, 1: 1, 2: 2, 3: 1, 4: 1}, "no worker goes on, and nothing is done twice"
