"""Files and recordings as films: moments of a field, read or solved for when they are asked for."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from surrogate_plugin.arguments import FloatArray
from surrogate_plugin.equation.problem import Problem
from surrogate_plugin.equation.storage import FORMAT
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.files.levels import readable
from surrogate_plugin.files.saved import READABLE as READABLE
from surrogate_plugin.files.saved import read_saved
from surrogate_plugin.pictures.scene import Scene
from surrogate_plugin.recordings.reader import Recording
from surrogate_plugin.recordings.store import RecordingError
from surrogate_plugin.tissue.domain import Domain

#: What says that an archive is a problem takes no more bytes.
_SMALL = 1024
#: What a field is called where its file does not say of what it is.
FIELD = "field"


class FieldFilm:
    """One field that was saved: numbers, or a picture that `write_field` wrote.

    Parameters
    ----------
    path : Path
    problem : Problem, optional
        The equation that it is to solve.
    array : str, optional
        Of a .npz or .vti with several.
    spacing : float or (dy, dx), optional
        Length per pixel, in the place of what the file says.
    units, length_units : str
        In the place of what the file says.

    Raises
    ------
    InvalidProblemError
        If it cannot be read, or is a field of another lattice than the problem's.
    """

    def __init__(
        self,
        path: Path,
        problem: Problem | None = None,
        array: str | None = None,
        spacing: float | tuple[float, ...] | None = None,
        units: str = "",
        length_units: str = "",
    ) -> None:
        self.names: Sequence[str] = (_printable(path),)
        self.substrates: Sequence[str] = (FIELD,)
        read = read_saved(path, array)
        if problem is not None and problem.shape != read.values.shape:
            raise InvalidProblemError(
                f"{path} is of {read.values.shape[0]} x {read.values.shape[1]} pixels, its problem of "
                f"{problem.shape[0]} x {problem.shape[1]}; those of one lattice are allowed."
            )
        known = spacing or (read.spacing if problem is None else problem.spacing) or 1.0
        told = read.told
        self._scene = Scene(
            self.names[0],
            lattice(read.values.shape, known),
            read.values,
            units=units or told.units,
            length_units=length_units or told.length_units,
            held=None if problem is None else problem.fixed,
            problem=problem,
            bound=told.error_bound,
            saved=True,
            method=told.method,
        )

    def scene(self, index: int, substrate: str) -> Scene:
        """The field."""
        return self._scene


class ProblemFilm:
    """A problem that `Problem.save` wrote, solved by ``method``."""

    def __init__(self, path: Path, method: str = "exact", units: str = "", length_units: str = "") -> None:
        self.names: Sequence[str] = (_printable(path),)
        self.substrates: Sequence[str] = (FIELD,)
        self._asked = (method, units, length_units)
        self._problem = Problem.load(path)

    def scene(self, index: int, substrate: str) -> Scene:
        """Its field."""
        return _solved(self.names[0], self._problem, None, *self._asked)


class RecordingFilm:
    """The steps of a recording, whose fields are solved for by ``method``, since only their problems are recorded.

    Its time is that of the steps in time so far, where all are such; a recording does not know where its corner was.

    Raises
    ------
    RecordingError
        If there is none at ``path``, it is damaged, or has no steps.
    """

    def __init__(self, path: Path, method: str = "exact", units: str = "") -> None:
        self._recording = Recording(path)
        if not len(self._recording):
            raise RecordingError(f"{path} has no steps yet; a recording of at least one is allowed.")
        self._asked = (method, units, "um")
        self.names: Sequence[str] = tuple(f"step {step}" for step in self._recording.steps)
        self.substrates: Sequence[str] = (FIELD,)
        lengths = [header.dt for header in self._recording.headers]
        self._times = None if None in lengths else np.cumsum(np.array(lengths, dtype=np.float64))

    def scene(self, index: int, substrate: str) -> Scene:
        """The field of one step."""
        time = None if self._times is None else float(self._times[index])
        return _solved(self.names[index], self._recording.problem(index), time, *self._asked)


def is_problem(path: Path) -> bool:
    """Whether a file is one that `Problem.save` wrote."""
    if path.suffix.lower() != ".npz" or not path.is_file():
        return False
    with readable(path, "a .npz archive"), zipfile.ZipFile(path) as archive:
        if "format.npy" not in archive.namelist() or archive.getinfo("format.npy").file_size > _SMALL:
            return False
        with archive.open("format.npy") as stream:
            said = np.lib.format.read_array(stream, allow_pickle=False)
            return str(said).startswith(FORMAT.rsplit(" ", 1)[0])


def is_field(path: Path) -> bool:
    """Whether a file is of a kind that holds fields."""
    return path.is_file() and path.suffix.lower() in READABLE


def is_recording(path: Path) -> bool:
    """Whether there is a Zarr group, which a recording is."""
    return path.is_dir() and (path / "zarr.json").is_file()


def lattice(shape: tuple[int, ...], spacing: float | tuple[float, ...]) -> Domain:
    """Pixels of any unit of length as a domain, one pixel deep."""
    return Domain.from_lattice(shape, spacing, thickness_um=spacing if isinstance(spacing, float) else spacing[-1])


def _solved(name: str, problem: Problem, time: float | None, method: str, units: str, length_units: str) -> Scene:
    import surrogate_plugin as sp

    solution = sp.solve(problem, method=method)
    field: FloatArray = solution.field
    return Scene(
        name,
        lattice(problem.shape, problem.spacing),
        field,
        time=time,
        units=units,
        length_units=length_units,
        held=problem.fixed,
        problem=problem,
        bound=solution.error_bound,
        method=solution.method,
        exact=method == "exact",
    )


def _printable(path: Path) -> str:
    """The name of a file, with a ? for bytes that are no letters, as of a disk in another encoding."""
    return path.name.encode("utf-8", "replace").decode()
