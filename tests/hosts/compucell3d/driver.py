"""The double of CompuCell3D, set up with a scenario; it has to be on the path, see `double_on_the_path`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from surrogate_adapters.compucell3d import Field
from surrogate_plugin.testing import CellTable, Scenario
from tests.hosts.compucell3d.double import compucell3d_driving as driving
from tests.hosts.wider import refuse

#: Of the solver that fields not answered for are left to: short enough to be stable.
MINUTES_PER_MCS = 1e-5
#: Of the steppable: long enough for every field to come to rest within a step.
MINUTES_TO_REST = 1e4
#: A MCS of fields in time.
MINUTES_IN_TIME = 0.01

CANNOT = {
    "uneven": "CompuCell3D's pixels are square.",
    "places": "CompuCell3D's fields go by types and cells, and places that are of no cell are all Medium.",
    "regions": "CompuCell3D's membranes are around cells, and places that are of no cell have none.",
}


class CompuCell3D:
    """Cells of one pixel, with rates of their own in ``cell.dict``; a vessel's type says how many fields it holds."""

    dt_min = MINUTES_IN_TIME

    def __init__(self, scenario: Scenario) -> None:
        self.scenario, self.cells, self.simulation = scenario, scenario.cells, None
        self.media, self.vessels = scenario.media, []

    def _begin(self, steppables: Sequence[Any] = (), answered: Sequence[str] = ()) -> None:
        scenario = self.scenario
        rows, columns = scenario.shape
        per_pixel = MINUTES_PER_MCS / scenario.spacing_um**2
        solved = [
            (m.name, m.diffusivity_um2_per_min * per_pixel, m.decay_per_min * MINUTES_PER_MCS, m.initial)
            for m in scenario.media
            if m.name not in answered
        ]
        types = ["Cell", *(f"Vessel{count}" for count in range(1, len(scenario.media) + 1))]
        root = driving.xml((columns, rows, 1), types, solved=solved, periodic="xy" if scenario.torus else "")
        self.simulation = driving.Simulation(root, steppables)
        self._hold()
        self._put()

    def _hold(self) -> None:
        """Vessels of one pixel each, of the type that says how many fields they hold."""
        for vessel in self.vessels:
            self.simulation.handles.delete_cell(vessel)
        self.vessels = []
        holding = np.sum([m.fixed for m in self.media], axis=0)
        for row, column in np.argwhere(holding > 0):
            held = {f"{m.name}_held": m.value[row, column] for m in self.media if m.fixed[row, column]}
            kind = f"Vessel{holding[row, column]}"
            self.vessels.append(self.simulation.place(kind, int(column), int(row), **held))

    def attach_stepping(self, substrates: Sequence[str], tolerance: float) -> None:
        self.attach(substrates, tolerance, minutes_per_mcs=self.dt_min, stepping="implicit-euler")
        self.simulation.turn()  # MCS 0, in which no time passes

    def attach(
        self, substrates: Sequence[str], tolerance: float, minutes_per_mcs: float = MINUTES_TO_REST, **options: Any
    ) -> None:
        refuse(self.scenario, CANNOT)
        from surrogate_adapters.compucell3d import SurrogateDiffusion

        media = self.scenario.media
        fields = {m.name: self._described(m, first) for first, m in enumerate(media)}
        self.surrogate = SurrogateDiffusion(
            fields,
            um_per_pixel=self.scenario.spacing_um,
            minutes_per_mcs=minutes_per_mcs,
            substrates=substrates,
            tolerance=tolerance,
            **options,
        )
        self._begin([self.surrogate], substrates)
        self.simulation.start()

    def _described(self, medium: Any, first: int) -> Field:
        name, sides = medium.name, self.scenario.sides
        secretion = {"secretion_per_min": {"Cell": f"{name}_secretion"}, "secretion_target": {"Cell": f"{name}_target"}}
        return Field(
            diffusivity_um2_per_min=medium.diffusivity_um2_per_min,
            decay_per_min=medium.decay_per_min,
            uptake_per_min={"Cell": f"{name}_uptake"},
            production_per_min={"Cell": f"{name}_production"},
            fixed={f"Vessel{n}": f"{name}_held" for n in range(first + 1, len(self.scenario.media) + 1)},
            boundary=sides or None,
            boundary_at="edge" if self.scenario.sides_at == "nodes" else "outside",
            michaelis_km=medium.michaelis_km,
            initial=medium.initial,
            **self._wider(name),
            **(secretion if medium.michaelis_km is None else {}),
        )

    def _wider(self, name: str) -> dict[str, Any]:
        """What cells conduct, hold back and let decay, where the scenario's do."""
        options = {
            "conducts": "diffusivity_by_type_um2_per_min",
            "walls": "membrane_um_per_min",
            "decays": "decay_by_type_per_min",
        }
        return {options[each]: {"Cell": f"{name}_{each}"} for each in self.scenario.poses & set(options)}

    def advance(self) -> None:
        if self.simulation is None:
            self._begin()
            self.simulation.start()
        self.simulation.turn()

    def field(self, substrate: str) -> np.ndarray:
        if self.simulation is None:
            self._begin()
        return self.simulation.field(substrate)

    def seen(self, substrate: str) -> np.ndarray:
        field = getattr(self.simulation.handles.field, substrate)
        return np.array([field[cell.xCOM, cell.yCOM, 0] for cell in self.placed])

    def promised(self, substrate: str) -> float:
        return next(entry.bound for entry in reversed(self.surrogate.history) if entry.substrate == substrate)

    def write(self, substrate: str, field: np.ndarray) -> None:
        shared = getattr(self.simulation.handles.field, substrate)
        for (row, column), value in np.ndenumerate(field):
            shared[column, row, 0] = float(value)

    def hold(self, medium: Any) -> None:
        self.media = tuple(medium if each.name == medium.name else each for each in self.media)
        self._hold()

    def put(self, cells: CellTable) -> None:
        self.cells = cells
        if self.simulation is not None:
            for cell in self.placed:
                self.simulation.handles.delete_cell(cell)
            self._put()

    def _put(self) -> None:
        cells, scenario = self.cells, self.scenario
        share = cells.volume_um3 / scenario.voxel_volume_um3  # a pixel is a whole voxel; the scenario's cells are less
        self.placed = []
        for k, (row, column) in enumerate(zip(*scenario.voxels(cells), strict=True)):
            entries = {}
            for name in scenario.names:
                entries[f"{name}_uptake"] = share[k] * cells.uptake_per_min[name][k]
                entries[f"{name}_secretion"] = share[k] * cells.secretion_per_min[name][k]
                entries[f"{name}_target"] = cells.secretion_target[name][k]
                entries[f"{name}_production"] = cells.made(name)[k] / scenario.voxel_volume_um3
                medium, own = scenario.medium(name), cells.conducts(name)[k]
                around = medium.diffusivity_um2_per_min
                entries[f"{name}_conducts"] = around if np.isnan(own) else share[k] * own + (1 - share[k]) * around
                entries[f"{name}_walls"] = cells.membranes(name)[k]
                entries[f"{name}_decays"] = medium.decay_per_min + share[k] * cells.decays(name)[k]
            self.placed.append(self.simulation.place("Cell", int(column), int(row), **entries))
