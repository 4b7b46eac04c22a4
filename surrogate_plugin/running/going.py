"""The run itself: each substrate solved for once, or step by step, with what is kept of it."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from surrogate_plugin.equation.solution import Reason
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.report.course import Course
from surrogate_plugin.running.page import Before, RunPage
from surrogate_plugin.running.recorded import Reached, RunRecorder
from surrogate_plugin.running.saving import Moment, Saved
from surrogate_plugin.running.taken import Taken
from surrogate_plugin.running.tissue import Tissue
from surrogate_plugin.session.backend import Backend
from surrogate_plugin.session.steps import StepRecord
from surrogate_plugin.session.together import solve_ahead
from surrogate_plugin.settings.file import SettingsFile

if TYPE_CHECKING:
    from surrogate_plugin.report.page import Page

#: What a run is kept for at least, so that a kill costs no more than this.
_SECONDS_BETWEEN = 1.0
#: Steps that are this much of one apart are the same.
_SAME = 1e-9


@dataclass
class Told:
    """What became of one substrate.

    Attributes
    ----------
    tolerance : float or None, field units
    largest_bound : float, field units
        Of all steps, infinite where one has none; those before a stop count too.
    methods : Counter of str
        How many steps each method answered.
    time_error : float, field units
        The largest that a step was estimated to make by being so long; NaN where none was estimated.
    flags : dict of str to str
        Why the surrogate was not used, or the tolerance not reached, each reason once, in a sentence.
    reached : bool
        Whether every bound is within the tolerance.
    """

    tolerance: float | None
    largest_bound: float = 0.0
    methods: Counter[str] = field(default_factory=Counter)
    time_error: float = math.nan
    flags: dict[str, str] = field(default_factory=dict)
    reached: bool = True

    def add(self, record: StepRecord) -> None:
        """Count a step."""
        self.methods[record.method] += 1
        self.largest_bound = max(self.largest_bound, record.bound)
        self.time_error = max((self.time_error, record.time_error), key=lambda each: -1.0 if math.isnan(each) else each)
        self.flags |= {str(flag.reason): flag.message for flag in record.flags}
        lost = any(flag.reason is Reason.TOLERANCE_NOT_REACHED for flag in record.flags)
        self.reached = self.reached and not lost and math.isfinite(record.bound)


class Going:
    """A run without a host.

    Parameters
    ----------
    settings : SettingsFile
        As `load_settings` reads it for a run.
    fresh : bool
        Whether to begin anew where one was stopped.
    kept : Path, optional
        The folder in which a run in time is kept while it goes on; one beside the settings file if not given.

    Attributes
    ----------
    tissue : Tissue
    saved : Saved or None
        Of a run in time.
    times_min : list of float, min
        The ends of the steps; empty for fields at rest.
    resumed_min : float or None, min
        Where it goes on from.
    last : Moment or None
        The newest fields.
    told : dict of str to Told

    Raises
    ------
    InvalidProblemError
        One sentence with file and line.
    """

    def __init__(self, settings: SettingsFile, *, fresh: bool = False, kept: Path | None = None) -> None:
        self.settings = settings
        self.tissue = Tissue(settings)
        self.tissue.check()
        self.times_min = _times(settings, self.tissue)
        self.saved: Saved | None = None
        if self.times_min:
            self.saved = Saved(settings, self.tissue.names, self.tissue.domain.shape, fresh=fresh, folder=kept)
        self.last = None if self.saved is None else self.saved.latest
        if self.last is not None and not _is_end_of(self.last, self.times_min):
            raise InvalidProblemError(
                f"{settings.document.path} has a run of {self.times_min[-1]:g} min, but the one that was stopped is at "
                f"{self.last.time_min:g} min; a longer duration_min is allowed, and --fresh begins anew."
            )
        self.resumed_min = None if self.last is None else self.last.time_min
        self.told = {name: Told(config.tolerance) for name, config in self.tissue.configs.items()}
        self._page: RunPage | None = None
        self._recorders: dict[str, RunRecorder] = {}
        self._taken: list[Taken] = []
        self._began = time.perf_counter()
        self._before = None if self.saved is None else self._recall(self.saved)

    @property
    def solves(self) -> int:
        """How many are left."""
        left = len(self.times_min) - self._done if self.times_min else 1
        return left * len(self.tissue.names)

    @property
    def _done(self) -> int:
        """How many steps were taken, by whichever process."""
        return 0 if self.last is None else self.last.step

    def run(self, moved: Callable[[], None] = lambda: None, stopping: Callable[[], bool] = lambda: False) -> bool:
        """Solve for all that is left; False if it was stopped before its end.

        Parameters
        ----------
        moved : callable
            Called after each solve.
        stopping : callable
            Whether to stop after the step.
        """
        backends = self._backends()
        try:
            if not self.times_min:
                self.last = self._moment(backends, 1, 0.0, None, moved)
                return True
            return self._in_time(backends, moved, stopping)
        finally:
            if self._page is not None:
                self._page.report.close()

    def _in_time(self, backends: dict[str, Backend], moved: Callable[[], None], stopping: Callable[[], bool]) -> bool:
        assert self.saved is not None
        self.saved.begin(self._recorded())
        kept_at, stopped = time.monotonic(), False
        for step, begins, ends in self._steps():
            self.last = self._moment(backends, step, begins, ends - begins, moved)
            over, shown = step == len(self.times_min), self._is_shown(step)
            stopped = stopping() and not over
            if over or stopped or shown or time.monotonic() - kept_at >= _SECONDS_BETWEEN:
                self.saved.keep(self.last, self._taken, shown=shown, recorded=self._recorded())
                if self._page is not None:
                    self._page.keep(self.saved.folder)
                self._taken, kept_at = [], time.monotonic()
            if stopped:
                return False
        return True

    def _recorded(self) -> dict[str, Reached]:
        """How far recordings have come."""
        return {name: recorder.reached for name, recorder in self._recorders.items()}

    def _moment(
        self,
        backends: dict[str, Backend],
        step: int,
        begins: float,
        dt_min: float | None,
        moved: Callable[[], None],
    ) -> Moment:
        fields, bounds, methods = {}, {}, {}
        solve_ahead(backends, lambda name: self.tissue.state(name, begins))
        ends = begins + (dt_min or 0.0)
        for name, backend in backends.items():
            if self._page is not None:
                self._page.watches[name].time = ends
            with self.settings.document.at(("substrates", name)):
                result = backend.step(self.tissue.state(name, begins), dt_min)
            self._note(name, replace(result.record, step=step - 1), ends)
            fields[name], bounds[name] = result.field, result.record.bound
            methods[name] = result.solution.method
            moved()
        return Moment(step, ends, fields, bounds, methods)

    def _note(self, name: str, record: StepRecord, time_min: float) -> None:
        self.told[name].add(record)
        spent = time.perf_counter() - self._began
        self._taken.append(Taken(substrate=name, time_min=time_min, spent_s=spent, record=record))

    def _recall(self, saved: Saved) -> Before | None:
        """What the run had come to when it was stopped, as this process tells it."""
        if saved.latest is None:
            return None
        courses, spent = {name: Course() for name in self.told}, 0.0
        for taken in saved.taken():
            self.told[taken.substrate].add(taken.record)
            courses[taken.substrate].add(taken.record, taken.time_min)
            spent = taken.spent_s
        self._began -= spent
        begins = [0.0, *self.times_min][saved.latest.step - 1]
        return Before(saved.latest, begins, courses, spent, saved.folder)

    def _tell(self, page: Page) -> None:
        """What a page has to say beside the steps."""
        if self._page is not None and self.last is not None and self.times_min:
            self._page.tell(page, self.last.time_min, self.times_min[-1])

    def _steps(self) -> Iterator[tuple[int, float, float]]:
        """The steps that are left: number from 1, begin and end."""
        done, begins = self._done, [0.0, *self.times_min]
        for step, ends in enumerate(self.times_min, start=1):
            if step > done:
                yield step, begins[step - 1], ends

    def _is_shown(self, step: int) -> bool:
        """Whether the moment after a step is kept for the files: the last, and for films one each so many minutes."""
        output, ends = self.settings.output, self.times_min
        every = output.every_min
        if step == len(ends) or not output.is_of_many:
            return step == len(ends)
        if every is None:
            return True
        before = ends[step - 2] if step > 1 else 0.0
        return math.floor(ends[step - 1] / every + _SAME) > math.floor(before / every + _SAME)

    def _backends(self) -> dict[str, Backend]:
        """A backend a substrate, over one engine, going on from what was kept."""
        configs, settings = self.tissue.configs, self.settings
        engine = next(iter(configs.values())).engine()
        if settings.report is not None:
            self._page = RunPage(settings, self.tissue, self._before)
            self._page.report.further.append(self._tell)
        made = {}
        for name, config in configs.items():
            if settings.record is not None:
                reached = {} if self.saved is None else self.saved.recorded
                path = _record(settings.record, name, len(configs))
                self._recorders[name] = RunRecorder(path, self._done, reached.get(name))
            watch = None if self._page is None else self._page.watches[name]
            made[name] = Backend(config, engine=engine, recorder=self._recorders.get(name), watch=watch)
            if self.last is not None and not config.steady:
                made[name].restart(self.last.fields[name], self.last.bounds[name])
        return made


def _record(path: Path, name: str, count: int) -> Path:
    """A store for one substrate; for several a folder with a store for each."""
    return path if count == 1 else path / name


def _times(settings: SettingsFile, tissue: Tissue) -> list[float]:
    """The ends of the steps, min: as long as is asked for, and shorter where something comes or goes in between."""
    document, given = settings.document, settings.time
    stepped = [name for name, config in tissue.configs.items() if not config.steady]
    if given is None:
        if stepped:
            raise document.error(
                ("time",), f"[time] is missing; {stepped[0]} goes on in time, which needs duration_min and dt_min."
            )
        if tissue.changes_min():
            raise document.error(("time",), "[time] is missing, but something comes or goes; duration_min is needed.")
        return []
    count = given.duration_min / given.dt_min
    if not 1 - _SAME <= count <= _MOST_STEPS:
        raise document.error(
            ("time", "dt_min"),
            f"time.dt_min is {given.dt_min:g} of a duration_min of {given.duration_min:g}; from one to "
            f"{_MOST_STEPS:,} steps are allowed.",
        )
    regular = [given.dt_min * step for step in range(1, math.ceil(count - _SAME) + 1)]
    regular[-1] = given.duration_min
    within = [each for each in tissue.changes_min() if each < given.duration_min]
    times: list[float] = []
    for each in sorted([*regular, *within]):
        if not times or each - times[-1] > _SAME * given.dt_min:
            times.append(each)
    return times


#: More would take longer than anybody waits.
_MOST_STEPS = 10_000_000


def _is_end_of(moment: Moment, times: list[float]) -> bool:
    """Whether a moment is at the end of its step."""
    return moment.step <= len(times) and math.isclose(moment.time_min, times[moment.step - 1], rel_tol=1e-9)
