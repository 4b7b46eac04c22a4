"""What each step of a backend took: who answered, how sure, how long, and why not somebody faster."""

from __future__ import annotations

import math
import statistics
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from surrogate_plugin.equation.balance import Balance
from surrogate_plugin.equation.solution import Flag, Solution

#: The method of a step that was asked for the state of the step before.
HELD = "held"


@dataclass(frozen=True)
class InTime:
    """What a record says of a step in time, as `StepRecord`."""

    dt_min: float = math.inf
    time_error: float = math.nan
    balance: Balance | None = None
    parts: int = 1


@dataclass(frozen=True)
class StepRecord:
    """One step.

    Attributes
    ----------
    step : int
        From 0.
    method : str
        Who answered, as `Solution.method`; ``"held"`` where the last field was handed out again.
    bound : float, field units
        At least the largest pointwise error of the field handed out.
    seconds : dict
        ``rasterise``, ``pose`` and ``solve``; empty for a held field.
    stages : dict
        Seconds per stage inside the solve, as the engine names them.
    flags : tuple of Flag
        Why the surrogate was not used or not accepted.
    start : str
        What the solve started from.
    left_out : int
        Cells and vessels off the domain that were dropped.
    dt_min : float, min
        How long a step in time was; infinite for a steady field.
    time_error : float, field units
        About how far off the field is because a step in time was so long: an estimate, from halved steps, for this
        step alone. NaN where it was not estimated: without a ``time_tolerance`` one step in 16 is.
    balance : Balance or None
        What came and went in a step in time.
    parts : int
        In how many parts a step in time was taken.
    why : str
        One sentence on why it started there, where there was a choice.
    """

    step: int
    method: str
    bound: float
    seconds: dict[str, float] = field(default_factory=dict)
    stages: dict[str, float] = field(default_factory=dict)
    flags: tuple[Flag, ...] = ()
    start: str = ""
    left_out: int = 0
    dt_min: float = math.inf
    # NaN is not equal to itself, and records are.
    time_error: float = field(default=math.nan, compare=False)
    balance: Balance | None = None
    parts: int = 1
    why: str = ""

    @classmethod
    def of(
        cls,
        step: int,
        solution: Solution,
        method: str,
        seconds: dict[str, float],
        left_out: int = 0,
        *,
        in_time: InTime | None = None,
    ) -> StepRecord:
        """The record of a step that handed out ``solution``; a held one has no flags and stages of its own."""
        if method == HELD:
            return cls(step, method, solution.error_bound, left_out=left_out)
        stats, known = solution.stats, (InTime() if in_time is None else in_time)
        return cls(
            step,
            method,
            solution.error_bound,
            seconds,
            dict(stats.seconds),
            solution.flags,
            stats.start,
            left_out,
            why=stats.why,
            **vars(known),
        )

    @property
    def total_seconds(self) -> float:
        """Wall time of the step."""
        return math.fsum(self.seconds.values())


@dataclass(frozen=True)
class Summary:
    """All steps together.

    Attributes
    ----------
    steps : int
    answered : dict
        How many steps each method answered, ``"held"`` among them.
    largest_bound : float, field units
        0 if there was no step.
    median_seconds : float
        Over the steps that solved; 0 if there was none. Of a `Backend` it is over the newest of them, as many as it
        keeps records.
    flags : dict
        How many steps raised each reason.
    left_out : int
        The most cells and vessels dropped in one step.

    Examples
    --------
    >>> print(Summary.of([StepRecord(0, "surrogate", 0.2, {"solve": 0.03}), StepRecord(1, "held", 0.2)]))
    2 steps: 1 held, 1 surrogate; largest bound 0.2; median 30.0 ms a solve
    """

    steps: int
    answered: dict[str, int]
    largest_bound: float
    median_seconds: float
    flags: dict[str, int]
    left_out: int

    @classmethod
    def of(cls, records: Sequence[StepRecord]) -> Summary:
        """The summary of some records."""
        tally = Tally()
        for record in records:
            tally.add(record)
        return tally.summary()

    def __str__(self) -> str:
        answered = ", ".join(f"{count} {method}" for method, count in self.answered.items())
        parts = [f"{self.steps} steps: {answered or 'none'}", f"largest bound {self.largest_bound:.3g}"]
        parts.append(f"median {1e3 * self.median_seconds:.1f} ms a solve")
        if self.flags:
            parts.append("flags: " + ", ".join(f"{count} {reason}" for reason, count in self.flags.items()))
        if self.left_out:
            parts.append(f"up to {self.left_out} cells or vessels left out")
        return "; ".join(parts)


class Tally:
    """What all steps so far come to, counted step by step, so that their records need not be kept.

    Parameters
    ----------
    keep : int, optional
        Over how many solves the median time is, the newest; over all if not given.

    Attributes
    ----------
    steps : int

    Examples
    --------
    >>> tally = Tally(keep=2)
    >>> for step, seconds in enumerate([9.0, 1.0, 2.0]):
    ...     tally.add(StepRecord(step, "surrogate", 0.2, {"solve": seconds}))
    >>> tally.summary().answered, tally.summary().median_seconds
    ({'surrogate': 3}, 1.5)
    """

    def __init__(self, keep: int | None = None) -> None:
        self.steps = 0
        self._answered: Counter[str] = Counter()
        self._flags: Counter[str] = Counter()
        self._largest_bound = 0.0
        self._left_out = 0
        self._spent: deque[float] = deque(maxlen=keep)

    def add(self, record: StepRecord) -> None:
        """Count one step more."""
        self.steps += 1
        self._answered[record.method] += 1
        self._flags.update(flag.reason.value for flag in record.flags)
        self._largest_bound = max(self._largest_bound, record.bound)
        self._left_out = max(self._left_out, record.left_out)
        if record.method != HELD:
            self._spent.append(record.total_seconds)

    def summary(self) -> Summary:
        """All steps that were counted."""
        return Summary(
            steps=self.steps,
            answered=dict(sorted(self._answered.items())),
            largest_bound=self._largest_bound,
            median_seconds=statistics.median(self._spent) if self._spent else 0.0,
            flags=dict(sorted(self._flags.items())),
            left_out=self._left_out,
        )
