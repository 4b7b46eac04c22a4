"""What is made at a constant rate: by cells whatever their volume, and by places, as pheromone models have it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from process_bigraph import Composite, Process, allocate_core

import surrogate_plugin as sp
from surrogate_adapters.process_bigraph import SurrogateDiffusion, register
from tests.exact import exact_field
from tests.hosts.process_bigraph.documents import CELL, CONFIG
from tests.hosts.process_bigraph.test_following import FIELDS, SHAPE, SPACING_UM

WALL = {"left": 38.0}
MEDIUM = {"diffusivity_um2_per_min": 1e5, "decay_per_min": 0.1, "tolerance": 1e-9, "boundary": WALL}


def steady(made: np.ndarray, decay: np.ndarray | float = 0.1) -> np.ndarray:
    sides = {"left": 38.0, "right": "reflecting", "bottom": "reflecting", "top": "reflecting"}
    return exact_field(
        sp.Problem(
            np.zeros(SHAPE),
            decay=decay * np.ones(SHAPE),
            production=made,
            diffusivity=1e5,
            spacing=SPACING_UM,
            boundary=sides,
        )
    )


def answer(table: dict[str, Any], sources: Any = None, **config: Any) -> np.ndarray:
    process = SurrogateDiffusion({**CONFIG, "substrates": {"oxygen": MEDIUM}, **config}, core=register(allocate_core()))
    state = {"fields": {"oxygen": np.zeros(SHAPE)}, "cells": table}
    if sources is not None:
        state["sources"] = {"oxygen": sources}
    return process.update(state, 60.0)["fields"]["oxygen"]


@pytest.mark.parametrize("kept", ["map", "arrays"])
@pytest.mark.parametrize("volume", [0.0, 2000.0])
def test_cells_release_whatever_their_volume(kept: str, volume: float) -> None:
    made, decay = np.zeros(SHAPE), np.full(SHAPE, 0.1)
    made[3, 5], made[6, 12] = 500.0 + 40.0, 500.0
    places, release = [[105.0, 62.0], [108.0, 79.0], [250.0, 139.0], [20.0, 20.0]], [500.0, 40.0, 500.0, 0.0]
    cells: dict[str, Any] = {"position_um": places, "volume_um3": [volume] * 4, "release_per_min": {"oxygen": release}}
    if volume:
        cells["uptake_per_min"] = {"oxygen": [10.0] * 4}
        for x, y in places:
            decay[int(y // SPACING_UM), int(x // SPACING_UM)] += 10.0 * volume / SPACING_UM**3
    if kept == "map":
        cells = {str(k): one(cells, k) for k in range(4)}
    assert np.abs(answer(cells, cells=kept) - steady(made, decay)).max() <= 1e-7


def one(table: dict[str, Any], k: int) -> dict[str, Any]:
    """A row of cells in arrays as a cell of its own."""
    return {key: {"oxygen": each["oxygen"][k]} if isinstance(each, dict) else each[k] for key, each in table.items()}


def test_voxels_make_what_is_wired_to_sources() -> None:
    made = np.arange(144.0).reshape(SHAPE)
    assert np.abs(answer({}, made) - steady(made)).max() <= 1e-7
    held = {**MEDIUM, "fixed": [(4, 7, 2.0)]}
    field = answer({}, made, substrates={"oxygen": held})
    assert field[4, 7] == 2.0
    assert field[4, 15] > 10.0
    with pytest.raises(
        sp.InvalidProblemError, match=r"sources.oxygen has shape \(16, 9\); that of the lattice, \(9, 16\)"
    ):
        answer({}, made.T)


class Blinking(Process):
    """Makes something in one place, and later in another."""

    def inputs(self) -> dict[str, Any]:
        return {"fields": FIELDS}

    def outputs(self) -> dict[str, Any]:
        return {"sources": FIELDS}

    def initialize(self, config: dict[str, Any]) -> None:
        self.read: list[np.ndarray] = []

    def update(self, state: dict[str, Any], interval: float) -> dict[str, Any]:
        self.read.append(np.array(state["fields"]["oxygen"]))
        lights = np.zeros(SHAPE)
        lights[1, len(self.read)] = 300.0
        return {"sources": {"oxygen": lights}}  # added to what there is


def test_a_step_solves_anew_when_another_process_changes_the_sources() -> None:
    core = register(allocate_core())
    core.register_link("Blinking", Blinking)
    ports = ("fields", "cells", "sources")
    diffusion = {
        "_type": "step",
        "address": "local:SurrogateDiffusionStep",
        "config": {**CONFIG, "substrates": {"oxygen": MEDIUM}},
        "inputs": {**{port: [port] for port in ports}, "time": ["global_time"]},
        "outputs": {"fields": ["fields"]},
    }
    blinking = {
        "_type": "process",
        "address": "local:Blinking",
        "interval": 60.0,
        "inputs": {"fields": ["fields"]},
        "outputs": {"sources": ["sources"]},
    }
    cell = {**CELL, "volume_um3": 0.0, "uptake_per_min": {}, "release_per_min": {"oxygen": 100.0}}
    composite = Composite({"state": {"diffusion": diffusion, "blinking": blinking, "cells": {"a": cell}}}, core=core)
    composite.run(240.0)
    made = np.zeros(SHAPE)
    made[3, 5] = 100.0
    for step, read in enumerate(composite.state["blinking"]["instance"].read):
        made[1, 1 : step + 1] = 300.0
        assert np.abs(read - steady(made)).max() <= 1e-6
