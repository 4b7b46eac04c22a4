"""A model of Mesa, set up with a scenario."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mesa
import numpy as np
from mesa.discrete_space import CellAgent, OrthogonalMooreGrid

from surrogate_adapters.mesa import Substrate, attach
from surrogate_plugin.testing import CellTable, Medium, Scenario
from tests.hosts.wider import refuse


def per_substrate(name: str) -> dict[str, Any]:
    """Readings of all three kinds: an attribute, a function, and what a layer says."""
    return {
        "uptake_per_min": {Eater: f"{name}_uptake"},
        "secretion_per_min": {Eater: lambda agent: agent.secretion[name]},
        "secretion_target": {Eater: lambda agent: agent.target[name]},
        "production_per_min": {Eater: lambda agent: agent.production[name]},
        "vessels": {f"{name}_vessel": f"{name}_held"},
    }


class Eater(CellAgent):
    """A cell of the conformance kit's scenarios."""

    def tell(self, cells: CellTable, row: int) -> None:
        self.volume = cells.volume_um3[row]
        for name, rate in cells.uptake_per_min.items():
            setattr(self, f"{name}_uptake", rate[row])
        self.secretion = {name: rate[row] for name, rate in cells.secretion_per_min.items()}
        self.target = {name: value[row] for name, value in cells.secretion_target.items()}
        # Counted by volume, as all rates of an agent are.
        self.production = {name: cells.made(name)[row] / self.volume for name in cells.uptake_per_min}

    def tell_of_its_cell(self, cells: CellTable, row: int, scenario: Scenario, place: tuple[int, int]) -> None:
        """What the cell of the grid is with the agent in it, of which it fills a share."""
        share = self.volume / scenario.voxel_volume_um3
        self.conducts, self.decays, self.walls = {}, {}, {}
        for medium in scenario.media:
            name, own = medium.name, cells.conducts(medium.name)[row]
            around = medium.diffusivity_um2_per_min if medium.diffusivity_map is None else medium.diffusivity_map[place]
            decay = medium.decay_per_min if medium.decay_map is None else medium.decay_map[place]
            self.conducts[name] = around if np.isnan(own) else share * own + (1.0 - share) * around
            self.decays[name] = decay + share * cells.decays(name)[row]
            self.walls[name] = cells.membranes(name)[row]


CANNOT = {"regions": "Mesa's membranes are around the cells of agents, and there are none between regions of a grid."}


class MesaGrid:
    """A model whose agents stay where they are put, on a grid with a layer a substrate.

    A cell of the grid is as the agent in it says, so that an agent smaller than its cell says what both of them are.
    """

    dt_min = 0.01

    def __init__(self, scenario: Scenario) -> None:
        rows, columns = scenario.shape
        self.scenario = scenario
        self.model = mesa.Model(rng=0)
        self.model.grid = OrthogonalMooreGrid((columns, rows), torus=scenario.torus, random=self.model.random)
        self.agents: list[Eater] = []
        for medium in scenario.media:
            self.model.grid.create_property_layer(medium.name, medium.initial)
            self.model.grid.create_property_layer(f"{medium.name}_vessel", False, dtype=bool)
            self.model.grid.create_property_layer(f"{medium.name}_held", 0.0)
            for what, given in (("conducts", medium.diffusivity_map), ("decays", medium.decay_map)):
                if given is not None:
                    self.model.grid.create_property_layer(f"{medium.name}_{what}", 0.0)
                    getattr(self.model.grid, f"{medium.name}_{what}").data[:] = given.T
            self.hold(medium)
        self.model.grid.create_property_layer("everywhere", True, dtype=bool)
        self.stepping = False
        self.put(scenario.cells)

    def settings(self, name: str) -> Substrate | None:
        if name not in self.scenario.names:
            return None
        medium = self.scenario.medium(name)
        return Substrate(
            diffusivity_um2_per_min=medium.diffusivity_um2_per_min,
            decay_per_min=medium.decay_per_min,
            michaelis_km=medium.michaelis_km,
            boundary=self.scenario.sides,
            **per_substrate(name),
            **self._wider(name),
        )

    def _wider(self, name: str) -> dict[str, Any]:
        """What agents and layers say of the grid's cells, where the scenario does."""
        medium, posed = self.scenario.medium(name), self.scenario.poses
        conducts: dict[Any, Any] = {Eater: lambda agent: agent.conducts[name]} if "conducts" in posed else {}
        decays: dict[Any, Any] = {Eater: lambda agent: agent.decays[name]} if "decays" in posed else {}
        if medium.diffusivity_map is not None:
            conducts["everywhere"], decays["everywhere"] = f"{name}_conducts", f"{name}_decays"
        walls: dict[Any, Any] = {Eater: lambda agent: agent.walls[name]} if "walls" in posed else {}
        return {"diffusivity_in_um2_per_min": conducts, "decay_in_per_min": decays, "membrane_um_per_min": walls}

    def attach_stepping(self, substrates: Sequence[str], tolerance: float) -> None:
        self.stepping = True
        self.attach(substrates, tolerance, stepping="implicit-euler", step_min=self.dt_min)

    def attach(self, substrates: Sequence[str], tolerance: float, **options: Any) -> None:
        refuse(self.scenario, CANNOT)
        self.link = attach(
            self.model,
            substrates={name: self.settings(name) for name in substrates},
            spacing_um=self.scenario.spacings_um if self.scenario.height_um else self.scenario.spacing_um,
            thickness_um=self.scenario.thickness_um,
            volume_um3="volume",
            tolerance=tolerance,
            **options,
        )

    def detach(self) -> None:
        self.link.detach()

    def advance(self) -> None:
        self.model.step()
        if self.stepping:
            self.link.update()  # else it goes on by this step when the next one begins

    def field(self, substrate: str) -> np.ndarray:
        rows, columns = self.scenario.shape
        grid = self.model.grid
        return np.array([[getattr(grid[x, y], substrate) for x in range(columns)] for y in range(rows)])

    def seen(self, substrate: str) -> np.ndarray:
        return np.array([getattr(agent.cell, substrate) for agent in self.agents])

    def write(self, substrate: str, field: np.ndarray) -> None:
        for (row, column), value in np.ndenumerate(field):
            setattr(self.model.grid[column, row], substrate, value)

    def hold(self, medium: Medium) -> None:
        for (row, column), held in np.ndenumerate(medium.fixed):
            cell = self.model.grid[column, row]
            setattr(cell, f"{medium.name}_vessel", bool(held))
            setattr(cell, f"{medium.name}_held", medium.value[row, column])

    def put(self, cells: CellTable) -> None:
        while len(self.agents) > len(cells):
            self.agents.pop().remove()
        while len(self.agents) < len(cells):
            self.agents.append(Eater(self.model))
        for row, (agent, place) in enumerate(zip(self.agents, cells.position_um, strict=True)):
            x, y = (int(index) for index in np.floor(place / self.scenario.spacings_um[::-1]))
            on_it = 0 <= x < self.scenario.shape[1] and 0 <= y < self.scenario.shape[0]
            agent.cell = self.model.grid[x, y] if on_it else None
            agent.tell(cells, row)
            if on_it:
                agent.tell_of_its_cell(cells, row, self.scenario, (y, x))
