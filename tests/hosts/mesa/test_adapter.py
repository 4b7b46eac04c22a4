"""Mesa on the backend: at the start of every step agents see the steady field of what they and the layers say."""

from __future__ import annotations

import mesa
import numpy as np
import pytest
from mesa.discrete_space import OrthogonalMooreGrid, OrthogonalVonNeumannGrid

from surrogate_adapters.mesa import Substrate, attach
from tests.hosts.mesa.models import DECAY, OXYGEN, VOLUME, D, H, Spheroid, Stem, Tumour, Vessel, attached, off, still


@pytest.mark.parametrize("torus", [False, True])
@pytest.mark.parametrize("capacity", [1, 3, None])
@pytest.mark.parametrize("grid", [OrthogonalMooreGrid, OrthogonalVonNeumannGrid])
def test_agents_see_the_steady_field_at_the_start_of_every_step(grid, capacity, torus):
    model = Spheroid(torus=torus, capacity=capacity, grid=grid, rng=3)
    last = max(agent.unique_id for agent in model.agents)
    for step in range(6):
        model.step()
        assert model.off <= min(1e-5, model.link.history[-1].bound)
        assert model.link.history[-1].time == step
    assert model.steps == 6
    living = {agent.unique_id for agent in model.agents}
    assert max(living) > last  # some were born
    assert not living >= set(range(1, last + 1))  # and some died


def test_a_torus_has_no_border():
    fields = []
    for shift in (0, 5):
        model = mesa.Model(rng=0)
        model.grid = OrthogonalMooreGrid((12, 8), torus=True, random=model.random)
        Vessel(model, model.grid[(10 + shift) % 12, (6 + shift) % 8])
        Tumour(model, model.grid[(2 + shift) % 12, (1 + shift) % 8])
        with attach(model, substrates={"oxygen": OXYGEN}, spacing_um=H, volume_um3=VOLUME, tolerance=1e-8) as link:
            model.step()
        assert link.history[0].bound <= 1e-8
        fields.append(model.grid.oxygen.data.copy())
    assert np.abs(np.roll(fields[0], (5, 5), axis=(0, 1)) - fields[1]).max() <= 2e-8
    assert np.ptp(fields[0]) > 1.0


def test_sides_can_be_other_than_the_spaces_own():
    model = still()
    oxygen = Substrate(
        diffusivity_um2_per_min=D, boundary={"left": 38.0, "right": 8.0, "bottom": "reflecting", "top": "reflecting"}
    )
    with attach(model, substrates={"oxygen": oxygen}, spacing_um=H, tolerance=1e-8):
        model.step()
    # Without decay and cells the field falls in a straight line along x, between ghosts one cell outside.
    assert model.grid.oxygen.data[:, 3] == pytest.approx(38.0 - 30.0 * np.arange(1, 18) / 18, abs=1e-7)


def test_where_vessels_meet_the_largest_value_wins_and_layers_are_vessels_too():
    model = still()
    for value in (20.0, 30.0, 10.0):
        Vessel(model, model.grid[3, 7], value)
    model.grid.create_property_layer("artery", False, dtype=bool)
    model.grid.artery.data[0, :] = True
    model.grid.artery.data[3, 7] = True
    oxygen = OXYGEN.model_copy(update={"vessels": {Vessel: lambda agent: agent.value, "artery": 25.0}})
    attached(model, oxygen)
    model.step()
    assert model.grid[3, 7].oxygen == 30.0
    assert (model.grid.oxygen.data[0] == 25.0).all()
    assert np.sort(model.grid.oxygen.data, axis=None)[-2] < 29.0


def test_each_class_has_its_readings_and_subclasses_those_of_their_parent():
    model = still(vessels=1)
    for kind, place in ((Tumour, (2, 2)), (Stem, (9, 9)), (Vessel, (14, 3))):
        kind(model, model.grid[place])
    one = Substrate(
        diffusivity_um2_per_min=D,
        decay_per_min=DECAY,
        uptake_per_min={Tumour: 10.0},
        vessels={Vessel: 38.0},
        secretion_per_min={Stem: 2.0},
        secretion_target={Tumour: 20.0},
    )
    link = attached(model, one, volume_um3={Tumour: 2000.0, Stem: lambda agent: 500.0})
    cells = link.state("oxygen").cells
    assert cells.uptake_per_min.tolist() == [10.0, 10.0]
    assert cells.secretion_per_min.tolist() == [0.0, 2.0]
    assert cells.volume_um3.tolist() == pytest.approx([2000.0, 500.0])
    assert cells.position_um.tolist() == [[50.0, 50.0], [190.0, 190.0]]


def test_uptake_may_saturate():
    model = still(cells=20, vessels=2)
    first, saturating = attached(model), OXYGEN.model_copy(update={"michaelis_km": 1.0})
    model.step()
    low = model.grid.oxygen.data.copy()
    first.detach()
    attached(model, saturating)
    model.step()
    assert (model.grid.oxygen.data >= low - 1e-5).all()
    assert model.grid.oxygen.data.min() > low.min() + 0.1


@pytest.mark.parametrize("size", [(5, 5), (3, 4), (1, 30), (30, 1), (1, 1)])
@pytest.mark.parametrize("torus", [False, True])
def test_grids_may_be_small(size, torus):
    model = mesa.Model(rng=0)
    model.grid = OrthogonalMooreGrid(size, torus=torus, random=model.random)
    Vessel(model, model.grid[0, 0])
    Tumour(model, model.grid[size[0] - 1, size[1] - 1])
    link = attached(model)
    model.step()
    assert link.history[-1].bound <= 1e-5
    assert off(model) <= 1e-5
