"""A batch of a pool, solved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from surrogate_plugin.engine.many import solve_many
from surrogate_plugin.engine.pooling import Asked
from surrogate_plugin.equation.solution import Solution

if TYPE_CHECKING:
    from surrogate_plugin.engine.engine import Engine


def solve_batch(engine: Engine, asked: Sequence[Asked]) -> list[Solution | Exception]:
    """Solve problems with one engine, each with what was asked for it.

    Returns
    -------
    list of Solution or Exception
        In order; what a solve raised stands at its place.
    """
    answers: dict[int, Solution | Exception] = {}
    for method in dict.fromkeys(each.method for each in asked):
        places = [place for place, each in enumerate(asked) if each.method == method]
        ours = [asked[place] for place in places]
        found = solve_many(
            [each.problem for each in ours],
            method,
            [each.tolerance for each in ours],
            previous=[each.previous for each in ours],
            error_map=[each.error_map for each in ours],
            errors="return",
            engine=engine,
        )
        answers |= dict(zip(places, found, strict=True))
    return [answers[place] for place in range(len(asked))]
