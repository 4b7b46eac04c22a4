"""A field that goes on in time: the step, its parts where it is too long, and what is known of it afterwards."""

from __future__ import annotations

import functools
import math
import operator
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from surrogate_plugin.engine.advance import Solves, TimeStep, error_of, lattice_field
from surrogate_plugin.equation.balance import Balance, Shares
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.equation.solution import Flag, Reason, Solution, Stats

#: Without a time tolerance one step in so many is taken in halves too, which shows what it costs to be so long.
ESTIMATE_EVERY = 16
#: A step is taken in at most so many parts.
MOST_PARTS = 1024
#: Halved parts halve the error, so that below this part of the time tolerance parts may be twice as long.
_ROOM_TO_DOUBLE = 0.4
#: Of the error allowed, what a step may add by itself at least: where nothing decays, a thousand steps stay within it.
_LEAST_SHARE = 1e-3
#: What solves may add beside a time tolerance, so that the estimate is of time.
_QUIET = 0.25


@dataclass(frozen=True, eq=False)
class Advanced:
    """A step that was taken.

    Attributes
    ----------
    solution : Solution
        The field after it; its bound covers what was carried, its stats what all parts took.
    time_error : float, field units
        About how far off the field is for the length of the step, or its parts; NaN where it was not estimated.
    balance : Balance
    last : TimeStep
        The last part, which the solution is of.
    parts : int
        In how many the step was taken.
    """

    solution: Solution
    time_error: float
    balance: Balance
    last: TimeStep
    parts: int = 1

    def mapped(self) -> Advanced:
        """The same with a bound at each pixel, which covers what was carried too."""
        return replace(self, solution=self.last.mapped(self.solution))


