"""Mesa on the backend: grids old and new, tori, continuous spaces, batch runs, copies, and the guide."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
from pathlib import Path
from typing import Any

import mesa
import numpy as np
import pytest
from mesa.discrete_space import (
    CellAgent,
    FixedAgent,
    OrthogonalMooreGrid,
    OrthogonalVonNeumannGrid,
)
from mesa.experimental.continuous_space import ContinuousSpace, ContinuousSpaceAgent
from mesa.experimental.devs import ABMSimulator

import surrogate_plugin as sp
from surrogate_adapters.mesa import Substrate, attach

D, DECAY, H = 1e5, 0.1, 20.0
VOLUME = 2494.0


class Tumour(CellAgent):
    def __init__(self, model: mesa.Model, cell: Any = None, uptake: float = 10.0) -> None:
        super().__init__(model)
        self.cell, self.uptake = cell, uptake

    def step(self) -> None:
        """Move where there is room, and now and then divide or die."""
        room = self.cell.neighborhood.select(lambda cell: not cell.is_full)
        if room.cells:
            self.cell = room.select_random_cell()
        chance = self.random.random()
        if chance < 0.1:
            self.remove()
        elif chance < 0.2 and room.cells:
            cell = room.select_random_cell()
            if not cell.is_full:
                Tumour(self.model, cell, 2.0 * self.uptake)


class Stem(Tumour):
    """Takes up as its parent class does."""


class Vessel(FixedAgent):
    def __init__(self, model: mesa.Model, cell: Any, value: float = 38.0) -> None:
        super().__init__(model)
        self.cell, self.value = cell, value


OXYGEN = Substrate(
    diffusivity_um2_per_min=D, decay_per_min=DECAY, uptake_per_min={Tumour: "uptake"}, vessels={Vessel: "value"}
)


class Spheroid(mesa.Model):
    """Cells that wander, divide and die among vessels; attached in its own ``__init__``, as batch runs need it."""

    def __init__(
        self,
        size: tuple[int, int] = (17, 11),
        torus: bool = False,
        capacity: int | None = None,
        grid: type = OrthogonalMooreGrid,
        cells: int = 25,
        seed: int | None = None,
    ) -> None:
        super().__init__(seed=seed)
        self.grid = grid(size, torus=torus, capacity=capacity, random=self.random)
        everywhere = [self.random.choice(list(self.grid)) for _ in range(3)]
        for k, cell in enumerate(dict.fromkeys(everywhere)):
            Vessel(self, cell, 38.0 - 5.0 * k)
        for k in range(cells):
            free = self.grid.all_cells.select(lambda cell: not cell.is_full)
            (Stem if k % 3 else Tumour)(self, free.select_random_cell())
        self.link = attach(
            self, substrates={"oxygen": OXYGEN}, spacing_um=H, volume_um3={Tumour: VOLUME}, tolerance=1e-5
        )
        self.datacollector = mesa.DataCollector({"least": least, "off": "off"})

    def step(self) -> None:
        self.off = off(self)
        self.datacollector.collect(self)
        for agent in list(self.agents):
            agent.step()


def least(model: Spheroid) -> float:
    return float(model.grid.oxygen.data.min())


def reference(model: Any) -> np.ndarray:
    """The steady field of a model, (width, height) as Mesa has it, posed agent by agent in Mesa's own order."""
    shape = (model.grid.width, model.grid.height)
    decay, value, fixed = np.full(shape, DECAY), np.zeros(shape), np.zeros(shape, dtype=bool)
    for agent in model.agents:
        where = agent.cell.coordinate
        if isinstance(agent, Vessel):
            fixed[where], value[where] = True, max(value[where], agent.value)
        else:
            decay[where] += agent.uptake * VOLUME / H**3
    sides = "periodic" if model.grid.torus else "reflecting"
    # The equation is the same in x and y, so that nothing has to be turned here.
    problem = sp.Problem(value, fixed=fixed, diffusivity=D, decay=decay, spacing=H, boundary=sides)
    return sp.solve(problem, method="sparse-direct").field


