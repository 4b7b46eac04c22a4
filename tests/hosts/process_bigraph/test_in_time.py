"""Substrates that go on in time beside steady ones, in a process and in a step, from what the document holds."""

from __future__ import annotations

import copy
import json
from typing import Any

import numpy as np
import pytest
from process_bigraph import Composite, Process, allocate_core
from scipy.sparse.linalg import expm_multiply

import surrogate_plugin as sp
from surrogate_adapters.process_bigraph import SurrogateDiffusion, SurrogateDiffusionStep, register

SHAPE, SPACING, D, DECAY, MINUTE = (7, 9), 20.0, 50.0, 0.05, 60.0
OXYGEN = {"diffusivity_um2_per_min": 1e5, "decay_per_min": 0.1, "tolerance": 1e-9, "boundary": {"left": 38.0}}
DRUG = {"diffusivity_um2_per_min": D, "decay_per_min": DECAY, "tolerance": 1e-10, "stepping": "implicit-euler"}
CONFIG = {"shape": list(SHAPE), "spacing_um": SPACING, "substrates": {"oxygen": OXYGEN, "drug": DRUG}}
CELLS = {
    "a": {"position_um": [50.0, 70.0], "volume_um3": 4000.0, "uptake_per_min": {"oxygen": 2.0, "drug": 0.4}},
    "b": {"position_um": [150.0, 30.0], "volume_um3": 0.0, "release_per_min": {"drug": 6.0}},
}
START = np.linspace(0.0, 3.0, 63).reshape(SHAPE)


def operator(cells: dict[str, Any]) -> np.ndarray:
    """The five-point scheme of the drug, 1 / min, voxel by voxel."""
    rows, columns = SHAPE
    matrix = np.zeros((rows * columns,) * 2)
    for y, x in np.ndindex(SHAPE):
        here = y * columns + x
        matrix[here, here] -= DECAY
        for j, i in ((y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)):
            if 0 <= j < rows and 0 <= i < columns:
                matrix[here, here] -= D / SPACING**2
                matrix[here, j * columns + i] += D / SPACING**2
    for cell in cells.values():
        here = voxel(cell)[0] * columns + voxel(cell)[1]
        matrix[here, here] -= cell["volume_um3"] / SPACING**3 * cell.get("uptake_per_min", {}).get("drug", 0.0)
    return matrix


def made(cells: dict[str, Any]) -> np.ndarray:
    amount = np.zeros(SHAPE)
    for cell in cells.values():
        amount[voxel(cell)] += cell.get("release_per_min", {}).get("drug", 0.0)
    return amount


