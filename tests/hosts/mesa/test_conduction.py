"""What cells of a grid conduct, hold back and let decay, by layer and by who is in them, and what passes the sides."""

from __future__ import annotations

from typing import Any

import mesa
import numpy as np
import pytest
from mesa.discrete_space import FixedAgent, OrthogonalMooreGrid

import surrogate_plugin as sp
from surrogate_adapters.mesa import Substrate, attach
from tests.equation.assembled import solved
from tests.hosts.mesa.models import Vessel

D, DECAY, H, SHAPE = 2e3, 0.1, 20.0, (13, 8)


class Wall(FixedAgent):
    """Something that is in the way."""

    def __init__(self, model: mesa.Model, place: tuple[int, int], leak: float = 1.0) -> None:
        super().__init__(model)
        self.cell, self.leak = model.grid[place], leak


WALLS = [(4, y) for y in range(5)] + [(9, 3), (10, 3)]
TISSUE = {"diffusivity_um2_per_min": D, "decay_per_min": DECAY, "vessels": {Vessel: 38.0}}


def model_of(torus: bool = False) -> mesa.Model:
    model = mesa.Model(rng=0)
    model.grid = OrthogonalMooreGrid(SHAPE, torus=torus, random=model.random)
    Vessel(model, model.grid[1, 2])
    for k, place in enumerate(WALLS):
        Wall(model, place, leak=1.0 + k)
    for name, dtype in (("bone", bool), ("density", float)):
        model.grid.create_property_layer(name, default_value=dtype(0), dtype=dtype)
    model.grid.bone.data[6:9, 5:] = True
    model.grid.density.data[:] = np.arange(13.0)[:, None] + 1.0
    return model


def field_of(model: mesa.Model, **substrate: Any) -> np.ndarray:
    attach(model, substrates={"drug": Substrate(**{**TISSUE, **substrate})}, spacing_um=H, tolerance=1e-9)
    model.step()
    return model.grid.drug.data


def reference(boundary: Any = "reflecting", **maps: Any) -> np.ndarray:
    """The same, (width, height), from a matrix assembled and solved by code of its own."""
    fixed = np.zeros(SHAPE, dtype=bool)
    fixed[1, 2] = True
    given = {"diffusivity": np.full(SHAPE, D), "decay": np.full(SHAPE, DECAY)} | maps
    walls = given.pop("membranes", None)
    turned = {key: value.T for key, value in given.items()}
    problem = sp.Problem(38.0 * fixed.T, fixed=fixed.T, spacing=H, boundary=boundary, membranes=walls, **turned)
    return solved(problem).T


def where_walls(numbers: Any, around: float) -> np.ndarray:
    found = np.full(SHAPE, around)
    for place, number in zip(WALLS, np.broadcast_to(numbers, len(WALLS)), strict=True):
        found[place] = number
    return found


@pytest.mark.parametrize("conducted", [0.0, 50.0])
def test_cells_conduct_as_who_is_in_them(conducted):
    field = field_of(model_of(), diffusivity_in_um2_per_min={Wall: conducted})
    assert np.abs(field - reference(diffusivity=where_walls(conducted, D))).max() <= 1e-8


def test_cells_conduct_as_a_layer_says():
    field = field_of(model_of(), diffusivity_in_um2_per_min={"bone": "density"}, decay_in_per_min={"bone": 0.0})
    diffusivity, decay = np.full(SHAPE, D), np.full(SHAPE, DECAY)
    diffusivity[6:9, 5:] = (np.arange(13.0)[:, None] + 1.0)[6:9]
    decay[6:9, 5:] = 0.0
    assert np.abs(field - reference(diffusivity=diffusivity, decay=decay)).max() <= 1e-8


def test_agents_let_less_decay_than_the_background():
    field = field_of(model_of(), decay_in_per_min={Wall: 0.02})
    assert np.abs(field - reference(decay=where_walls(0.02, DECAY))).max() <= 1e-8


@pytest.mark.parametrize("torus", [False, True])
def test_membranes_are_around_the_cells_of_agents(torus):
    field = field_of(model_of(torus), membrane_um_per_min={Wall: "leak"})
    resistance = where_walls(1.0 / (1.0 + np.arange(len(WALLS))), 0.0)
    faces = [resistance + np.roll(resistance, -1, axis) for axis in (0, 1)]
    faces = [each if torus else np.delete(each, -1, axis) for axis, each in enumerate(faces)]
    with np.errstate(divide="ignore"):
        walls = sp.Membranes(x=1.0 / faces[0].T, y=1.0 / faces[1].T)
    assert np.abs(field - reference("periodic" if torus else "reflecting", membranes=walls)).max() <= 1e-8


@pytest.mark.parametrize("side", [sp.Flux(30.0), sp.Exchange(40.0, 30.0)])
def test_something_passes_a_side(side):
    boundary = {**dict.fromkeys(("left", "right", "top"), "reflecting"), "bottom": side}
    field = field_of(model_of(), boundary={"bottom": side})
    assert np.abs(field - reference(boundary)).max() <= 1e-8


def test_walls_that_are_taken_away_let_through():
    model = model_of()
    before = field_of(model, diffusivity_in_um2_per_min={Wall: 0.0}).copy()
    for wall in list(model.agents_by_type[Wall]):
        wall.remove()
    model.step()
    assert np.abs(model.grid.drug.data - reference()).max() <= 1e-8
    assert np.abs(model.grid.drug.data - before).max() > 1.0
