"""States recorded from a host, read back exactly.

The header of a step holds every scalar of its problem and what became of it. A coefficient that was a number at some
step is in that step's header, and its map there is not written and reads as NaN. Of a step in time what is kept is the
problem without the step, how long the step was, and the field before it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from surrogate_plugin.engine.advance import TimeStep
from surrogate_plugin.equation.codec import FACES, PER_AXIS, UPTAKE, Part, digest, side_parts
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.equation.sides import Boundary, Side
from surrogate_plugin.equation.solution import Flag
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.recordings.store import BEFORE, open_store, read_headers, read_map, shape_of
from surrogate_plugin.recordings.store import RecordingError as RecordingError

#: What numpy counts steps and pixels in.
_Count = Annotated[int, Field(ge=0, lt=2**63)]


class Header(BaseModel):
    """One step without its maps, and what steps are chosen by; a coefficient that is None is a map.

    With ``per_axis`` diffusivity is ``diffusivity_y`` and ``diffusivity_x``; ``faces`` has the shapes of the maps of
    faces that there are; ``dt`` is how long a step in time was.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="constants")

    step: _Count
    method: str
    bound: float = Field(ge=0)
    flags: tuple[Flag, ...]
    spacing: float | tuple[float, float]
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
    per_axis: bool = False
    diffusivity_y: float | None = None
    diffusivity_x: float | None = None
    faces: dict[str, tuple[_Count, _Count]] = {}
    dt: float | None = None


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
        self.headers = tuple(_parsed(self.path, index, text) for index, text in enumerate(texts))
        self.steps = np.array([header.step for header in self.headers], dtype=np.int64)
        self.methods = tuple(header.method for header in self.headers)
        self.bounds = np.array([header.bound for header in self.headers], dtype=np.float64)
        self.flags = tuple(header.flags for header in self.headers)

    def __len__(self) -> int:
        return len(self.headers)

    def problem(self, index: int) -> Problem:
        """The problem solved at recorded step ``index``, bit for bit; negative indices count from the last one.

        Of a step in time it is the step's own, with ``1 / dt`` more decay and ``field / dt`` more production.

        Raises
        ------
        IndexError
            If there is no such step.
        RecordingError
            If what is stored is not what was recorded.
        """
        problem, step = self._read(index)
        return problem if step is None else step.posed

    def time_step(self, index: int) -> TimeStep | None:
        """The step in time that was recorded: its ``problem`` without the step, ``dt``, and the ``field`` before.

        None where the field was a steady one; raises as `problem` does.
        """
        return self._read(index)[1]

    def _read(self, index: int) -> tuple[Problem, TimeStep | None]:
        header, row = self.headers[index], index % len(self)
        try:
            parts = self._parts(header, row)
            problem = Problem.of_parts(parts)
            step = None if header.dt is None else TimeStep.read(problem, self._map(BEFORE, row), header.dt)
        except InvalidProblemError as error:
            raise RecordingError(f"step {row} of {self.path} is damaged: {error}") from None
        # Older recordings hold maps of one value as maps, and name the problem by them.
        if header.digest not in (named(problem.parts, step), named(parts, step)):
            raise RecordingError(f"step {row} of {self.path} is damaged: its maps are not those that were recorded.")
        measured = measures(problem if step is None else step.posed)
        if measured != header.model_dump(include=set(measured)):
            raise RecordingError(f"step {row} of {self.path} is damaged: its header is not that of its maps.")
        return problem, step

    def _parts(self, header: Header, row: int) -> dict[str, Part]:
        """The parts of a step's problem as they are stored."""
        names = ["source", "fixed", *(PER_AXIS if header.per_axis else ("diffusivity",)), "decay", "production"]
        names += [] if header.km is None else UPTAKE
        found: dict[str, Any] = {name: getattr(header, name, None) for name in names}
        maps = {name: self._map(name, row) for name, number in found.items() if number is None}
        spacing = np.array(header.spacing) if isinstance(header.spacing, tuple) else header.spacing
        return found | maps | self._faces(header, row) | {"spacing": spacing} | side_parts(Boundary(*header.sides))

    def _map(self, name: str, row: int) -> FloatArray:
        return read_map(self.path, self._store, name, row)

    def _faces(self, header: Header, row: int) -> dict[str, Part]:
        maps: dict[str, Part] = {}
        for name, (rows, columns) in header.faces.items():
            if name not in FACES:
                raise RecordingError(f"step {row} of {self.path} is damaged: it has faces called {name!r}.")
            maps[name] = self._map(name, row)[:rows, :columns]
        return maps


def headers_from(path: Path, begin: int) -> list[Header]:
    """What is known of the steps from one on, which is counted from 0, without a look at those before.

    Raises
    ------
    RecordingError
        If there is no recording, or it is damaged.
    """
    store = open_store(path, "r")
    return [_parsed(path, begin + index, text) for index, text in enumerate(read_headers(path, store, begin))]


def named(parts: Mapping[str, Part], step: TimeStep | None) -> str:
    """What a step is told from others by: the digest of its problem, and of a step in time all else that it was."""
    name = digest(parts)
    if step is None:
        return name
    return hashlib.blake2b(f"{name} {step.dt!r}".encode() + step.field.tobytes(), digest_size=16).hexdigest()


def _parsed(path: Path, index: int, text: bytes) -> Header:
    try:
        return Header.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        raise RecordingError(f"the header of step {index} of {path} is damaged ({first['msg']}).") from None


def measures(problem: Problem) -> dict[str, Any]:
    """What a header says of a problem, for steps to be chosen by without reading their maps."""
    return {
        "largest_imposed": problem.largest_imposed,
        "largest_production": float(np.max(problem.production)),
        "free_pixels": int(np.count_nonzero(~problem.fixed)),
    }
