"""An engine of vivarium-core with a field of vivarium-multibody, set up with a scenario."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from vivarium.core.engine import Engine
from vivarium.library.units import units
from vivarium_multibody.processes.diffusion_field import DiffusionField

import surrogate_plugin as sp
from surrogate_adapters.vivarium import HeldField, SurrogateDiffusionField
from surrogate_adapters.vivarium.agents import COUNTS_PER_MMOLAR_FL
from surrogate_plugin.testing import CellTable, Medium, Scenario
from tests.hosts.wider import refuse

CANNOT = {
    "conducts": "Vivarium's agents conduct as the bin they are in, whose diffusivity is a parameter.",
    "walls": "Vivarium's agents have no membranes, which lie between regions of bins.",
    "decays": "Vivarium's agents let decay as the bin they are in, whose decay is a parameter.",
}


class Vivarium:
    """An engine with a field alone, and a step that follows it if asked for: agents stay where they are put."""

    STEP_S, STEP_IN_TIME_S = 300.0, 0.5
    dt_min = STEP_IN_TIME_S / 60

    def __init__(self, scenario: Scenario, followed: bool = True) -> None:
        self.scenario, self.followed, self.step_s = scenario, followed, self.STEP_S
        self.cells = scenario.cells
        self.attached = False
        self._compose(DiffusionField(self._lattice()))

    def attach_stepping(self, substrates: Sequence[str], tolerance: float) -> None:
        self.step_s = self.STEP_IN_TIME_S
        for medium in self.scenario.media:
            self.write(medium.name, np.full(self.scenario.shape, medium.initial))
        self.attach(substrates, tolerance, stepping="implicit-euler")

    def attach(self, substrates: Sequence[str], tolerance: float, **options: Any) -> None:
        refuse(self.scenario, CANNOT)
        media = {m.name: m for m in self.scenario.media if m.name in substrates}
        own = dict.fromkeys(("left", "right", "bottom", "top"), "periodic") if self.scenario.torus else {}
        ours = {
            "substrates": list(substrates),
            "diffusivity_um2_per_s": {
                n: _map_or(m.diffusivity_map, m.diffusivity_um2_per_min) for n, m in media.items()
            },
            "decay_per_s": {n: _map_or(m.decay_map, m.decay_per_min) for n, m in media.items()},
            "membranes": {n: _walls(m) for n, m in media.items() if m.regions is not None},
            "fixed": {name: m.fixed.T for name, m in media.items()},
            "fixed_value": {name: m.value.T for name, m in media.items()},
            "boundary": {name: {**own, **_in_seconds(self.scenario.sides)} for name in media},
            "vessels": {name: _vessels(m) for name, m in media.items()},
            "michaelis_km": {name: m.michaelis_km for name, m in media.items() if m.michaelis_km is not None},
            "tolerance": tolerance,
            **options,
        }
        self._compose(SurrogateDiffusionField({**self._lattice(), **ours}))
        self.attached = True

    def advance(self) -> None:
        self.before = self._boundaries("taken_up") if self.attached else []
        self.engine.update(self.step_s)

    def field(self, substrate: str) -> np.ndarray:
        return self.engine.state.get_path(("fields", substrate)).get_value().T.copy()

    def seen(self, substrate: str) -> np.ndarray:
        return np.array([external[substrate] for external in self._boundaries("external")])

    def taken_up(self, substrate: str) -> float:
        """The host's counts of molecules, in mmol / L times fL (= um^3) / min."""
        counts = sum(after[substrate] for after in self._boundaries("taken_up"))
        counts -= sum(before[substrate] for before in self.before)
        return counts / COUNTS_PER_MMOLAR_FL / (self.step_s / 60)

    def put(self, cells: CellTable) -> None:
        store, born = self.engine.state.get_path(("agents",)), self._agents(cells)
        added = [{"key": key, "state": state} for key, state in born.items() if key not in store.inner]
        dead = [key for key in store.inner if key not in born]
        store.apply_update({"_add": added, "_delete": dead}, store)
        store.set_value(born)
        self.engine.state.build_topology_views()
        self.cells = cells

    def write(self, substrate: str, field: np.ndarray) -> None:
        self.engine.state.get_path(("fields", substrate)).set_value(field.T.copy())

    def _lattice(self) -> dict[str, Any]:
        rows, columns = self.scenario.shape
        uneven = np.linspace(0.9, 1.1, columns)[:, np.newaxis] * np.ones(rows)
        return {
            "molecules": list(self.scenario.names),
            "n_bins": [columns, rows],
            "bounds": self.scenario.size_um.tolist(),
            "depth": self.scenario.thickness_um,
            "diffusion": 5.0,
            "initial_state": {m.name: m.initial * uneven for m in self.scenario.media},
            "time_step": self.step_s,
        }

    def _compose(self, process: DiffusionField) -> None:
        topology = {port: (port,) for port in ("agents", "fields", "dimensions")}
        state = {"agents": self._agents(self.cells), **process.initial_state({})}
        if hasattr(self, "engine"):
            state["fields"] = self.engine.state.get_path(("fields",)).get_value()
        self.process = process
        steps, wires = {}, {"field": topology}
        if self.followed and isinstance(process, SurrogateDiffusionField):
            steps = {"hold": HeldField({"molecules": list(process.names)}).follow(process)}
            wires["hold"] = {port: (port,) for port in ("agents", "fields", "steady", "certificate")}
        self.engine = Engine(
            processes={"field": process},
            steps=steps,
            flow={name: [] for name in steps},
            topology=wires,
            initial_state=state,
            display_info=False,
            emitter="null",
        )

    def _agents(self, cells: CellTable) -> dict[str, Any]:
        names = self.scenario.names
        per_s = [("uptake_per_s", cells.uptake_per_min), ("secretion_per_s", cells.secretion_per_min)]
        return {
            str(k): {
                "boundary": {
                    "location": cells.position_um[k].tolist(),
                    "volume": cells.volume_um3[k] * units.fL,
                    **{rate: {name: float(given[name][k]) / 60 for name in names} for rate, given in per_s},
                    "secretion_target": {name: float(cells.secretion_target[name][k]) for name in names},
                    "production_per_s": {n: float(cells.made(n)[k] / cells.volume_um3[k]) / 60 for n in names},
                }
            }
            for k in range(len(cells))
        }

    def _boundaries(self, key: str) -> list[dict[str, Any]]:
        agents = self.engine.state.get_path(("agents",)).inner
        return [agents[str(k)].get_path(("boundary", key)).get_value() for k in range(len(agents))]


def _map_or(given: np.ndarray | None, number: float) -> Any:
    """By the second, bins (x, y)."""
    return number / 60 if given is None else given.T / 60


def _walls(medium: Medium) -> Any:
    return medium.regions.T, medium.permeability_um_per_min / 60


def _in_seconds(sides: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for name, side in sides.items():
        if isinstance(side, sp.Flux):
            side = sp.Flux(side.inward / 60)
        elif isinstance(side, sp.Exchange):
            side = sp.Exchange(side.rate / 60, side.value)
        found[name] = side
    return found


def _vessels(medium: Medium) -> sp.Vessels:
    if not medium.discs:
        return sp.Vessels.none()
    place, radius, value = zip(*(((d.x_um, d.y_um), d.radius_um, d.value) for d in medium.discs), strict=True)
    return sp.Vessels(place, radius, value)
