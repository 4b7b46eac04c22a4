"""The engine: best start, polish, certify, accept; what cannot be certified goes to the exact solvers by itself."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import Any, Literal, cast, get_args

import numpy as np

from surrogate_plugin import registry
from surrogate_plugin.errors import InvalidProblemError, UnsupportedProblemError
from surrogate_plugin.guard.certificate import Certifier
from surrogate_plugin.guard.matrix_certificate import bound_by_factorisation
from surrogate_plugin.network_start import NetworkStart, Predictor
from surrogate_plugin.problem import FloatArray, Problem
from surrogate_plugin.solution import Flag, Reason, Solution, Stats
from surrogate_plugin.solvers.equation import Equation
from surrogate_plugin.solvers.hierarchy import Hierarchy
from surrogate_plugin.solvers.multigrid import Iteration, run_to_estimate
from surrogate_plugin.solvers.sparse_direct import SparseDirect
from surrogate_plugin.solvers.spectral import Spectral

Policy = Literal["surrogate-first", "fastest"]

#: The part of the tolerance that the estimated error must reach before the certificate is tried: a bound is
#: typically 1.5 times the error, and a failed try costs as much as two cycles.
_CERTIFY_AT = 0.45
_MAX_CYCLES = 40
_MAX_TRIES = 6
#: A network's field that one cycle leaves this far off (of the largest value) is worse than starting from nothing.
_WORSE_THAN_NOTHING = 0.3
_DEFAULT_SHARE = 0.01
_EXACT_SHARE = 1e-10


class Engine:
    """Solves problems and keeps what can be reused: the network, the lattice's buffers, factorisations.

    Parameters
    ----------
    model : str or Predictor
        Name or path of the surrogate, or a loaded one.
    device : str
        ``"auto"``, ``"cpu"`` or ``"cuda"``: where the network runs.
    policy : str
        ``"surrogate-first"`` tries the network wherever its card applies; ``"fastest"`` takes the cheapest certified
        route, by a cost model measured on this machine.

    Examples
    --------
    >>> source = np.zeros((32, 32)); source[16, 16] = 1.0
    >>> solution = Engine().solve(Problem(source, decay=1 / 25), method="exact")
    >>> solution.method, solution.error_bound < 1e-10
    ('spectral', True)
    """

    def __init__(
        self, *, model: str | Predictor = "default", device: str = "auto", policy: str = "surrogate-first"
    ) -> None:
        _require(policy, get_args(Policy), "policy")
        _require(device, ("auto", "cpu", "cuda"), "device")
        self.policy = cast(Policy, policy)
        self._network = NetworkStart(model, device)
        self._sparse_direct = SparseDirect()
        self._spectral = Spectral()
        self._hierarchy: tuple[Any, Hierarchy] | None = None

    def solve(
        self,
        problem: Problem,
        *,
        method: str = "guarded",
        tolerance: float | None = None,
        previous: FloatArray | None = None,
    ) -> Solution:
        """The steady field, who computed it, and a bound on its error.

        Parameters
        ----------
        problem : Problem
        method : str
            ``"guarded"``, ``"surrogate"``, ``"exact"``, ``"spectral"``, ``"multigrid"``, ``"sparse-direct"``, or the
            name of a registered solver plugin.
        tolerance : float, field units, optional
            Largest pointwise error allowed. Default: 1 % of the largest imposed value (of the largest value where
            production alone feeds the field); for exact methods 1e-10 of the largest value.
        previous : (H, W) float64, field units, optional
            A field to start from, such as the previous step's; it affects the time only.

        Raises
        ------
        InvalidProblemError
            For a tolerance that is not a positive number, or a ``previous`` of another shape.
        UnsupportedProblemError
            If a named method cannot take the problem, or no method has that name.
        """
        if tolerance is not None and not 0 < tolerance < math.inf:
            raise InvalidProblemError(f"tolerance is {tolerance!r}; a positive finite number is allowed.")
        if previous is not None:
            previous = _usable(previous, problem)
        task = _Task(problem, tolerance, previous)
        if method == "guarded":
            return self._guarded(task)
        if method == "surrogate":
            return self._raw_surrogate(task)
        if method == "exact":
            return self._exact(task)
        return self._named(task, method)

    # --- the routes -------------------------------------------------------------------------------------------------

    def _guarded(self, task: _Task) -> Solution:
        problem = task.problem
        task.tolerance = task.tolerance or self._default_tolerance(task)
        start = self._network.propose(problem, self.policy, task.previous is not None)
        task.flags += start.flags
        task.seconds.update(start.seconds)
        if start.field is not None:
            solution = self._polish(task, start.field, "network")
            if solution is not None:
                return solution
        return self._exact(task)

    def _exact(self, task: _Task) -> Solution:
        """The fastest exact solver that applies, then the next; the last answers whatever its bound."""
        problem = task.problem
        if self._spectral.refusal(problem) is None:
            solution = self._direct(task, self._spectral)
            if solution is not None:
                return solution
        if not isinstance(problem.diffusivity, np.ndarray):
            begin = "nothing" if task.previous is None else "previous"
            solution = self._polish(task, task.previous, begin)
            if solution is not None:
                return solution
        return cast(Solution, self._direct(task, self._sparse_direct, last=True))

    def _named(self, task: _Task, method: str) -> Solution:
        solver = self._solver(method)
        reason = solver.refusal(task.problem)
        if reason is not None:
            raise UnsupportedProblemError(reason)
        if method == "multigrid":
            solution = self._polish(task, task.previous, "nothing" if task.previous is None else "previous", last=True)
        else:
            solution = self._direct(task, solver, last=True)
        return cast(Solution, solution)

    def _raw_surrogate(self, task: _Task) -> Solution:
        """The network's field as it is, with its bound; raises where there is none."""
        start = self._network.propose(task.problem, "always", False)
        if start.field is None:
            raise UnsupportedProblemError(
                f"method 'surrogate' has no field: {' '.join(flag.message for flag in start.flags)} "
                "Use method='guarded' or 'exact'."
            )
        certifier = task.timed("set-up", lambda: self._certifier(task.problem))
        candidate = certifier.equation.embed(start.field)
        value = task.timed("certify", lambda: certifier.bound(candidate, 0.0).value)
        return Solution(_inner(candidate), value, "surrogate", start.flags, Stats({**start.seconds, **task.seconds}))

    # --- the parts --------------------------------------------------------------------------------------------------

    def _polish(self, task: _Task, start: FloatArray | None, begin: str, *, last: bool = False) -> Solution | None:
        """Multigrid cycles from ``start`` until the certificate holds; None where it cannot be had.

        With ``last`` the best is returned in any case, with its honest bound.
        """
        equation = task.equation()
        hierarchy = self._hierarchy_for(task.problem)
        iteration = task.timed("set-up", lambda: Iteration(equation, hierarchy, start))
        if not math.isfinite(iteration.largest_residual):
            task.flag(Reason.NETWORK_FAILED, f"The field to start from ({begin}) is not finite.")
            return None
        tolerance = task.tolerance or _EXACT_SHARE * self._scale(task, iteration)
        certifier = Certifier(equation, hierarchy)
        target, bound = _CERTIFY_AT * tolerance, math.inf
        for _ in range(_MAX_TRIES):
            done = task.timed("cycles", lambda target=target: self._advance(task, iteration, target, begin))
            if not done:
                return None
            task.timed("cycles", iteration.smooth)
            bound = task.timed("certify", lambda: certifier.bound(iteration.field, tolerance).value)
            if bound <= tolerance or iteration.cycles >= _MAX_CYCLES:
                break
            target = min(0.3 * target, 0.5 * iteration.estimate)
        accepted = bound <= tolerance
        if not accepted and not last:
            if begin == "network":
                task.flag(
                    Reason.NOT_CERTIFIED,
                    f"After {iteration.cycles} cycles the bound is {bound:.3g}, above the tolerance {tolerance:.3g}.",
                )
            return None
        if not accepted:
            task.flag(Reason.TOLERANCE_NOT_REACHED, f"The bound stayed at {bound:.3g}, above {tolerance:.3g}.")
        counts = {"cycles": iteration.cycles}
        who = "surrogate" if begin == "network" else "multigrid"
        return Solution(iteration.solution(), bound, who, tuple(task.flags), Stats(task.seconds, counts, begin))

    def _advance(self, task: _Task, iteration: Iteration, target: float, begin: str) -> bool:
        """Cycle until the estimate is within ``target``; False if a start turns out worse than none."""
        if iteration.cycles == 0 and iteration.estimate > target:
            iteration.advance()
            worst = _WORSE_THAN_NOTHING * max(task.problem.largest_imposed, float(task.tolerance or 0.0))
            if begin == "network" and task.problem.largest_imposed > 0 and not iteration.estimate <= worst:
                task.flag(
                    Reason.NOT_CERTIFIED,
                    f"One cycle leaves the network's field {iteration.estimate:.3g} off, which is worse than "
                    "starting from nothing.",
                )
                return False
        run_to_estimate(iteration, target, _MAX_CYCLES)
        return True

    def _direct(self, task: _Task, solver: Any, *, last: bool = False) -> Solution | None:
        """A direct solver's field with its bound; None where the bound exceeds the tolerance and it is not the last."""
        problem = task.problem
        state = task.timed("prepare", lambda: solver.prepare(problem))
        try:
            solution: Solution = task.timed("solve", lambda: solver.solve(state, problem, tolerance=task.tolerance))
        except ArithmeticError:  # the solver says that it did not settle
            if last:
                raise
            return None
        if not np.isfinite(solution.field).all():
            raise ArithmeticError(f"{solver.name} returned a field that is not finite; please report this problem.")
        bound = task.timed("certify", lambda: self._bound(task, solution.field, state))
        if task.tolerance is not None and bound > task.tolerance:
            if not last:
                return None
            task.flag(
                Reason.TOLERANCE_NOT_REACHED,
                f"The bound is {bound:.3g}; float64 allows no better, and the tolerance is {task.tolerance:.3g}.",
            )
        return Solution(
            solution.field, bound, solver.name, tuple(task.flags), Stats(task.seconds, solution.stats.counts, "nothing")
        )

    def _bound(self, task: _Task, answer: FloatArray, state: Any) -> float:
        """The cheapest certificate that applies; the factorisation's where diffusivity varies or cycles fail."""
        problem = task.problem
        wanted = task.tolerance or 1e-9 * float(answer.max())
        if not isinstance(problem.diffusivity, np.ndarray):
            certifier = self._certifier(problem, task)
            value = certifier.bound(certifier.equation.embed(answer), wanted).value
            if value <= wanted or not hasattr(state, "graph"):
                return value
            return min(value, bound_by_factorisation(problem, answer, state.factors, state.graph))
        return bound_by_factorisation(problem, answer, getattr(state, "factors", None), getattr(state, "graph", None))

    def _certifier(self, problem: Problem, task: _Task | None = None) -> Certifier:
        equation = task.equation() if task is not None else Equation(problem)
        return Certifier(equation, self._hierarchy_for(problem), rebuild=True)

    def _hierarchy_for(self, problem: Problem) -> Hierarchy:
        """The lattice's hierarchy; its buffers are kept from one solve to the next."""
        key = (problem.shape, tuple(side.kind for side in problem.boundary.sides))
        if self._hierarchy is None or self._hierarchy[0] != key:
            self._hierarchy = (key, Hierarchy(problem.shape, problem.boundary))
        return self._hierarchy[1]

    def _solver(self, method: str) -> Any:
        if method == "sparse-direct":
            return self._sparse_direct
        if method == "spectral":
            return self._spectral
        try:
            return registry.load(registry.SOLVERS, method)()
        except LookupError as error:
            raise UnsupportedProblemError(
                f"method is {method!r}; allowed are 'guarded', 'surrogate', 'exact' or a solver's name. {error}"
            ) from None

    def _default_tolerance(self, task: _Task) -> float:
        """1 % of the largest imposed value; of the largest value where production alone feeds the field."""
        if task.problem.largest_imposed > 0:
            return _DEFAULT_SHARE * task.problem.largest_imposed
        exact = self._exact(_Task(task.problem, None, task.previous))
        task.previous = exact.field
        largest = float(exact.field.max())
        return _DEFAULT_SHARE * largest if largest > 0 else np.finfo(float).tiny

    def _scale(self, task: _Task, iteration: Iteration) -> float:
        """The largest value, to which the exact methods' default accuracy refers."""
        if task.problem.largest_imposed > 0:
            return task.problem.largest_imposed
        run_to_estimate(iteration, None, _MAX_CYCLES)
        return float(iteration.field.max())


