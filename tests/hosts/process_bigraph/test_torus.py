"""Sides of a document's lattice: those that are not named reflect, periodic ones make a torus."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from process_bigraph import allocate_core

import surrogate_plugin as sp
from surrogate_adapters.process_bigraph import SurrogateDiffusionStep, register
from tests.exact import exact_field
from tests.hosts.process_bigraph.documents import OXYGEN

SHAPE, SPACING_UM, DECAY, DIFFUSIVITY = (9, 12), 20.0, 10.0, 1e4
SIZE_UM = np.array(SHAPE[::-1]) * SPACING_UM
TOLERANCE = 1e-6
REFLECTING = dict.fromkeys(("left", "right", "bottom", "top"), "reflecting")
TORUS = dict.fromkeys(REFLECTING, "periodic")


@pytest.fixture(scope="module")
def core() -> Any:
    return register(allocate_core())


def answer(
    core: Any, boundary: dict[str, Any], vessels: Any = (), cells: Any = (), **config: Any
) -> tuple[np.ndarray, np.ndarray]:
    """The field, and what each cell has around it."""
    medium = {"diffusivity_um2_per_min": DIFFUSIVITY, "decay_per_min": DECAY, "boundary": boundary}
    substrates = {"oxygen": {**OXYGEN, **medium, "tolerance": TOLERANCE}}
    step = SurrogateDiffusionStep(
        {"shape": list(SHAPE), "spacing_um": SPACING_UM, "substrates": substrates, **config}, core=core
    )
    state = {
        "fields": {"oxygen": np.zeros(SHAPE)},
        "vessels": {
            str(k): {"position_um": list(place), "end_um": list(end), "radius_um": 31.0, "value": {"oxygen": 38.0}}
            for k, (place, end) in enumerate(vessels)
        },
        "cells": {
            str(k): {
                "position_um": list(place),
                "volume_um3": 3000.0,
                "uptake_per_min": {"oxygen": 60.0},
                "production_per_min": {"oxygen": 30.0},
            }
            for k, place in enumerate(cells)
        },
    }
    update = step.update(state)
    return update["fields"]["oxygen"], np.array([seen["oxygen"] for seen in update["sampled"].values()])


def exact(boundary: dict[str, Any]) -> np.ndarray:
    problem = sp.Problem(np.zeros(SHAPE), diffusivity=DIFFUSIVITY, decay=DECAY, spacing=SPACING_UM, boundary=boundary)
    return exact_field(problem)


@pytest.mark.parametrize("named", [{"left": 5.0}, {"top": 2.0, "right": "absorbing"}, {"bottom": 3.0, "top": "3.0"}])
def test_sides_that_are_not_named_reflect(core: Any, named: dict[str, Any]) -> None:
    field, _ = answer(core, named)
    numbers = {side: float(kind) if kind == "3.0" else kind for side, kind in named.items()}
    np.testing.assert_allclose(field, exact({**REFLECTING, **numbers}), atol=2 * TOLERANCE)
    assert np.abs(field - exact(numbers)).max() > 0.3  # absorbing, which they were


def test_one_axis_may_be_a_ring_and_the_other_one_not(core: Any) -> None:
    field, _ = answer(core, {"left": "periodic", "right": "periodic", "bottom": 4.0})
    np.testing.assert_allclose(field, exact({**REFLECTING, "bottom": 4.0}), atol=2 * TOLERANCE)


VESSELS = np.array([((110.0, 90.0), (110.0, 90.0)), ((50.0, 30.0), (130.0, 30.0))])
CELLS = np.array([(10.0, 10.0), (130.0, 70.0), (135.0, 75.0), (210.0, 150.0)])


@pytest.mark.parametrize("deposit", ["voxel", "area"])
@pytest.mark.parametrize("outside", ["clamp", "drop", "error"])
@pytest.mark.parametrize("turn", [(0, 1), (5, 0), (7, 4), (11, 8)])
def test_the_same_tissue_moved_around_a_torus_has_the_same_field_moved(
    core: Any, deposit: str, outside: str, turn: tuple[int, int]
) -> None:
    """Discs, capsules and areas come to lie on the seam, where they used to be cut off."""
    shift, config = np.array(turn) * SPACING_UM, {"deposit": deposit, "outside": outside}
    field, read = answer(core, TORUS, VESSELS, CELLS, **config)
    moved, elsewhere = answer(core, TORUS, VESSELS + shift, (CELLS + shift) % SIZE_UM, **config)
    np.testing.assert_allclose(moved, np.roll(field, turn[::-1], axis=(0, 1)), atol=2 * TOLERANCE)
    np.testing.assert_allclose(elsewhere, read, atol=2 * TOLERANCE)
    beyond, outside_of_it = answer(core, TORUS, VESSELS + shift - SIZE_UM, CELLS + shift + 3 * SIZE_UM, **config)
    np.testing.assert_allclose(beyond, moved, atol=2 * TOLERANCE)
    np.testing.assert_allclose(outside_of_it, elsewhere, atol=2 * TOLERANCE)
