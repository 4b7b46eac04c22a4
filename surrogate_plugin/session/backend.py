"""The step loop between a host and the engine: one tissue state in, one certified field out, and a record of it."""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from surrogate_plugin.arguments import instance_of, is_able, shown
from surrogate_plugin.equation.problem import Coefficient, FloatArray, MichaelisMenten, Problem
from surrogate_plugin.equation.sides import Boundary, BoundaryLike
from surrogate_plugin.equation.solution import Solution
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.session.config import BackendConfig
from surrogate_plugin.session.steps import HELD, StepRecord, Summary, Tally
from surrogate_plugin.tissue.domain import Domain
from surrogate_plugin.tissue.raster import Outside, Raster
from surrogate_plugin.tissue.state import TissueState

if TYPE_CHECKING:
    from surrogate_plugin.engine.engine import Engine
    from surrogate_plugin.recordings.writer import Recorder

__all__ = ["Backend", "BackendConfig", "StepRecord", "StepResult", "Summary"]


@dataclass(frozen=True, eq=False)
class StepResult:
    """The field of one step.

    Attributes
    ----------
    solution : Solution
        The field with its bound, who answered, and why not the surrogate.
    record : StepRecord
        What the step took.
    """

    solution: Solution
    record: StepRecord
    _domain: Domain
    _boundary: BoundaryLike | Boundary
    _outside: Outside

    @property
    def field(self) -> FloatArray:
        """(H, W) float64, field units; read-only, row 0 at the lowest y."""
        return self.solution.field

    def sample(self, points_um: npt.ArrayLike) -> FloatArray:
        """The field at (n, 2) points: (n,) float64; bilinear, see `Domain.sample`.

        Points off the domain raise where the backend refuses cells there, and read the nearest point on it elsewhere.
        """
        return self._domain.sample(
            self.field, points_um, boundary=self._boundary, outside="error" if self._outside == "error" else "clamp"
        )


class Backend:
    """Solve for the field of one tissue state after another.

    Each step starts from the field of the step before; a state with the same numbers as the last one is answered
    with the field held. A backend can be copied and pickled: the copy goes on by itself from the records and the field
    held, with an engine of its own as ``config`` describes it, and records nothing, since a store has one writer.

    Parameters
    ----------
    config : BackendConfig
    engine : Engine, optional
        To share caches between backends; one of its own if not given.
    recorder : Recorder, optional
        Appends each state solved for to a store; one that cannot be written warns once and stops no step.
    keep : int or None
        How many records are kept, the newest; None keeps all. `summary` counts every step all the same.

    Attributes
    ----------
    config : BackendConfig
        May be replaced in mid run, by one for another lattice too; the next step solves with it, by the same engine.
        `reconfigure` does so by name.
    engine : Engine
    recorder : Recorder or None
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
    ) -> None:
        instance_of("config", config, BackendConfig, "a BackendConfig")
        _able("engine", engine, "an Engine", "solve")
        _able("recorder", recorder, "a Recorder", "open", "take")
        if keep is not None and (type(keep) is not int or keep < 1):
            raise InvalidProblemError(f"keep is {shown(keep)}; None or a whole number >= 1 is allowed.")
        if recorder is not None:
            recorder.open(config.domain.shape)
        self.config = config
        self.recorder = recorder
        self.records: list[StepRecord] = []
        self.engine = config.engine() if engine is None else engine
        self._keep = keep
        self._tally = Tally(keep)
        self._last: _Solved | None = None

    def step(self, state: TissueState) -> StepResult:
        """The steady field of ``state``.

        Parameters
        ----------
        state : TissueState

        Returns
        -------
        StepResult
            With ``method="guarded"`` its bound is within the tolerance.

        Raises
        ------
        InvalidProblemError
            If ``state`` is no `TissueState`, something is off the domain, or the state has no unique steady field; the
            backend is left as it was.
        """
        instance_of("state", state, TissueState, "a TissueState")
        held = self._held(state)
        if held is not None:
            return self._finish(held.solution, HELD, {}, held.left_out)
        began = time.perf_counter()
        raster = self.rasterise(state)
        rasterised = time.perf_counter()
        problem = self.problem(raster)
        posed = time.perf_counter()
        config = self.config
        solution = self.engine.solve(
            problem, method=config.method, tolerance=config.tolerance, previous=self._previous(problem)
        )
        solved = time.perf_counter()
        # Held fields are handed out again, so nobody may write into them.
        solution.field.flags.writeable = False
        self._last = _Solved(state, config, solution, raster.left_out)
        seconds = {"rasterise": rasterised - began, "pose": posed - rasterised, "solve": solved - posed}
        result = self._finish(solution, solution.method, seconds, raster.left_out)
        if self.recorder is not None:
            self.recorder.take(problem, result.record)
        return result

    def rasterise(self, state: TissueState) -> Raster:
        """The state on the pixels, as `step` sees it."""
        config = self.config
        return config.domain.rasterise(state, deposit=config.deposit, outside=config.outside, boundary=config.boundary)

    def problem(self, state: TissueState | Raster) -> Problem:
        """The discrete problem that `step` solves for a state, to look at or to audit with another method."""
        raster = state if isinstance(state, Raster) else self.rasterise(state)
        config = self.config
        km = config.michaelis_km
        background: Coefficient = config.decay_per_min
        # What overflows here is refused as infinite by the problem.
        with np.errstate(over="ignore"):
            decay = raster.decay(background, with_uptake=km is None)
            vmax = raster.uptake_per_min * (km or 0.0)
        return Problem(
            raster.source,
            fixed=raster.fixed,
            diffusivity=config.diffusivity_um2_per_min,
            decay=decay,
            production=raster.production_per_min,
            uptake=None if km is None else MichaelisMenten(vmax, km),
            spacing=config.domain.spacing_um,
            boundary=config.boundary,
        )

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
            ``device``. The backend is left as it was.
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

    def _held(self, state: TissueState) -> _Solved | None:
        """The last solve, if it was of this state and of the configuration that stands now."""
        if self._last is None or self._last.config is not self.config or not state.same_as(self._last.state):
            return None
        return self._last

    def _previous(self, problem: Problem) -> FloatArray | None:
        """The last field, if it was on this lattice."""
        if self._last is None or self._last.solution.field.shape != problem.shape:
            return None
        return self._last.solution.field

    def _finish(self, solution: Solution, method: str, seconds: dict[str, float], left_out: int) -> StepResult:
        record = StepRecord.of(self._tally.steps, solution, method, seconds, left_out)
        self._tally.add(record)
        self.records.append(record)
        if self._keep is not None:
            del self.records[: -self._keep]
        return StepResult(solution, record, self.config.domain, self.config.boundary, self.config.outside)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in ("engine", "recorder")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        # `copy.copy` hands over the very objects of the original.
        self.records, self._tally = list(self.records), copy.deepcopy(self._tally)
        self.recorder = None
        self.engine = self.config.engine()


@dataclass(frozen=True)
class _Solved:
    """What was solved last, to be held or started from."""

    state: TissueState
    config: BackendConfig
    solution: Solution
    left_out: int


def _able(name: str, given: object, kind: str, *methods: str) -> None:
    """Refuse what is not None and lacks one of these methods."""
    if given is not None and not is_able(given, *methods):
        raise InvalidProblemError(f"{name} is {shown(given)}; None or {kind} is allowed.")