def off(model: Any) -> float:
    return float(np.abs(model.grid.oxygen.data - reference(model)).max())


@pytest.mark.parametrize("torus", [False, True])
@pytest.mark.parametrize("capacity", [1, 3, None])
@pytest.mark.parametrize("grid", [OrthogonalMooreGrid, OrthogonalVonNeumannGrid])
def test_agents_see_the_steady_field_at_the_start_of_every_step(grid, capacity, torus):
    model = Spheroid(torus=torus, capacity=capacity, grid=grid, seed=3)
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
        model = mesa.Model(seed=0)
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


def still(*, cells: int = 0, vessels: int = 0, grid: Any = None) -> mesa.Model:
    """A model whose agents do nothing, nothing attached."""
    model = mesa.Model(seed=5)
    model.grid = OrthogonalMooreGrid((17, 11), random=model.random) if grid is None else grid(model)
    places = model.random.sample([(x, y) for x in range(17) for y in range(11)], cells + vessels)
    for k, place in enumerate(places):
        if k < vessels:
            Vessel(model, model.grid[place])
        else:
            Tumour(model, model.grid[place])
    return model


def attached(model: mesa.Model, oxygen: Any = OXYGEN, **options: Any) -> Any:
    given = {"spacing_um": H, "volume_um3": VOLUME, "tolerance": 1e-5} | options
    return attach(model, substrates={"oxygen": oxygen}, **given)


def test_a_field_is_held_while_nothing_changes_and_solved_for_when_something_does():
    model = still(cells=12, vessels=2)
    link = attached(model)
    eater = next(iter(model.agents_by_type[Tumour]))

    def step() -> str:
        model.step()
        assert off(model) <= 1e-5
        return "held" if link.history[-1].held else "solved"

    said = [step(), step()]
    eater.uptake = 30.0
    said += [step(), step()]
    eater.cell = model.grid[0, 0]
    said += [step()]
    model.grid.oxygen.data[3, 4] = 99.0  # somebody wrote into the layer; holding the field means putting it back
    said += [step()]
    Stem(model, model.grid[5, 5])
    said += [step()]
    eater.remove()
    said += [step()]
    next(iter(model.agents_by_type[Vessel])).remove()
    said += [step(), step()]
    for agent in list(model.agents_by_type[Vessel]):
        agent.remove()
    model.step()
    assert said == ["solved", "held", "solved", "held", "solved", "held", "solved", "solved", "solved", "held"]
    assert model.grid.oxygen.data == pytest.approx(0.0, abs=1e-5)
    assert [(entry.time, entry.held) for entry in link.history] == [
        (0, 1), (2, 1), (4, 1), (6, 0), (7, 0), (8, 1), (10, 0)
    ]  # fmt: skip


def test_agents_can_ask_for_a_new_field_within_a_step():
    model = still(cells=3, vessels=1)
    link = attached(model)
    model.step()
    for agent in list(model.agents_by_type[Tumour])[1:]:
        agent.remove()
    link.update()
    assert off(model) <= 1e-5
    assert [entry.time for entry in link.history] == [0, 1]


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


# --- attaching and detaching ---


def test_steps_take_what_the_models_own_step_takes_and_detaching_gives_it_back():
    class Asking(mesa.Model):
        def step(self, twice: int, *, thrice: int) -> None:
            self.said = twice, thrice

    model = Asking(seed=0)
    model.grid = OrthogonalMooreGrid((9, 8), random=model.random)
    before = model.step
    link = attached(model)
    model.step(2, thrice=3)
    assert (model.said, model.steps) == ((2, 3), 1)
    link.detach()
    link.detach()
    assert model.step == before
    Tumour(model, model.grid[0, 0])
    model.step(4, thrice=5)
    assert (model.said, model.steps, len(link.history)) == ((4, 5), 2, 1)


