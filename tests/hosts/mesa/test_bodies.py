"""Agents that exchange something and make the grid's cell they are in something else besides."""

from __future__ import annotations

import math
from typing import Any

import mesa
import numpy as np
import pytest
from mesa.discrete_space import CellAgent, OrthogonalMooreGrid
from mesa.experimental.continuous_space import ContinuousSpace

import surrogate_plugin as sp
from surrogate_adapters.mesa import Substrate, attach
from tests.equation.assembled import solved
from tests.hosts.mesa.models import Vessel

D, DECAY, H, SHAPE = 2e3, 0.1, 20.0, (9, 6)
EATERS = {(3, 2): 4.0, (6, 3): math.inf}
VOLUME, UPTAKE = 2494.0, 5.0


class Eater(CellAgent):
    """Takes up, behind a membrane or none."""

    def __init__(self, model: mesa.Model, place: tuple[int, int], leak: float) -> None:
        super().__init__(model)
        self.cell, self.leak = model.grid[place], leak


def field_of(**substrate: Any) -> np.ndarray:
    model = mesa.Model(rng=0)
    model.grid = OrthogonalMooreGrid(SHAPE, random=model.random)
    Vessel(model, model.grid[0, 0])
    for place, leak in EATERS.items():
        Eater(model, place, leak)
    for name, dtype, value in (("scar", bool, True), ("rot", float, 0.7)):
        model.grid.create_property_layer(name, dtype(value), dtype=dtype)
    drug = Substrate(
        diffusivity_um2_per_min=D,
        decay_per_min=DECAY,
        vessels={Vessel: 38.0},
        uptake_per_min={Eater: UPTAKE},
        **substrate,
    )
    attach(model, substrates={"drug": drug}, spacing_um=H, volume_um3=VOLUME, tolerance=1e-9)
    model.step()
    return model.grid.drug.data


def reference(around: float = DECAY, inside: float | None = None, membranes: sp.Membranes | None = None) -> np.ndarray:
    decay, fixed = np.full(SHAPE, around), np.zeros(SHAPE, dtype=bool)
    fixed[0, 0] = True
    for place in EATERS:
        decay[place] = (around if inside is None else inside) + UPTAKE * VOLUME / H**3
    problem = sp.Problem(
        38.0 * fixed.T,
        fixed=fixed.T,
        diffusivity=D,
        decay=decay.T,
        spacing=H,
        boundary="reflecting",
        membranes=membranes,
    )
    return solved(problem).T


def test_a_membrane_holds_back_as_it_is_said_whatever_the_agent_takes_up() -> None:
    x, y = np.full((SHAPE[1], SHAPE[0] - 1), np.inf), np.full((SHAPE[1] - 1, SHAPE[0]), np.inf)
    x[2, 2:4] = y[1:3, 3] = 4.0
    field = field_of(membrane_um_per_min={Eater: "leak"})
    assert np.abs(field - reference(membranes=sp.Membranes(x=x, y=y))).max() <= 1e-8


def test_decay_by_agent_is_in_the_place_of_what_a_layer_says() -> None:
    field = field_of(decay_in_per_min={Eater: 0.3, "scar": "rot"})
    assert np.abs(field - reference(around=0.7, inside=0.3)).max() <= 1e-8


def test_what_cells_of_a_continuous_space_are_counts_by_their_volume() -> None:
    model = mesa.Model(rng=0)
    model.space = ContinuousSpace([[0, 260], [0, 160]], random=model.random)
    drug = Substrate(diffusivity_um2_per_min=D, decay_per_min=DECAY, membrane_um_per_min={Eater: 1.0})
    with pytest.raises(sp.InvalidProblemError, match="volume_um3 has nothing for Eater, which takes up"):
        attach(model, substrates={"drug": drug}, spacing_um=H)


@pytest.mark.parametrize("leak", [-1.0, math.nan])
def test_a_permeability_is_a_number_not_below_0_or_inf(leak: float) -> None:
    with pytest.raises(
        sp.InvalidProblemError, match=r"for Eater is .*; a number >= 0 or inf, the name of an attribute"
    ):
        Substrate(diffusivity_um2_per_min=D, membrane_um_per_min={Eater: leak})
    with pytest.raises(sp.InvalidProblemError, match=r"at most 1e\+100, or inf for nothing of its own, are allowed"):
        field_of(membrane_um_per_min={Eater: lambda agent: leak})
