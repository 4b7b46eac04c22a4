"""Saves of pyphysicell: read without running what they hold, and audited as the simulation itself is."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pyphysicell as pc
import pytest

import surrogate_plugin as sp
from surrogate_adapters.pyphysicell.saves import SimulationRun
from surrogate_plugin.audit.auditing import audit
from surrogate_plugin.audit.reading import open_run
from tests.audit.files import write_run
from tests.hosts.pyphysicell.tissue import tissue


@pytest.fixture
def moments() -> list[pc.Simulation]:
    sim = tissue(1, vessels=0)
    found = []
    for minutes in (0.5, 1.0):
        sim.run(minutes)
        found.append(sim.branch())
    return found


def test_saves_in_a_folder_are_the_moments_of_a_run(tmp_path: Path, moments: list[pc.Simulation]) -> None:
    for sim, name in zip(moments, ("b.pkl", "a.pkl"), strict=True):  # not in the order of time
        sim.save(tmp_path / name)
    run = open_run(tmp_path)
    assert list(run.names) == ["b", "a"]
    by_saves, by_hand = audit(run).entries, audit(SimulationRun(moments)).entries
    assert [entry.steady for entry in by_saves] == [entry.steady for entry in by_hand]
    assert [entry.error_at_least for entry in by_saves] == [entry.error_at_least for entry in by_hand]


def test_a_save_is_the_same_as_what_physicell_would_have_written(tmp_path: Path, moments: list[pc.Simulation]) -> None:
    saved = audit(SimulationRun(moments)).entries
    written = audit(open_run(write_run(tmp_path, moments))).entries
    for one, other in zip(saved, written, strict=True):
        assert one.steady is not None
        assert other.steady is not None
        assert other.steady.largest == pytest.approx(one.steady.largest, rel=1e-9)
        assert other.error_at_least == pytest.approx(one.error_at_least, rel=1e-6)
        assert other.verdict is one.verdict


class _Runs:
    """A pickle that runs a command as it is read."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("true",)


@pytest.mark.parametrize("harm", [_Runs(), {"model": print}, [pc.Simulation.load]])
def test_a_pickle_of_other_objects_is_not_read(tmp_path: Path, harm: object) -> None:
    (tmp_path / "harm.pkl").write_bytes(pickle.dumps(harm))
    with pytest.raises(sp.InvalidProblemError, match="is not read"):
        open_run(tmp_path / "harm.pkl")


def test_a_save_cut_short_is_named(tmp_path: Path, moments: list[pc.Simulation]) -> None:
    path = Path(moments[0].save(tmp_path / "run.pkl"))
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(sp.InvalidProblemError, match=r"run\.pkl is"):
        open_run(path)


def test_a_pickle_of_no_simulation_is_named(tmp_path: Path) -> None:
    (tmp_path / "list.pkl").write_bytes(pickle.dumps([1, 2]))
    with pytest.raises(sp.InvalidProblemError, match="no simulation of pyphysicell"):
        open_run(tmp_path / "list.pkl")
