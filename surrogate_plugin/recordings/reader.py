"""States recorded from a host, read back exactly.

The header of a step holds every scalar of its problem and what became of it. A coefficient that was a number at some
step is in that step's header, and its map there is not written and reads as NaN.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from surrogate_plugin.equation.codec import MAPS, UPTAKE, Part, digest, side_parts
from surrogate_plugin.equation.problem import Problem
from surrogate_plugin.equation.sides import Boundary, Side
from surrogate_plugin.equation.solution import Flag
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.recordings.store import RecordingError as RecordingError
from surrogate_plugin.recordings.store import open_store, read_headers, read_map, shape_of

#: What numpy counts steps and pixels in.
_Count = Annotated[int, Field(ge=0, lt=2**63)]


class Header(BaseModel):
    """One step without its maps, and what steps are chosen by; a coefficient that is None is a map."""

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="constants")

    step: _Count
    method: str
    bound: float = Field(ge=0)
    flags: tuple[Flag, ...]
    spacing: float
    sides: tuple[Side, Side, Side, Side]
    diffusivity: float | None
    decay: float | None
    production: float | None
    vmax: float | None
    km: float | None
    largest_imposed: float
    largest_production: float
    free_pixels: _Count
    digest: str


class Recording:
    """The steps that a `Recorder` has completed, up to the moment this is made.

    Parameters
    ----------
    path : str or Path
        The store.

    Attributes
    ----------
    path : Path
    shape : (int, int)
        Rows and columns of the lattice.
    steps : (n,) int64
        The backend's number of each step; it starts from 0 again where another run went on with the store.
    methods : tuple of str
        Who answered each step.
    bounds : (n,) float64, field units
        At least the largest pointwise error of each step's field.
    flags : tuple of tuple of Flag
        Why the surrogate was not used or not accepted, for each step.
    headers : tuple of Header
        Everything known about each step but its maps.

    Raises
    ------
    RecordingError
        If there is no recording at ``path``, or it is damaged.

    Examples
    --------
    >>> import tempfile
    >>> import surrogate_plugin as sp
    >>> domain = sp.Domain((0.0, 0.0), (640.0, 320.0), (16, 32))
    >>> config = sp.BackendConfig(domain=domain, diffusivity_um2_per_min=1e5, decay_per_min=0.1, method="exact")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     backend = sp.Backend(config, recorder=sp.Recorder(folder + "/run.zarr"))
    ...     result = backend.step(sp.TissueState(vessels=sp.Vessels([(400.0, 100.0)], radius_um=30.0, value=38.0)))
    ...     recording = sp.Recording(folder + "/run.zarr")
    ...     len(recording), recording.shape, recording.methods, recording.problem(0).largest_imposed
    (1, (16, 32), ('spectral',), 38.0)
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._store = open_store(self.path, "r")
        self.shape = shape_of(self._store)
        texts = read_headers(self.path, self._store)
        self.headers = tuple(self._parse(index, text) for index, text in enumerate(texts))
        self.steps = np.array([header.step for header in self.headers], dtype=np.int64)
        self.methods = tuple(header.method for header in self.headers)
        self.bounds = np.array([header.bound for header in self.headers], dtype=np.float64)
        self.flags = tuple(header.flags for header in self.headers)

    def __len__(self) -> int:
        return len(self.headers)

    def problem(self, index: int) -> Problem:
        """The problem posed at recorded step ``index``, bit for bit; negative indices count from the last one.

        Raises
        ------
        IndexError
            If there is no such step.
        RecordingError
            If what is stored is not what was recorded.
        """
        header, row = self.headers[index], index % len(self)
        try:
            parts = self._parts(header, row)
            problem = Problem.of_parts(parts)
        except InvalidProblemError as error:
            raise RecordingError(f"step {row} of {self.path} is damaged: {error}") from None
        # Older recordings hold maps of one value as maps, and name the problem by them.
        if header.digest not in (digest(problem.parts), digest(parts)):
            raise RecordingError(f"step {row} of {self.path} is damaged: its maps are not those that were recorded.")
        measured = measures(problem)
        if measured != header.model_dump(include=set(measured)):
            raise RecordingError(f"step {row} of {self.path} is damaged: its header is not that of its maps.")
        return problem

    def _parts(self, header: Header, row: int) -> dict[str, Part]:
        """The parts of a step's problem as they are stored."""
        names = [name for name in (*MAPS, "km", "spacing") if header.km is not None or name not in UPTAKE]
        found: dict[str, Any] = {name: getattr(header, name, None) for name in names}
        maps = {name: read_map(self.path, self._store, name, row) for name, number in found.items() if number is None}
        return found | maps | side_parts(Boundary(*header.sides))

    def _parse(self, index: int, text: bytes) -> Header:
        try:
            return Header.model_validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            raise RecordingError(f"the header of step {index} of {self.path} is damaged ({first['msg']}).") from None


def measures(problem: Problem) -> dict[str, Any]:
    """What a header says of a problem, for steps to be chosen by without reading their maps."""
    return {
        "largest_imposed": problem.largest_imposed,
        "largest_production": float(np.max(problem.production)),
        "free_pixels": int(np.count_nonzero(~problem.fixed)),
    }
