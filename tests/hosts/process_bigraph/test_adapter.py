"""process-bigraph on the backend: the conformance kit with cells in a map and in arrays, documents, and bad configs."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from process_bigraph import Composite, allocate_core

import surrogate_plugin as sp
from surrogate_adapters.process_bigraph import SurrogateDiffusion, register
from surrogate_plugin.testing import AdapterSuite, Scenario
from tests.exact import exact_field
from tests.hosts.process_bigraph.documents import CELL, OXYGEN, VESSEL, document, process_of
from tests.hosts.process_bigraph.driver import Bigraph
from tests.hosts.wider import EverythingSuite

GUIDE = Path(__file__).parents[3] / "adapters" / "surrogate_adapters" / "process_bigraph" / "README.md"


@pytest.fixture(scope="module")
def core() -> Any:
    return register(allocate_core())


class TestCellsInAMap(AdapterSuite):
    """Solved by the step, after all processes."""

    outside = "clamp"
    detaches = False  # a document is put together once
    torus = discs = saturates = produces = writable = vessels_change = True
    sides = "outside"

    @pytest.fixture(autouse=True)
    def _core(self, core: Any) -> None:
        self.core = core

    def build(self, scenario: Scenario) -> Bigraph:
        return Bigraph(scenario, self.core, "map")


class TestCellsInArrays(TestCellsInAMap):
    vessels_change = False  # voxels that hold a value are in the config

    def build(self, scenario: Scenario) -> Bigraph:
        return Bigraph(scenario, self.core, "arrays")


class TestByArea(TestCellsInAMap):
    """Cells are spread over the voxels that they cover, and read between the centres."""

    deposit = "area"


class TestWider(EverythingSuite):
    """What cells and voxels conduct, hold back and let decay, what passes the sides, and substrates in time."""

    torus = True
    kept = "map"

    @pytest.fixture(autouse=True)
    def _core(self, core: Any) -> None:
        self.core = core

    def build(self, scenario: Scenario) -> Bigraph:
        return Bigraph(scenario, self.core, self.kept)


class TestWiderInArrays(TestWider):
    """Voxels that hold a value are in the config."""

    kept = "arrays"


class TestWiderByArea(TestWider):
    deposit = "area"


@pytest.mark.filterwarnings("ignore:a cell read:surrogate_plugin.PromiseWarning")
class TestProcess(TestCellsInAMap):
    """Solved beside the other processes, an interval late, which it says where cells are moved."""

    def build(self, scenario: Scenario) -> Bigraph:
        return Bigraph(scenario, self.core, "map", "process")

    def test_nothing_is_told_where_nothing_is_amiss(self) -> None:
        """That cells have moved is something to tell for one that is an interval late; nothing else is."""
        scenario = self.scenario(90, (12, 17))
        host = self.attached(scenario)
        for cells in (scenario.cells, scenario.moved(91, scenario.cells), scenario.cells.eating(2.0)):
            host.put(cells)
            host.advance()
        assert {kind for kind, _ in process_of(host.composite).notices.counts} == {"cells read more than the bound"}


# --- documents ---


def exact(process: SurrogateDiffusion, cells: Sequence[dict[str, Any]], vessels: Sequence[dict[str, Any]]) -> Any:
    """The field of cells and vessels, posed without the adapter's reading of them."""
    state = sp.TissueState(
        cells=sp.Cells(
            [cell["position_um"] for cell in cells],
            radius_um=[(3 * cell["volume_um3"] / (4 * np.pi)) ** (1 / 3) for cell in cells],
            uptake_per_min=[cell["uptake_per_min"]["oxygen"] for cell in cells],
        ),
        vessels=sp.Vessels(
            [vessel["position_um"] for vessel in vessels],
            [vessel["radius_um"] for vessel in vessels],
            [vessel["value"]["oxygen"] for vessel in vessels],
            end_um=[vessel.get("end_um", vessel["position_um"]) for vessel in vessels],
        ),
    )
    return exact_field(process.backend("oxygen").problem(state))


@pytest.mark.filterwarnings("ignore:a cell read:surrogate_plugin.PromiseWarning")
def test_vessels_that_come_and_go_are_followed(core):
    composite = Composite(document(), core=core)
    capsule = {"position_um": [20.0, 150.0], "end_um": [150.0, 150.0], "radius_um": 5.0, "value": {"oxygen": 30.0}}
    for vessels in ({"v": VESSEL}, {"v": VESSEL, "w": capsule}, {"w": capsule}):
        composite.state["vessels"] = copy.deepcopy(vessels)
        composite.run(60.0)
        expected = exact(process_of(composite), [CELL], list(vessels.values()))
        gap = np.abs(composite.state["fields"]["oxygen"] - expected).max()
        assert gap <= composite.state["bound"]["oxygen"] <= 0.01
        assert composite.state["method"]["oxygen"] == process_of(composite).history[-1].method


