"""What a network is worth to the engine: the multigrid cycles it saves before the bound is within the tolerance.

The engine has no other start to compare with than nothing: its cycles precondition conjugate gradients from zero, and
that is what the network has to beat.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from surrogate_plugin.equation.operator import Operator
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.guard.certificate import Certifier
from surrogate_plugin.guard.hierarchies import Hierarchies
from surrogate_plugin.solvers.algebraic.solver import begin
from surrogate_plugin.solvers.multigrid.hierarchy import Hierarchy
from surrogate_plugin.solvers.multigrid.solver import Iteration
from surrogate_plugin.surrogate.predictor import Predictor
from surrogate_training.progress import Callback, silent
from surrogate_training.samples.batch import largest_value
from surrogate_training.samples.dataset import exact_field, feeds

#: Over the largest imposed value.
TOLERANCES = (0.05, 0.01, 0.001)
#: The shares certified are given after 0 to this many cycles.
SHOWN_CYCLES = 8
#: Where the engine gives up; a start that is not certified by then counts this many.
MOST_CYCLES = 40


@dataclass(frozen=True)
class Bounds:
    """The verified bound after 0, 1, 2, ... cycles from one start, over the largest imposed value."""

    values: tuple[float, ...]

    def cycles_to_certify(self, tolerance: float) -> int:
        """The first number of cycles whose bound is within ``tolerance``; `MOST_CYCLES` if none is.

        Examples
        --------
        >>> Bounds((0.3, 0.02, 0.004)).cycles_to_certify(0.01)
        2
        """
        return next((k for k, value in enumerate(self.values) if value <= tolerance), MOST_CYCLES)


@dataclass(frozen=True)
class Comparison:
    """One problem, from the network's field and from nothing."""

    network: Bounds
    nothing: Bounds


def bounds_from(problem: Problem, start: FloatArray | None, smallest: float = min(TOLERANCES)) -> Bounds:
    """The bounds after ever more cycles, each followed by the three Gauss-Seidel sweeps of the engine's polish.

    Sweeps change the iteration, so every number of cycles starts afresh. A field without a cycle is not swept.

    Parameters
    ----------
    problem : Problem
        With a value above 0 imposed or supplied; Michaelis-Menten uptake may be there.
    start : (H, W) float64, field units, or None
        None: from nothing.
    smallest : float
        Cycles go on, beyond `SHOWN_CYCLES` and up to `MOST_CYCLES`, until this bound is reached.

    Raises
    ------
    ValueError
        If nothing above 0 is imposed or supplied.

    Examples
    --------
    >>> source = np.zeros((32, 32)); source[16, 16] = 1.0
    >>> bounds = bounds_from(Problem(source, decay=1 / 25), None).values
    >>> len(bounds) > SHOWN_CYCLES, bounds[0] > 0.5, bounds[SHOWN_CYCLES] < 1e-3
    (True, True, True)
    """
    largest = _largest(problem)
    if not largest > 0:
        raise ValueError(f"the largest imposed value is {largest}; bounds are taken over it, so it must be above 0.")
    values: list[float] = []
    for cycles, bound in enumerate(bounds_after(problem, start, range(MOST_CYCLES + 1))):
        values.append(bound / largest)
        if cycles >= SHOWN_CYCLES and values[-1] <= smallest:
            break
    return Bounds(tuple(values))


def _largest(problem: Problem) -> float:
    """What bounds are taken over: the largest value, imposed or, where something is supplied, of the field."""
    if not feeds(problem):
        return 0.0
    supplied = problem.largest_supply > 0
    return largest_value(problem, exact_field(problem, 1e-3)) if supplied else problem.largest_imposed


def bounds_after(problem: Problem, start: FloatArray | None, counts: Iterable[int]) -> Iterator[float]:
    """The bound after each number of cycles, each begun afresh, by the cycles that the engine takes for such faces."""
    equation, hierarchies = Operator(problem), Hierarchies()
    for cycles in counts:
        iteration = _polished_by(hierarchies, problem, equation, start, cycles)
        # A tolerance of 0 asks for the tightest bound.
        yield Certifier(equation, iteration.hierarchy).bound(iteration.field, 0.0).value


def _polished_by(
    hierarchies: Hierarchies, problem: Problem, equation: Operator, start: FloatArray | None, cycles: int
) -> Any:
    if hierarchies.is_for_lattices(problem):
        return polished(equation, hierarchies.geometric(problem), start, cycles)
    iteration = begin(problem, equation, hierarchies.algebraic(problem), start)
    for _ in range(cycles):
        iteration.advance()
    iteration.smooth()
    return iteration


