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
from tests.hosts.process_bigraph import Bigraph

GUIDE = Path(__file__).parents[1] / "adapters" / "surrogate_adapters" / "process_bigraph" / "README.md"


@pytest.fixture(scope="module")
def core() -> Any:
    return register(allocate_core())


class TestCellsInAMap(AdapterSuite):
    outside = "clamp"
    detaches = False  # a document is put together once

    @pytest.fixture(autouse=True)
    def _core(self, core: Any) -> None:
        self.core = core

    def build(self, scenario: Scenario) -> Bigraph:
        return Bigraph(scenario, self.core, "map")


class TestCellsInArrays(TestCellsInAMap):
    def build(self, scenario: Scenario) -> Bigraph:
        return Bigraph(scenario, self.core, "arrays")


# --- documents ---

OXYGEN = {"diffusivity_um2_per_min": 1e5, "decay_per_min": 0.1, "tolerance": 0.01}
CONFIG = {"shape": [9, 16], "spacing_um": 20.0, "substrates": {"oxygen": OXYGEN}}
CELL = {"position_um": [105.0, 62.0], "volume_um3": 2000.0, "uptake_per_min": {"oxygen": 10.0}}
VESSEL = {"position_um": [210.0, 90.0], "radius_um": 25.0, "value": {"oxygen": 38.0}}


def document(**config: Any) -> dict[str, Any]:
    state = {
        "diffusion": {
            "_type": "process",
            "address": "local:SurrogateDiffusion",
            "config": {**CONFIG, **config},
            "interval": "1 min",
            "inputs": {port: [port] for port in ("fields", "cells", "vessels")},
            "outputs": {port: [port] for port in ("fields", "bound", "method", "sampled")},
        },
        "cells": {"a": CELL},
        "vessels": {"v": VESSEL},
    }
    return {"state": copy.deepcopy(state)}


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
    return sp.solve(process.backend("oxygen").problem(state), method="sparse-direct").field


def process_of(composite: Composite) -> SurrogateDiffusion:
    return composite.state["diffusion"]["instance"]


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


def test_a_document_that_was_saved_and_loaded_goes_on_as_the_original_does(core, tmp_path):
    sides = {"left": 5.0, "right": "reflecting", "bottom": "reflecting", "top": 0.0}
    oxygen = {**OXYGEN, "boundary": sides, "fixed": [[2, 3, 20.5]], "michaelis_km": 3.0}
    glucose = {"diffusivity_um2_per_min": 3e4, "decay_per_min": 0.01}
    composite = Composite(document(substrates={"oxygen": oxygen, "glucose": glucose}), core=core)
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
    for _ in range(50):
        composite.state["fields"]["oxygen"] += 17.3
        composite.run(60.0)
        assert np.abs(composite.state["fields"]["oxygen"] - steady).max() <= 1e-12
    assert [(entry.time, entry.held) for entry in process_of(composite).history] == [(0.0, 50)]


def test_with_deposit_by_area_cells_read_between_the_voxels(core):
    composite = Composite(document(deposit="area"), core=core)
    composite.run(60.0)
    process, field = process_of(composite), composite.state["fields"]["oxygen"]
    assert np.abs(field - exact(process, [CELL], [VESSEL])).max() <= composite.state["bound"]["oxygen"]
    domain = sp.Domain.from_lattice((9, 16), 20.0)
    there = domain.sample(field, [CELL["position_um"]])[0]
    assert composite.state["sampled"]["a"]["oxygen"] == pytest.approx(there, abs=1e-12)
    assert there != field[3, 5]


def test_states_are_recorded_if_asked_for(core, tmp_path):
    composite = Composite(document(record=str(tmp_path / "run.zarr")), core=core)
    composite.run(60.0)
    composite.state["cells"]["a"]["volume_um3"] = 100.0
    composite.run(60.0)
    assert len(sp.Recording(tmp_path / "run.zarr")) == 2


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


