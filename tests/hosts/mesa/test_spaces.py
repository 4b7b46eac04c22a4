"""Mesa's other spaces, old and continuous, hold the field that the grid and the engine called directly have."""

from __future__ import annotations

import mesa
import numpy as np
import pytest
from mesa.discrete_space import OrthogonalMooreGrid
from mesa.experimental.continuous_space import ContinuousSpace

import surrogate_plugin as sp
from surrogate_adapters.mesa import Substrate
from tests.hosts.mesa.lake import PLACES, WATER, Swimmer, lake
from tests.hosts.mesa.models import DECAY, VOLUME, D, Tumour, Vessel, attached, still


class Walker(mesa.Agent):
    """An agent of the spaces that Mesa had before."""


class Pipe(mesa.Agent):
    """A vessel there."""


OLD = Substrate(diffusivity_um2_per_min=D, decay_per_min=DECAY, uptake_per_min={Walker: 10.0}, vessels={Pipe: 38.0})


@pytest.mark.parametrize("kind", [mesa.space.MultiGrid, mesa.space.SingleGrid])
def test_the_grids_that_mesa_had_before_hold_the_same_field(kind):
    new, old = still(cells=12, vessels=3), mesa.Model(rng=0)
    old.grid = kind(17, 11, torus=False)
    for agent in new.agents:
        twin = Pipe(old) if isinstance(agent, Vessel) else Walker(old)
        old.grid.place_agent(twin, agent.cell.coordinate)
    Walker(old)  # nowhere yet
    attached(new)
    attached(old, OLD)
    new.step()
    old.step()
    assert np.abs(old.grid.properties["oxygen"].data - new.grid.oxygen.data).max() <= 2e-5
    moved = next(iter(old.agents_by_type[Walker]))
    free = next(place for place in ((0, 0), (1, 0)) if old.grid.is_cell_empty(place))
    old.grid.move_agent(moved, free)
    next(iter(new.agents_by_type[Tumour])).cell = new.grid[free]
    new.step()
    old.step()
    assert np.abs(old.grid.properties["oxygen"].data - new.grid.oxygen.data).max() <= 2e-5


def backend(boundary: str) -> sp.Backend:
    domain = sp.Domain((-80.0, 0.0), (320.0, 200.0), (20, 32))
    return sp.Backend(
        sp.BackendConfig(
            domain=domain, diffusivity_um2_per_min=D, decay_per_min=DECAY, boundary=boundary, tolerance=1e-6
        )
    )


@pytest.mark.parametrize("torus", [False, True])
def test_agents_of_a_continuous_space_sample_the_field_of_the_engine_called_directly(torus):
    model = lake(torus)
    link = attached(model, WATER, spacing_um=10.0, vessel_radius_um=25.0, tolerance=1e-6)
    swimmers = [agent for agent in model.agents if type(agent) is Swimmer]
    vessel = sp.Vessels([(100.0, 100.0)], 25.0, 38.0)
    radius = np.cbrt(VOLUME * 0.75 / np.pi)
    for alive in (4, 2):
        for agent in swimmers[alive:]:
            agent.remove()
        model.step()
        cells = sp.Cells(PLACES[:alive], radius, uptake_per_min=10.0)
        expected = backend("periodic" if torus else "reflecting").step(sp.TissueState(cells, vessel))
        assert link.result("oxygen").field == pytest.approx(expected.field, abs=2e-6)
        seen = [link.sample("oxygen", agent.position)[0] for agent in swimmers[:alive]]
        assert seen == pytest.approx(expected.sample(PLACES[:alive]), abs=2e-6)
    assert link.sample("oxygen", [(100.0, 100.0), (90.0, 110.0)]).tolist() == [38.0, 38.0]


def test_the_continuous_space_that_mesa_had_before_does_the_same():
    model, twin = mesa.Model(rng=0), lake()
    model.space = mesa.space.ContinuousSpace(240.0, 200.0, False, x_min=-80.0)
    model.space.place_agent(Pipe(model), (100.0, 100.0))
    for place in PLACES:
        model.space.place_agent(Walker(model), place)
    Walker(model)  # nowhere yet
    old, new = attached(model, OLD, spacing_um=10.0), attached(twin, WATER, spacing_um=10.0)
    # Asked before the first step, the field is there.
    assert old.sample("oxygen", PLACES) == pytest.approx(new.sample("oxygen", PLACES), abs=2e-5)
    assert old.sample("oxygen", PLACES).max() < 38.0


def test_agents_of_another_space_do_not_count():
    model = still(cells=4, vessels=1)
    other = OrthogonalMooreGrid((17, 11), random=model.random)
    Tumour(model, other[3, 3])
    Vessel(model, other[9, 9], 99.0)
    link = attached(model, space=model.grid)
    assert len(link.state("oxygen").cells) == 4
    model.step()
    assert model.grid.oxygen.data.max() <= 38.0

    pond = lake()
    water, pond.space = pond.space, ContinuousSpace([[-80.0, 240.0], [0.0, 200.0]], random=pond.random)
    Swimmer(pond, (0.0, 50.0))
    assert len(attached(pond, WATER, space=water, spacing_um=10.0).state("oxygen").cells) == len(PLACES) + 1  # a vessel
