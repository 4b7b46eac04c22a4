"""A run of pyphysicell is recorded as it was posed, each substrate in a store of its own."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pyphysicell as pc
import pytest

from surrogate_adapters.pyphysicell import attach
from surrogate_plugin.recordings.reader import Recording, RecordingError
from tests.recordings.posed import assert_holds, problems, recorded


def tumour(*substrates: str) -> pc.Simulation:
    """Cells that take up each of the substrates, on a lattice of 12 x 20 whose left face feeds them."""
    model = pc.Model(
        domain=pc.Domain(x_min=0.0, x_max=400.0, y_min=0.0, y_max=240.0),
        substrates=[pc.Substrate(name, 1e5, 0.1, dirichlet_faces={"xmin": (True, 38.0)}) for name in substrates],
        cell_types=[pc.CellType("cell", secretion={name: pc.SecretionEntry(uptake_rate=10.0) for name in substrates})],
    )
    sim = pc.Simulation(model, seed=0)
    place = np.random.default_rng(0).uniform((100.0, 40.0), (300.0, 200.0), (40, 2))
    sim.add_cells(np.column_stack([place, np.zeros(40)]), "cell")
    return sim


def test_a_host_run_is_recorded_as_it_was_posed_through_changed_coefficients(tmp_path: Path) -> None:
    sim, posed = tumour("oxygen"), []
    with attach(sim, substrates=["oxygen"], tolerance=0.38, record=tmp_path / "run.zarr") as link:
        for step in range(3):
            if step == 2:
                sim.microenvironment._lambda[0] = 0.5
            sim.cells.uptake_rate[: sim.cells.n, 0] = 10.0 + step
            posed.append(link.problem("oxygen") if step < 2 else None)
            sim.microenvironment.step(0.01)
        posed[2] = link.problem("oxygen")
        history = list(link.history)
    assert [entry.reason for entry in history] == ["first", "rates", "coefficients"]
    assert_holds(tmp_path / "run.zarr", posed)
    recording = Recording(tmp_path / "run.zarr")
    assert recording.shape == (12, 20)
    assert recording.steps.tolist() == [entry.record.step for entry in history]
    assert recording.methods == tuple(entry.method for entry in history)


def test_each_substrate_has_a_store_of_its_own_and_a_branch_writes_none(tmp_path: Path) -> None:
    sim = tumour("oxygen", "glucose")
    with attach(sim, tolerance=0.38, record=tmp_path / "run") as link:
        sim.microenvironment.step(0.01)
        branch = copy.deepcopy(sim)
        branch.cells.uptake_rate[: branch.cells.n] = 1.0
        branch.microenvironment.step(0.01)
        assert len(branch.microenvironment.step.__self__.history) > len(link.history)
        for name in ("oxygen", "glucose"):
            assert_holds(tmp_path / "run" / name, [link.problem(name)])


def test_a_recording_of_another_lattice_is_refused_and_the_host_left_alone(tmp_path: Path) -> None:
    path = recorded(tmp_path / "run.zarr", problems(1))
    sim = tumour("oxygen")
    with pytest.raises(RecordingError, match="records a lattice of 9 x 13, this one is 12 x 20"):
        attach(sim, record=path)
    assert "step" not in vars(sim.microenvironment)


def test_the_page_of_a_run_is_complete_when_the_host_is_given_back(tmp_path: Path) -> None:
    sim = tumour("oxygen", "glucose")
    with attach(sim, tolerance=0.38, report=tmp_path / "run.html") as link:
        sim.microenvironment.step(0.01)
        assert link.report is not None
    text = (tmp_path / "run.html").read_text(encoding="utf-8")
    assert "The run is over." in text
    assert "oxygen at step 0" in text
    assert "glucose at step 0" in text
