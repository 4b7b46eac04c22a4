"""A batch of a pool, solved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

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
    return [_solved(engine, each) for each in asked]


def _solved(engine: Engine, asked: Asked) -> Solution | Exception:
    try:
        return engine.solve(
            asked.problem,
            method=asked.method,
            tolerance=asked.tolerance,
            previous=asked.previous,
            error_map=asked.error_map,
        )
    except Exception as error:  # it is raised again where it was asked for
        return error
