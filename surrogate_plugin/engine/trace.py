"""One solve in progress: the problem, what was asked, and what has been learned and spent so far."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field as default
from functools import cached_property

from surrogate_plugin import loading
from surrogate_plugin.equation.operator import Equation
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.equation.solution import Flag, Reason, Solution, Stats
from surrogate_plugin.guard.maximum_principle import settle


@dataclass
class Task:
    """What the parts of the engine hand to one another.

    ``tolerance`` is in field units; None asks for an exact method's default accuracy.
    """

    problem: Problem
    tolerance: float | None
    previous: FloatArray | None
    flags: list[Flag] = default(default_factory=list)
    seconds: dict[str, float] = default(default_factory=dict)

    @cached_property
    def equation(self) -> Equation:
        """The dimensionless equation; only for a constant diffusivity."""
        return Equation(self.problem)

    def flag(self, reason: Reason, message: str) -> None:
        """Remember why somebody faster does not answer."""
        self.flags.append(Flag(reason, message))

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the block's time to a stage, but for what its kernels took to load: that is a stage of its own."""
        began, loaded = time.perf_counter(), loading.seconds_spent()
        try:
            yield
        finally:
            compiled = loading.seconds_spent() - loaded
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - began - compiled
            if compiled > 0.0:
                self.seconds["load"] = self.seconds.get("load", 0.0) + compiled

    def solution(self, field: FloatArray, bound: float, method: str, counts: dict[str, int], start: str) -> Solution:
        """The answer within what the maximum principle allows, with all that was learned on the way."""
        field, bound = settle(self.problem, field, bound)
        stats, posed = Stats(self.seconds, counts, start), self.problem
        return Solution(field, bound, method, tuple(self.flags), stats, spacing=posed.spacing, boundary=posed.boundary)