def test_two_attachments_leave_in_the_order_in_which_they_came():
    model = still(cells=5, vessels=1)
    oxygen = attached(model)
    glucose = attach(model, substrates={"glucose": OXYGEN}, spacing_um=H, volume_um3=VOLUME, tolerance=1e-5)
    with pytest.raises(sp.InvalidProblemError, match="'oxygen' is attached already"):
        attached(model)
    model.step()
    assert model.grid.glucose.data == pytest.approx(model.grid.oxygen.data, abs=2e-5)
    with pytest.raises(RuntimeError, match="detach what was attached last first"):
        oxygen.detach()
    glucose.detach()
    oxygen.detach()
    assert model.step == model._wrapped_step


def test_a_layer_that_is_there_is_taken_and_one_that_is_not_is_made():
    model = still(cells=5, vessels=1)
    mine = model.grid.create_property_layer("oxygen", 7.0)
    attached(model)
    glucose = OXYGEN.model_copy(update={"initial": 5.0})
    attach(model, substrates={"glucose": glucose}, spacing_um=H, volume_um3=VOLUME)
    assert model.grid.oxygen is mine
    assert (mine.data == 7.0).all()
    assert (model.grid.glucose.data == 5.0).all()
    model.step()
    assert off(model) <= 1e-5


def test_the_states_solved_for_can_be_recorded(tmp_path):
    model = still(cells=5, vessels=1)
    attached(model, record=tmp_path / "run.zarr")
    model.step()
    model.step()
    assert len(sp.Recording(tmp_path / "run.zarr")) == 1


# --- copies, batches, simulators ---


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copied_model_goes_on_with_fields_of_its_own(duplicate):
    model = Spheroid(seed=8)
    model.step()
    twin = duplicate(model)
    before = model.grid.oxygen.data.copy()
    for _ in range(3):
        twin.step()
        assert twin.off <= 1e-5
        assert all(twin.grid[agent.cell.coordinate] is agent.cell for agent in twin.agents)
        assert all(cell.connections for cell in twin.grid)
        assert {id(cell) for cell in twin.grid.all_cells} == {id(cell) for cell in twin.grid}
        seen = {agent.cell.oxygen for agent in twin.agents}
        assert seen <= set(twin.grid.oxygen.data.ravel())
    assert np.array_equal(model.grid.oxygen.data, before)
    assert (len(model.link.history), len(twin.link.history)) == (1, 4)
    assert not np.array_equal(twin.grid.oxygen.data, before)
    model.step()
    assert model.off <= 1e-5


def test_the_substrates_of_a_copy_share_an_engine_as_those_of_the_original_do():
    model = still(cells=5, vessels=1)
    substrates = dict.fromkeys(("oxygen", "glucose", "lactate"), OXYGEN)
    link = attach(model, substrates=substrates, spacing_um=H, volume_um3=VOLUME)
    twin = copy.deepcopy(model).step.__self__
    engines = [[each.backend(name).engine for name in substrates] for each in (link, twin)]
    assert [len(set(map(id, each))) for each in engines] == [1, 1]
    assert engines[0][0] is not engines[1][0]


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


def test_a_copied_continuous_space_goes_on_as_well():
    model = lake()
    attached(model, WATER, spacing_um=10.0)
    twin = copy.deepcopy(model)
    model.step()
    next(agent for agent in twin.agents if type(agent) is Swimmer).remove()
    twin.step()
    mine, its = (each.step.__self__ for each in (model, twin))
    assert len(its.state("oxygen").cells) == len(mine.state("oxygen").cells) - 1
    assert its.result("oxygen").field.min() > mine.result("oxygen").field.min()
    assert len(mine.history) == len(its.history) == 1


def test_batches_run():
    rows = mesa.batch_run(
        Spheroid,
        {"cells": [0, 30], "torus": [False, True]},
        iterations=2,
        max_steps=3,
        data_collection_period=1,
        display_progress=False,
        number_processes=1,
    )
    assert {row["RunId"] for row in rows} == set(range(8))
    assert max(row["off"] for row in rows) <= 1e-5
    assert min(row["least"] for row in rows if row["cells"] == 30) < 30.0


