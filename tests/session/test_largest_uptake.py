"""Cells may say what they take up at most, in the place of the rate at low values, where uptake saturates."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import surrogate_plugin as sp
from tests.exact import exact_field
from tests.session.scenes import DOMAIN, config, tissue

KM = 2.5
VESSEL = sp.Vessels([(200.0, 200.0)], 25.0, 38.0)
SCENE = tissue(5).cells


def at_most(rate: np.ndarray) -> sp.TissueState:
    return sp.TissueState(sp.Cells(SCENE.position_um, SCENE.radius_um, max_uptake_per_min=rate), VESSEL)


@pytest.mark.parametrize("deposit", ["area", "voxel"])
def test_it_is_the_rate_times_the_half_saturation(deposit: str) -> None:
    backend = sp.Backend(config(michaelis_km=KM, deposit=deposit))
    by_rate = backend.problem(sp.TissueState(SCENE, VESSEL))
    by_most = backend.problem(at_most(KM * SCENE.uptake_per_min))
    assert by_rate.uptake is not None
    assert by_most.uptake is not None
    np.testing.assert_allclose(by_most.uptake.vmax, by_rate.uptake.vmax, rtol=1e-13)
    assert np.max(by_most.uptake.vmax) > 0.0


def test_the_field_is_that_of_an_independent_solve() -> None:
    most = np.linspace(0.0, 300.0, len(SCENE))
    backend = sp.Backend(config(michaelis_km=KM, deposit="voxel", tolerance=1e-6, boundary="reflecting"))
    result = backend.step(at_most(most))
    taken = np.zeros(DOMAIN.shape)
    x, y = DOMAIN.pixels(SCENE.position_um)
    np.add.at(taken, (y.astype(int), x.astype(int)), most * SCENE.volume_um3 / DOMAIN.voxel_volume_um3)
    posed = backend.problem(sp.TissueState(vessels=VESSEL)).replace(uptake=sp.MichaelisMenten(taken, KM))
    assert np.abs(result.field - exact_field(posed)).max() <= result.record.bound + 1e-9


def test_what_voxels_take_up_comes_on_top() -> None:
    backend = sp.Backend(config(michaelis_km=KM))
    cells = at_most(np.full(len(SCENE), 100.0)).cells
    alone, both = (
        backend.problem(sp.TissueState(cells, VESSEL, voxels)).uptake
        for voxels in (None, sp.Voxels(uptake_per_min=3.0))
    )
    assert alone is not None
    assert both is not None
    np.testing.assert_allclose(both.vmax, alone.vmax + 3.0 * KM, rtol=1e-13)


def test_without_a_half_saturation_it_is_refused() -> None:
    state, backend = at_most(np.ones(len(SCENE))), sp.Backend(config())
    for pose in (backend.step, backend.problem, lambda state: backend.problem(DOMAIN.rasterise(state))):
        with pytest.raises(
            sp.InvalidProblemError, match=r"max_uptake_per_min is given, but BackendConfig\.michaelis_km"
        ):
            pose(state)
    nobody = sp.Cells(np.empty((0, 2)), 8.0, max_uptake_per_min=1.0)
    with pytest.raises(sp.InvalidProblemError, match="michaelis_km"):
        backend.step(sp.TissueState(nobody, VESSEL))


def test_both_at_once_are_refused() -> None:
    with pytest.raises(sp.InvalidProblemError, match=r"max_uptake_per_min is given, and so is cells\.uptake_per_min"):
        sp.Cells([(0.0, 50.0)], 8.0, uptake_per_min=1.0, max_uptake_per_min=250.0)
    with pytest.raises(sp.InvalidProblemError, match=r"cells\.max_uptake_per_min.*-1"):
        sp.Cells([(0.0, 50.0)], 8.0, max_uptake_per_min=-1.0)
    one = sp.Cells([(0.0, 50.0)], 8.0, max_uptake_per_min=250.0)
    assert dataclasses.replace(one, radius_um=9.0).max_uptake_per_min.tolist() == [250.0]


def test_a_step_is_held_as_long_as_it_is_the_same_and_no_longer() -> None:
    backend = sp.Backend(config(michaelis_km=KM))
    most = np.full(len(SCENE), 100.0)
    methods = [backend.step(at_most(each)).record.method for each in (most, most, 2 * most)]
    assert methods[1] == "held"
    assert methods[2] != "held"


def test_steps_in_time_balance_and_recordings_hold_what_was_posed(tmp_path: Path) -> None:
    recorder = sp.Recorder(tmp_path / "run.zarr")
    backend = sp.Backend(
        config(
            diffusivity_um2_per_min=300.0, decay_per_min=0.01, boundary="reflecting", stepping="implicit-euler",
            michaelis_km=KM, initial=4.0, method="exact", tolerance=None, report=tmp_path / "run.html",
        ),
        recorder=recorder,
    )  # fmt: skip
    state = at_most(np.full(len(SCENE), 20.0))
    result = backend.step(state, 6.0)
    balance = result.record.balance
    assert balance is not None
    assert balance.cells > 0.0
    assert balance.relative_defect <= 1e-10
    assert backend.report is not None
    backend.report.close()
    posed, read = backend.problem(state), sp.Recording(tmp_path / "run.zarr").problem(0)
    assert posed.uptake is not None
    assert read.uptake is not None
    np.testing.assert_array_equal(read.uptake.vmax, posed.uptake.vmax)
    assert "implicit-euler" in (tmp_path / "run.html").read_text(encoding="utf-8")
