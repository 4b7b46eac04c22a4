"""What every solver offers: factorise once (`prepare`), solve many (`solve`)."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.equation.solution import Solution
from surrogate_plugin.errors import StaleStateError

S = TypeVar("S")


class Solver(Protocol, Generic[S]):
    """An exact method for the discrete equation of `Problem`.

    ``prepare`` does the work that depends on the operator alone and returns a state that carries the
    operator's fingerprint; ``solve`` raises `StaleStateError` when handed a state of another operator.
    The returned `Solution` has an infinite ``error_bound``: bounds are the guard's business.
    """

    name: str

    def refusal(self, problem: Problem) -> str | None:
        """Why this solver cannot take ``problem`` (one sentence), or None if it can."""
        ...

    def prepare(self, problem: Problem) -> S:
        """Everything that depends on the operator alone."""
        ...

    def solve(
        self, state: S, problem: Problem, guess: FloatArray | None = None, *, tolerance: float | None = None
    ) -> Solution:
        """Solve to ``tolerance`` (largest pointwise error, field units); default 1e-10 of the largest value."""
        ...


def require_fresh(fingerprint: str, problem: Problem) -> None:
    """Raise `StaleStateError` unless the state's fingerprint is the problem's."""
    if fingerprint != problem.fingerprint:
        raise StaleStateError(
            f"the prepared state belongs to operator {fingerprint[:8]}, but the problem has {problem.fingerprint[:8]}; "
            "call prepare(problem) again."
        )
