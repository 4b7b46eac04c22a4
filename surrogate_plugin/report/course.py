"""How a run goes, in a few numbers a step however long it is: who answered, how sure, how long it took, and why."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from surrogate_plugin.arguments import FloatArray
from surrogate_plugin.equation.solution import Reason
from surrogate_plugin.session.steps import HELD, StepRecord, Summary, Tally

#: A chart shows at most so many points; where there are more steps, each stands for a group of them.
GROUPS = 400


@dataclass(frozen=True)
class Said:
    """What a flag said first, and how many steps raised it, from when to when."""

    message: str
    steps: int
    first: int
    last: int


@dataclass(frozen=True, eq=False)
class Groups:
    """Values of steps, in groups that follow one another.

    Attributes
    ----------
    at : (n,) float64
        Where each group is: its first step, or the time of that.
    low, high : (n,) float64
        The least and the largest value of each, over those that are numbers; NaN where none is.
    size : int
        The most steps in a group.
    """

    at: FloatArray
    low: FloatArray
    high: FloatArray
    size: int


class Course:
    """What the steps of one field come to, counted as they are taken; some 40 bytes a step are kept.

    Attributes
    ----------
    notable : dict of str to (StepRecord, float)
        Steps to look at, and when they were: the last, the slowest, the one with the largest bound, the first of each
        method and of each flag.
    stages : dict of str to float, s
        What all steps spent on each part of a step.
    loading : float, s
        The part of it that loading and compiling took.
    starts : Counter of str
        What solves started from.

    Examples
    --------
    >>> course = Course.of([StepRecord(0, "surrogate", 0.2, {"solve": 0.03}), StepRecord(1, "held", 0.2)])
    >>> course.summary().answered, course.bounds.high.tolist()
    ({'held': 1, 'surrogate': 1}, [0.2, 0.2])
    """

    def __init__(self) -> None:
        self.notable: dict[str, tuple[StepRecord, float]] = {}
        self.stages: dict[str, float] = {}
        self.starts: Counter[str] = Counter()
        self.flags: dict[Reason, Said] = {}
        self.largest_time_error = math.nan
        self.largest_defect = math.nan
        self.loading = 0.0
        self.held_without_asking = 0
        self.methods: list[str] = []
        self._tally = Tally()
        self._step, self._time = array("q"), array("d")
        self._bound, self._seconds = array("d"), array("d")
        self._answered = array("H")

    @classmethod
    def of(cls, records: Sequence[StepRecord]) -> Course:
        """That of records that were kept, which know no times."""
        course = cls()
        for record in records:
            course.add(record)
        return course

    def add(self, record: StepRecord, time: float = math.nan) -> None:
        """Count a step, at a time of the host's own."""
        self._tally.add(record)
        if record.method not in self.methods:
            self.methods.append(record.method)
            self.notable[f"the first by {record.method}"] = record, time
        seconds = record.total_seconds
        slowest, widest = (self.notable.get(name, (record, time))[0] for name in ("the slowest", "the largest bound"))
        if seconds >= slowest.total_seconds:
            self.notable["the slowest"] = record, time
        if record.bound >= widest.bound and record.method != HELD:
            self.notable["the largest bound"] = record, time
        self.notable["the last"] = record, time
        for flag in record.flags:
            self.notable.setdefault(f"the first flagged {flag.reason.value}", (record, time))
            before = self.flags.get(flag.reason, Said(flag.message, 0, record.step, record.step))
            self.flags[flag.reason] = Said(before.message, before.steps + 1, before.first, record.step)
        for stage, spent in record.seconds.items():
            self.stages[stage] = self.stages.get(stage, 0.0) + spent
        if record.start:
            self.starts[record.start] += 1
        self.largest_time_error = _larger(self.largest_time_error, record.time_error)
        if record.balance is not None:
            self.largest_defect = _larger(self.largest_defect, record.balance.relative_defect)
        self._step.append(record.step)
        self._time.append(time)
        self._bound.append(record.bound)
        loading = record.stages.get("load", 0.0)
        self.loading += loading
        self._seconds.append(seconds - loading if record.method != HELD else math.nan)
        self._answered.append(self.methods.index(record.method))

    def __len__(self) -> int:
        """How many steps were taken."""
        return len(self._step)

    def summary(self) -> Summary:
        """All steps together."""
        return self._tally.summary()

    @property
    def timed(self) -> bool:
        """Whether each step has a time of the host's own."""
        return len(self) > 0 and bool(np.isfinite(np.frombuffer(self._time)).all())

    @property
    def bounds(self) -> Groups:
        """The bounds of all steps."""
        return self._grouped(np.array(self._bound))

    @property
    def seconds(self) -> Groups:
        """What each solve took, s, without what had to be loaded or compiled first; NaN where a field was held."""
        return self._grouped(np.array(self._seconds))

    @property
    def total_seconds(self) -> float:
        """What all steps took, s."""
        return math.fsum(self.stages.values())

    @property
    def unbounded(self) -> int:
        """How many steps have no bound at all."""
        return int(np.isinf(np.array(self._bound)).sum())

    def beyond(self, tolerance: float) -> int:
        """How many steps have a bound beyond a tolerance."""
        return int((np.array(self._bound) > tolerance).sum())

    def shares(self) -> tuple[FloatArray, dict[str, FloatArray]]:
        """Where each group of steps is, and which share of it each method answered."""
        answered = np.array(self._answered)
        parts = self._parts()
        shares = {
            method: np.array([np.mean(answered[part] == number) for part in parts])
            for number, method in enumerate(self.methods)
        }
        return self._at(parts), shares

    def median_seconds(self, method: str) -> float:
        """Of the solves that a method answered, s; NaN where there is none."""
        spent = np.array(self._seconds)[np.array(self._answered) == self.methods.index(method)]
        return float(np.median(spent)) if spent.size and np.isfinite(spent).all() else math.nan

    def _parts(self) -> list[npt.NDArray[np.intp]]:
        return np.array_split(np.arange(len(self)), min(len(self), GROUPS)) if len(self) else []

    def _at(self, parts: list[npt.NDArray[np.intp]]) -> FloatArray:
        place = np.array(self._time) if self.timed else np.array(self._step, dtype=np.float64)
        return np.array([place[part[0]] for part in parts])

    def _grouped(self, values: FloatArray) -> Groups:
        parts = self._parts()
        values = np.where(np.isfinite(values), values, np.nan)
        low, high = (np.array([way.reduce(values[part]) for part in parts]) for way in (np.fmin, np.fmax))
        return Groups(self._at(parts), low, high, max(map(len, parts), default=0))


def _larger(one: float, other: float) -> float:
    """The larger of two numbers, or the one that is a number."""
    return float(np.fmax(one, other))
