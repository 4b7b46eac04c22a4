"""The stand-in for PhysiCell with the header attached to it, set up with a scenario."""

from __future__ import annotations

import ctypes
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import surrogate_plugin as sp
from benchmarks.stand_ins.physicell import driver
from surrogate_plugin.testing import CellTable, Medium, Scenario
from tests.hosts.wider import refuse

CORNER = np.array([-130.0, 40.0])


def write_settings(folder: Path, **keys: Any) -> Path:
    """A `surrogate.toml`; Python's literals of strings, numbers and flat lists are TOML's too, and tables nearly."""
    path = folder / "surrogate.toml"
    lines = (f"{key} = {_toml(value)}\n" for key, value in ({"substrates": ["oxygen"]} | keys).items())
    path.write_text("".join(lines))
    return path


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {_toml(item)}' for key, item in value.items())} }}"
    return repr(value)


CANNOT = {
    "regions": "PhysiCell's membranes are around agents, and surrogate.toml names none between regions of voxels."
}

#: What of a scenario asks for which custom variable, and of which option of a substrate.
_POSED = {"conducts": "diffusivity_variable", "walls": "membrane_variable", "decays": "decay_variable"}
_FACES = {"left": "xmin", "right": "xmax", "bottom": "ymin", "top": "ymax"}


