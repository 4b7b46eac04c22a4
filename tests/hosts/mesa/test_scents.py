"""What is made at a constant rate: by agents whatever their volume, and by places, as models of pheromones have it."""

from __future__ import annotations

from typing import Any

import mesa
import numpy as np
import pytest
from mesa.discrete_space import CellAgent, OrthogonalMooreGrid
from mesa.experimental.continuous_space import ContinuousSpace, ContinuousSpaceAgent

import surrogate_plugin as sp
from surrogate_adapters.mesa import Substrate, attach
from tests.hosts.mesa.models import Tumour, Vessel, still

D, DECAY, H = 400.0, 0.3, 20.0


class Ant(CellAgent):
    """Has no volume, and lays a trail."""

    def __init__(self, model: mesa.Model, cell: Any, laden: float = 1.0) -> None:
        super().__init__(model)
        self.cell, self.laden = cell, laden


SCENT = Substrate(diffusivity_um2_per_min=D, decay_per_min=DECAY, release_per_min={Ant: lambda ant: 4.0 * ant.laden})


def meadow(*ants: tuple[int, int, float], torus: bool = False) -> mesa.Model:
    model = mesa.Model(rng=0)
    model.grid = OrthogonalMooreGrid((13, 8), torus=torus, random=model.random)
    for x, y, laden in ants:
        Ant(model, model.grid[x, y], laden)
    return model


def steady(made: np.ndarray, torus: bool = False, decay: Any = DECAY, held: Any = np.nan) -> np.ndarray:
    """The field of what each cell makes, field units / min; rows of the five-point scheme written down one by one."""
    width, height = made.shape
    decay, held = np.broadcast_to(decay, made.shape), np.broadcast_to(held, made.shape)
    matrix, right = np.zeros((made.size, made.size)), made.ravel().copy()
    for x, y in np.ndindex(width, height):
        row = x * height + y
        if not np.isnan(held[x, y]):
            matrix[row, row], right[row] = 1.0, held[x, y]
            continue
        matrix[row, row] += decay[x, y]
        for i, j in ((x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)):
            if torus:
                i, j = i % width, j % height
            if 0 <= i < width and 0 <= j < height:
                matrix[row, row] += D / H**2
                matrix[row, i * height + j] -= D / H**2
    return np.linalg.solve(matrix, right).reshape(made.shape)


@pytest.mark.parametrize("torus", [False, True])
def test_ants_lay_what_they_release_whatever_their_volume(torus):
    model = meadow((2, 3, 1.0), (2, 3, 0.5), (12, 0, 2.0), (7, 7, 0.0), torus=torus)
    link = attach(model, substrates={"scent": SCENT}, spacing_um=H, tolerance=1e-9)
    model.step()
    made = np.zeros((13, 8))
    made[2, 3], made[12, 0] = 4.0 * 1.5, 4.0 * 2.0
    assert np.abs(model.grid.scent.data - steady(made, torus)).max() <= 1e-8
    assert link.history[-1].bound <= 1e-9
    gone = next(ant for ant in model.agents_by_type[Ant] if ant.laden == 2.0)
    gone.remove()
    model.step()
    made[12, 0] = 0.0
    assert np.abs(model.grid.scent.data - steady(made, torus)).max() <= 1e-8


def test_places_make_a_number_or_what_a_layer_says():
    model = meadow((5, 5, 1.0))
    for name, dtype in (("nest", bool), ("food", bool), ("smell", float)):
        model.grid.create_property_layer(name, default_value=dtype(0), dtype=dtype)
    model.grid.nest.data[0:2, 0:3] = True
    model.grid.food.data[1:4, 2] = True
    model.grid.smell.data[:] = np.arange(13)[:, None]
    scent = SCENT.model_copy(update={"production_per_min": {"nest": 2.0, "food": "smell"}})
    attach(model, substrates={"scent": scent}, spacing_um=H, tolerance=1e-9)
    model.step()
    made = np.zeros((13, 8))
    made[0:2, 0:3] = 2.0
    made[1:4, 2] = [2.0, 2.0, 3.0]  # where both are, the larger
    made[5, 5] += 4.0
    assert np.abs(model.grid.scent.data - steady(made)).max() <= 1e-8
    model.grid.smell.data[3, 2] = 30.0
    model.step()
    made[3, 2] = 30.0
    assert np.abs(model.grid.scent.data - steady(made)).max() <= 1e-8


def test_who_releases_may_take_up_by_volume_besides():
    model = still(cells=4, vessels=1)
    both = Substrate(
        diffusivity_um2_per_min=D,
        decay_per_min=DECAY,
        uptake_per_min={Tumour: 5.0},
        release_per_min={Tumour: 3.0},
        vessels={Vessel: 1.0},
    )
    link = attach(model, substrates={"scent": both}, spacing_um=H, volume_um3=0.5 * H**3, tolerance=1e-9)
    model.step()
    decay, made, held = np.full((17, 11), DECAY), np.zeros((17, 11)), np.full((17, 11), np.nan)
    for agent in model.agents_by_type[Tumour]:
        decay[agent.cell.coordinate] += 0.5 * 5.0
        made[agent.cell.coordinate] += 3.0
    held[model.agents_by_type[Vessel][0].cell.coordinate] = 1.0
    assert np.abs(model.grid.scent.data - steady(made, decay=decay, held=held)).max() <= 1e-8
    assert link.history[-1].bound <= 1e-9


class Swimmer(ContinuousSpaceAgent):
    def __init__(self, model: mesa.Model, position: Any) -> None:
        super().__init__(model.space, model)
        self.position = position


def test_in_a_continuous_space_all_that_is_released_is_there():
    model = mesa.Model(rng=0)
    model.space = ContinuousSpace([[0, 260], [0, 160]], random=model.random)
    for place in ([50.0, 70.0], [131.0, 90.0], [255.0, 5.0]):
        Swimmer(model, place)
    scent = Substrate(diffusivity_um2_per_min=D, decay_per_min=DECAY, release_per_min={Swimmer: 4.0})
    link = attach(model, substrates={"scent": scent}, spacing_um=H, tolerance=1e-9)
    model.step()
    field = link.result("scent").field
    # What decays in all pixels is what all agents release, in field units of a pixel.
    assert DECAY * field.sum() == pytest.approx(3 * 4.0, rel=1e-7)
    assert field[3, 2] > field[3, 5] > 0  # it is where they are


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"release_per_min": {"nest": 1.0}}, "release_per_min names 'nest'; classes of agents are allowed, layers in"),
        ({"release_per_min": {Ant: -1.0}}, "the reading for Ant is -1.0"),
        ({"uptake_per_min": {"nest": 1.0}}, "uptake_per_min names 'nest'"),
    ],
)
def test_what_cannot_be_released_is_refused(option, words):
    with pytest.raises(sp.InvalidProblemError, match=words):
        Substrate(diffusivity_um2_per_min=D, **option)


def test_a_layer_that_makes_something_must_be_of_truth_values():
    model = meadow()
    model.grid.create_property_layer("nest", 0.0, dtype=float)
    scent = SCENT.model_copy(update={"production_per_min": {"nest": 2.0}})
    link = attach(model, substrates={"scent": scent}, spacing_um=H)
    with pytest.raises(
        sp.UnsupportedProblemError, match=r"production_per_min \(scent\) names property layer 'nest' of"
    ):
        link.update()
