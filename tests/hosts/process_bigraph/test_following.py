"""A step of process-bigraph solves after all processes: what cells read is of the cells as they are."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pytest
from process_bigraph import Composite, Process, allocate_core

import surrogate_plugin as sp
from surrogate_adapters.process_bigraph import SurrogateDiffusion, SurrogateDiffusionStep, register
from tests.exact import exact_field
from tests.hosts.process_bigraph.documents import CELL, CONFIG, OXYGEN, VESSEL

TOLERANCE, SHAPE, SPACING_UM, MINUTE = 1e-3, (9, 16), 20.0, 60.0
RATES = ("uptake_per_min", "secretion_per_min", "secretion_target", "production_per_min")
CELLS = {
    "_type": "map",
    "_value": {"position_um": "list[float]", "volume_um3": "float", **dict.fromkeys(RATES, "map[float]")},
}
FIELDS = {"oxygen": {"_type": "array", "_shape": SHAPE, "_data": "float64"}}
Script = Callable[[int, dict[str, Any]], dict[str, Any]]


class Scripted(Process):
    """Another process of the composite: at each of its updates it notes what it reads, and does what a script says."""

    config_schema: ClassVar[dict[str, Any]] = {}
    script: ClassVar[Script]

    def initialize(self, config: dict[str, Any]) -> None:
        self.read: list[dict[str, Any]] = []

    def inputs(self) -> dict[str, Any]:
        return {"cells": CELLS, "fields": FIELDS, "sampled": "map[map[float]]"}

    def outputs(self) -> dict[str, Any]:
        return {"cells": CELLS, "fields": FIELDS}

    def update(self, state: dict[str, Any], interval: float) -> dict[str, Any]:
        self.read.append(copy.deepcopy(state))
        return type(self).script(len(self.read), state)


def composite(
    script: Script, cells: dict[str, Any], kind: str = "step", oxygen: dict[str, Any] | None = None, **config: Any
) -> tuple[Composite, Any, Scripted]:
    """The composite, what solves in it, and the other process."""
    core = register(allocate_core())
    core.register_link("Scripted", type("Scripted", (Scripted,), {"script": staticmethod(script)}))
    medium = {**OXYGEN, "tolerance": TOLERANCE, **(oxygen or {})}
    diffusion = {
        "_type": kind,
        "address": "local:SurrogateDiffusionStep" if kind == "step" else "local:SurrogateDiffusion",
        "config": {**CONFIG, "substrates": {"oxygen": medium}, **config},
        "inputs": {**{port: [port] for port in ("fields", "cells", "vessels")}, "time": ["global_time"]},
        "outputs": {port: [port] for port in ("fields", "bound", "excess", "method", "sampled")},
    }
    if kind == "process":
        diffusion["interval"] = MINUTE
        del diffusion["inputs"]["time"]
    other = {
        "_type": "process",
        "address": "local:Scripted",
        "interval": MINUTE,
        "inputs": {port: [port] for port in ("cells", "fields", "sampled")},
        "outputs": {port: [port] for port in ("cells", "fields")},
    }
    state = {"diffusion": diffusion, "other": other, "cells": cells, "vessels": {"v": VESSEL}}
    made = Composite({"state": copy.deepcopy(state)}, core=core)
    return made, made.state["diffusion"]["instance"], made.state["other"]["instance"]


def exact(cells: dict[str, Any], decay_per_min: float = 0.1) -> np.ndarray:
    """The field of cells, each in the voxel that holds it, and of the one vessel; posed here."""
    decay, production = np.full(SHAPE, decay_per_min), np.zeros(SHAPE)
    for cell in cells.values():
        row, column = voxel(cell)
        share = cell["volume_um3"] / SPACING_UM**3
        rate = {name: cell.get(name, {}).get("oxygen", 0.0) for name in RATES}
        decay[row, column] += share * (rate["uptake_per_min"] + rate["secretion_per_min"])
        production[row, column] += share * rate["secretion_per_min"] * rate["secretion_target"]
        production[row, column] += share * rate["production_per_min"]
    rows, columns = np.indices(SHAPE)
    centre = np.hypot((columns + 0.5) * SPACING_UM - 210.0, (rows + 0.5) * SPACING_UM - 90.0)
    held = centre <= 25.0
    problem = sp.Problem(
        np.where(held, 38.0, 0.0),
        fixed=held,
        decay=decay,
        production=production,
        diffusivity=1e5,
        spacing=SPACING_UM,
        boundary="reflecting",
    )
    return exact_field(problem)


def voxel(cell: dict[str, Any]) -> tuple[int, int]:
    x, y = cell["position_um"]
    return int(y // SPACING_UM), int(x // SPACING_UM)


def check(read: dict[str, Any], bound: float) -> None:
    """What a process read, of fields and around cells, is of the cells that it read with it."""
    field = exact(read["cells"])
    assert np.abs(read["fields"]["oxygen"] - field).max() <= bound
    assert read["sampled"].keys() == read["cells"].keys()
    for key, cell in read["cells"].items():
        assert abs(read["sampled"][key]["oxygen"] - field[voxel(cell)]) <= bound


def check_all(made: Composite, solver: Any, other: Scripted) -> None:
    bound = max(entry.bound for entry in solver.history) + 1e-9
    assert bound <= 1.01 * TOLERANCE
    assert max(entry.excess for entry in solver.history) == 0.0
    for read in other.read:
        check(read, bound)
    check({port: made.state[port] for port in ("cells", "fields", "sampled")}, bound)


def nothing(update: int, state: dict[str, Any]) -> dict[str, Any]:
    return {}


def test_the_first_process_to_read_reads_the_steady_field() -> None:
    made, solver, other = composite(nothing, {"a": CELL})
    made.run(MINUTE)
    assert len(other.read) == 1
    check_all(made, solver, other)


def test_rates_that_another_process_changes_count_before_anybody_reads_again() -> None:
    def hungrier(update: int, state: dict[str, Any]) -> dict[str, Any]:
        return {"cells": {"a": {"uptake_per_min": {"oxygen": 15.0}}}} if update in (2, 4) else {}

    made, solver, other = composite(hungrier, {"a": CELL})
    made.run(6 * MINUTE)
    check_all(made, solver, other)
    assert [entry.time for entry in solver.history] == [0.0, 2 * MINUTE, 4 * MINUTE]
    assert not solver.notices.counts


def test_cells_that_move_and_secrete_strongly_read_what_is_there() -> None:
    def walk(update: int, state: dict[str, Any]) -> dict[str, Any]:
        rng = np.random.default_rng(update)
        # The host knows no update that sets a place: each is taken out, and put in elsewhere under another key.
        moved = [(key + "'", _at(cell, rng.uniform((1, 1), (319, 179)))) for key, cell in state["cells"].items()]
        return {"cells": {"_remove": list(state["cells"]), "_add": moved}}

    strong = {"secretion_per_min": {"oxygen": 1e6}, "secretion_target": {"oxygen": 30.0}}
    cells = {str(k): {**CELL, "position_um": [30.0 * k + 5.0, 50.0], **strong} for k in range(8)}
    made, solver, other = composite(walk, cells)
    made.run(6 * MINUTE)
    check_all(made, solver, other)
    assert len(solver.history) == 7
    assert len(made.state["cells"]) == 8


def _at(cell: dict[str, Any], place: np.ndarray) -> dict[str, Any]:
    return {**cell, "position_um": place.tolist()}


def test_newborn_cells_have_what_is_around_them_when_they_are_first_read() -> None:
    def divide(update: int, state: dict[str, Any]) -> dict[str, Any]:
        mother = state["cells"].get("a")
        if update != 2 or mother is None:
            return {}
        half = {**mother, "volume_um3": 0.5 * mother["volume_um3"]}
        born = [(key, _at(half, np.array(place))) for key, place in (("b", (15.0, 15.0)), ("c", (150.0, 130.0)))]
        return {"cells": {"_remove": ["a"], "_add": born}}

    made, solver, other = composite(divide, {"a": CELL})
    made.run(4 * MINUTE)
    assert other.read[2]["cells"].keys() == {"b", "c"}
    check_all(made, solver, other)


def test_what_cells_produce_at_constant_rates_is_in_the_field() -> None:
    made, solver, other = composite(nothing, {"a": {**CELL, "production_per_min": {"oxygen": 500.0}}})
    made.run(2 * MINUTE)
    check_all(made, solver, other)
    assert (exact(made.state["cells"]) - exact({"a": CELL})).max() > 0.1


def test_production_lands_by_area_as_uptake_does() -> None:
    """Secretion at a low rate towards a high target is constant production, but for what is not secreted by then."""
    core, process = register(allocate_core()), {}
    for key, rates in (
        ("made", {"production_per_min": {"oxygen": 500.0}}),
        ("secreted", {"secretion_per_min": {"oxygen": 5e-6}, "secretion_target": {"oxygen": 1e8}}),
    ):
        one = SurrogateDiffusion({**CONFIG, "deposit": "area", "outside": "drop"}, core=core)
        cells = {"a": {**CELL, **rates}, "off": {**CELL, **rates, "position_um": [-40.0, 10.0]}}
        state = {"fields": {"oxygen": np.zeros(SHAPE)}, "cells": cells, "vessels": {"v": VESSEL}}
        process[key] = one.update(state, MINUTE)
    np.testing.assert_allclose(process["made"]["fields"]["oxygen"], process["secreted"]["fields"]["oxygen"], atol=0.02)
    assert process["made"]["sampled"]["a"]["oxygen"] == pytest.approx(
        process["secreted"]["sampled"]["a"]["oxygen"], abs=0.02
    )


def test_a_pulse_of_another_process_is_told_once_with_a_count_and_put_back_at_once() -> None:
    def pulse(update: int, state: dict[str, Any]) -> dict[str, Any]:
        written = np.zeros(SHAPE)
        written[7, 3] = 25.0
        return {"fields": {"oxygen": written}} if update in (2, 4, 5) else {}

    made, solver, other = composite(pulse, {"a": CELL})
    with pytest.warns(sp.PromiseWarning, match=r"something else wrote \+25 into fields.oxygen at row 7, column 3"):
        made.run(3 * MINUTE)
    made.run(4 * MINUTE)
    check_all(made, solver, other)
    assert solver.notices.summary() == ["oxygen: written from outside, 3 times."]


def test_a_process_is_an_interval_late_and_says_by_how_much() -> None:
    def grow(update: int, state: dict[str, Any]) -> dict[str, Any]:
        return {"cells": {"a": {"uptake_per_min": {"oxygen": 500.0}}}} if update == 3 else {}

    made, solver, _ = composite(grow, {"a": CELL}, kind="process")
    made.run(3 * MINUTE)
    read = made.state["sampled"]["a"]["oxygen"]
    off = abs(read - exact(made.state["cells"])[voxel(CELL)])
    assert off > 100 * TOLERANCE
    with pytest.warns(sp.PromiseWarning, match=f"a cell read oxygen {off:.3g} off"):
        made.run(2 * MINUTE)
    assert solver.history[-1].excess == pytest.approx(off, abs=2 * TOLERANCE)
    assert solver.history[0].excess == 0.0
    assert made.state["excess"]["oxygen"] == solver.history[-1].excess
    assert [kind for kind, _ in solver.notices.counts] == ["cells read more than the bound"]


@pytest.mark.parametrize("kind", ["process", "step"])
def test_a_substrate_too_slow_for_its_interval_is_told_of_by_name_and_number(kind: str) -> None:
    """D = 10 um2/min over 320 um: 1 / (0.001 + 10 (pi / 320)^2) = 509 min."""
    slow = {"diffusivity_um2_per_min": 10.0, "decay_per_min": 0.001}
    made, solver, _ = composite(nothing, {"a": CELL}, kind=kind, oxygen=slow)
    with pytest.warns(sp.PromiseWarning, match=r"oxygen comes to rest in about 509 min, and a step is 1 min"):
        made.run(3 * MINUTE)
    assert solver.notices.counts == {("not quasi-steady", "oxygen"): 1}


@pytest.mark.parametrize(("uptake", "slow"), [(0.0, True), (2000.0, False)])
def test_a_substrate_that_nothing_holds_comes_to_rest_by_what_takes_it_up(uptake: float, slow: bool) -> None:
    """By its decay alone in 20 min, and by what cells take up, shared out over all voxels, within the interval."""
    rates = {"secretion_per_min": {"oxygen": 0.1}, "secretion_target": {"oxygen": 30.0}}
    core = register(allocate_core())
    medium = {**OXYGEN, "decay_per_min": 0.05}
    process = SurrogateDiffusion({**CONFIG, "substrates": {"oxygen": medium}}, core=core)
    cells = {"a": {**CELL, **rates, "uptake_per_min": {"oxygen": uptake}}}
    state = {"fields": {"oxygen": np.zeros(SHAPE)}, "cells": cells, "vessels": {}}
    if slow:
        with pytest.warns(sp.PromiseWarning, match=r"oxygen comes to rest in about 19.9 min, and a step is 1 min"):
            process.update(state, MINUTE)
    else:
        process.update(state, MINUTE)
    assert bool(process.notices.counts) == slow


def test_nobody_is_told_that_nothing_supplies_what_cells_make_later() -> None:
    def makes(update: int, state: dict[str, Any]) -> dict[str, Any]:
        rates = {"secretion_per_min": {"oxygen": 5.0}, "secretion_target": {"oxygen": 30.0}}
        return {"cells": {"_remove": ["a"], "_add": [("b", {**CELL, **rates})]}} if update == 2 else {}

    made, solver, _ = composite(makes, {"a": CELL}, oxygen={"decay_per_min": 5.0})
    made.state["vessels"].clear()
    made.run(MINUTE)
    assert made.state["fields"]["oxygen"].max() == 0.0
    made.run(2 * MINUTE)
    assert made.state["fields"]["oxygen"].max() > 0.001
    assert not solver.notices.counts


def test_slopes_are_as_good_as_the_tolerance_says_of_differences() -> None:
    true = np.gradient(exact({"a": CELL}), SPACING_UM)[1]
    for share in (0.01, 0.001):
        made, solver, _ = composite(nothing, {"a": CELL}, oxygen={"tolerance": 38.0 * share})
        made.run(MINUTE)
        slope = np.gradient(made.state["fields"]["oxygen"], SPACING_UM)[1]
        assert np.abs(slope - true).max() <= 2 * solver.history[-1].bound / SPACING_UM + 1e-12


def test_without_the_time_the_step_still_follows_cells_and_vessels() -> None:
    core = register(allocate_core())
    step = SurrogateDiffusionStep(CONFIG, core=core)
    field = np.zeros(SHAPE)
    for cells in ({}, {"a": CELL}, {"a": {**CELL, "uptake_per_min": {"oxygen": 90.0}}}):
        update = step.update({"fields": {"oxygen": field}, "cells": cells, "vessels": {"v": VESSEL}})
        field = field + update["fields"]["oxygen"]
        assert np.abs(field - exact(cells)).max() <= update["bound"]["oxygen"] + 1e-9
    assert not step.notices.counts
