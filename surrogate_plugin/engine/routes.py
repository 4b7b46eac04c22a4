"""Who is asked for an exact field, and in which order: by refusal and cost."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field as default
from typing import Any

from surrogate_plugin.engine.keeping import Keeping
from surrogate_plugin.engine.request import Request
from surrogate_plugin.engine.trace import Trace
from surrogate_plugin.equation.problem import Problem
from surrogate_plugin.equation.solution import Reason
from surrogate_plugin.guard.hierarchies import FEW, certificate_seconds
from surrogate_plugin.solvers.protocol import Solver

#: Down to this part of the largest imposed value cycles are quicker than transforms wherever something is held.
_LOOSE = 1e-3
#: With so many charges for each pixel that a side of the lattice has, cycles to 1e-10 are as quick: from 64 x 64 to
#: 512 x 512. With a tenth of 128 x 128 held by small vessels, transforms take 8 times as long, with a third 200 times.
_FEW_CHARGES = 2.5
#: A solver that takes so many times as long as it says, and this many seconds longer, is believed no more.
_SLOW, _UNNOTICED = 3.0, 0.02


@dataclass(frozen=True)
class Route:
    """A solver that may be asked, and about how many seconds its answer takes; ``said`` is its own word on that."""

    name: str
    solver: Solver[Any]
    seconds: float
    said: float | None = None

    @property
    def ours(self) -> bool:
        """Whether the solver is this package's."""
        return self.said is None


@dataclass
class Experience:
    """What solvers took beside what they said; the first solve of each counts for nothing, since it may compile."""

    ratios: dict[str, list[float]] = default(default_factory=dict)

    @contextmanager
    def counting(self, route: Route, trace: Trace) -> Iterator[None]:
        """Remember what the block, a stranger's solve, takes, with a flag where it said much less."""
        began, said = time.perf_counter(), max(route.said or 0.0, 1e-9)
        yield
        spent, ratios = time.perf_counter() - began, self.ratios.setdefault(route.name, [])
        slow = spent > _SLOW * said + _UNNOTICED
        ratios.append(spent / said if slow else 1.0)
        del ratios[:-2]
        if len(ratios) > 1 and slow:
            trace.flag(
                Reason.SOLVER_SLOW,
                f"Solver {route.name!r} took {spent:.3g} s and had said {said:.3g} s; it is believed no more.",
            )

    def corrected(self, name: str, said: float) -> float:
        """What a solve will take: as said, until a solver has taken much longer twice."""
        ratios = self.ratios.get(name, [])
        return said * min(ratios) if len(ratios) > 1 else said


def routes(request: Request, keeping: Keeping, experience: Experience, trace: Trace) -> Iterator[Route]:
    """Everybody who takes the problem, the cheapest first; sparse direct, which takes any, is last.

    Ours keep their order, which many problems have shown and not a clock: whoever comes later counts as at least as
    dear as those before. Strangers come where their costs put them. Without any nothing is measured, but for what takes
    coefficients that no coarse lattice follows.
    """
    strangers = list(_strangers(request.problem, keeping, experience, trace))
    if not strangers:
        yield from (Route(name, keeping.ours(name), 0.0) for name in _applicable(request, keeping))
        return
    found, least = strangers, 0.0
    for name in _applicable(request, keeping):
        solver = keeping.ours(name)
        least = max(least, solver.cost(request.problem) or 0.0)
        found.append(Route(name, solver, least))
    last = found.pop()
    # Sorting is stable, and ours are to come first where costs are equal.
    found.sort(key=lambda route: (route.seconds, not route.ours))
    yield from (route for route in found if route.ours or route.seconds < last.seconds)
    yield last


def are_for_cycles(request: Request) -> bool:
    """Whether cycles on coarse lattices are quicker than transforms, or these do not apply.

    Transforms are exact whatever is asked for, and alone they take less. But each held pixel beside a free one is a
    charge, and what charges do to one another has to be found: for each decay once, for each set of pixels once, and
    in a time that goes by the square of their number.
    """
    problem, tolerance = request.problem, request.tolerance
    if not problem.constant_coefficients:
        return True
    if not problem.fixed.any():
        return False
    loose = request.share >= _LOOSE if tolerance is None else tolerance >= _LOOSE * problem.largest_imposed
    return loose or _many_charges(problem)


def _many_charges(problem: Problem) -> bool:
    from surrogate_plugin.solvers.spectral.capacitance import charges_above

    return charges_above(_FEW_CHARGES * math.sqrt(problem.source.size), problem) > 0


def _applicable(request: Request, keeping: Keeping) -> Iterator[str]:
    """Ours that take a problem, in the order of their cost. Spectral is not even imported where it is not needed."""
    problem = request.problem
    first, then = ("multigrid", "spectral") if are_for_cycles(request) else ("spectral", "multigrid")
    for name in (first, then):
        if (name != "spectral" or problem.constant_coefficients) and keeping.ours(name).refusal(problem) is None:
            yield name
    if not problem.plain and problem.source.size > FEW and _quicker(problem, keeping):
        yield "algebraic"
    yield "sparse-direct"


def _quicker(problem: Problem, keeping: Keeping) -> bool:
    """Whether an algebraic hierarchy costs less than a factorisation, by what both took on this machine."""
    algebraic, direct = (keeping.ours(name).cost(problem) for name in ("algebraic", "sparse-direct"))
    return algebraic is not None and direct is not None and algebraic < direct


def _strangers(problem: Problem, keeping: Keeping, experience: Experience, trace: Trace) -> Iterator[Route]:
    """Other packages' solvers that take the problem and know their cost; whatever one of them does stops nobody."""
    for name in keeping.strangers():
        try:
            solver = keeping.named(name)
            if solver.refusal(problem) is not None:
                continue
            said = solver.cost(problem)
            if said is None:
                continue
            seconds = _seconds(said)
        except (Exception, SystemExit) as error:
            trace.flag(Reason.SOLVER_FAILED, f"Solver {name!r} cannot be asked: {described(error)}")
            continue
        corrected = experience.corrected(name, seconds)
        if not problem.plain:  # ours come with factors that certify, a stranger's do not
            corrected += certificate_seconds(problem)
        yield Route(name, solver, corrected, seconds)


def _seconds(said: Any) -> float:
    seconds = float(said)
    if not 0.0 < seconds < math.inf:
        raise ValueError(f"its cost is {seconds}, which is no positive number of seconds.")
    return seconds


def described(error: BaseException) -> str:
    """An error of a stranger's, on one line."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else f"{type(error).__name__}."
