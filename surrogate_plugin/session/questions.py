"""Steady fields that backends ask for: answered one by one, or many together where that is quicker."""

from __future__ import annotations

import functools
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from surrogate_plugin.engine.pooling import HERE, Asked
from surrogate_plugin.equation.problem import FloatArray
from surrogate_plugin.equation.solution import Solution
from surrogate_plugin.session.posing import Posed

if TYPE_CHECKING:
    from surrogate_plugin.engine.engine import Engine

#: Methods that answer for many problems at once; others are solvers by name, which take one at a time.
_OF_MANY = ("guarded", "exact", "multigrid")
#: How many fields are solved for together on a CPU; never, if None. `benchmarks/together.py` measures where it pays.
LEAST_ON_CPU: int | None = None


@dataclass(frozen=True, eq=False)
class Question:
    """A steady field that a backend asks for.

    Attributes
    ----------
    posed : Posed
        The state, and with its configuration by whom it is to be answered and how exactly.
    engine : Engine
    previous : (H, W) float64, field units, or None
        The field to start from.
    """

    posed: Posed
    engine: Engine
    previous: FloatArray | None

    def asked(self) -> Asked:
        """As an engine is asked."""
        config = self.posed.config
        return Asked(self.posed.problem, config.method, config.tolerance, self.previous, config.error_map)

    def answer(self) -> Answer:
        """What the engine says of it alone.

        Raises
        ------
        InvalidProblemError, UnsupportedProblemError
            As of `Engine.solve`.
        """
        config, began = self.posed.config, time.perf_counter()
        solution = self.engine.solve(
            self.posed.problem, method=config.method, tolerance=config.tolerance, previous=self.previous,
            **({"error_map": True} if config.error_map else {}),
        )  # fmt: skip
        return Answer(self.posed, solution, time.perf_counter() - began)


@dataclass(frozen=True, eq=False)
class Answer:
    """What was found for a question.

    Attributes
    ----------
    posed : Posed
        As it was asked.
    found : Solution or Exception
        The field, or why there is none.
    seconds : float
        What it took; of a field solved for with others its share, the time of all over their number.
    """

    posed: Posed
    found: Solution | Exception
    seconds: float

    @property
    def solution(self) -> Solution:
        """The field; raises what kept it from being found."""
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


def answered(question: Question) -> Answer:
    """The answer to one question: by the engine, or by the device where one was asked for by name."""
    together = answer_together([question])[0]
    return question.answer() if together is None else together


def answer_together(questions: Sequence[Question]) -> list[Answer | None]:
    """Answers to those questions that are solved for together; None for each that is better asked by itself.

    Those over one engine go together, with tolerances and starts of their own. One that has no field gets the error
    as its answer, and does not keep the others from theirs.
    """
    groups: dict[tuple[int, str], list[int]] = defaultdict(list)
    for place, question in enumerate(questions):
        groups[id(question.engine), question.posed.config.method].append(place)
    answers: list[Answer | None] = [None] * len(questions)
    for places in groups.values():
        group = [questions[place] for place in places]
        if goes_together(group[0].engine, group[0].posed.config.method, len(group)):
            for place, answer in zip(places, _solved(group), strict=True):
                answers[place] = answer
    return answers


def goes_together(engine: Engine, method: str, count: int) -> bool:
    """Whether so many fields over an engine are solved for together; cheap enough to be asked at each step."""
    device, least = getattr(engine, "device", None), LEAST_ON_CPU
    if device is None or method not in _OF_MANY:  # what is no engine of ours is asked for one field at a time
        return False
    if HERE.get() is not None:  # a pool waits for whoever has not asked yet, so all are asked at once
        least = 2
    elif _on_device(device):
        # One field alone goes to a device that was asked for by name; by itself a host's only one stays where it was.
        least = 1 if device == "cuda" else 2
    return least is not None and count >= least


def _solved(group: Sequence[Question]) -> list[Answer]:
    began = time.perf_counter()
    pool, engine, asked = HERE.get(), group[0].engine, [question.asked() for question in group]
    if pool is not None:
        found = pool.answer(engine, asked)
    else:
        from surrogate_plugin.engine.many import solve_many

        found = solve_many(
            [each.problem for each in asked],
            method=asked[0].method,
            tolerance=[each.tolerance for each in asked],
            previous=[each.previous for each in asked],
            error_map=[each.error_map for each in asked],
            errors="return",
            engine=engine,
        )
    share = (time.perf_counter() - began) / len(group)
    return [Answer(question.posed, each, share) for question, each in zip(group, found, strict=True)]


@functools.cache
def _on_device(device: str) -> bool:
    """Whether there is a GPU to go to."""
    from surrogate_plugin.engine.on_device import device_for

    return device_for(device) is not None
