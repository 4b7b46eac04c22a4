"""States recorded from a host, read back exactly.

The header of a step holds every scalar of its problem and what became of it. A coefficient that was a number at some
step is in that step's header, and its map there is not written and reads as NaN.
"""

from __future__ import annotations

import copy
import hashlib
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from surrogate_plugin.equation.problem import MichaelisMenten, Problem
from surrogate_plugin.equation.sides import Boundary, Side
from surrogate_plugin.equation.solution import Flag
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.recordings.store import COEFFICIENTS, open_store, read_headers, read_map, shape_of
from surrogate_plugin.recordings.store import RecordingError as RecordingError

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
        header = self.headers[index]
        row = index % len(self)
        value: dict[str, Any] = {name: getattr(header, name) for name in COEFFICIENTS}
        value |= {name: self._map(name, row) for name, number in value.items() if number is None}
        vmax = value.pop("vmax")
        try:
            problem = Problem(
                self._map("source", row),
                fixed=self._map("fixed", row),
                uptake=None if header.km is None else MichaelisMenten(vmax, header.km),
                spacing=header.spacing,
                boundary=Boundary(*header.sides),
                **value,
            )
        except InvalidProblemError as error:
            raise RecordingError(f"step {row} of {self.path} is damaged: {error}") from None
        if header.digest not in (digest(problem), digest(_with_its_maps(problem, header))):
            raise RecordingError(f"step {row} of {self.path} is damaged: its maps are not those that were recorded.")
        measured = measures(problem)
        if measured != header.model_dump(include=set(measured)):
            raise RecordingError(f"step {row} of {self.path} is damaged: its header is not that of its maps.")
        return problem

    def _map(self, name: str, row: int) -> npt.NDArray[Any]:
        return read_map(self.path, self._store, name, row)

    def _parse(self, index: int, text: bytes) -> Header:
        try:
            return Header.model_validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            raise RecordingError(f"the header of step {index} of {self.path} is damaged ({first['msg']}).") from None


def _with_its_maps(problem: Problem, header: Header) -> Problem:
    """The problem with maps of one value as the maps they are stored as, which a digest from before tells apart."""
    stored, shape = copy.copy(problem), problem.shape
    vars(stored).pop("fingerprint", None)
    for name in COEFFICIENTS:
        if name != "vmax" and getattr(header, name) is None:
            object.__setattr__(stored, name, np.broadcast_to(getattr(problem, name), shape))
    if problem.uptake is not None and header.vmax is None:
        vmax = np.broadcast_to(problem.uptake.vmax, shape)
        object.__setattr__(stored, "uptake", MichaelisMenten(vmax, problem.uptake.km))
    return stored


def measures(problem: Problem) -> dict[str, Any]:
    """What a header says of a problem, for steps to be chosen by without reading their maps."""
    return {
        "largest_imposed": problem.largest_imposed,
        "largest_production": float(np.max(problem.production)),
        "free_pixels": int(np.count_nonzero(~problem.fixed)),
    }


def digest(problem: Problem) -> str:
    """Names a problem with all its values, where `Problem.fingerprint` names its operator."""
    made = hashlib.blake2b(problem.fingerprint.encode(), digest_size=16)
    made.update(problem.source.tobytes())
    made.update(np.asarray(problem.production).tobytes())
    made.update(repr(problem.boundary).encode())
    return made.hexdigest()
