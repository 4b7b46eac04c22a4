"""The step loop between a host and the engine: one tissue state in, one certified field out, and a record of it."""

from __future__ import annotations

import copy
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from surrogate_plugin.arguments import instance_of, is_able, shown
from surrogate_plugin.engine.advance import time_of
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.equation.solution import Solution
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.session.config import BackendConfig
from surrogate_plugin.session.evolution import Asked, Evolution
from surrogate_plugin.session.posing import Posed, problem_of, raster_of
from surrogate_plugin.session.questions import Answer, Question, answered
from surrogate_plugin.session.results import StepResult
from surrogate_plugin.session.standing import Standing
from surrogate_plugin.session.steps import HELD, InTime, StepRecord, Summary, Tally
from surrogate_plugin.tissue.raster import Raster
from surrogate_plugin.tissue.state import TissueState

if TYPE_CHECKING:
    from surrogate_plugin.engine.engine import Engine
    from surrogate_plugin.recordings.writer import Recorder
    from surrogate_plugin.report.writing import RunReport, Watch

__all__ = ["Backend", "BackendConfig", "StepRecord", "StepResult", "Summary"]


class Backend:
    """Solve for the field of one tissue state after another.

    Each step starts from the field of the step before; a state with the same numbers as the last one, or the same on
    the pixels, is answered with the field held. A backend can be copied and pickled: the copy goes on by itself from
    the records and the field held, with an engine of its own as ``config`` describes it, and neither records nor
    reports, since a store and a page have one writer.

    Parameters
    ----------
    config : BackendConfig
    engine : Engine, optional
        To share caches between backends; one of its own if not given.
    recorder : Recorder, optional
        Appends each state solved for to a store; one that cannot be written warns once and stops no step.
    keep : int or None
        How many records are kept, the newest; None keeps all. `summary` counts every step all the same.
    watch : Watch, optional
        A part of a `RunReport` that several backends share; by default one of its own, at ``config.report``, if that is
        given.

    Attributes
    ----------
    config : BackendConfig
        May be replaced in mid run, by one for another lattice too; the next step solves with it, by the same engine.
        `reconfigure` does so by name.
    engine : Engine
    recorder : Recorder or None
    report : RunReport or None
        The page of its own; ``report.write()`` writes it at once.
    records : list of StepRecord
        One a step, in order, so that ``records[-1]`` is of the last one; ``record.step`` counts from the first step
        of all, whether or not its record is still there.

    Raises
    ------
    InvalidProblemError
        If ``config`` is no `BackendConfig`, ``engine`` no engine, ``recorder`` no recorder, or ``keep`` neither None
        nor a whole number of at least 1.
    RecordingError
        If the recorder's store is of another lattice, or no recording.

    Examples
    --------
    >>> from surrogate_plugin import Cells, Domain, Vessels
    >>> domain = Domain((0.0, 0.0), (640.0, 640.0), (32, 32))
    >>> backend = Backend(BackendConfig(domain=domain, diffusivity_um2_per_min=1e5, decay_per_min=0.1, tolerance=0.38))
    >>> tissue = TissueState(
    ...     cells=Cells([(200.0, 300.0), (210.0, 310.0)], radius_um=8.4, uptake_per_min=10.0),
    ...     vessels=Vessels([(400.0, 300.0)], radius_um=30.0, value=38.0))
    >>> result = backend.step(tissue)
    >>> bool(result.solution.error_bound <= 0.38), result.sample([(400.0, 300.0)]).tolist()
    (True, [38.0])
    >>> backend.step(tissue).record.method
    'held'
    """

    def __init__(
        self,
        config: BackendConfig,
        *,
        engine: Engine | None = None,
        recorder: Recorder | None = None,
        keep: int | None = 10_000,
        watch: Watch | None = None,
    ) -> None:
        instance_of("config", config, BackendConfig, "a BackendConfig")
        _able("engine", engine, "an Engine", "solve")
        _able("recorder", recorder, "a Recorder", "open", "take")
        _able("watch", watch, "a Watch", "take", "stop")
        if keep is not None and (type(keep) is not int or keep < 1):
            raise InvalidProblemError(f"keep is {shown(keep)}; None or a whole number >= 1 is allowed.")
        if recorder is not None:
            recorder.open(config.domain.shape)
        self.config = config
        self.recorder = recorder
        self.records: list[StepRecord] = []
        self.report: RunReport | None = None
        self._watch: Watch | None = watch
        if config.report is not None:
            self.report, self._watch = self._reporting(config, config.report)
        self.engine = config.engine() if engine is None else engine
        self._keep = keep
        self._tally = Tally(keep)
        self._standing = Standing()
        self._posed: Posed | None = None
        self._ahead: Answer | None = None

    def step(self, state: TissueState, dt_min: float | None = None) -> StepResult:
        """The steady field of ``state``, or the field after a time in which ``state`` holds.

        Parameters
        ----------
        state : TissueState
        dt_min : float, min
            How long the step is, where the configuration's ``stepping`` is ``"implicit-euler"``; steady fields take no
            time, and do not look at it.

        Returns
        -------
        StepResult
            With ``method="guarded"`` its bound is within the tolerance. That of a step in time covers what is left of
            the errors of all steps before; where nothing decays, it may exceed the tolerance after a thousand steps.

        Raises
        ------
        InvalidProblemError
            If ``state`` is no `TissueState`, something is off the domain, the state has no unique steady field where
            one is asked for, or ``dt_min`` is needed and no positive number; the backend is left as it was.
        """
        try:
            result = self._answer(state, dt_min)
        except BaseException as error:
            if self._watch is not None:
                self._watch.stop(error)
            raise
        solved = self._standing.solved
        posed = self._posed if solved is None else solved.posed
        if self._watch is not None and posed is not None:
            self._watch.take(posed, result.field, result.record)
        return result

    def _answer(self, state: TissueState, dt_min: float | None) -> StepResult:
        instance_of("state", state, TissueState, "a TissueState")
        ahead, self._ahead = self._ahead, None
        if self.config.steady:
            return self._steady(state, ahead)
        if dt_min is None:
            raise InvalidProblemError(
                "dt_min is None; a positive finite number of minutes is allowed, since the field goes on in time "
                f"(stepping is {self.config.stepping!r})."
            )
        return self._in_time(state, time_of(dt_min, "dt_min"))

    def _steady(self, state: TissueState, ahead: Answer | None) -> StepResult:
        last = self._standing.solved_by(self.config)
        if last is not None and state.same_as(last.posed.state):
            return self._finish(last.solution, HELD, {}, last.posed.raster.left_out)
        if ahead is not None and ahead.posed.config is self.config and state.same_as(ahead.posed.state):
            answer = ahead
        else:
            posed = Posed.of(state, self.config, None if last is None else last.posed)
            if last is not None and posed.problem is last.posed.problem:
                self._standing.rest(posed, last.solution)
                return self._finish(last.solution, HELD, posed.seconds, posed.raster.left_out)
            answer = answered(self._asking(posed))
        posed, solution = answer.posed, answer.solution
        # Held fields are handed out again, so nobody may write into them.
        for handed in (solution.field, solution.error_map):
            if handed is not None:
                handed.flags.writeable = False
        self._standing.rest(posed, solution)
        seconds = posed.seconds | {"solve": answer.seconds}
        result = self._finish(solution, solution.method, seconds, posed.raster.left_out)
        if self.recorder is not None:
            self.recorder.take(posed.problem, result.record)
        return result

    def question(self, state: TissueState) -> Question | None:
        """What `step` would have to be solved for a state, see `solve_ahead`.

        None where the field is held or goes on in time, and where the state cannot be posed: the step says why.
        """
        last = self._standing.solved_by(self.config)
        if not self.config.steady or (last is not None and state.same_as(last.posed.state)):
            return None
        try:
            posed = Posed.of(state, self.config, None if last is None else last.posed)
        except Exception:  # Whatever is wrong with it is told by the step, in its turn.
            return None
        return None if last is not None and posed.problem is last.posed.problem else self._asking(posed)

    def expect(self, answer: Answer) -> None:
        """Hand this out at the next `step`, if it asks for the state and the configuration that were answered for."""
        self._ahead = answer

    def _asking(self, posed: Posed) -> Question:
        return Question(posed, self.engine, self._standing.field_on(posed.problem.shape))

    def _in_time(self, state: TissueState, dt_min: float) -> StepResult:
        config = self.config
        evolution = self._standing.begun(config)
        posed = Posed.of(state, config, self._posed)
        before, began = evolution.field, time.perf_counter()
        asked = Asked(
            posed.problem, dt_min, posed.shares, config.method, config.tolerance, config.time_tolerance,
            config.error_map,
        )  # fmt: skip
        taken = evolution.step(self.engine, asked)
        seconds = posed.seconds | {"solve": time.perf_counter() - began}
        self._standing.go_on(evolution)
        self._posed = posed
        known = InTime(dt_min, taken.time_error, taken.balance, taken.parts)
        result = self._finish(taken.solution, taken.solution.method, seconds, posed.raster.left_out, known)
        if self.recorder is not None:
            self.recorder.take(posed.problem, result.record, before)
        return result

    @property
    def field(self) -> FloatArray | None:
        """(H, W) float64, field units; read-only: the field that there is now.

        Before the first step it is what the configuration calls ``initial``; None where fields are steady.

        A host whose user code writes into the field hands over its own between steps, ``backend.field = array``. What
        was written is taken as given: it has no error of its own, and the bound that is carried stays what it is,
        which also covers a dose that was added to what was there, and a part of it that was washed out. A pixel that
        holds what the backend handed out, rounded to the type of ``array``, counts as not written.

        Raises
        ------
        InvalidProblemError
            Where fields are steady, so that nothing goes on from what was written; or if it is no field of the
            domain's shape, finite and >= 0.
        """
        standing = self._standing
        if standing.solved is not None:
            return standing.solved.solution.field
        if standing.evolution is None and self.config.steady:
            return None
        return standing.begun(self.config).field

    @field.setter
    def field(self, given: npt.ArrayLike) -> None:
        if self.config.steady:
            raise InvalidProblemError(
                "field is written, but stepping is 'steady', so that no field goes on from it; "
                "stepping='implicit-euler' is allowed."
            )
        evolution = self._standing.begun(self.config)
        evolution.write(given, self.config.domain.shape)
        self._standing.go_on(evolution)

    def restart(self, field: npt.ArrayLike, field_error: float = 0.0) -> None:
        """Go on in time from a field, whatever there was before, such as after a checkpoint of the host's own.

        Parameters
        ----------
        field : (H, W) array of float, field units
        field_error : float, field units
            At least its largest error: the bound of the record that it comes from, or 0 if it is to count as exact.

        Raises
        ------
        InvalidProblemError
            If it is no field of the domain's shape, finite and >= 0, or the error is none.
        """
        self._standing.go_on(Evolution.of(field, self.config.domain.shape, field_error))

    def rasterise(self, state: TissueState) -> Raster:
        """The state on the pixels, as `step` sees it."""
        return raster_of(state, self.config)

    def problem(self, state: TissueState | Raster) -> Problem:
        """The discrete problem that `step` solves for a state, to look at or to audit with another method."""
        return problem_of(state if isinstance(state, Raster) else self.rasterise(state), self.config)

    def reconfigure(self, **changes: Any) -> None:
        """Go on with some options changed; the engine, the recorder, the records and the last field are kept.

        The next step solves anew, from the last field where the lattice is the same; if every option has the value that
        it had, nothing changes.

        Parameters
        ----------
        **changes
            Options of `BackendConfig`, by name.

        Raises
        ------
        InvalidProblemError
            If an option is unknown or not allowed, or is one of the engine's, which is kept: ``model``, ``policy`` and
            ``device``; or if it is the page, ``report``. The backend is left as it was.
        RecordingError
            If the lattice is another one than that of the recorder's store.

        Examples
        --------
        >>> from surrogate_plugin import Domain
        >>> domain = Domain((0.0, 0.0), (640.0, 640.0), (32, 32))
        >>> backend = Backend(BackendConfig(domain=domain, diffusivity_um2_per_min=1e5, decay_per_min=0.1))
        >>> backend.reconfigure(decay_per_min=0.2, tolerance=0.38)
        >>> backend.config.decay_per_min, backend.config.tolerance
        (0.2, 0.38)
        """
        config = self.config.replace(**changes)
        if config.report != self.config.report:
            raise InvalidProblemError(f"report is {self.config.report!r}, which a backend keeps; make another Backend.")
        for name in ("model", "policy", "device"):
            stands = getattr(self.config, name)
            if getattr(config, name) != stands:
                raise InvalidProblemError(
                    f"{name} is {stands!r} of the engine, which a backend keeps; make another Backend for "
                    f"{getattr(config, name)!r}."
                )
        if self.recorder is not None:
            self.recorder.open(config.domain.shape)
        self.config = config

    def summary(self) -> Summary:
        """What all steps together took, also those whose records are kept no longer.

        Every number counts all steps, but for the median time of a solve: it is over the newest solves, as many as
        records are kept.
        """
        return self._tally.summary()

    def _reporting(self, config: BackendConfig, path: str | Path) -> tuple[RunReport, Watch]:
        """A page of its own, written for the last time when this backend is gone."""
        from surrogate_plugin import RunReport  # it reads what stands here, and is met by those alone who ask for one

        report = RunReport(path)
        report.follow(self)
        return report, report.watch("field", config)

    def _finish(
        self,
        solution: Solution,
        method: str,
        seconds: dict[str, float],
        left_out: int,
        in_time: InTime | None = None,
    ) -> StepResult:
        record = StepRecord.of(self._tally.steps, solution, method, seconds, left_out, in_time=in_time)
        self._tally.add(record)
        self.records.append(record)
        if self._keep is not None:
            del self.records[: -self._keep]
        return StepResult(solution, record, self.config.domain, self.config.boundary, self.config.outside)

    def __getstate__(self) -> dict[str, Any]:
        own = ("engine", "recorder", "report", "_watch", "_posed", "_ahead")
        return {name: value for name, value in vars(self).items() if name not in own}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        # `copy.copy` hands over the very objects of the original.
        self.records, self._tally = list(self.records), copy.deepcopy(self._tally)
        self._standing = self._standing.copied()
        self._posed = self._ahead = None
        self.recorder = self.report = self._watch = None
        self.engine = self.config.engine()


def _able(name: str, given: object, kind: str, *methods: str) -> None:
    """Refuse what is not None and lacks one of these methods."""
    if given is not None and not is_able(given, *methods):
        raise InvalidProblemError(f"{name} is {shown(given)}; None or {kind} is allowed.")