class Driven:
    """A stand-in set up with a scenario; every step of it is a phenotype step too, so that each one is solved for."""

    dt_min = 0.001

    def __init__(self, library: ctypes.CDLL, scenario: Scenario, folder: Path) -> None:
        rows, columns = scenario.shape
        self.scenario, self.names, self.folder = scenario, scenario.names, folder
        self.host = driver.StandIn(
            library,
            (columns, rows),
            [(m.name, m.diffusivity_um2_per_min, m.decay_per_min, m.initial) for m in scenario.media],
            spacing_um=(*scenario.spacings_um[::-1], scenario.thickness_um),
            corner_um=CORNER,
            times_min=(0.001, 0.001, 0.001),
        )
        self.host.set_threads(1)
        for medium in scenario.media:
            for side, value in scenario.sides.items():
                if not isinstance(value, int | float):
                    continue
                for row, column in np.argwhere(self._border(side) & ~medium.fixed):
                    self.host.fix(int(row), int(column), medium.name, value)
            self._fix(medium)
        self.held = {medium.name: medium.fixed for medium in scenario.media}
        self.put(scenario.cells)

    def _border(self, side: str) -> np.ndarray:
        """The outermost voxels along a side, which are nodes where the host holds it."""
        row, column = np.indices(self.scenario.shape)
        rows, columns = self.scenario.shape
        return {"left": column == 0, "right": column == columns - 1, "bottom": row == 0, "top": row == rows - 1}[side]

    def _fix(self, medium: Medium) -> None:
        for row, column in np.argwhere(medium.fixed):
            self.host.fix(int(row), int(column), medium.name, float(medium.value[row, column]))

    def hold(self, medium: Medium) -> None:
        for row, column in np.argwhere(self.held[medium.name] & ~medium.fixed):
            self.host.activate(int(row), int(column), medium.name, False)
        self._fix(medium)
        self.held[medium.name] = medium.fixed

    def attach_stepping(self, substrates: Sequence[str], tolerance: float) -> None:
        self.attach(substrates, tolerance, stepping="implicit-euler")

    def attach(self, substrates: Sequence[str], tolerance: float, **options: Any) -> None:
        refuse(self.scenario, CANNOT)
        self.attached = list(substrates)
        known = [name for name in substrates if name in self.names]
        named = {name: self._said(name) for name in known} if self.scenario.poses else list(substrates)
        settings = write_settings(self.folder, substrates=named, tolerance=tolerance, **options)
        try:
            with warnings.catch_warnings():  # steps as short as these are told of, as they should be
                warnings.simplefilter("ignore", sp.PromiseWarning)
                self.host.attach(settings)
        except driver.HostError as error:
            raise sp.UnsupportedProblemError(str(error)) from error

    def _said(self, name: str) -> dict[str, Any]:
        """What surrogate.toml says of a substrate beyond what the host can."""
        medium, keys = self.scenario.medium(name), dict[str, Any]()
        for ability in sorted(self.scenario.poses & set(_POSED)):
            keys[_POSED[ability]] = f"{name} {ability}"
        for option, given in (("diffusivity_file", medium.diffusivity_map), ("decay_file", medium.decay_map)):
            if given is not None:
                keys[option] = str(self.folder / f"{name} {option}.npy")
                np.save(keys[option], given)
        sides = {_FACES[side]: _face(given) for side, given in self.scenario.sides.items()}
        sides = {face: given for face, given in sides.items() if given}
        return keys | ({"sides": sides} if sides else {})

    def detach(self) -> None:
        self.host.detach()

    def advance(self) -> None:
        self._counted = {name: self.host.internalised(name).sum() for name in self.names}
        with warnings.catch_warnings():  # a tissue without vessels is, too
            warnings.filterwarnings("ignore", "nothing supplies", sp.PromiseWarning)
            self.host.advance()
        self.read = {name: self.host.seen(name) for name in self.names}

    def between(self) -> None:
        """A diffusion step that no phenotype step follows, after which the densities are read, as custom code does."""
        self.host.set_times(0.001, 0.001, 1e9)
        self.host.advance()
        self.host.set_times(0.001, 0.001, 0.001)
        there = self.scenario.voxels(self.cells)
        self.read = {name: self.host.density(name)[there] for name in self.names}

    def field(self, substrate: str) -> np.ndarray:
        return self.host.density(substrate)

    def seen(self, substrate: str) -> np.ndarray:
        return self.read.get(substrate, self.host.seen(substrate))

    def gradient(self, substrate: str) -> np.ndarray:
        return self.host.gradient(substrate)

    def taken_up(self, substrate: str) -> float:
        """By the host's own count in the last turn, which is net of what cells gave off."""
        net = float(self.host.internalised(substrate).sum() - self._counted[substrate]) / 0.001
        cells, secretion = self.cells, self.cells.secretion_per_min[substrate]
        given = cells.volume_um3 * secretion * (cells.secretion_target[substrate] - self.seen(substrate))
        return net + float(given.sum() + cells.made(substrate).sum())

    def promised(self, substrate: str) -> float:
        """The bound, and what agents have taken from the field since, by an estimate that is half of it at least."""
        report = self.host.report(self.attached.index(substrate))
        return report.bound + 2.0 * report.excess

    def write(self, substrate: str, field: np.ndarray) -> None:
        self.host.write(substrate, field)

    def put(self, cells: CellTable) -> None:
        self.cells, self.read = cells, {}
        put(self.host, cells, self.names)
        self._set_variables(cells)

    def _set_variables(self, cells: CellTable) -> None:
        """What cells have of their own; NaN where an agent says nothing."""
        said = {"conducts": cells.conducts, "walls": cells.membranes, "decays": cells.decays}
        for ability in self.scenario.poses & set(said):
            for name in self.names:
                own = said[ability](name)
                if ability == "decays":  # in the place of what decays there without the cell
                    medium, there = self.scenario.medium(name), self.scenario.voxels(cells)
                    around = medium.decay_per_min if medium.decay_map is None else medium.decay_map[there]
                    own = np.where(own == 0.0, np.nan, own + around)
                for agent, number in enumerate(own.tolist()):
                    self.host.set_variable(agent, f"{name} {ability}", number)

    def change(self, cells: CellTable) -> None:
        """As a rule does: the phenotype's rates, and no constants from them."""
        self.cells = cells
        self.host.rule(rates_of(cells, self.names))


def _face(side: Any) -> dict[str, float]:
    """What comes in through an outer face; nothing where nodes hold it."""
    if isinstance(side, sp.Flux):
        return {"flux": side.inward}
    return {"exchange": side.rate, "value": side.value} if isinstance(side, sp.Exchange) else {}


def put(host: Any, cells: CellTable, names: Sequence[str], export: float = 0.0) -> None:
    host.put(cells.position_um + CORNER, cells.volume_um3, rates_of(cells, names, export))


def rates_of(cells: CellTable, names: Sequence[str], export: float = 0.0) -> np.ndarray:
    """(n, substrates, 4): uptake, secretion, target and net export, the last on top of what the table says."""
    rates = [
        (cells.uptake_per_min[name], cells.secretion_per_min[name], cells.secretion_target[name], cells.made(name))
        for name in names
    ]
    every = np.moveaxis(np.array(rates).reshape(len(names), 4, len(cells)), 2, 0).copy()
    every[..., 3] += export
    return every
