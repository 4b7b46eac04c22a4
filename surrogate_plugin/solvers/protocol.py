"""What every solver offers: factorise once (`Solver.prepare`), solve many (`Solver.solve`).

`Solver` is what the engine is typed by, and what a solver of another package inherits; `adopted` lets one work on that
has the methods without inheriting them, as those written for contract 1 do.
"""

from __future__ import annotations

import abc
from typing import Any, Generic, Protocol, TypeVar

from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.equation.solution import Solution
from surrogate_plugin.errors import StaleStateError

__all__ = ["Improving", "Solver", "adopted", "require_fresh"]

State = TypeVar("State")


class Improving(Protocol):
    """A field under improvement by cycles, which may be looked at after each: multigrid's and the algebraic solver's.

    Attributes
    ----------
    field : (H + 2, W + 2) float64, field units, with a halo
    hierarchy
        What its cycles invert with, which the guard takes for a certificate.
    cycles : int
    largest_residual : float, field units (the equation has links of order 1)
    estimate : float, field units
        Estimate (not a bound) of the largest error; infinite until the first cycle.
    """

    cycles: int
    largest_residual: float
    estimate: float

    @property
    def field(self) -> FloatArray: ...

    @property
    def hierarchy(self) -> Any: ...

    def advance(self) -> None:
        """A step: a cycle, or several where it is Newton's."""

    def smooth(self) -> None:
        """Sweeps on the finest level, before the field is certified: they show little in the error, much in bounds."""


class Solver(abc.ABC, Generic[State]):
    """An exact method for the discrete equation of `Problem`.

    ``prepare`` does the work that depends on the operator alone and returns a state that carries the operator's
    fingerprint; ``solve`` raises `StaleStateError` when handed a state of another operator. The engine keeps states,
    as many bytes of them as they say in ``nbytes`` (0 if they do not), and hands them to later solves.

    The returned `Solution` has an infinite ``error_bound``: bounds are the guard's business.

    Attributes
    ----------
    name : str
        Under which the solver is registered, and which its solutions carry.

    Examples
    --------
    >>> import numpy as np
    >>> class Everywhere(Solver[str]):
    ...     name = "everywhere"
    ...
    ...     def refusal(self, problem):
    ...         return None if problem.fixed.all() else "everywhere solves what is held everywhere."
    ...
    ...     def prepare(self, problem):
    ...         return problem.fingerprint
    ...
    ...     def solve(self, state, problem, guess=None, *, tolerance=None):
    ...         require_fresh(state, problem)
    ...         return Solution(problem.source.copy(), method=self.name)
    >>> solver, problem = Everywhere(), Problem(np.ones((8, 8)))
    >>> float(solver.solve(solver.prepare(problem), problem).field.min())
    1.0
    """

    name: str = ""

    def refusal(self, problem: Problem) -> str | None:
        """Why this solver cannot take ``problem`` (one sentence), or None if it can; quick beside a solve."""
        return None

    def cost(self, problem: Problem) -> float | None:
        """About how many seconds a solve takes on this machine, with all that `prepare` does; None if not known.

        To 1e-10 of the largest value and from nothing, for a problem that is not refused. The method ``"exact"`` asks
        the cheapest first, and a solver that does not know its cost by its name alone. What `calibration.seconds` once
        measured on a lattice, times what a larger one takes more, is a good answer, and quick beside a solve.
        """
        return None

    @abc.abstractmethod
    def prepare(self, problem: Problem) -> State:
        """Everything that depends on the operator alone: neither on values nor on production."""

    @abc.abstractmethod
    def solve(
        self, state: State, problem: Problem, guess: FloatArray | None = None, *, tolerance: float | None = None
    ) -> Solution:
        """Solve to ``tolerance`` (largest pointwise error, field units); default 1e-10 of the largest value.

        ``guess`` (H, W) float64 is a field to start from, such as the step's before: it saves time and nothing else.
        """


def require_fresh(fingerprint: str, problem: Problem) -> None:
    """Raise `StaleStateError` unless the state's fingerprint is the problem's."""
    if fingerprint != problem.fingerprint:
        raise StaleStateError(
            f"the prepared state belongs to operator {fingerprint[:8]}, but the problem has {problem.fingerprint[:8]}; "
            "call prepare(problem) again."
        )


def adopted(given: Any, name: str) -> Solver[Any]:
    """A solver as it is, or one that has the methods alone behind a `Solver`; without ``cost`` it does not know it."""
    return given if isinstance(given, Solver) else _Adopted(given, name)


class _Adopted(Solver[Any]):
    def __init__(self, given: Any, name: str) -> None:
        self.given = given
        self.name = getattr(given, "name", name)

    def refusal(self, problem: Problem) -> str | None:
        reason: str | None = self.given.refusal(problem)
        return reason

    def cost(self, problem: Problem) -> float | None:
        ask = getattr(self.given, "cost", None)
        return None if ask is None else ask(problem)

    def prepare(self, problem: Problem) -> Any:
        return self.given.prepare(problem)

    def solve(
        self, state: Any, problem: Problem, guess: FloatArray | None = None, *, tolerance: float | None = None
    ) -> Solution:
        solution: Solution = self.given.solve(state, problem, guess, tolerance=tolerance)
        return solution
