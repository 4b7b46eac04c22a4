"""The previous field as a start, weighed against the network's and against nothing."""

from __future__ import annotations

import math

from surrogate_plugin.engine.network_start import Rival
from surrogate_plugin.engine.polish import MULTIGRID, WORSE_THAN_NOTHING, from_network, polish
from surrogate_plugin.engine.request import Request
from surrogate_plugin.engine.starts import Change, Offer, compared, least
from surrogate_plugin.engine.trace import Trace
from surrogate_plugin.equation.problem import FloatArray
from surrogate_plugin.equation.solution import Reason, Solution
from surrogate_plugin.solvers.multigrid.hierarchy import Hierarchy
from surrogate_plugin.solvers.multigrid.solver import Iteration


class PreviousStart:
    """Starts from previous fields where that is the quickest, and learns from each how good they are.

    First by what the residual says, which is at hand; then by what one cycle has shown, which a good start needs in any
    case, and which is what a poor one costs. What it learns is the request's to keep.
    """

    def solve(
        self, request: Request, trace: Trace, hierarchy: Hierarchy, previous: FloatArray, rival: Rival | None
    ) -> Solution | None:
        """The answer from the best start; None where that is nothing, or where the one that was chosen led nowhere.

        Parameters
        ----------
        request : Request
        trace : Trace
            Is told why.
        hierarchy : Hierarchy
        previous : (H, W) float64, field units
        rival : Rival or None
            The network, where it may be asked.
        """
        with trace.timed("set-up"):
            iteration = Iteration(request.equation, hierarchy, previous)
        if not math.isfinite(iteration.largest_residual):
            trace.why = "The residual of the previous field is not finite."
            return None
        weighed = _Weighing(request, previous, rival)
        chosen = _chosen(request, trace, iteration, weighed)
        if chosen.start == "previous":
            return polish(request, trace, iteration, "previous")
        if chosen.start == "network" and rival is not None:
            return _ask(request, trace, hierarchy, rival)
        return None


def _chosen(request: Request, trace: Trace, iteration: Iteration, weighed: _Weighing) -> Offer:
    """What to start from; the iteration is a cycle further where that is the previous field."""
    free = Offer("previous", 0.0)
    if weighed.largest == 0.0 or iteration.largest_residual == 0.0:
        trace.why = "The previous field lacks nothing."
        return free
    change, lessons = Change.before(iteration), request.lessons
    guess = lessons.error(change)
    if math.isfinite(guess):
        chosen = weighed.least(trace, change, Offer("previous", guess), weighed.largest)
        if chosen.start != "previous":
            lessons.forget()
            return chosen
    with trace.timed("cycles"):
        iteration.advance()
    lessons.learn(change, iteration.correction)
    # After a cycle the others have theirs before them, but nothing is left about so far off by one.
    found = Offer("previous", iteration.estimate)
    return weighed.least(trace, change, found, WORSE_THAN_NOTHING * weighed.largest, iteration.correction)


class _Weighing:
    """The offers of one request."""

    def __init__(self, request: Request, previous: FloatArray, rival: Rival | None) -> None:
        self._rival = rival
        imposed = request.problem.largest_imposed
        #: About the largest value of the field; where production alone feeds it, of the field before.
        self.largest = imposed if imposed > 0.0 else float(previous.max())
        self._tolerance = request.tolerance or request.share * self.largest

    def least(
        self, trace: Trace, change: Change, previous: Offer, nothing: float, before: float | None = None
    ) -> Offer:
        """The least of all; ``nothing`` is what that is off, and ``before`` what the previous field was, to be told."""
        offers = [previous, Offer("nothing", nothing)]
        network = self._network(least(offers, self._tolerance))
        if network is not None:
            offers.append(network)
        chosen = least(offers, self._tolerance)
        told = [Offer("previous", previous.error if before is None else before), Offer("nothing", self.largest)]
        trace.why = f"{change}. {compared(told + offers[2:], self._tolerance)}"
        return chosen

    def _network(self, best: Offer) -> Offer | None:
        """The network's offer, where it might be better than the best without: only then is its price asked for."""
        if self._rival is None:
            return None
        error = self._rival.share * self.largest
        if Offer("network", error).cycles(self._tolerance) >= best.cycles(self._tolerance):
            return None
        price = self._rival.price()
        return None if price is None else Offer("network", error, price)


def _ask(request: Request, trace: Trace, hierarchy: Hierarchy, rival: Rival) -> Solution | None:
    """The network's field, polished; with flags in the place of the one that it is dearer."""
    trace.flags[:] = [flag for flag in trace.flags if flag.reason is not Reason.EXACT_IS_CHEAPER]
    proposal = rival.propose()
    trace.take(proposal)
    if proposal.field is None:
        return None
    with trace.timed("set-up"):
        iteration = Iteration(request.equation, hierarchy, proposal.field)
    return from_network(request, trace, iteration, MULTIGRID)
