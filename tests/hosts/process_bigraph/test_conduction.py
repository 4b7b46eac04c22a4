"""What voxels and cells conduct and hold back, and what passes sides, as a document may say it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from process_bigraph import Composite, allocate_core

import surrogate_plugin as sp
from surrogate_adapters.process_bigraph import SurrogateDiffusion, register
from tests.equation.assembled import solved
from tests.hosts.process_bigraph.documents import document, process_of
from tests.hosts.process_bigraph.test_following import SHAPE, SPACING_UM

REFLECTING = dict.fromkeys(("left", "right", "bottom", "top"), "reflecting")
MEDIUM = {"diffusivity_um2_per_min": 2e3, "decay_per_min": 0.1, "tolerance": 1e-9, "boundary": {"left": 38.0}}
REGIONS = np.add.outer(np.arange(9) // 4, 5 * (np.arange(16) // 6))
CONDUCTED = np.where(REGIONS % 2 == 0, 2e3, 50.0)
CONDUCTED[3:5, 6:9] = 0.0
CELLS = {
    "a": {"position_um": [105.0, 62.0], "volume_um3": 8000.0, "uptake_per_min": {"oxygen": 3.0}},
    "b": {"position_um": [125.0, 62.0], "volume_um3": 8000.0, "uptake_per_min": {"oxygen": 1.0}},
}


def answer(table: dict[str, Any], kept: str = "map", **medium: Any) -> np.ndarray:
    config = {"shape": list(SHAPE), "spacing_um": SPACING_UM, "cells": kept}
    process = SurrogateDiffusion(
        {**config, "substrates": {"oxygen": {**MEDIUM, **medium}}}, core=register(allocate_core())
    )
    return process.update({"fields": {"oxygen": np.zeros(SHAPE)}, "cells": table}, 6000.0)["fields"]["oxygen"]


def reference(boundary: Any = None, **options: Any) -> np.ndarray:
    """The field of the two cells, each of which fills its voxel; the matrix assembled and solved by code of its own."""
    decay = np.full(SHAPE, 0.1) if "decay" not in options else options.pop("decay").copy()
    decay[3, 5], decay[3, 6] = decay[3, 5] + 3.0, decay[3, 6] + 1.0
    given = {"diffusivity": 2e3, "spacing": SPACING_UM, "boundary": {**REFLECTING, "left": 38.0}} | options
    return solved(sp.Problem(np.zeros(SHAPE), decay=decay, **(given | ({"boundary": boundary} if boundary else {}))))


def test_voxels_conduct_and_decay_in_their_own_ways():
    field = answer(CELLS, diffusivity_map=CONDUCTED.tolist())
    assert np.abs(field - reference(diffusivity=CONDUCTED)).max() <= 1e-8
    decay = np.linspace(0.0, 0.5, 144).reshape(SHAPE)
    assert np.abs(answer(CELLS, decay_map=decay.tolist()) - reference(decay=decay)).max() <= 1e-8


@pytest.mark.parametrize("permeability", [0.0, 5.0])
def test_membranes_are_between_regions(permeability):
    field = answer(CELLS, regions=REGIONS.tolist(), permeability_um_per_min=permeability)
    assert np.abs(field - reference(membranes=sp.Membranes.between(REGIONS, permeability))).max() <= 1e-8


@pytest.mark.parametrize("side", ["flux:30", "exchange:40:30"])
def test_something_passes_a_side(side):
    given = sp.Flux(30.0) if side.startswith("flux") else sp.Exchange(40.0, 30.0)
    field = answer(CELLS, boundary={"top": side, "right": "4.0"})
    assert np.abs(field - reference({**REFLECTING, "top": given, "right": 4.0})).max() <= 1e-8


@pytest.mark.parametrize("kept", ["map", "arrays"])
def test_cells_have_membranes_and_conduct_and_let_decay_in_ways_of_their_own(kept):
    own = {
        "membrane_um_per_min": (5.0, 20.0),
        "diffusivity_um2_per_min": (100.0, 0.0),
        "decay_change_per_min": (-0.1, 1),
    }
    cells = {
        key: {**cell, **{option: {"oxygen": both[k]} for option, both in own.items()}}
        for k, (key, cell) in enumerate(CELLS.items())
    }
    cells["scent"] = {"position_um": [250.0, 30.0], "release_per_min": {"oxygen": 4.0}}  # says nothing of the kind
    if kept == "arrays":
        rows = list(cells.values())
        numbers = {"uptake_per_min": 0.0, "release_per_min": 0.0, "decay_change_per_min": 0.0}
        numbers |= {"membrane_um_per_min": np.inf, "diffusivity_um2_per_min": np.nan}
        cells = {
            option: {"oxygen": [one.get(option, {}).get("oxygen", n) for one in rows]} for option, n in numbers.items()
        }
        cells |= {"position_um": [one["position_um"] for one in rows], "volume_um3": [8000.0, 8000.0, 0.0]}
    conducted, decay, made = np.full(SHAPE, 2e3), np.full(SHAPE, 0.1), np.zeros(SHAPE)
    conducted[3, 5], conducted[3, 6] = 100.0, 0.0
    decay[3, 5], decay[3, 6] = 0.0, 1.1
    made[1, 12] = 4.0
    resistance = np.zeros(SHAPE)
    resistance[3, 5], resistance[3, 6] = 1 / 5.0, 1 / 20.0
    with np.errstate(divide="ignore"):
        walls = sp.Membranes(
            x=1.0 / (resistance[:, 1:] + resistance[:, :-1]), y=1.0 / (resistance[1:] + resistance[:-1])
        )
    exact = reference(diffusivity=conducted, decay=decay, production=made, membranes=walls)
    assert np.abs(answer(cells, kept) - exact).max() <= 1e-8


@pytest.mark.filterwarnings("ignore:oxygen comes to rest:surrogate_plugin.PromiseWarning")
def test_what_a_document_says_of_voxels_and_sides_is_saved_with_it(tmp_path):
    medium = {
        **MEDIUM,
        "diffusivity_map": CONDUCTED.tolist(),
        "regions": REGIONS.tolist(),
        "permeability_um_per_min": 5.0,
        "boundary": {"left": 38.0, "top": "flux:30"},
    }
    core = register(allocate_core())
    first = Composite(document(substrates={"oxygen": medium}), core=core)
    first.run(60.0)
    first.save("saved.json", str(tmp_path))
    again = Composite(json.loads((tmp_path / "saved.json").read_text()), core=register(allocate_core()))
    again.run(60.0)
    assert np.abs(again.state["fields"]["oxygen"] - first.state["fields"]["oxygen"]).max() <= 1e-9
    one, other = (process_of(each).backend("oxygen").config for each in (first, again))
    assert one.boundary == other.boundary
    assert np.array_equal(one.diffusivity_um2_per_min, other.diffusivity_um2_per_min)


@pytest.mark.parametrize(
    ("medium", "words"),
    [
        ({"regions": REGIONS.tolist()}, "regions and permeability_um_per_min come together"),
        (
            {"boundary": {"left": "flux:a"}},
            "boundary has 'flux:a'; 'flux:INWARD' and 'exchange:RATE:VALUE' are allowed",
        ),
        ({"boundary": {"left": "exchange:2"}}, "boundary has 'exchange:2'; 'flux:INWARD'"),
        ({"diffusivity_map": CONDUCTED.T.tolist()}, r"diffusivity_um2_per_min has shape \(16, 9\)"),
    ],
)
def test_what_is_no_map_and_no_side_is_refused(medium, words):
    with pytest.raises(sp.InvalidProblemError, match=words):
        answer({}, **medium)


def test_a_vessel_may_leak():
    vessel = {"position_um": [210.0, 90.0], "radius_um": 25.0, "value": {"oxygen": 38.0}}
    leaky = {**vessel, "permeability_um_per_min": {"oxygen": 20.0}}
    config = {"shape": list(SHAPE), "spacing_um": SPACING_UM, "substrates": {"oxygen": MEDIUM}}
    domain = sp.Domain.from_lattice(SHAPE, SPACING_UM)
    for one, permeability in ((vessel, None), (leaky, 20.0)):
        process = SurrogateDiffusion(config, core=register(allocate_core()))
        state = {"fields": {"oxygen": np.zeros(SHAPE)}, "vessels": {"v": one}}
        field = process.update(state, 6000.0)["fields"]["oxygen"]
        blood = sp.Vessels([(210.0, 90.0)], 25.0, 38.0, permeability_um_per_min=permeability)
        told = sp.BackendConfig(
            domain=domain,
            diffusivity_um2_per_min=2e3,
            decay_per_min=0.1,
            boundary={**REFLECTING, "left": 38.0},
            deposit="voxel",
        )
        exact = solved(sp.Backend(told).problem(sp.TissueState(vessels=blood)))
        assert np.abs(field - exact).max() <= 1e-8
