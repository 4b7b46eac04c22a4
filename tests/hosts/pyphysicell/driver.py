"""The real pyphysicell, set up with a scenario."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyphysicell as pc

import surrogate_plugin as sp
from surrogate_adapters.pyphysicell import Medium, attach
from surrogate_plugin.testing import CellTable, Scenario
from surrogate_plugin.testing import Medium as Table

#: Lower left corner of the host's domain, um.
ORIGIN = np.array([-130.0, 40.0])
FACES = {"left": "xmin", "right": "xmax", "bottom": "ymin", "top": "ymax"}

_METHODS = {"conducts": "conducts", "walls": "membranes", "decays": "decays"}


class PyPhysiCell:
    """A simulation without mechanics and phenotype steps: cells stay where they are put."""

    dt_min = 0.01

    def __init__(self, scenario: Scenario) -> None:
        high, (dy, dx) = ORIGIN + scenario.size_um, scenario.spacings_um
        domain = pc.Domain(
            x_min=ORIGIN[0], x_max=high[0], y_min=ORIGIN[1], y_max=high[1],
            z_min=-scenario.thickness_um / 2, z_max=scenario.thickness_um / 2,
            dx=dx, dy=dy, dz=scenario.thickness_um,
        )  # fmt: skip
        faces = {FACES[side]: (True, value) for side, value in scenario.sides.items() if _is_node(value)}
        substrates = [
            pc.Substrate(m.name, m.diffusivity_um2_per_min, m.decay_per_min, m.initial, dirichlet_faces=faces)
            for m in scenario.media
        ]
        model = pc.Model(
            domain=domain, substrates=substrates, cell_types=[pc.CellType("cell")], track_internalized_substrates=True
        )
        self.sim = pc.Simulation(model)
        self.sim._next_phenotype = self.sim._next_mechanics = 1e9
        self.scenario = scenario
        me = self.sim.microenvironment
        self._faces = {int(n): (me.dirichlet_val[k], me.dirichlet_mask[k]) for k, n in enumerate(me.dirichlet_idx)}
        self._fix(scenario.media)
        self.put(scenario.cells)

    def _fix(self, media: Sequence[Table]) -> None:
        """Nodes of the vessels, beside those of the faces."""
        me = self.sim.microenvironment
        nodes = {n: (value.copy(), mask.copy()) for n, (value, mask) in self._faces.items()}
        for s, medium in enumerate(media):
            for n in np.flatnonzero(medium.fixed):
                value, mask = nodes.setdefault(int(n), (np.zeros(me.ns), np.zeros(me.ns, dtype=np.uint8)))
                value[s], mask[s] = medium.value.flat[n], 1
        me.dirichlet_idx = np.array(list(nodes), dtype=np.int64)
        me.dirichlet_val = np.array([value for value, _ in nodes.values()]).reshape(-1, me.ns)
        me.dirichlet_mask = np.array([mask for _, mask in nodes.values()], dtype=np.uint8).reshape(-1, me.ns)

    def attach_stepping(self, substrates: Sequence[str], tolerance: float) -> None:
        """With a mechanics step, in which nothing moves, and so a step of the field, after each diffusion step."""
        time = self.sim.model.time
        time.dt_diffusion = time.dt_mechanics = self.dt_min
        self.sim._next_mechanics, self.sim._mechanics = self.sim.t, lambda dt: None
        self.attach(substrates, tolerance, stepping="implicit-euler", refresh="mechanics")

    def attach(self, substrates: Sequence[str], tolerance: float, **options: Any) -> None:
        media = {name: self._described(name) for name in substrates if name in self.scenario.names}
        self.link = attach(self.sim, substrates=list(substrates), tolerance=tolerance, media=media, **options)

    def _described(self, name: str) -> Medium:
        """What the scenario says of the substrate beyond what the host can."""
        table = self.scenario.medium(name)
        sides = {FACES[side]: given for side, given in self.scenario.sides.items() if not _is_node(given)}
        voxels: dict[str, Any] = {"diffusivity_um2_per_min": table.diffusivity_map, "decay_per_min": table.decay_map}
        if table.regions is not None:
            voxels["membranes"] = sp.Membranes.between(table.regions, table.permeability_um_per_min)
        given = {key: each for key, each in voxels.items() if each is not None}
        own = {"conducts": "diffusivity_um2_per_min", "walls": "membrane_um_per_min", "decays": "decay_change_per_min"}
        posed = [each for each in own if each in self.scenario.poses]

        def cells(simulation: Any) -> dict[str, np.ndarray]:
            return {own[each]: getattr(self.table, _METHODS[each])(name) for each in posed}

        return Medium(cells=cells if posed else None, voxels=given or None, sides=sides)

    def detach(self) -> None:
        self.link.detach()

    def advance(self) -> None:
        self.before = self.sim.cells.internalized[: self.sim.cells.n].copy()
        self.sim.step()

    def field(self, substrate: str) -> np.ndarray:
        return self.sim.microenvironment[substrate][0].copy()

    def seen(self, substrate: str) -> np.ndarray:
        voxel = self.sim.cells.voxel[: self.sim.cells.n]
        return self.sim.microenvironment.density[..., self._index(substrate)].ravel()[voxel]

    def gradient(self, substrate: str) -> np.ndarray:
        """What the host sampled for its cells when the diffusion step was done, before they do anything."""
        return self.sim._gradients[:, self._index(substrate), :2]

    def write(self, substrate: str, field: np.ndarray) -> None:
        self.sim.microenvironment.density[0, :, :, self._index(substrate)] = field

    def hold(self, medium: Table) -> None:
        self._fix([medium])

    def taken_up(self, substrate: str) -> float:
        """The host's own totals, which count what the cells secrete too."""
        cells, s = self.sim.cells, self._index(substrate)
        made = cells.secretion_rate[: cells.n, s] * (cells.secretion_target[: cells.n, s] - self.seen(substrate))
        net = (cells.internalized[: cells.n, s] - self.before[:, s]).sum() / self.sim.model.time.dt_diffusion
        return float(net + (made * cells.volume_total[: cells.n]).sum())

    def put(self, cells: CellTable) -> None:
        self.table = cells
        c = self.sim.cells
        if c.n > len(cells):
            c.remove(np.arange(c.n) >= len(cells))
        place = np.column_stack([cells.position_um + ORIGIN, np.zeros(len(cells))])
        if len(cells) > c.n:
            self.sim.add_cells(place[c.n :], "cell")
        c.position[: c.n] = place
        c.volume_total[: c.n] = cells.volume_um3
        for s, name in enumerate(self.sim.model.substrate_names):
            c.uptake_rate[: c.n, s] = cells.uptake_per_min[name]
            c.secretion_rate[: c.n, s] = cells.secretion_per_min[name]
            c.secretion_target[: c.n, s] = cells.secretion_target[name]
            c.net_export_rate[: c.n, s] = cells.made(name)

    def _index(self, substrate: str) -> int:
        return list(self.sim.model.substrate_names).index(substrate)


def _is_node(side: Any) -> bool:
    """Whether the host holds the side itself, by Dirichlet nodes."""
    return isinstance(side, int | float)