def test_an_event_simulator_steps_an_attached_model():
    class Timed(Spheroid):
        def __init__(self, simulator: Any, seed: int) -> None:
            super().__init__(seed=seed)

    simulator = ABMSimulator()
    model = Timed(simulator, seed=2)
    simulator.setup(model)
    simulator.run_for(4)
    assert model.steps >= 4
    assert [entry.time for entry in model.link.history] == list(range(model.steps))
    assert model.off <= 1e-5


# --- other spaces ---


class Walker(mesa.Agent):
    """An agent of the spaces that Mesa had before."""


class Pipe(mesa.Agent):
    """A vessel there."""


OLD = Substrate(diffusivity_um2_per_min=D, decay_per_min=DECAY, uptake_per_min={Walker: 10.0}, vessels={Pipe: 38.0})


@pytest.mark.parametrize("kind", [mesa.space.MultiGrid, mesa.space.SingleGrid])
def test_the_grids_that_mesa_had_before_hold_the_same_field(kind):
    new, old = still(cells=12, vessels=3), mesa.Model(seed=0)
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


class Swimmer(ContinuousSpaceAgent):
    """A cell of a continuous space."""

    def __init__(self, model: Any, place: Any) -> None:
        super().__init__(model.space, model)
        self.position = np.asarray(place, dtype=float)


class Lung(Swimmer):
    """A vessel there."""


PLACES = [(-60.0, 30.0), (10.0, 95.0), (150.0, 20.0), (155.0, 25.0)]


def lake(torus: bool = False) -> mesa.Model:
    model = mesa.Model(seed=0)
    model.space = ContinuousSpace([[-80.0, 240.0], [0.0, 200.0]], torus=torus, random=model.random)
    Lung(model, (100.0, 100.0))
    for place in PLACES:
        Swimmer(model, place)
    return model


WATER = Substrate(
    diffusivity_um2_per_min=D, decay_per_min=DECAY, uptake_per_min={Swimmer: 10.0, Lung: 0.0}, vessels={Lung: 38.0}
)


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
    model, twin = mesa.Model(seed=0), lake()
    model.space = mesa.space.ContinuousSpace(240.0, 200.0, False, x_min=-80.0)
    model.space.place_agent(Pipe(model), (100.0, 100.0))
    for place in PLACES:
        model.space.place_agent(Walker(model), place)
    Walker(model)  # nowhere yet
    old, new = attached(model, OLD, spacing_um=10.0), attached(twin, WATER, spacing_um=10.0)
    # Asked before the first step, the field is there.
    assert old.sample("oxygen", PLACES) == pytest.approx(new.sample("oxygen", PLACES), abs=2e-5)
    assert old.sample("oxygen", PLACES).max() < 38.0


# --- the guide ---

GUIDE = Path(__file__).parents[1] / "adapters" / "surrogate_adapters" / "mesa" / "README.md"


def test_the_guides_code_runs():
    model, readings, water = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), flags=re.DOTALL)
    names: dict[str, Any] = {"__name__": "guide"}
    exec(model, names)
    grown = names["model"]
    assert grown.link.history[0].bound <= 0.38
    assert 0 < len(grown.agents_by_type[names["Tumour"]]) < 3000
    exec(readings, names)
    assert names["oxygen"].kinds == (names["Tumour"],)
    exec(water, names)
    seen = names["link"].sample("oxygen", names["swimmer"].position)
    assert 0.0 < seen.item() < 38.0


def test_the_guide_lists_every_option():
    listed = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", GUIDE.read_text(), flags=re.MULTILINE))))
    assert listed == set(inspect.signature(attach).parameters) - {"host"}
    for option in Substrate.model_fields:
        assert option in GUIDE.read_text()
