"""A composite of process-bigraph, set up with a scenario."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from process_bigraph import Composite, Process

import surrogate_plugin as sp
from surrogate_plugin.testing import CellTable, Medium, Scenario

RATES = ("uptake_per_min", "secretion_per_min", "secretion_target")
#: What a cell has of its own, and what of a scenario asks for it.
OWN = {
    "diffusivity_um2_per_min": CellTable.conducts,
    "membrane_um_per_min": CellTable.membranes,
    "decay_change_per_min": CellTable.decays,
}
POSED = dict(zip(OWN, ("conducts", "walls", "decays"), strict=True))
ORIGIN = np.array([-130.0, 40.0])


class Idle(Process):
    """Lets the time of a composite go on: without a process none of its steps runs again."""

    def inputs(self) -> dict[str, Any]:
        return {}

    def outputs(self) -> dict[str, Any]:
        return {}

    def update(self, state: dict[str, Any], interval: float) -> dict[str, Any]:
        return {}


class Bigraph:
    """A composite of what solves and what it reads; without it, of its stores alone.

    With cells in a map, vessels are in the document; with cells in arrays, voxels are held by the config.
    """

    STEP_S, STEP_IN_TIME_S = 300.0, 0.5
    dt_min = STEP_IN_TIME_S / 60

    def __init__(self, scenario: Scenario, core: Any, cells: str, kind: str = "step") -> None:
        self.scenario, self.core, self.kept, self.kind = scenario, core, cells, kind
        self.composite: Composite | None = None
        self.fields = {m.name: np.full(scenario.shape, m.initial) for m in scenario.media}
        self.table, self.step_s = scenario.cells, self.STEP_S

    def attach_stepping(self, substrates: Sequence[str], tolerance: float) -> None:
        self.step_s = self.STEP_IN_TIME_S
        self.attach(substrates, tolerance, stepping="implicit-euler")

    def attach(self, substrates: Sequence[str], tolerance: float, **options: Any) -> None:
        unknown = [name for name in substrates if name not in self.scenario.names]
        if unknown:
            raise sp.UnsupportedProblemError(f"the scenario has no {unknown[0]}.")
        config = {
            "shape": list(self.scenario.shape),
            "spacing_um": list(self.scenario.spacings_um) if self.scenario.height_um else self.scenario.spacing_um,
            "thickness_um": self.scenario.thickness_um,
            "origin_um": ORIGIN.tolist(),
            "cells": self.kept,
            "elsewhere": [name for name in self.scenario.names if name not in substrates],
            "deposit": self.scenario.deposit,
            "substrates": {name: {**self._medium(name, tolerance), **options} for name in substrates},
        }
        wires = {port: [port] for port in ("fields", "cells", "vessels")}
        out = {port: [port] for port in ("fields", "bound", "method", "sampled")}
        link = {"_type": self.kind, "config": config}
        if self.kind == "step":
            link |= {"address": "local:SurrogateDiffusionStep"}
            wires["time"] = ["global_time"]
        else:
            link |= {"address": "local:SurrogateDiffusion", "interval": self.step_s}
        self.core.register_link("Idle", Idle)
        idle = {"_type": "process", "address": "local:Idle", "interval": self.step_s, "inputs": {}, "outputs": {}}
        state = {"diffusion": {**link, "inputs": wires, "outputs": out}, "fields": self.fields, "idle": idle}
        state["vessels"] = self._vessels(self.scenario.media)
        self.composite = Composite({"state": {**state, "cells": self._cells()}}, core=self.core)

    def detach(self) -> None:
        raise NotImplementedError

    def advance(self) -> None:
        if self.composite is not None:
            self.composite.run(self.step_s)

    def field(self, substrate: str) -> np.ndarray:
        fields = self.fields if self.composite is None else self.composite.state["fields"]
        return np.array(fields[substrate])

    def seen(self, substrate: str) -> np.ndarray:
        assert self.composite is not None
        sampled = self.composite.state["sampled"]
        if not sampled or self.kept == "arrays":
            seen = np.asarray(sampled.get(substrate, 0.0))
            return seen if seen.ndim else np.zeros(len(self.table))
        return np.array([sampled[str(k)][substrate] for k in range(len(self.table))])

    def put(self, cells: CellTable) -> None:
        assert self.composite is not None
        self.table = cells
        self.composite.state["cells"] = self._cells()

    def taken_up(self, substrate: str) -> float:
        """What all cells take up, each over the voxels that it is spread over, beside vessels."""
        table, beside = self.table, ~self.scenario.held(substrate)[0]
        around = self.scenario.weights(table) @ (self.field(substrate) * beside).ravel()
        return float((table.uptake_per_min[substrate] * table.volume_um3 * around).sum())

    def write(self, substrate: str, field: np.ndarray) -> None:
        assert self.composite is not None
        self.composite.state["fields"][substrate] = field.copy()

    def hold(self, medium: Medium) -> None:
        assert self.composite is not None
        others = [other for other in self.scenario.media if other.name != medium.name]
        self.composite.state["vessels"] = self._vessels([medium, *others])

    def _vessels(self, media: Sequence[Medium]) -> dict[str, Any]:
        """A vessel without a radius for each voxel, and one for each disc."""
        vessels = {}
        for medium in media:
            where = np.argwhere(medium.fixed) if self.kept == "map" else np.empty((0, 2), dtype=int)
            for row, column in where:
                place = (np.array([column, row]) + 0.5) * self.scenario.spacings_um[::-1] + ORIGIN
                value = {medium.name: float(medium.value[row, column])}
                vessels[f"{medium.name} {row} {column}"] = {
                    "position_um": place.tolist(),
                    "radius_um": 0.0,
                    "value": value,
                }
            for k, disc in enumerate(medium.discs):
                place = np.array([disc.x_um, disc.y_um]) + ORIGIN
                held = {"radius_um": disc.radius_um, "value": {medium.name: disc.value}}
                vessels[f"{medium.name} {k}"] = {"position_um": place.tolist(), **held}
        return vessels

    def _medium(self, name: str, tolerance: float) -> dict[str, Any]:
        medium = self.scenario.medium(name)
        where = np.argwhere(medium.fixed).tolist() if self.kept == "arrays" else []
        own = dict.fromkeys(("left", "right", "bottom", "top"), "periodic") if self.scenario.torus else {}
        return {
            "boundary": {**own, **{side: _spelled(given) for side, given in self.scenario.sides.items()}},
            "diffusivity_map": _rows(medium.diffusivity_map),
            "decay_map": _rows(medium.decay_map),
            "regions": _rows(medium.regions),
            "permeability_um_per_min": None if medium.regions is None else medium.permeability_um_per_min,
            "michaelis_km": medium.michaelis_km,
            "diffusivity_um2_per_min": medium.diffusivity_um2_per_min,
            "decay_per_min": medium.decay_per_min,
            "tolerance": tolerance,
            "fixed": [[row, column, float(medium.value[row, column])] for row, column in where],
        }

    def _cells(self) -> dict[str, Any]:
        table, names = self.table, self.scenario.names
        place = table.position_um + ORIGIN
        if self.kept == "arrays":
            rates = {rate: {name: getattr(table, rate)[name] for name in names} for rate in RATES}
            rates["production_per_min"] = {name: table.made(name) / table.volume_um3 for name in names}
            for own in self._own():
                rates[own] = {name: OWN[own](table, name) for name in names}
            return {"position_um": place, "volume_um3": table.volume_um3, **rates}
        return {
            str(k): {
                "position_um": place[k].tolist(),
                "volume_um3": float(table.volume_um3[k]),
                **{rate: {name: float(getattr(table, rate)[name][k]) for name in names} for rate in RATES},
                "production_per_min": {name: float(table.made(name)[k] / table.volume_um3[k]) for name in names},
                **{own: {name: float(OWN[own](table, name)[k]) for name in names} for own in self._own()},
            }
            for k in range(len(table))
        }

    def _own(self) -> list[str]:
        """What cells say of themselves where the scenario's do."""
        return [key for key, ability in POSED.items() if ability in self.scenario.poses]


def _rows(given: np.ndarray | None) -> Any:
    return None if given is None else given.tolist()


def _spelled(side: Any) -> Any:
    """As a document has it, which keeps sides as text."""
    if isinstance(side, sp.Flux):
        return f"flux:{side.inward}"
    return f"exchange:{side.rate}:{side.value}" if isinstance(side, sp.Exchange) else side
