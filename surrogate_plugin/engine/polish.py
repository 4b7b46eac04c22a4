"""Cycles from any start until the certificate holds: of coarse lattices, or algebraic where those do not follow."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from surrogate_plugin.engine.request import EXACT_SHARE, Request
from surrogate_plugin.engine.starts import Start
from surrogate_plugin.engine.trace import Trace
from surrogate_plugin.equation.solution import Reason, Solution
from surrogate_plugin.guard.certificate import Certifier
from surrogate_plugin.guard.maximum_principle import ceiling
from surrogate_plugin.solvers.multigrid.solver import run_to_estimate
from surrogate_plugin.solvers.protocol import Improving

MAX_TRIES = 6
#: How often a field is certified whose own largest value says what may be off.
_ROUNDS = 3
#: The part of the tolerance that the estimated error must reach before the certificate is tried: of 0.45, 0.6, 0.75
#: and 0.9 the best at 1 % and at 0.1 %. A bound is typically 1.5 times the error, and a failed try costs two cycles.
CERTIFY_AT = 0.75
#: A start that one cycle leaves this far off (of the largest value) is worse than none: from nothing, one cycle
#: leaves about 0.15.
WORSE_THAN_NOTHING = 0.3


@dataclass(frozen=True)
class Cycles:
    """Whose cycles: the solver's name, how they are run to an estimate, and how many there are at most."""

    solver: str
    run: Callable[[Any, float | None, int], None]
    most: int


MULTIGRID = Cycles("multigrid", run_to_estimate, 40)


def algebraic() -> Cycles:
    """The algebraic solver's, which is imported where it is needed."""
    from surrogate_plugin.solvers.algebraic.iteration import MOST_CYCLES, run_to_estimate

    return Cycles("algebraic", run_to_estimate, MOST_CYCLES)


def from_network(request: Request, trace: Trace, iteration: Improving, cycles: Cycles) -> Solution | None:
    """The network's field, polished; None where it leads nowhere, with a flag that says so."""
    if not _worth_polishing(request, trace, iteration):
        return None
    return polish(request, trace, iteration, "network", cycles)


def polish(
    request: Request,
    trace: Trace,
    iteration: Improving,
    start: Start,
    cycles: Cycles = MULTIGRID,
    *,
    last: bool = False,
) -> Solution | None:
    """Cycle until the bound is within the tolerance.

    Parameters
    ----------
    request : Request
    trace : Trace
    iteration : Improving
        Of the request's equation.
    start : str
        What it started from, for the records: a certified network's field is the surrogate's answer.
    cycles : Cycles
        The iteration's.
    last : bool
        Return the best in any case, with its honest bound and a flag.

    Returns
    -------
    Solution or None
        None where the tolerance was not reached, with a flag, but for previous fields, after which nothing is tried.
    """
    tolerance = request.tolerance or _share(request, _largest_value(request, trace, iteration, cycles))
    bound = math.inf
    for _ in range(_ROUNDS if request.tolerance is None else 1):
        bound = _cycle_and_certify(request, trace, iteration, cycles, tolerance)
        if request.tolerance is None:
            # A start may have been far too large, and with it the value that the accuracy was measured by.
            tolerance = min(tolerance, _share(request, float(iteration.field.max())))
        if bound <= tolerance:
            break
    if bound > tolerance:
        stayed = f"after {iteration.cycles} cycles the bound is {bound:.3g}, above the tolerance {tolerance:.3g}."
        if start == "network":
            trace.flag(Reason.NOT_CERTIFIED, f"From the network's field, {stayed}")
        elif start == "nothing" and not last:
            trace.flag(Reason.METHOD_STALLED, f"From nothing, {stayed}")
        if not last:
            return None
        trace.flag(Reason.TOLERANCE_NOT_REACHED, stayed.capitalize())
    who, counts = "surrogate" if start == "network" else cycles.solver, {"cycles": iteration.cycles}
    return trace.solution(request.problem, iteration.field[1:-1, 1:-1], bound, who, counts, start)


def _cycle_and_certify(request: Request, trace: Trace, iteration: Improving, cycles: Cycles, tolerance: float) -> float:
    """Alternate between cycles and the certificate, asking the cycles for more each time; the last bound."""
    certifier = Certifier(request.equation, iteration.hierarchy)
    target, bound = CERTIFY_AT * tolerance, math.inf
    for _ in range(MAX_TRIES):
        with trace.timed("cycles"):
            cycles.run(iteration, target, cycles.most)
            iteration.smooth()
        with trace.timed("certify"):
            bound = certifier.bound(iteration.field, tolerance).value
        if bound <= tolerance or iteration.cycles >= cycles.most:
            break
        lower = 0.3 * target
        if not request.problem.plain:  # what conducts hardly is far off while little is lacking
            lower *= tolerance / bound
        target = min(lower, 0.5 * iteration.estimate)
    return bound


def _worth_polishing(request: Request, trace: Trace, iteration: Improving) -> bool:
    """Whether the network's field is a better start than none, judged after one cycle, which it needs in any case."""
    if not math.isfinite(iteration.largest_residual):
        trace.flag(Reason.NETWORK_FAILED, "The residual of the network's field is not finite.")
        return False
    largest = request.problem.largest_imposed
    if largest == 0 or iteration.estimate == 0:
        return True
    with trace.timed("cycles"):
        iteration.advance()
    if iteration.estimate <= WORSE_THAN_NOTHING * largest:
        return True
    trace.flag(
        Reason.NOT_CERTIFIED,
        f"One cycle leaves the network's field {iteration.estimate:.3g} off: starting from nothing is better.",
    )
    return False


def _largest_value(request: Request, trace: Trace, iteration: Improving, cycles: Cycles) -> float:
    """What an accuracy without a tolerance refers to: the largest value, which production may raise."""
    imposed = request.problem.largest_imposed
    if imposed > 0 and not np.any(np.asarray(request.problem.supply) > 0):
        return imposed
    with trace.timed("cycles"):
        if request.share == EXACT_SHARE:
            cycles.run(iteration, None, cycles.most)
        else:
            _run_to_share(iteration, cycles, request.share)
    return float(iteration.field.max())


def _run_to_share(iteration: Improving, cycles: Cycles, share: float) -> None:
    """Cycle until the estimated error is within a part of the largest value, which each cycle shows better."""
    if iteration.cycles == 0:  # of which the largest value says nothing
        iteration.advance()
    before = -1
    while before < iteration.cycles < cycles.most:
        before = iteration.cycles
        cycles.run(iteration, CERTIFY_AT * share * float(iteration.field.max()), cycles.most)


def _share(request: Request, largest: float) -> float:
    """What may be off where the field's largest value is this, of which imposed values and what is possible know."""
    largest = max(request.problem.largest_imposed, min(largest, ceiling(request.problem)))
    return max(request.share * largest, np.finfo(float).tiny)
