"""Append the states a host hands over to one Zarr store, so that the network can be trained on them later.

A step is written in this order: room for it, its maps, its header, and last the number of complete steps. Each file is
replaced at once, and no file of an earlier step is touched, so that a kill at any moment leaves every completed step.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from surrogate_plugin.engine.advance import TimeStep
from surrogate_plugin.equation.codec import COEFFICIENTS, MAPS, faces_in, maps_of, numbers_of
from surrogate_plugin.equation.per_axis import PerAxis
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.recordings.reader import Header, measures, named
from surrogate_plugin.recordings.store import (
    BEFORE,
    DTYPES,
    FORMAT,
    HEADER,
    HEADER_BYTES,
    MOST_HEADER_BYTES,
    RARE,
    VERSION,
    RecordingError,
    array,
    names_in,
    open_store,
    shape_of,
    steps_of,
)
from surrogate_plugin.session.steps import StepRecord
from surrogate_plugin.whole_files import replacing

if TYPE_CHECKING:
    from zarr import Group

#: What a chunk that is lost reads as: NaN, which no problem holds, a mask without the digest, or an empty header.
_FILL: dict[str, Any] = dict.fromkeys(MAPS, np.nan) | {"fixed": False, HEADER: ord(" ")}


class RecordingWarning(UserWarning):
    """A step could not be recorded; the host has its field all the same."""


class Recorder:
    """Records the steps that a `Backend` solves; steps that hold the last field are not recorded again.

    At 512 x 512 a step of a tissue takes some 20 ms and half a megabyte. A store has one writer at a time: a
    copy of a backend, pickled or not, records nothing until it is given a recorder of its own, and a recorder itself
    cannot be copied.

    Parameters
    ----------
    path : str or Path
        The store, created by the first backend that is given the recorder; one that is there is gone on with, after
        what a kill has left of an unfinished step is cut off.
    every : int
        Records one solved step in this many, the first one included.

    Attributes
    ----------
    path : Path
    every : int

    Raises
    ------
    ValueError
        If ``every`` is not a whole number of at least 1.

    Examples
    --------
    >>> Recorder("run.zarr", every=10)
    Recorder('run.zarr', every=10)
    """

    def __init__(self, path: str | Path, every: int = 1) -> None:
        if type(every) is not int or every < 1:
            raise ValueError(f"every is {every!r}; a whole number of at least 1 is allowed.")
        self.path = Path(path)
        self.every = every
        self._store: Group | None = None
        self._complete = 0
        self._digest = ""
        self._solved = 0
        self._warned = False

    def __repr__(self) -> str:
        return f"Recorder({str(self.path)!r}, every={self.every})"

    def __len__(self) -> int:
        """How many complete steps the store holds, those of earlier runs included; 0 before it is open."""
        return self._complete

    @property
    def digest(self) -> str:
        """What the last step is named by that was recorded here, as its header has it; empty where none was yet."""
        return self._digest

    def __bool__(self) -> bool:
        return True  # an empty recorder is one nevertheless

    def __getstate__(self) -> NoReturn:
        # Both would go on from the steps that they know of, and overwrite each other's.
        raise TypeError(f"{self!r} cannot be copied or pickled, since a store has one writer; make another Recorder.")

    def open(self, shape: tuple[int, int]) -> None:
        """Create the store for a lattice of ``shape``, or open the one that is there; twice does no harm.

        Raises
        ------
        RecordingError
            If ``path`` holds something else, or a recording of another lattice.
        OSError
            If nothing can be written there.
        """
        if self._store is None:
            if not _is_there(self.path):
                _create(self.path, shape)
            store = open_store(self.path, "r+")
            self._check_shape(shape_of(store), shape)
            self._complete = steps_of(store)
            _truncate(self.path, store, self._complete)
            _sweep(self.path, self._complete)
            self._store = store
        self._check_shape(shape_of(self._store), shape)

    def cut(self, steps: int) -> None:
        """Keep the first so many steps of a store that is open, and no others.

        For a host that goes on from a checkpoint of its own, and takes the steps after that, and records them, again.

        Raises
        ------
        ValueError
            If it is not a whole number of at least 0, or there are not as many.
        """
        if type(steps) is not int or not 0 <= steps <= self._complete:
            raise ValueError(f"steps is {steps!r}; a whole number from 0 to {self._complete} is allowed.")
        while self._complete > steps:  # one by one: a store has room for one step more than are complete, and no more
            assert self._store is not None
            self._complete -= 1
            self._store.attrs["steps"] = self._complete
            _truncate(self.path, self._store, self._complete)
            self._digest = ""

    def take(self, problem: Problem, record: StepRecord, before: FloatArray | None = None) -> None:
        """Append a solved step if it is due; where that fails, warn once and let the host go on.

        Parameters
        ----------
        problem : Problem
            As it was posed.
        record : StepRecord
            What became of it.
        before : (H, W) float64, field units, optional
            The field that a step in time of ``record.dt_min`` went on from.
        """
        due = self._solved % self.every == 0
        self._solved += 1
        if not due:
            return
        try:
            self.append(problem, record, before)
        except Exception as error:  # whatever it is: the host's run is worth more than its recording
            if not self._warned:
                self._warned = True
                warnings.warn(
                    f"step {record.step} was not recorded in {self.path} ({type(error).__name__}: {error}); "
                    "the run goes on, and later steps are tried again without a further warning.",
                    RecordingWarning,
                    stacklevel=4,
                )

    def append(self, problem: Problem, record: StepRecord, before: FloatArray | None = None) -> None:
        """Append a step at once.

        Raises
        ------
        RecordingError
            If the problem is on another lattice than the store's, or what is known about it is longer than a header.
        OSError
            If it cannot be written; the store holds what it held before.
        """
        self.open(problem.shape)
        assert self._store is not None
        at = self._complete
        step = None if before is None else TimeStep.read(problem, before, record.dt_min)
        header = _header(problem, step, record)
        text = header.model_dump_json(exclude_defaults=True).encode()
        if len(text) > MOST_HEADER_BYTES:
            raise RecordingError(
                f"the header of a step has {len(text)} bytes; at most {MOST_HEADER_BYTES} are allowed."
            )
        maps = maps_of(problem.parts) | faces_in(problem.parts)
        maps |= {} if step is None else {BEFORE: step.field}
        _make_room(self.path, self._store, at + 1, len(text), maps)
        for name, values in maps.items():
            array(self._store, name)[at] = values if values.shape == problem.shape else _cornered(values, problem.shape)
        headers = array(self._store, HEADER)
        headers[at] = np.frombuffer(text.ljust(headers.shape[1]), dtype=np.uint8)
        self._store.attrs["steps"] = at + 1
        self._complete, self._digest = at + 1, header.digest

    def _check_shape(self, found: tuple[int, int], shape: tuple[int, int]) -> None:
        if found != tuple(shape):
            raise RecordingError(
                f"{self.path} records a lattice of {found[0]} x {found[1]}, this one is {shape[0]} x {shape[1]}; "
                "name another path."
            )


def _header(problem: Problem, step: TimeStep | None, record: StepRecord) -> Header:
    parts = problem.parts
    numbers: dict[str, Any] = dict.fromkeys((*COEFFICIENTS, "km"))
    numbers |= {"vmax": 0.0} if problem.uptake is None else {}
    return Header(
        step=record.step,
        method=record.method,
        bound=record.bound,
        flags=record.flags,
        sides=problem.boundary.sides,
        digest=named(parts, step),
        per_axis=isinstance(problem.diffusivity, PerAxis),
        faces={name: values.shape for name, values in faces_in(parts).items()},
        dt=None if step is None else step.dt,
        **measures(problem if step is None else step.posed),
        **numbers | numbers_of(parts) | {"spacing": problem.spacing},
    )


def _cornered(values: FloatArray, shape: tuple[int, int]) -> FloatArray:
    """A map of faces, of which there may be fewer than pixels, in the corner of a map of pixels."""
    around = np.full(shape, np.nan)
    around[: values.shape[0], : values.shape[1]] = values
    return around


def _is_there(path: Path) -> bool:
    return path.exists() and not (path.is_dir() and not any(path.iterdir()))


def _create(path: Path, shape: tuple[int, int]) -> None:
    """An empty recording, which appears at ``path`` whole or not at all."""
    with replacing(path) as partial:
        _create_at(partial, shape)


def _create_at(path: Path, shape: tuple[int, int]) -> None:
    import zarr

    store = zarr.create_group(path, attributes={"format": FORMAT, "version": VERSION, "shape": list(shape), "steps": 0})
    for name in DTYPES:
        _create_array(store, name, shape, 0)


def _create_array(store: Group, name: str, shape: tuple[int, int], steps: int) -> None:
    from zarr.codecs import BloscCodec, Crc32cCodec

    inner = (HEADER_BYTES,) if name == HEADER else tuple(shape)
    store.create_array(
        name,
        shape=(steps, *inner),
        chunks=(1, *inner),
        dtype=(DTYPES | RARE)[name],
        fill_value=_FILL.get(name, np.nan),
        # Level 1 writes four times as fast as level 5, for a tenth more bytes.
        compressors=(BloscCodec(cname="zstd", clevel=1, shuffle="shuffle"), Crc32cCodec()),
    )


def _truncate(path: Path, store: Group, steps: int) -> None:
    """Cut off what lies beyond the complete steps."""
    for name in names_in(path, store):
        part = array(store, name)
        if part.shape[0] > steps:
            part.resize((steps, *part.shape[1:]))


def _sweep(path: Path, steps: int) -> None:
    """Remove the half-written files a kill has left, which can only be metadata or of the step after the last."""
    for pattern in ("*.partial", "*/*.partial", f"*/c/{steps}/**/*.partial"):
        for file in path.glob(pattern):
            file.unlink(missing_ok=True)


def _make_room(path: Path, store: Group, steps: int, header_bytes: int, needed: Iterable[str]) -> None:
    """Room for this many steps, for a header of this many bytes, and for maps that no step before has had."""
    there = names_in(path, store)
    for name in there:
        part = array(store, name)
        inner = part.shape[1:]
        if name == HEADER and header_bytes > inner[0]:
            inner = (-(-header_bytes // HEADER_BYTES) * HEADER_BYTES,)
        if part.shape != (steps, *inner):
            part.resize((steps, *inner))
    for name in needed:
        if name not in there:
            _create_array(store, name, shape_of(store), steps)
