"""Small models of Mesa on a grid: cells that take oxygen up, vessels, and the exact field of what they are."""

from __future__ import annotations

from typing import Any

import mesa
import numpy as np
from mesa.discrete_space import CellAgent, FixedAgent, OrthogonalMooreGrid

import surrogate_plugin as sp
from surrogate_adapters.mesa import Substrate, attach
from tests.exact import exact_field

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
        rng: int | None = None,
    ) -> None:
        super().__init__(rng=rng)
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
    return exact_field(problem)


def off(model: Any) -> float:
    return float(np.abs(model.grid.oxygen.data - reference(model)).max())


def still(*, cells: int = 0, vessels: int = 0, grid: Any = None) -> mesa.Model:
    """A model whose agents do nothing, nothing attached."""
    model = mesa.Model(rng=5)
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
