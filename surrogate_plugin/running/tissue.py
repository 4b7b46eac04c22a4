"""All that a run without a host is of: lattice, coefficients, cells, and what is held when."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from surrogate_plugin import files
from surrogate_plugin.arguments import FloatArray
from surrogate_plugin.equation.per_axis import Diffusivity, PerAxis
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.running.held import Held, Picture, read_held, shape_of, together, walls
from surrogate_plugin.running.lattice import domain_of
from surrogate_plugin.running.placed import read_cells
from surrogate_plugin.session.config import BackendConfig
from surrogate_plugin.session.posing import problem_of, raster_of
from surrogate_plugin.settings.document import named
from surrogate_plugin.settings.file import SettingsFile
from surrogate_plugin.settings.substrate import Axes, Substrate
from surrogate_plugin.tissue.cells import Cells
from surrogate_plugin.tissue.raster import Raster
from surrogate_plugin.tissue.state import TissueState, Vessels, Voxels

_NUMBERS = (".npy", ".npz", ".csv", ".vti")


class Tissue:
    """What the settings of a run without a host describe, with every file that they name read.

    Parameters
    ----------
    settings : SettingsFile

    Attributes
    ----------
    domain : Domain
    names : list of str
        The substrates.
    configs : dict of str to BackendConfig
    placed : Placed
    notes : list of str
        What is to be said of the files.

    Raises
    ------
    InvalidProblemError
        One sentence with file and line.
    """

    def __init__(self, settings: SettingsFile) -> None:
        self.settings = settings
        self.names = _names(settings)
        self._held, self.notes = read_held(settings)
        self.domain = domain_of(settings, shape_of(self._held))
        self._check_pictures()
        self._check_vessels()
        self.placed = read_cells(settings, self.domain)
        self.configs = {name: self._config(name) for name in self.names}
        self._cells = {name: self._cells_of(name) for name in self.names}
        self._states: dict[tuple[str, tuple[int, ...]], TissueState] = {}

    def state(self, name: str, time_min: float = 0.0) -> TissueState:
        """What holds for a substrate in a step that begins then; the very same where the same holds."""
        there = tuple(number for number, each in enumerate(self._held) if each.substrate == name and each.at(time_min))
        if (name, there) not in self._states:
            self._states[name, there] = self._state(name, [self._held[number] for number in there])
        return self._states[name, there]

    def raster(self, name: str, time_min: float = 0.0) -> Raster:
        """The same on the pixels."""
        return raster_of(self.state(name, time_min), self.configs[name])

    def check(self) -> None:
        """Refuse what is no problem at some time of the run, before anything is solved.

        Such is a substrate that nothing supplies or anchors, or no longer does.

        Raises
        ------
        InvalidProblemError
            One sentence with file and line.
        """
        for name, config in self.configs.items():
            with self.settings.document.at(("substrates", name)):
                problems = [problem_of(self.raster(name, time), config) for time in self._turns_min()]
                if not config.steady:
                    continue
                for problem in problems:
                    problem.check_steady()
                if not any(problem.largest_imposed > 0 or np.any(problem.supply) for problem in problems):
                    raise InvalidProblemError(
                        f"nothing supplies {name}, so its field is 0 everywhere; a vessel, a source, a side that holds "
                        "or lets in, or production is needed."
                    )

    def changes_min(self) -> list[float]:
        """The times after the start at which something comes or goes, min."""
        times = {each.timed.from_min for each in self._held} | {each.timed.until_min or 0.0 for each in self._held}
        return sorted(time for time in times if time > 0)

    def _turns_min(self) -> list[float]:
        """The times from which on something else holds, the start among them."""
        end = np.inf if self.settings.time is None else self.settings.time.duration_min
        return [0.0, *(time for time in self.changes_min() if time < end)]

    def _state(self, name: str, held: list[Held]) -> TissueState:
        pictures = [each.what for each in held if isinstance(each.what, Picture)]
        vessels = together([each.what for each in held if isinstance(each.what, Vessels)])
        given = self.settings.substrate(name)
        voxels = Voxels(production_per_min=given.production_per_min) if given.production_per_min else None
        if pictures:
            fixed = np.any([each.fixed for each in pictures], axis=0)
            value = np.max([np.where(each.fixed, each.values, 0.0) for each in pictures], axis=0)
            between = walls(pictures, given.boundary.rings)
            voxels = Voxels(fixed, value, production_per_min=given.production_per_min, membranes=between)
        return TissueState(self._cells[name], vessels, voxels)

    def _check_pictures(self) -> None:
        for each in self._held:
            if isinstance(each.what, Picture) and each.what.fixed.shape != self.domain.shape:
                raise self.settings.document.error(
                    each.place,
                    f"{named(each.place)}.file has {list(each.what.fixed.shape)} pixels (rows, columns), but the "
                    f"lattice has {list(self.domain.shape)}; they must agree.",
                )

    def _check_vessels(self) -> None:
        """A vessel off the lattice is told by its place in the settings."""
        assert self.settings.domain is not None, "there is a lattice"
        outside = self.settings.domain.outside
        for each in self._held:
            if isinstance(each.what, Vessels):
                boundary = self.settings.substrate(each.substrate).boundary
                with self.settings.document.at(each.place):
                    self.domain.rasterise(TissueState(vessels=each.what), outside=outside, boundary=boundary)

    def _config(self, name: str) -> BackendConfig:
        settings, given = self.settings, self.settings.substrate(name)
        place = ("substrates", name)
        with settings.document.at(place):
            return BackendConfig(
                domain=self.domain,
                diffusivity_um2_per_min=_diffusivity(given),
                decay_per_min=_map(given.decay_file, given.decay_per_min, "decay_per_min"),
                michaelis_km=given.michaelis_km,
                initial=given.initial,
                boundary=given.boundary,
                deposit="area" if settings.cells is None else settings.cells.deposit,
                outside="error" if settings.domain is None else settings.domain.outside,
                **dict(settings.settings(name)),
            )

    def _cells_of(self, name: str) -> Cells:
        if not len(self.placed):
            return Cells.none()
        decay = self.configs[name].decay_per_min
        with self.settings.document.at(("substrates", name)):
            return self.placed.cells(self.settings.substrate(name), self._around(decay, name))

    def _around(self, decay: Any, name: str) -> FloatArray | float:
        """What decays around each cell."""
        if not isinstance(decay, np.ndarray):
            return float(decay)
        pixels = self.domain.pixels(self.placed.position_um)
        x, y = self.domain.nearest(*pixels, self.settings.substrate(name).boundary)
        rows, columns = self.domain.shape
        found: FloatArray = decay[np.minimum(y.astype(np.int64), rows - 1), np.minimum(x.astype(np.int64), columns - 1)]
        return found


def _names(settings: SettingsFile) -> list[str]:
    document = settings.document
    if not isinstance(settings.substrates, dict):
        raise document.error(
            ("substrates",),
            "a run without a host needs a table for each substrate, as [substrates.oxygen], with "
            "diffusivity_um2_per_min and decay_per_min.",
        )
    for name, given in settings.substrates.items():
        for option, file in (("diffusivity_um2_per_min", "diffusivity_file"), ("decay_per_min", "decay_file")):
            if getattr(given, option) is None and getattr(given, file) is None:
                raise document.error(
                    ("substrates", name), f"substrates.{name}.{option} is missing; it or {file} is needed."
                )
    return list(settings.substrates)


def _diffusivity(given: Substrate) -> Diffusivity:
    number = given.diffusivity_um2_per_min
    if isinstance(number, Axes):
        if given.diffusivity_file is not None:
            raise InvalidProblemError("diffusivity_file and diffusivity by axis are both given; one is allowed.")
        return PerAxis(x=number.x, y=number.y)
    return _map(given.diffusivity_file, number, "diffusivity_um2_per_min")


def _map(file: Path | None, number: float | None, name: str) -> FloatArray | float:
    """A coefficient: a map where there is a file, whose white is the number; else the number."""
    if file is None:
        assert number is not None, "one of the two is there"
        return number
    if number is None and file.suffix.lower() not in _NUMBERS:
        raise InvalidProblemError(f"{name} is missing; what white stands for in {file} is needed.")
    return files.read_map(file, 1.0 if number is None else number).values