class Evolution:
    """The field of a host that goes on in time.

    Parameters
    ----------
    field : (H, W) float64, field units
        To begin with.
    error : float, field units
        At least its largest error.

    Attributes
    ----------
    field : (H, W) float64, field units; read-only
    error : float, field units
        At least the largest distance to the field of exact steps through the same states.
    """

    def __init__(self, field: FloatArray, error: float = 0.0) -> None:
        self.field = field
        self.error = error
        self._taken = 0
        self._parts = 1

    @classmethod
    def of(cls, field: Any, shape: tuple[int, int], error: Any) -> Evolution:
        """One that begins with what a caller hands over."""
        return cls(lattice_field("field", field, shape, "the domain"), error_of(error))

    def write(self, given: Any, shape: tuple[int, int]) -> None:
        """Take what others have written into the field.

        Where ``given`` is the field in its own precision, such as float32, nobody has, and the field stays what it is.
        """
        field = lattice_field("field", given, shape, "the domain")
        dtype = getattr(given, "dtype", np.dtype(np.float64))
        if dtype.kind == "f":
            field = np.where(np.asarray(given) == self.field.astype(dtype), self.field, field)
            field.flags.writeable = False
        self.field = field

    def step(self, engine: Solves, asked: Asked) -> Advanced:
        """Go on by a step, in as many parts as its time tolerance needs."""
        advanced = self._as_asked(engine, asked) if asked.time_tolerance is None else self._in_parts(engine, asked)
        if asked.error_map:
            advanced = advanced.mapped()
        advanced.solution.field.flags.writeable = False  # it is handed out, and stepped from
        self.field, self.error = advanced.solution.field, advanced.solution.error_bound
        self._taken += 1
        return advanced

    def _as_asked(self, engine: Solves, asked: Asked) -> Advanced:
        """One step; now and then two halves of it too, which are off by about half as much."""
        whole = asked.run(engine, self.field, self.error, 1)
        estimated = self._taken % ESTIMATE_EVERY == 0
        halves = asked.run(engine, self.field, self.error, 2) if estimated else None
        return whole if halves is None else replace(whole, time_error=2.0 * _apart(whole, halves))

    def _in_parts(self, engine: Solves, asked: Asked) -> Advanced:
        """Parts that are halved until that changes the field by no more than the time tolerance."""
        assert asked.time_tolerance is not None
        parts = self._parts
        coarse = asked.run(engine, self.field, self.error, parts)
        while True:
            fine = asked.run(engine, self.field, self.error, 2 * parts)
            apart = _apart(coarse, fine)
            if apart <= asked.time_tolerance or 2 * parts >= MOST_PARTS:
                break
            parts, coarse = 2 * parts, fine
        self._parts = max(parts // 2, 1) if apart <= _ROOM_TO_DOUBLE * asked.time_tolerance else parts
        if apart > asked.time_tolerance:
            fine = replace(fine, solution=_flagged(fine.solution, apart, asked))
        return replace(fine, time_error=apart)


@dataclass(frozen=True, eq=False)
class Asked:
    """A step that is asked for.

    Attributes
    ----------
    problem : Problem
        What holds during the step, as posed for a steady field.
    dt : float, time
    shares : Shares
        Whose doing the rates of the problem are.
    method : str
    tolerance : float, field units, or None
        Of the field after many such steps.
    time_tolerance : float, field units, or None
    error_map : bool
        Whether the error is to be bounded at each pixel too.
    """

    problem: Problem
    dt: float
    shares: Shares
    method: str
    tolerance: float | None
    time_tolerance: float | None
    error_map: bool = False

    def run(self, engine: Solves, field: FloatArray, error: float, parts: int) -> Advanced:
        """The step in so many parts of one length."""
        spent, balances = _Spent(), []
        for _ in range(parts):
            step = TimeStep.read(self.problem, field, self.dt / parts, error)
            solution = spent.count(step.solve(engine, method=self.method, tolerance=self._tolerance(step, parts)))
            balances.append(Balance.of(self.problem, field, solution.field, step.dt, self.shares))
            field, error = solution.field, solution.error_bound
        return Advanced(spent.solution(solution), math.nan, functools.reduce(operator.add, balances), step, parts)

    def _tolerance(self, step: TimeStep, parts: int) -> float | None:
        """What a part may add, as errors fade by ``1 / (1 + dt min decay)`` a part, and their sum is to stay within."""
        wanted = step.default_tolerance(self.method) if self.tolerance is None else self.tolerance
        if wanted is None:
            return None
        fading = 1.0 - 1.0 / (1.0 + step.dt * self.problem.least_decay)
        quiet = math.inf if self.time_tolerance is None else _QUIET * self.time_tolerance / parts
        return min(wanted * max(fading, _LEAST_SHARE / parts), quiet)


def _apart(one: Advanced, other: Advanced) -> float:
    return float(np.max(np.abs(one.solution.field - other.solution.field)))


def _flagged(solution: Solution, apart: float, asked: Asked) -> Solution:
    message = (
        f"In {MOST_PARTS} parts of {asked.dt / MOST_PARTS:.3g} the step is about {apart:.3g} off for their length, "
        f"above the time_tolerance {asked.time_tolerance:.3g}; take shorter steps."
    )
    return replace(solution, flags=(*solution.flags, Flag(Reason.TOLERANCE_NOT_REACHED, message)))


class _Spent:
    """What the parts of a step took together."""

    def __init__(self) -> None:
        self._seconds: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()
        self._flags: dict[Flag, None] = {}

    def count(self, solution: Solution) -> Solution:
        """Add one part's."""
        self._seconds.update(solution.stats.seconds)
        self._counts.update(solution.stats.counts)
        self._flags.update(dict.fromkeys(solution.flags))
        return solution

    def solution(self, last: Solution) -> Solution:
        """The last part's field, with what all took and were told, each reason once."""
        stats = Stats(dict(self._seconds), dict(self._counts), last.stats.start, last.stats.why)
        return replace(last, stats=stats, flags=tuple(self._flags))
