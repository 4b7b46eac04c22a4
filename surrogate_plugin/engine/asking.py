"""One solver asked for a field: what it returns is checked, and where that fails, so that others can go on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from surrogate_plugin.arguments import HUGE
from surrogate_plugin.engine.keeping import Keeping
from surrogate_plugin.engine.request import Request
from surrogate_plugin.engine.trace import Trace
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.guard.maximum_principle import ceiling
from surrogate_plugin.solvers.protocol import Solver


@dataclass(frozen=True, eq=False)
class Answer:
    """What a solver ``given`` has, and its ``field`` as the certificate needs it: >= 0, with the fixed values."""

    field: FloatArray
    given: FloatArray
    state: Any
    counts: dict[str, int]

    def violation(self, problem: Problem) -> float:
        """How far what was given is off for certain: below 0, above what is possible, beside what is fixed."""
        above = float(self.given.max()) - min(ceiling(problem), HUGE)
        below = float(-min(self.given.min(), 0.0))
        beside = float(np.max(np.abs(self.given - problem.source), where=problem.fixed, initial=0.0))
        return max(above, below, beside)


def ask(
    request: Request, trace: Trace, keeping: Keeping, name: str, solver: Solver[Any], guess: FloatArray | None
) -> Answer:
    """Prepare, or take the state that is kept, and solve.

    Raises
    ------
    ArithmeticError
        If what comes back is no finite field of the problem's shape.
    """
    problem = request.problem
    with trace.timed("prepare"):
        state = keeping.prepared(name, solver, problem)
    with trace.timed("solve"):
        # A guess is the solver's to do with as it likes, and a request's own is not.
        start = None if guess is None else guess.copy()
        solved = solver.solve(state, problem, start, tolerance=request.tolerance)
    given: Any = solved.field
    if (
        not isinstance(given, np.ndarray)
        or given.shape != problem.shape
        or given.dtype.kind not in "fiu"
        or not np.isfinite(given).all()
    ):
        raise ArithmeticError(f"solver {name!r} returned no finite field of shape {problem.shape}; please report it.")
    field = np.where(problem.unknown, np.maximum(given, 0.0), problem.known).astype(np.float64, copy=False)
    return Answer(field, given, state, _counts(solved))


def _counts(solved: Any) -> dict[str, int]:
    counts = getattr(getattr(solved, "stats", None), "counts", None)
    if not isinstance(counts, dict):
        return {}
    return {str(name): int(count) for name, count in counts.items() if isinstance(count, int | np.integer)}