@dataclass
class _Task:
    """One solve in progress."""

    problem: Problem
    tolerance: float | None
    previous: FloatArray | None
    flags: list[Flag] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    _equation: Equation | None = None

    def equation(self) -> Equation:
        if self._equation is None:
            self._equation = Equation(self.problem)
        return self._equation

    def flag(self, reason: Reason, message: str) -> None:
        self.flags.append(Flag(reason, message))

    def timed(self, stage: str, work: Any) -> Any:
        began = time.perf_counter()
        try:
            return work()
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - began


def solve(
    problem: Problem,
    method: str = "guarded",
    tolerance: float | None = None,
    device: str = "auto",
    policy: str = "surrogate-first",
) -> Solution:
    """Solve one problem with a shared engine; see `Engine.solve` for the arguments and errors.

    Examples
    --------
    >>> source = np.zeros((48, 48)); source[20:24, 20:24] = 38.0
    >>> solution = solve(Problem(source), tolerance=0.38)
    >>> solution.error_bound <= 0.38
    True
    """
    key = (device, policy)
    if key not in _shared:
        _shared[key] = Engine(device=device, policy=policy)
    return _shared[key].solve(problem, method=method, tolerance=tolerance)


#: One engine for each device and policy, so that calls of `solve` share the network and the buffers.
_shared: dict[tuple[str, str], Engine] = {}


def _require(value: str, allowed: tuple[str, ...], name: str) -> None:
    if value not in allowed:
        raise InvalidProblemError(f"{name} is {value!r}; allowed are {', '.join(repr(a) for a in allowed)}.")


def _usable(previous: FloatArray, problem: Problem) -> FloatArray | None:
    given = np.asarray(previous, dtype=np.float64)
    if given.shape != problem.shape:
        raise InvalidProblemError(f"previous has shape {given.shape}, but the problem has {problem.shape}.")
    return np.maximum(given, 0.0) if np.isfinite(given).all() else None


def _inner(candidate: FloatArray) -> FloatArray:
    return np.ascontiguousarray(candidate[1:-1, 1:-1])
