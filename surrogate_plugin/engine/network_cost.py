"""What a network takes on this machine and what it saves, in cycles: whether asking it first is worth its price."""

from __future__ import annotations

import math
from collections.abc import Callable

from surrogate_plugin import calibration
from surrogate_plugin.engine.network import Network
from surrogate_plugin.engine.starts import CONTRACTION
from surrogate_plugin.equation.operator import Operator
from surrogate_plugin.equation.problem import Problem
from surrogate_plugin.equation.solution import Flag, Reason
from surrogate_plugin.solvers.multigrid.hierarchy import Hierarchy
from surrogate_plugin.solvers.multigrid.solver import Iteration
from surrogate_plugin.team import thread_count

#: What one cycle from nothing leaves, as a part of the largest value.
_ERROR_WITHOUT = 1.0
#: Seconds of solves on a lattice after which it is measured whether the network would be quicker: loading and compiling
#: it takes up to a quarter of that, once a machine.
_PATIENCE = 60.0


class NetworkCost:
    """The cost of a network on lattice after lattice, measured once solves have taken long enough to be worth it."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._spent: dict[tuple[int, ...], float] = {}
        #: Seconds of a forward pass of a network without a card.
        self._of_unnamed: dict[str, float] = {}

    def count(self, problem: Problem, seconds: float) -> None:
        """Remember what a solve without the network took; after a while it is worth knowing what one with it takes."""
        self._spent[problem.shape] = self._spent.get(problem.shape, 0.0) + seconds

    def cheaper_without(self, problem: Problem, has_previous: bool) -> Flag | None:
        """Why the exact route is the cheaper one, by what was measured on this machine; None if the network is.

        It takes a small part of a solve to say so: no network is loaded for it, and no problem looked through.
        """
        if not self._network.there():
            return None  # asking tells more
        if problem.constant_coefficients and self._network.device != "cuda":
            return Flag(
                Reason.EXACT_IS_CHEAPER,
                "With constant coefficients on a CPU an exact solver costs less than the network with cycles after it.",
            )
        if has_previous:
            return Flag(Reason.EXACT_IS_CHEAPER, "The previous field is at hand and costs nothing.")
        if self._would_load(problem) and self._network.outside(problem):
            return None  # and what the card says is the better reason
        costs = self._measured(problem)
        if costs is None:
            return Flag(
                Reason.EXACT_IS_CHEAPER,
                "What the network takes on this machine is not known yet; to measure it costs some seconds, so it is "
                f"done once {_PATIENCE:.0f} s have gone into solves on this lattice.",
            )
        forward, cycle, error = costs
        saved = math.log(_ERROR_WITHOUT / min(max(error, 1e-6), _ERROR_WITHOUT)) / math.log(1.0 / CONTRACTION)
        if forward <= saved * cycle:
            return None
        return Flag(
            Reason.EXACT_IS_CHEAPER,
            f"The network takes {1e3 * forward:.1f} ms and saves about {saved:.1f} cycles of {1e3 * cycle:.1f} ms.",
        )

    def price(self, problem: Problem) -> float | None:
        """What the network's field takes, in cycles; None where that is not known yet, or it does not know such."""
        try:
            costs = None if self._network.outside(problem) else self._measured(problem)
        except (Exception, SystemExit):  # Whatever a network does, there is a previous field.
            return None
        return None if costs is None else costs[0] / costs[1]

    def _would_load(self, problem: Problem) -> bool:
        """Whether to know what the network takes means to load it now."""
        if self._network.loaded is not None:
            return False
        if self._network.device == "cuda":  # whoever asks for a card wants to hear of it at once
            return True
        return self._known(_where(problem)) is None and self._spent.get(problem.shape, 0.0) >= _PATIENCE

    def _measured(self, problem: Problem) -> tuple[float, float, float] | None:
        """Seconds of a forward pass, seconds of a cycle, and the network's typical error; None where not known yet."""
        where, network = _where(problem), self._network
        if network.loaded is None and not self._would_load(problem):
            return self._known(where)
        model, _ = network.load()
        if model is None:
            return 0.0, 0.0, 1.0  # asking tells what is wrong with it
        if model.card is None:  # nothing names it to another process
            if where not in self._of_unnamed:
                self._of_unnamed[where] = calibration.measured(lambda: model.predict(problem))
            forward = self._of_unnamed[where]
        else:
            name = f"{model.card.sha256}|{model.device}|{where}"
            forward = calibration.seconds(name, lambda: model.predict(problem))
        return forward, calibration.seconds(f"cycle|{where}", _cycle(problem)), model.typical_error

    def _known(self, where: str) -> tuple[float, float, float] | None:
        """What an earlier process has measured, looked up by the card alone."""
        card = self._network.card
        if card is None:
            return None
        forward = calibration.known(f"{card.sha256}|cpu|{where}")
        cycle = calibration.known(f"cycle|{where}")
        if forward is None or cycle is None:
            return None
        return forward, cycle, self._network.typical_error()


def _where(problem: Problem) -> str:
    """What the time of a solve depends on beside the machine."""
    return f"{problem.shape}{'' if problem.plain else ' with faces'}, {thread_count()} threads"


def _cycle(problem: Problem) -> Callable[[], None]:
    """One cycle of the polish on this problem, to be timed."""
    hierarchy = Hierarchy(problem.shape, problem.walls)
    return Iteration(Operator(problem), hierarchy, None).advance
