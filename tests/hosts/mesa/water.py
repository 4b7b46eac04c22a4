"""A continuous space of Mesa, set up with a scenario: agents are spheres, vessels discs, and everybody samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mesa
import numpy as np
from mesa.experimental.continuous_space import ContinuousSpace, ContinuousSpaceAgent

from surrogate_adapters.mesa import Substrate, attach
from surrogate_plugin.testing import CellTable, Medium, Scenario
from tests.hosts.wider import refuse

#: The lower left corner of the space, um.
CORNER = np.array([-130.0, 40.0])


CANNOT = {
    "places": "Mesa's continuous space has no layers, so that no place conducts or decays in its own way.",
    "regions": "Mesa's continuous space has no layers, so that no regions can be told from each other.",
}


class Floating(ContinuousSpaceAgent):
    """A cell; what a table says of it is read by its row."""

    table: CellTable
    row: int


class Pipe(ContinuousSpaceAgent):
    """A vessel of one substrate; the classes of several substrates are subclasses."""

    def __init__(self, model: mesa.Model, place: np.ndarray, radius_um: float, value: float) -> None:
        super().__init__(model.space, model)
        self.position = place + CORNER
        self.radius_um, self.value = radius_um, value


class MesaWater:
    """A model whose agents stay where they are put; there is no field but the one that is asked for."""

    dt_min = 0.01

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.model = mesa.Model(rng=0)
        bounds = np.stack([CORNER, CORNER + scenario.size_um], axis=1)
        self.model.space = ContinuousSpace(bounds, torus=scenario.torus, random=self.model.random)
        self.pipes = {name: type(f"{name}Pipe", (Pipe,), {}) for name in scenario.names}
        self.agents: list[Floating] = []
        self.answered: list[str] = []
        self.stepping = False
        for medium in scenario.media:
            self.hold(medium)
        self.put(scenario.cells)

    def attach_stepping(self, substrates: Sequence[str], tolerance: float) -> None:
        self.stepping = True
        self.attach(substrates, tolerance, stepping="implicit-euler", step_min=self.dt_min)

    def attach(self, substrates: Sequence[str], tolerance: float, **options: Any) -> None:
        refuse(self.scenario, CANNOT)
        self.link = attach(
            self.model,
            substrates={name: self._settings(name) for name in substrates},
            spacing_um=self.scenario.spacings_um if self.scenario.height_um else self.scenario.spacing_um,
            thickness_um=self.scenario.thickness_um,
            volume_um3=lambda agent: agent.table.volume_um3[agent.row],
            vessel_radius_um="radius_um",
            tolerance=tolerance,
            **options,
        )
        self.answered = list(substrates)

    def detach(self) -> None:
        self.link.detach()
        self.answered = []

    def advance(self) -> None:
        self.model.step()
        if self.stepping:
            self.link.update()  # else it goes on by this step when the next one begins

    def field(self, substrate: str) -> np.ndarray:
        if substrate not in self.answered:
            return np.full(self.scenario.shape, self.scenario.medium(substrate).initial)
        return self.link.result(substrate).field

    def seen(self, substrate: str) -> np.ndarray:
        if substrate not in self.answered:
            return np.full(len(self.agents), self.scenario.medium(substrate).initial)
        return np.array([self.link.sample(substrate, agent.position)[0] for agent in self.agents])

    def taken_up(self, substrate: str) -> float:
        """What all cells take up, each over the pixels that it covers beside vessels, field units times um^3 / min."""
        table, beside = self.agents[0].table, ~self.scenario.held(substrate)[0]
        around = self.scenario.weights(table) @ (self.field(substrate) * beside).ravel()
        return float((table.uptake_per_min[substrate] * table.volume_um3 * around).sum())

    def hold(self, medium: Medium) -> None:
        kind, lengths = self.pipes[medium.name], self.scenario.spacings_um[::-1]
        for pipe in list(self.model.agents_by_type.get(kind, ())):
            pipe.remove()
        for row, column in np.argwhere(medium.fixed):
            kind(self.model, (np.array([column, row]) + 0.5) * lengths, 0.0, medium.value[row, column])
        for disc in medium.discs:
            kind(self.model, np.array([disc.x_um, disc.y_um]), disc.radius_um, disc.value)

    def put(self, cells: CellTable) -> None:
        while len(self.agents) > len(cells):
            self.agents.pop().remove()
        while len(self.agents) < len(cells):
            self.agents.append(Floating(self.model.space, self.model))
        for row, agent in enumerate(self.agents):
            agent.position = cells.position_um[row] + CORNER
            agent.table, agent.row = cells, row

    def _settings(self, name: str) -> Substrate | None:
        if name not in self.scenario.names:
            return None
        medium = self.scenario.medium(name)

        def says(what: str) -> dict[type, Any]:
            return {Floating: lambda agent: getattr(agent.table, what)[name][agent.row]}

        def conducted(agent: Floating) -> float | None:
            own = agent.table.conducts(name)[agent.row]
            return None if np.isnan(own) else own

        own = {
            "conducts": ("diffusivity_in_um2_per_min", conducted),
            "walls": ("membrane_um_per_min", lambda agent: agent.table.membranes(name)[agent.row]),
            "decays": ("decay_in_per_min", lambda agent: medium.decay_per_min + agent.table.decays(name)[agent.row]),
        }
        wider = {option: {Floating: read} for key, (option, read) in own.items() if key in self.scenario.poses}
        return Substrate(
            **wider,
            diffusivity_um2_per_min=medium.diffusivity_um2_per_min,
            decay_per_min=medium.decay_per_min,
            michaelis_km=medium.michaelis_km,
            initial=medium.initial,
            boundary=self.scenario.sides,
            uptake_per_min=says("uptake_per_min"),
            secretion_per_min=says("secretion_per_min"),
            secretion_target=says("secretion_target"),
            production_per_min={Floating: lambda agent: (agent.table.made(name) / agent.table.volume_um3)[agent.row]},
            vessels={self.pipes[name]: "value"},
        )