BAD_CONFIGS = [
    ({"shape": [9]}, "shape.1 is missing"),
    ({"shape": [9, 0]}, "shape.1 is 0; input should be greater than 0"),
    ({"shape": "square"}, "shape is 'square'"),
    ({"spacing_um": -1.0}, "spacing_um is -1.0"),
    ({"spacing": 20.0}, "has no setting 'spacing'; it has shape, spacing_um"),
    ({"substrates": {}}, "substrates is {}"),
    ({"substrates": {"oxygen": {"decay_per_min": 0.1}}}, "substrates.oxygen.diffusivity_um2_per_min is missing"),
    ({"substrates": {"oxygen": {**OXYGEN, "decay": 0.1}}}, "has no setting 'substrates.oxygen.decay'"),
    ({"substrates": {"oxygen": {**OXYGEN, "decay_per_min": "fast"}}}, "substrates.oxygen.decay_per_min is 'fast'"),
    ({"substrates": {"oxygen": {**OXYGEN, "fixed": [[9, 0, 1.0]]}}}, r"names voxel \(9, 0\), but .* 9 rows and 16"),
    ({"substrates": {"oxygen": {**OXYGEN, "fixed": [[1, 0, -1.0]]}}}, "substrates.oxygen.fixed.0.2 is -1.0"),
    ({"substrates": {"oxygen": {**OXYGEN, "boundary": {"left": "open"}}}}, "boundary .* is 'open'"),
    ({"cells": "list"}, "cells is 'list'; input should be 'map' or 'arrays'"),
    ({"policy": "never"}, "policy is 'never'"),
]


@pytest.mark.parametrize(("config", "message"), BAD_CONFIGS)
def test_a_bad_config_is_refused_in_one_sentence(core, config, message):
    with pytest.raises(sp.InvalidProblemError, match=message) as refused:
        SurrogateDiffusion({**CONFIG, **config}, core=core)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("config", [config for config, _ in BAD_CONFIGS])
def test_so_it_is_in_a_document_where_the_host_would_read_a_default_into_it(core, config):
    with pytest.raises(Exception, match=r"SurrogateDiffusion|boundary"):
        Composite(document(**config), core=core).run(60.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cells": {"a": {**CELL, "volume_um3": -1.0}}}, r"cells\['a'\].volume_um3 is -1; finite"),
        ({"cells": {"a": {**CELL, "position_um": [1.0]}}}, r"cells\['a'\] is at \[1.0\]; two numbers"),
        ({"vessels": {"v": {**VESSEL, "value": {"oxygen": -2.0}}}}, r"vessels.value\[0\] is -2"),
        ({"fields": {"oxygen": np.zeros((16, 9))}}, r"fields.oxygen has shape \(16, 9\)"),
        ({"fields": {"oxygen": np.full((9, 16), np.inf)}}, "fields.oxygen holds a value that is not finite"),
    ],
)
def test_a_broken_state_is_refused_in_one_sentence(core, change, message):
    state = {"fields": {"oxygen": np.zeros((9, 16))}, "cells": {"a": CELL}, "vessels": {"v": VESSEL}}
    with pytest.raises(sp.InvalidProblemError, match=message):
        SurrogateDiffusion(CONFIG, core=core).update({**state, **change}, 1.0)


def test_a_state_without_a_unique_steady_field_is_refused(core):
    lossless = {"oxygen": {"diffusivity_um2_per_min": 1e5}}
    process = SurrogateDiffusion({**CONFIG, "substrates": lossless}, core=core)
    with pytest.raises(sp.InvalidProblemError, match=r"substrate 'oxygen': .*no unique steady state"):
        process.update({"fields": {"oxygen": np.zeros((9, 16))}, "cells": {}, "vessels": {}}, 1.0)


def test_the_guides_examples_run_as_they_stand():
    guide = GUIDE.read_text()
    code = "\n".join(re.findall(r"```python\n(.*?)```", guide, flags=re.DOTALL))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for found in re.findall(r"```json\n(.*?)```", guide, flags=re.DOTALL):
        json.loads(found)
