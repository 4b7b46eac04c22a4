"""What has been learned and spent on the way to an answer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field as default
from typing import TYPE_CHECKING

import numpy as np

from surrogate_plugin import loading
from surrogate_plugin.equation.gradients import Surroundings
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.equation.solution import Flag, Reason, Solution, Stats
from surrogate_plugin.guard.maximum_principle import settle

if TYPE_CHECKING:
    from surrogate_plugin.engine.network_start import Proposal

#: Who answers where nothing feeds the field.
NOTHING = "nothing-there"


@dataclass
class Trace:
    """Flags, seconds and the reason for a start of one solve; every answer of the engine is made here."""

    flags: list[Flag] = default(default_factory=list)
    seconds: dict[str, float] = default(default_factory=dict)
    why: str = ""

    def flag(self, reason: Reason, message: str) -> None:
        """Remember why somebody faster does not answer."""
        self.flags.append(Flag(reason, message))

    def take(self, proposal: Proposal) -> None:
        """What a network said, and how long it took."""
        self.flags += proposal.flags
        self.seconds.update(proposal.seconds)

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

    def nothing(self, problem: Problem) -> Solution:
        """The answer where nothing feeds the field, which is 0 then for certain, so that nobody has to be asked."""
        return self.solution(problem, np.zeros(problem.shape), 0.0, NOTHING, {}, "nothing")

    def solution(
        self, problem: Problem, field: FloatArray, bound: float, method: str, counts: dict[str, int], start: str
    ) -> Solution:
        """The answer within what the maximum principle allows, with all that was learned on the way."""
        field, bound = settle(problem, field, bound)
        stats = Stats(self.seconds, counts, start, self.why)
        return Solution(
            field,
            bound,
            method,
            tuple(self.flags),
            stats,
            spacing=problem.spacing,
            boundary=problem.boundary,
            around=Surroundings.of(problem),
        )
