"""Hosts in members: pyphysicell side by side as alone, and a sentence where its threads would end the process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from surrogate_plugin import ensemble

PROGRAM = """
import sys
import numpy as np
from surrogate_plugin import ensemble
from surrogate_adapters.pyphysicell import attach

def grow(given, link):
    from tests.hosts.pyphysicell.tissue import tissue
    sim = tissue(link.seed % 1000, cells=given["cells"])
    attached = attach(sim, substrates=["oxygen"], tolerance=0.05)
    sim.run(until=12.0)
    return {
        "oxygen": sim.microenvironment.density[0, :, :, 0].copy(),
        "places": sim.cells.position[: sim.cells.n].copy(),
        "bound": max(each.bound for each in attached.history),
    }

if __name__ == "__main__":
    ensemble.run(grow, ensemble.grid({"cells": [80, 90, 100, 110]}), sys.argv[1], together=int(sys.argv[2]))
"""


def test_pyphysicell_side_by_side_is_what_it_is_alone(tmp_path) -> None:
    """In a process of their own, in which pyphysicell is imported when the ensemble has begun."""
    found = []
    for together in (4, 1):
        out = tmp_path / f"{together}.zarr"
        command = [sys.executable, "-c", PROGRAM, str(out), str(together)]
        subprocess.run(command, check=True, cwd=Path(__file__).parents[2], timeout=500)
        found.append(ensemble.Results(out))
        assert found[-1].finished.all(), found[-1].failed
    for together, alone in zip(*found, strict=True):
        bound = together.numbers["bound"] + alone.numbers["bound"]
        assert max(together.numbers["bound"], alone.numbers["bound"]) <= 0.05
        assert np.abs(together.arrays["oxygen"] - alone.arrays["oxygen"]).max() <= bound
        assert np.allclose(together.arrays["places"], alone.arrays["places"])


def test_threads_that_two_simulations_cannot_share_are_told(tmp_path, monkeypatch) -> None:
    from pyphysicell import _kernels

    from surrogate_adapters.pyphysicell import attach
    from tests.hosts.pyphysicell.tissue import tissue

    def grow(given, link):
        attach(tissue(1), substrates=["oxygen"])

    monkeypatch.setattr(_kernels, "HAS_OPENMP", False)
    monkeypatch.setattr(_kernels, "MAX_THREADS", 2)
    sweep = ensemble.grid({"x": [1, 2]})
    for batches in ({}, {"limit": 1}):
        with pytest.warns(RuntimeWarning, match="2 of 2 members failed"):
            results = ensemble.run(grow, sweep, tmp_path / "out.zarr", together=2, **batches)
        for failure in (results.failed[0], results.failed[1]):
            assert "PHYSICELL_THREADS=1 in the environment before it is imported" in failure.error
    attach(tissue(1), substrates=["oxygen"]).detach()
    alone = ensemble.run(grow, sweep, tmp_path / "alone.zarr", together=1, workers=0)
    assert alone.finished.all(), "one after the other they share no threads"
    monkeypatch.setattr(_kernels, "MAX_THREADS", 1)
    assert ensemble.run(grow, sweep, tmp_path / "out.zarr", together=2).finished.all()


def test_hosts_are_told_to_compute_on_one_thread(tmp_path, monkeypatch) -> None:
    import os

    def told(given, link):
        return {"told": os.environ.get("PHYSICELL_THREADS", "nothing")}

    sweep = ensemble.grid({"x": [1, 2]})
    monkeypatch.delenv("PHYSICELL_THREADS", raising=False)
    results = ensemble.run(told, sweep, tmp_path / "alone.zarr", workers=0)
    assert [each.texts for each in results] == [{"told": "nothing"}] * 2, "one after the other they may have all cores"
    for name, where in (("threads", {"together": 2}), ("processes", {"workers": 2})):
        monkeypatch.delenv("PHYSICELL_THREADS", raising=False)
        results = ensemble.run(told, sweep, tmp_path / f"{name}.zarr", **where)
        assert [each.texts for each in results] == [{"told": "1"}] * 2
    with pytest.raises(ensemble.EnsembleError):
        results.number("told")