@pytest.mark.filterwarnings("ignore:a cell read:surrogate_plugin.PromiseWarning")
def test_a_document_that_was_saved_and_loaded_goes_on_as_the_original_does(core, tmp_path):
    sides = {"left": 5.0, "top": 0.0}
    oxygen = {**OXYGEN, "boundary": sides, "fixed": [[2, 3, 20.5]], "michaelis_km": 3.0}
    glucose = {"diffusivity_um2_per_min": 3e4, "decay_per_min": 0.01}
    composite = Composite(document(substrates={"oxygen": oxygen, "glucose": glucose}, elsewhere=["drug"]), core=core)
    composite.state["cells"]["a"]["uptake_per_min"]["drug"] = 1.0
    composite.run(60.0)
    composite.save("tissue.json", str(tmp_path))
    loaded = Composite.load(str(tmp_path / "tissue.json"), core=core)
    mine, theirs = process_of(composite), process_of(loaded)
    for name in ("oxygen", "glucose"):
        assert theirs.backend(name).config.boundary == mine.backend(name).config.boundary
    assert theirs.backend("oxygen").config.michaelis_km == 3.0
    for run in (composite, loaded):
        run.state["cells"]["a"]["position_um"] = [250.0, 22.0]
        run.run(60.0)
    assert loaded.state["fields"]["oxygen"][2, 3] == 20.5
    allowed = composite.state["bound"]["oxygen"] + loaded.state["bound"]["oxygen"]
    assert np.abs(loaded.state["fields"]["oxygen"] - composite.state["fields"]["oxygen"]).max() <= allowed
    assert loaded.state["global_time"] == 120.0


def test_deltas_undo_what_others_wrote_and_leave_no_errors_behind(core):
    composite = Composite(document(), core=core)
    composite.run(60.0)
    steady = composite.state["fields"]["oxygen"].copy()
    composite.state["fields"]["oxygen"] += 17.3
    with pytest.warns(sp.PromiseWarning, match=r"something else wrote \+17.3 into fields.oxygen at row"):
        composite.run(60.0)
    for _ in range(49):
        composite.state["fields"]["oxygen"] += 17.3
        composite.run(60.0)
        assert np.abs(composite.state["fields"]["oxygen"] - steady).max() <= 1e-12
    assert [(entry.time, entry.held) for entry in process_of(composite).history] == [(0.0, 50)]
    assert process_of(composite).notices.summary() == ["oxygen: written from outside, 50 times."]


def test_with_deposit_by_area_cells_read_between_the_voxels(core):
    composite = Composite(document(deposit="area"), core=core)
    composite.run(60.0)
    process, field = process_of(composite), composite.state["fields"]["oxygen"]
    assert np.abs(field - exact(process, [CELL], [VESSEL])).max() <= composite.state["bound"]["oxygen"]
    domain = sp.Domain.from_lattice((9, 16), 20.0)
    there = domain.sample(field, [CELL["position_um"]])[0]
    assert composite.state["sampled"]["a"]["oxygen"] == pytest.approx(there, abs=1e-12)
    assert there != field[3, 5]


@pytest.mark.filterwarnings("ignore:a cell read:surrogate_plugin.PromiseWarning")
def test_states_are_recorded_if_asked_for(core, tmp_path):
    composite = Composite(document(record=str(tmp_path / "run.zarr")), core=core)
    composite.run(60.0)
    composite.state["cells"]["a"]["volume_um3"] = 100.0
    composite.run(60.0)
    assert len(sp.Recording(tmp_path / "run.zarr")) == 2


@pytest.mark.filterwarnings("ignore:a cell read:surrogate_plugin.PromiseWarning")
def test_the_page_of_a_run_is_written_if_asked_for(core, tmp_path):
    composite = Composite(document(report=str(tmp_path / "run.html")), core=core)
    composite.run(60.0)
    assert "oxygen at step 0" in (tmp_path / "run.html").read_text(encoding="utf-8")


def test_an_address_with_the_module_needs_no_registration():
    plain = document()
    plain["state"]["diffusion"]["address"] = "local:!surrogate_adapters.process_bigraph.process.SurrogateDiffusion"
    composite = Composite(plain, core=allocate_core())
    composite.run(60.0)
    assert composite.state["bound"]["oxygen"] <= 0.01


def test_the_hosts_strict_mode_knows_every_setting():
    strict = register(allocate_core(strict=True))
    composite = Composite(document(policy="fastest", record=None, outside="drop"), core=strict)
    composite.run(60.0)
    backend = composite.state["diffusion"]["instance"].backend("oxygen")
    assert (backend.config.policy, backend.config.outside) == ("fastest", "drop")
    assert composite.state["bound"]["oxygen"] <= 0.01


def test_the_guides_examples_run_as_they_stand():
    guide = GUIDE.read_text()
    code = "\n".join(re.findall(r"```python\n(.*?)```", guide, flags=re.DOTALL))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for found in re.findall(r"```json\n(.*?)```", guide, flags=re.DOTALL):
        json.loads(found)
