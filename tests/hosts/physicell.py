"""The stand-in for PhysiCell with the header attached to it, set up with a scenario."""

from __future__ import annotations

import ctypes
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import surrogate_plugin as sp
from surrogate_plugin.testing import CellTable, Scenario
from tests.physicell_stand_in import driver

CORNER = np.array([-130.0, 40.0])


def write_settings(folder: Path, **keys: Any) -> Path:
    """A `surrogate.toml`; Python's literals of strings, numbers and flat lists are TOML's too."""
    path = folder / "surrogate.toml"
    path.write_text("".join(f"{key} = {value!r}\n" for key, value in ({"substrates": ["oxygen"]} | keys).items()))
    return path


class Driven:
    """A stand-in set up with a scenario; every step of it is a phenotype step too, so that each one is solved for."""

    def __init__(self, library: ctypes.CDLL, scenario: Scenario, folder: Path) -> None:
        rows, columns = scenario.shape
        self.names, self.folder = scenario.names, folder
        self.host = driver.StandIn(
            library,
            (columns, rows),
            [(m.name, m.diffusivity_um2_per_min, m.decay_per_min, m.initial) for m in scenario.media],
            spacing_um=(scenario.spacing_um, scenario.spacing_um, scenario.thickness_um),
            corner_um=CORNER,
            times_min=(0.001, 0.001, 0.001),
        )
        self.host.set_threads(1)
        for medium in scenario.media:
            for row, column in np.argwhere(medium.fixed):
                self.host.fix(int(row), int(column), medium.name, float(medium.value[row, column]))
        self.put(scenario.cells)

    def attach(self, substrates: Sequence[str], tolerance: float) -> None:
        settings = write_settings(self.folder, substrates=list(substrates), tolerance=tolerance)
        try:
            with warnings.catch_warnings():  # steps as short as these are told of, as they should be
                warnings.simplefilter("ignore", sp.PromiseWarning)
                self.host.attach(settings)
        except driver.HostError as error:
            raise sp.UnsupportedProblemError(str(error)) from error

    def detach(self) -> None:
        self.host.detach()

    def advance(self) -> None:
        with warnings.catch_warnings():  # a tissue without vessels is, too
            warnings.filterwarnings("ignore", "nothing supplies", sp.PromiseWarning)
            self.host.advance()

    def field(self, substrate: str) -> np.ndarray:
        return self.host.density(substrate)

    def seen(self, substrate: str) -> np.ndarray:
        return self.host.seen(substrate)

    def put(self, cells: CellTable) -> None:
        put(self.host, cells, self.names)


def put(host: Any, cells: CellTable, names: Sequence[str], export: float = 0.0) -> None:
    rates = [
        (cells.uptake_per_min[name], cells.secretion_per_min[name], cells.secretion_target[name]) for name in names
    ]
    every = np.full((len(cells), len(names), 4), export)
    every[..., :3] = np.moveaxis(np.array(rates).reshape(len(names), 3, len(cells)), 2, 0)
    host.put(cells.position_um + CORNER, cells.volume_um3, every)
