"""What Mesa's agents read is the certified field, by whatever way they read it, and of which moment it is."""

from __future__ import annotations

import mesa
import numpy as np
import pytest
from mesa.discrete_space import OrthogonalMooreGrid

import surrogate_plugin as sp
from surrogate_adapters.mesa import Substrate
from tests.exact import exact_field
from tests.hosts.mesa.models import DECAY, OXYGEN, VOLUME, D, H, Tumour, Vessel, attached, off, reference, still

#: What the voxel volume makes of an agent's rates.
SHARE = VOLUME / H**3


def exact(decay: np.ndarray, production: np.ndarray, fixed: np.ndarray, value: np.ndarray) -> np.ndarray:
    """The steady field, (width, height), by the sparse direct solver."""
    problem = sp.Problem(
        value, fixed=fixed, diffusivity=D, decay=decay, production=production, spacing=H, boundary="reflecting"
    )
    return exact_field(problem)


def test_neighbourhoods_selections_and_gradients_are_those_of_the_field():
    model = still(cells=20, vessels=2)
    link = attached(model)
    kept = model.grid.oxygen.data
    next(iter(model.agents_by_type[Tumour])).uptake = 50.0
    model.step()
    field, bound = reference(model), link.history[-1].bound
    for agent in model.agents:
        (x, y) = agent.cell.coordinate
        for cell in (agent.cell, *agent.cell.neighborhood):
            assert cell.oxygen == pytest.approx(field[cell.coordinate], abs=bound)
        if 0 < x < 16 and 0 < y < 10:
            climbs = model.grid[x + 1, y].oxygen - model.grid[x - 1, y].oxygen
            assert climbs == pytest.approx(field[x + 1, y] - field[x - 1, y], abs=2 * bound)
    lowest = model.grid.select_cells(extreme_values={"oxygen": "lowest"})
    assert lowest == [np.unravel_index(field.argmin(), field.shape)]
    assert np.abs(kept - field).max() <= bound  # who kept the layer's array sees the new field in it


@pytest.mark.parametrize("rate", [0.5, 20.0, 1e4])
def test_weak_and_strong_secretion_and_uptake_together_are_read_as_the_exact_field_has_them(rate):
    model = still(cells=9)
    gland = Substrate(
        diffusivity_um2_per_min=D,
        decay_per_min=DECAY,
        uptake_per_min={Tumour: "uptake"},
        secretion_per_min={Tumour: rate},
        secretion_target={Tumour: 5.0},
    )
    link = attached(model, gland, tolerance=1e-9)
    model.step()
    shape = (17, 11)
    decay, production = np.full(shape, DECAY), np.zeros(shape)
    for agent in model.agents_by_type[Tumour]:
        decay[agent.cell.coordinate] += SHARE * (10.0 + rate)
        production[agent.cell.coordinate] += SHARE * rate * 5.0
    field = exact(decay, production, np.zeros(shape, dtype=bool), np.zeros(shape))
    seen = [agent.cell.oxygen for agent in model.agents_by_type[Tumour]]
    expected = [field[agent.cell.coordinate] for agent in model.agents_by_type[Tumour]]
    assert link.history[-1].bound <= 1e-9
    assert seen == pytest.approx(expected, abs=2e-9)
    assert max(seen) < 5.0


@pytest.mark.parametrize("vessels", [0, 2])
def test_what_agents_make_whatever_is_there_counts_by_their_volume(vessels):
    model = still(cells=9, vessels=vessels)
    made = OXYGEN.model_copy(update={"production_per_min": {Tumour: lambda agent: 3.0 * agent.unique_id}})
    attached(model, made, tolerance=1e-8)
    model.step()
    shape = (17, 11)
    decay, production = np.full(shape, DECAY), np.zeros(shape)
    fixed, value = np.zeros(shape, dtype=bool), np.zeros(shape)
    for agent in model.agents_by_type[Tumour]:
        decay[agent.cell.coordinate] += SHARE * 10.0
        production[agent.cell.coordinate] += SHARE * 3.0 * agent.unique_id
    for agent in model.agents_by_type.get(Vessel, []):
        fixed[agent.cell.coordinate], value[agent.cell.coordinate] = True, 38.0
    assert np.abs(model.grid.oxygen.data - exact(decay, production, fixed, value)).max() <= 2e-8


class Wakeful(mesa.Model):
    """Its agents change, are born and move in the middle of a step, and note what is read then."""

    def __init__(self) -> None:
        super().__init__(rng=0)
        self.grid = OrthogonalMooreGrid((17, 11), random=self.random)
        Vessel(self, self.grid[3, 3])
        self.eater = Tumour(self, self.grid[5, 5])
        self.again = False
        self.seen: list[tuple[float, float]] = []

    def step(self) -> None:
        before = reference(self)
        self.eater.uptake *= 2.0
        self.eater.cell = self.grid[6, 5]
        born = Tumour(self, self.grid[3, 4])
        if self.again:
            self.link.update()
        now = reference(self)
        for agent in (self.eater, born):
            where = agent.cell.coordinate
            self.seen.append((agent.cell.oxygen - before[where], agent.cell.oxygen - now[where]))
        born.remove()


def test_within_a_step_everybody_reads_the_field_of_its_start_unless_it_is_asked_for_anew():
    model = Wakeful()
    model.link = attached(model)
    model.step()
    (of_start, of_now), (born_start, born_now) = model.seen
    assert max(map(abs, (of_start, born_start))) <= 1e-5
    assert min(map(abs, (of_now, born_now))) > 1e-3
    model.again = True
    model.step()
    late, born = model.seen[2:]
    assert max(map(abs, (late[1], born[1]))) <= 1e-5
    assert [entry.time for entry in model.link.history] == [0, 1, 1]
    model.link.update()
    assert off(model) <= 1e-5
