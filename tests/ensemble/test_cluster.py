"""Members on workers of dask: of a scheduler of one's own, and of one that is made for the ensemble."""

from __future__ import annotations

import os

import pytest

import surrogate_plugin as sp
from surrogate_plugin import ensemble
from surrogate_plugin.ensemble import cluster
from tests.ensemble.members import begun, deadly, noted, noting


def test_workers_of_a_scheduler_of_ones_own(tmp_path) -> None:
    from distributed import LocalCluster

    over = {"x": range(4), "kills": [-1], "notes": [str(tmp_path / "notes")]}
    try:
        with LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None) as made:
            address = made.scheduler_address
            results = ensemble.run(noting, ensemble.grid(over), tmp_path / "out.zarr", scheduler=address)
    finally:
        sp.use_threads(None)  # the worker is this process, and has told it how many it has
    assert results.finished.all()
    assert begun(tmp_path / "notes") == dict.fromkeys(range(4), 1)


def test_a_killed_worker_of_dask_loses_nothing_and_nothing_is_done_twice(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(cluster, "cores", lambda: 2)
    notes = tmp_path / "notes"
    over = {"x": range(12), "kills": [4], "notes": [str(notes)]}
    results = ensemble.run(noting, ensemble.grid(over), tmp_path / "out.zarr", scheduler="local")

    (killed,), (before,) = noted(notes, "killed"), noted(notes, "finished")
    assert killed != os.getpid()
    assert results.finished.all()
    times = begun(notes)
    assert all(times[x] == 1 for x in before), "what was finished is not begun again"
    assert {x for x in times if times[x] == 2} == {4}, "and no other one had begun in that process"
    assert results.number("second")[4] == 1.0, "it finds the checkpoint that it had written"
    assert os.getpid() not in results.number("process")


def test_a_member_that_kills_each_worker_is_found_and_stops_no_other(tmp_path, monkeypatch) -> None:
    import dask

    monkeypatch.setattr(cluster, "cores", lambda: 1)
    retried = dask.config.set({"distributed.scheduler.allowed-failures": 0})
    with retried, pytest.warns(RuntimeWarning, match="1 of 3 members failed, member 1 with WorkerDied"):
        results = ensemble.run(deadly, ensemble.grid({"x": range(3)}), tmp_path / "out.zarr", scheduler="local")
    assert results.finished.tolist() == [True, False, True]
    assert results.failed[1].error == "WorkerDied: the process that ran it died, time after time."


def test_both_kinds_of_workers_at_once_are_refused(tmp_path) -> None:
    with pytest.raises(sp.InvalidProblemError, match="scheduler and workers are both given; one of them is allowed"):
        ensemble.run(noting, [{"x": 1}], tmp_path / "out.zarr", workers=1, scheduler="tcp://127.0.0.1:1")
    assert not (tmp_path / "out.zarr").exists()
