"""Solves that are handed over: inside a member of an ensemble, engines give their problems to a pool."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.equation.solution import Solution

if TYPE_CHECKING:
    from surrogate_plugin.engine.engine import Engine


@dataclass(frozen=True, eq=False)
class Asked:
    """What an engine is asked for, as `Engine.solve` was.

    Attributes
    ----------
    problem : Problem
    method : str
    tolerance : float, field units, or None
    previous : (H, W) array of float, field units, or None
    error_map : bool
    is_of_many : bool
        Whether `solve_many` was asked, whose answers do not depend on what an engine solved before.
    """

    problem: Problem
    method: str
    tolerance: float | None
    previous: FloatArray | None
    error_map: bool
    is_of_many: bool = False


class Pool(Protocol):
    """Takes what engines are asked for, and answers it together with what others ask for."""

    def answer(self, engine: Engine, asked: list[Asked]) -> list[Solution | Exception]:
        """Wait for the answers, in order; an exception stands where a solve raised it."""


#: The pool that this thread hands its problems to; whoever sets it resets it.
HERE: ContextVar[Pool | None] = ContextVar("surrogate_plugin_pool", default=None)


def is_member() -> bool:
    """Whether this thread runs a member of an ensemble, beside others in the same process.

    Examples
    --------
    >>> is_member()
    False
    """
    return HERE.get() is not None