def polished(equation: Operator, hierarchy: Hierarchy, start: FloatArray | None, cycles: int) -> Iteration:
    """The state of the engine's polish on lattices when it certifies after so many cycles."""
    iteration = Iteration(equation, hierarchy, start)
    for _ in range(cycles):
        iteration.advance()
    iteration.smooth()
    return iteration


def compare(predictor: Predictor, problem: Problem, tolerances: Sequence[float] = TOLERANCES) -> Comparison:
    """The bounds from a network's field and from nothing.

    As in the engine, negative values are lifted to 0, and a field that is not finite is no start at all.
    """
    smallest = min(tolerances)
    nothing = bounds_from(problem, None, smallest)
    proposed = predictor.predict(problem)
    if not np.isfinite(proposed).all():
        return Comparison(nothing, nothing)
    return Comparison(bounds_from(problem, np.maximum(proposed, 0.0), smallest), nothing)


@dataclass(frozen=True)
class Worth:
    """What a network saves at one tolerance, means over problems.

    Attributes
    ----------
    certified : tuple of float
        Share of problems certified from the network's field after at most 0, 1, ..., `SHOWN_CYCLES` cycles.
    certified_from_nothing : tuple of float
        The same without the network.
    cycles, cycles_from_nothing, saved : float
        Cycles to certify with the network and without, and their difference.
    worth : float or None
        ``saved`` less the forward pass in cycles; None where the cost was not measured.
    """

    certified: tuple[float, ...]
    certified_from_nothing: tuple[float, ...]
    cycles: float
    cycles_from_nothing: float
    saved: float
    worth: float | None


@dataclass(frozen=True)
class GuardMetrics:
    """A network's worth at each tolerance (over the largest imposed value), and its forward pass in cycles."""

    problems: int
    forward_cycles: float | None
    at: dict[float, Worth]


def measure(
    predictor: Predictor,
    problems: Sequence[Problem],
    *,
    tolerances: Sequence[float] = TOLERANCES,
    measure_cost: bool = False,
    callback: Callback = silent,
) -> GuardMetrics:
    """Compare on every problem and sum up.

    Parameters
    ----------
    predictor : Predictor
    problems : sequence of Problem
        At least one; see `bounds_from`.
    tolerances : sequence of float
        Over the largest imposed value.
    measure_cost : bool
        Time the forward pass beside a cycle on this machine, and give the network's worth.
    callback : Callback

    Raises
    ------
    ValueError
        If there is no problem, or one that has no bound of this kind.
    """
    if not problems:
        raise ValueError("problems is empty; at least one is needed.")
    comparisons = []
    for done, problem in enumerate(problems, 1):
        comparisons.append(compare(predictor, problem, tolerances))
        callback(done / len(problems), f"problem {done} of {len(problems)}")
    cost = None
    if measure_cost:
        cost = statistics.fmean(forward_in_cycles(predictor, problem) for problem in problems[:_TIMED])
    return GuardMetrics(len(problems), cost, {level: summarise(comparisons, level, cost) for level in tolerances})


def summarise(comparisons: Sequence[Comparison], tolerance: float, forward_cycles: float | None = None) -> Worth:
    """What comparisons say at one tolerance."""
    network = [comparison.network.cycles_to_certify(tolerance) for comparison in comparisons]
    nothing = [comparison.nothing.cycles_to_certify(tolerance) for comparison in comparisons]
    cycles, without = statistics.fmean(network), statistics.fmean(nothing)
    worth = None if forward_cycles is None else without - cycles - forward_cycles
    return Worth(_shares(network), _shares(nothing), cycles, without, without - cycles, worth)


def _shares(needed: Sequence[int]) -> tuple[float, ...]:
    return tuple(sum(k <= cycles for k in needed) / len(needed) for cycles in range(SHOWN_CYCLES + 1))


#: Problems and repeats that are timed: the cost depends on the lattice alone.
_TIMED, _REPEATS = 4, 7


def forward_in_cycles(predictor: Predictor, problem: Problem, repeats: int = _REPEATS) -> float:
    """Seconds of a prediction over seconds of a cycle, medians of repeats that take turns.

    They take turns so that whatever else the machine does slows both alike.
    """
    equation, hierarchy = Operator(problem), Hierarchy(problem.shape, problem.walls)
    forward, cycle = [], []
    predictor.predict(problem)  # the first run compiles and allocates
    Iteration(equation, hierarchy, None).advance()
    for _ in range(repeats):
        forward.append(_seconds(lambda: predictor.predict(problem)))
        cycle.append(_seconds(Iteration(equation, hierarchy, None).advance))
    median = statistics.median(cycle)
    return statistics.median(forward) / median if median > 0 else math.inf


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
