"""What a run in time has come to, kept in a folder, so that one that was stopped or killed goes on from there."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from surrogate_plugin.arguments import FloatArray
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.plain_files import check_plain, read_plain
from surrogate_plugin.running.recorded import Reached
from surrogate_plugin.running.taken import Steps, Taken
from surrogate_plugin.settings.file import SettingsFile
from surrogate_plugin.whole_files import replacing, write_text

#: What a folder that we may empty has in it.
_MARK = "run.json"
_MOST_BYTES = 2**24
_FORMAT = "surrogate-plugin run 1"
#: What the run goes on from, with how much of the file of its steps belongs to it.
_LATEST, _STEPS = "latest.npz", "steps.jsonl.gz"
#: How many steps each recording had when the run began: what one that is killed before anything is kept goes on from.
_BEGAN = "recorded.json"
#: Keys that change what is written of a run, or how long it is, and not what it comes to until then.
_FREE = ("record", "report", "output")


@dataclass(frozen=True, eq=False)
class Moment:
    """The fields of one time.

    Attributes
    ----------
    step : int
        How many steps it took.
    time_min : float, min
    fields : dict of str to (H, W) float64, field units
    bounds : dict of str to float, field units
    methods : dict of str to str
    """

    step: int
    time_min: float
    fields: Mapping[str, FloatArray]
    bounds: Mapping[str, float]
    methods: Mapping[str, str]


@dataclass(frozen=True)
class _More:
    """What is kept beside the moment that a run goes on from."""

    steps_bytes: int
    recorded: dict[str, Reached]

    @property
    def is_sound(self) -> bool:
        """Whether it can be."""
        return self.steps_bytes >= 0 and all(reached.steps >= 0 for reached in self.recorded.values())


class Saved:
    """The folder of a run, ``surrogate.run`` beside ``surrogate.toml``.

    Parameters
    ----------
    settings : SettingsFile
    names : sequence of str
        The substrates.
    shape : (int, int)
        Of their fields.
    fresh : bool
        Whether what is there is left behind.
    folder : Path, optional
        Another folder than that.

    Attributes
    ----------
    latest : Moment or None
        The one to go on from.
    recorded : dict of str to Reached
        How far recordings had come then, or when the run began.

    Raises
    ------
    InvalidProblemError
        If what is there is no run of ours, is damaged, or is one of other settings.
    """

    def __init__(
        self,
        settings: SettingsFile,
        names: list[str],
        shape: tuple[int, int],
        *,
        fresh: bool,
        folder: Path | None = None,
    ) -> None:
        path = settings.document.path
        self.folder = path.with_name(f"{path.stem}.run") if folder is None else folder
        self._names, self._shape = names, shape
        self._mark = {"format": _FORMAT, "settings": fingerprint(settings)}
        self.latest: Moment | None = None
        self.recorded: dict[str, Reached] = {}
        self._steps = Steps(self.folder / _STEPS)
        if fresh:
            self.remove()
        if self._has_begun() and self._is_ours(path):
            self._begin()

    def begin(self, recorded: Mapping[str, Reached]) -> None:
        """Keep how far recordings have come before a run's first step, unless it has begun already.

        Raises
        ------
        UnwritableError
            If the disk is full.
        """
        if self.latest is None and recorded and not self.recorded:
            self._write_mark()
            write_text(self.folder / _BEGAN, json.dumps({name: reached.steps for name, reached in recorded.items()}))

    def keep(
        self,
        moment: Moment,
        taken: Sequence[Taken],
        *,
        shown: bool,
        recorded: Mapping[str, Reached] = MappingProxyType({}),
    ) -> None:
        """Keep what the run goes on from and, if it is to be shown, the moment itself.

        Parameters
        ----------
        moment : Moment
        taken : sequence of Taken
            The steps since the last time.
        shown : bool
        recorded : mapping of str to Reached
            How far recordings have come, of those substrates that have one.

        Raises
        ------
        UnwritableError
            If the disk is full.
        """
        self._write_mark()
        if shown:
            self._write(self._name(moment.step), moment)
        self._steps.add(taken)
        self._write(_LATEST, moment, steps_bytes=self._steps.size, **self._said(recorded))
        self.latest = moment

    def taken(self) -> Iterator[Taken]:
        """All steps up to what the run goes on from, as far as they were kept.

        Raises
        ------
        InvalidProblemError
            If they are damaged.
        """
        return iter(()) if self.latest is None else self._steps.until(self.latest.step, self._names)

    def steps(self) -> list[int]:
        """The steps of the moments that are to be shown, none later than what the run goes on from."""
        last = -1 if self.latest is None else self.latest.step
        found = (path.stem.removeprefix("moment-") for path in self.folder.glob("moment-*.npz"))
        return sorted(step for step in (int(each) for each in found if each.isdigit()) if step <= last)

    def moment(self, step: int) -> Moment:
        """One of them."""
        return self._read(self._name(step), "if it is removed, films go on without this moment")[0]

    def remove(self) -> None:
        """Leave nothing behind, once all is written; what is no run of ours is left alone."""
        if self.folder.is_dir() and ((self.folder / _MARK).is_file() or not any(self.folder.iterdir())):
            shutil.rmtree(self.folder, ignore_errors=True)

    def _name(self, step: int) -> str:
        return f"moment-{step:08d}.npz"

    def _write_mark(self) -> None:
        if not (self.folder / _MARK).exists():
            write_text(self.folder / _MARK, json.dumps(self._mark))

    def _is_ours(self, path: Path) -> bool:
        """Whether it is this run that was stopped; another one of which nothing is kept makes room."""
        try:
            mark = json.loads(read_plain(self.folder / _MARK, _MOST_BYTES))
        except (OSError, ValueError, RecursionError):
            mark = None
        if not isinstance(mark, dict) or mark.get("format") != _FORMAT:
            raise InvalidProblemError(
                f"{self.folder} is no run that was stopped; move it away, so that this run can keep its own there."
            )
        if mark != self._mark and not (self.folder / _LATEST).exists():
            self.remove()
        elif mark != self._mark:
            raise InvalidProblemError(
                f"{self.folder} holds a run that was stopped, of other settings than {path} or other files than it "
                "names now; --fresh begins anew."
            )
        return bool(mark == self._mark)

    def _has_begun(self) -> bool:
        """Whether there is more in the folder than what a kill has left of its first file."""
        if not self.folder.is_dir():
            return self.folder.exists()
        return any(not each.name.startswith(".partial-") for each in self.folder.iterdir())

    def _begin(self) -> None:
        """Go on from the latest moment; a kill may have come before there was one."""
        if (self.folder / _LATEST).exists():
            self.latest, more = self._read(_LATEST)
            self.recorded = more.recorded
            self._steps = Steps(self.folder / _STEPS, more.steps_bytes)
        elif (self.folder / _BEGAN).exists():
            self.recorded = _began(self.folder / _BEGAN)

    def _said(self, recorded: Mapping[str, Reached]) -> dict[str, Any]:
        said: dict[str, Any] = {}
        for number, name in enumerate(self._names):
            if name in recorded:
                said |= {f"recorded_{number}": recorded[name].steps, f"digest_{number}": recorded[name].digest}
        return said

    def _write(self, name: str, moment: Moment, **more: Any) -> None:
        arrays: dict[str, Any] = {"step": moment.step, "time_min": moment.time_min, **more}
        for number, substrate in enumerate(self._names):
            arrays[f"field_{number}"] = moment.fields[substrate]
            arrays[f"bound_{number}"] = moment.bounds[substrate]
            arrays[f"method_{number}"] = moment.methods[substrate]
        with replacing(self.folder / name) as partial, partial.open("wb") as stream:
            np.savez(stream, **arrays)

    def _read(self, name: str, remedy: str = "--fresh begins anew") -> tuple[Moment, _More]:
        path = self.folder / name
        try:
            check_plain(path)
            with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
                of = {key: file[key] for key in file.files}
            fields = {each: of[f"field_{number}"] for number, each in enumerate(self._names)}
            bounds = {each: float(of[f"bound_{number}"]) for number, each in enumerate(self._names)}
            methods = {each: str(of[f"method_{number}"]) for number, each in enumerate(self._names)}
            made = Moment(int(of["step"]), float(of["time_min"]), fields, bounds, methods)
            recorded = {
                each: Reached(int(of[f"recorded_{number}"]), str(of[f"digest_{number}"]))
                for number, each in enumerate(self._names)
                if f"recorded_{number}" in of
            }
            more = _More(int(of.get("steps_bytes", 0)), recorded)
        except Exception:  # numpy and zipfile have many for what is damaged
            raise InvalidProblemError(f"{path} is damaged or not there; {remedy}.") from None
        if not (more.is_sound and _is_sound(made, self._shape)):
            raise InvalidProblemError(f"{path} is damaged; {remedy}.")
        return made, more


def fingerprint(settings: SettingsFile) -> str:
    """What tells one run from another: all that is said but what is written of it, and the files that are read."""
    said = {name: value for name, value in settings.document.said.items() if name not in _FREE}
    if isinstance(said.get("time"), dict):
        said["time"] = {name: value for name, value in said["time"].items() if name != "duration_min"}
    digest = hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode())
    for path in _files(settings):
        with path.open("rb") as stream:
            while piece := stream.read(1 << 20):
                digest.update(piece)
    return digest.hexdigest()


def _began(path: Path) -> dict[str, Reached]:
    try:
        counts = json.loads(read_plain(path, _MOST_BYTES))
        if all(type(count) is int and count >= 0 for count in counts.values()):
            return {name: Reached(count) for name, count in counts.items()}
    except (OSError, ValueError, AttributeError, RecursionError):
        pass
    raise InvalidProblemError(f"{path} is damaged or not there; --fresh begins anew.")


def _files(settings: SettingsFile) -> list[Path]:
    found = [source.file for source in settings.sources]
    found += [] if settings.cells is None else [settings.cells.file]
    for name in settings.names or ():
        given = settings.substrate(name)
        found += [path for path in (given.diffusivity_file, given.decay_file) if path is not None]
    return found


def _is_sound(moment: Moment, shape: tuple[int, int]) -> bool:
    return (
        moment.step >= 1
        and moment.time_min > 0
        and all(field.shape == shape and field.dtype == np.float64 for field in moment.fields.values())
        and all(bool(np.isfinite(field).all()) and float(field.min()) >= 0 for field in moment.fields.values())
        and all(bound >= 0 for bound in moment.bounds.values())
    )