def voxel(cell: dict[str, Any]) -> tuple[int, int]:
    x, y = cell["position_um"]
    return int(y // SPACING), int(x // SPACING)


def implicit(field: np.ndarray, cells: dict[str, Any], minutes: float) -> np.ndarray:
    system = np.eye(field.size) - minutes * operator(cells)
    return np.linalg.solve(system, (field + minutes * made(cells)).ravel()).reshape(SHAPE)


class More(Process):
    """Cell b releases more each minute; at the second a dose is given. It notes what it reads."""

    def inputs(self) -> dict[str, Any]:
        return {"fields": FIELDS, "cells": RELEASES, "sampled": "map[map[float]]"}

    def outputs(self) -> dict[str, Any]:
        return {"fields": FIELDS, "cells": RELEASES}

    def initialize(self, config: dict[str, Any]) -> None:
        self.read: list[dict[str, Any]] = []

    def update(self, state: dict[str, Any], interval: float) -> dict[str, Any]:
        self.read.append(copy.deepcopy(state))
        dose = np.zeros(SHAPE)
        dose[2, 2] = 7.0 if len(self.read) == 2 else 0.0
        return {"cells": {"b": {"release_per_min": {"drug": 1.5}}}, "fields": {"drug": dose}}


FIELDS = {name: {"_type": "array", "_shape": SHAPE, "_data": "float64"} for name in ("oxygen", "drug")}
RELEASES = {"_type": "map", "_value": {"release_per_min": "map[float]"}}


def document(kind: str, timed: bool = True, **drug: Any) -> dict[str, Any]:
    step = kind == "step"
    config = {**CONFIG, "substrates": {"oxygen": OXYGEN, "drug": {**DRUG, **drug}}}
    diffusion: dict[str, Any] = {
        "_type": kind,
        "address": "local:SurrogateDiffusionStep" if step else "local:SurrogateDiffusion",
        "config": config,
        "inputs": {"fields": ["fields"], "cells": ["cells"], **({"time": ["global_time"]} if step and timed else {})},
        "outputs": {port: [port] for port in ("fields", "bound", "method", "sampled")},
    }
    more = {
        "_type": "process",
        "address": "local:More",
        "interval": MINUTE,
        "inputs": {port: [port] for port in ("fields", "cells", "sampled")},
        "outputs": {port: [port] for port in ("fields", "cells")},
    }
    if not step:
        diffusion["interval"] = MINUTE
    fields = {"oxygen": np.zeros(SHAPE), "drug": START.copy()}
    return {"state": {"diffusion": diffusion, "more": more, "cells": copy.deepcopy(CELLS), "fields": fields}}


def composite(kind: str, **options: Any) -> Composite:
    core = register(allocate_core())
    core.register_link("More", More)
    return Composite(document(kind, **options), core=core)


def test_a_step_goes_on_with_the_cells_as_they_are_after_all_processes():
    made_of = composite("step")
    made_of.run(5 * MINUTE)
    field, cells = START, copy.deepcopy(CELLS)
    for minute, read in enumerate(made_of.state["more"]["instance"].read):
        if minute:
            cells["b"]["release_per_min"]["drug"] = 6.0 + 1.5 * minute
            dose = np.zeros(SHAPE)
            dose[2, 2] = 7.0 if minute == 2 else 0.0
            field = implicit(field + dose, cells, 1.0)
        assert np.abs(read["fields"]["drug"] - field).max() <= 1e-8
        for name, cell in cells.items():
            assert read["sampled"][name]["drug"] == pytest.approx(field[voxel(cell)], abs=1e-8)
    solver = made_of.state["diffusion"]["instance"]
    drug = [entry for entry in solver.history if entry.substrate == "drug"]
    assert [entry.time for entry in drug] == [MINUTE * k for k in range(1, 6)]
    assert max(abs(entry.record.balance.defect) for entry in drug) <= 1e-9
    assert made_of.state["bound"]["drug"] <= 1e-8
    assert solver.notices.counts == {}


def test_a_process_goes_on_with_the_cells_at_the_beginning_of_its_interval():
    made_of = composite("process")
    made_of.run(5 * MINUTE)
    field, cells = START, copy.deepcopy(CELLS)
    for minute, read in enumerate(made_of.state["more"]["instance"].read):
        assert np.abs(read["fields"]["drug"] - field).max() <= 1e-8
        field = implicit(field, cells, 1.0)
        field[2, 2] += 7.0 if minute == 1 else 0.0
        cells["b"]["release_per_min"]["drug"] = 6.0 + 1.5 * (minute + 1)


def test_steady_substrates_stay_as_they_are_beside_it():
    alone = SurrogateDiffusion({**CONFIG, "substrates": {"oxygen": OXYGEN}}, core=register(allocate_core()))
    cells = {"a": {**CELLS["a"], "uptake_per_min": {"oxygen": 2.0}}}
    steady = alone.update({"fields": {"oxygen": np.zeros(SHAPE)}, "cells": cells}, MINUTE)["fields"]["oxygen"]
    both = composite("step")
    both.run(2 * MINUTE)
    assert np.abs(both.state["fields"]["oxygen"] - steady).max() <= 1e-8


def test_within_a_time_tolerance_it_is_the_field_of_continuous_time():
    process = SurrogateDiffusionStep(
        {**CONFIG, "substrates": {"drug": {**DRUG, "time_tolerance": 0.01, "tolerance": 1e-6}}},
        core=register(allocate_core()),
    )
    cells = {"b": CELLS["b"]}
    field, matrix = START, operator(cells)
    for time in (0.0, 60.0, 180.0):
        state = {"fields": {"drug": field}, "cells": cells, "time": time}
        field = field + process.update(state)["fields"]["drug"]
    rest = np.linalg.solve(matrix, -made(cells).ravel())
    exact = (rest + expm_multiply(3.0 * matrix, START.ravel() - rest)).reshape(SHAPE)
    records = [entry.record for entry in process.history]
    assert [record.dt_min for record in records] == [1.0, 2.0]
    assert np.abs(field - exact).max() <= 1.1 * sum(record.time_error for record in records) <= 0.03


def test_a_step_that_is_not_told_the_time_cannot_go_on():
    with pytest.raises(sp.InvalidProblemError, match=r"substrates.drug goes on in time, but the step is not told the"):
        composite("step", timed=False).run(MINUTE)


def test_a_word_that_is_none_is_refused():
    with pytest.raises(sp.InvalidProblemError, match=r"substrates.drug.stepping is 'fast'"):
        SurrogateDiffusion({**CONFIG, "substrates": {"drug": {**DRUG, "stepping": "fast"}}}, core=allocate_core())


def test_a_saved_document_runs_on(tmp_path):
    whole, first = composite("step"), composite("step")
    whole.run(4 * MINUTE)
    first.run(2 * MINUTE)
    first.save("half.json", str(tmp_path))
    saved = json.loads((tmp_path / "half.json").read_text())
    core = register(allocate_core())
    core.register_link("More", More)
    second = Composite(saved, core=core)
    more = second.state["more"]["instance"]
    more.read.extend([{}, {}])
    second.run(2 * MINUTE)
    assert np.abs(second.state["fields"]["drug"] - whole.state["fields"]["drug"]).max() <= 1e-8
