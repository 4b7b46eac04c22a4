"""The engine: best start, polish, certify, accept; what cannot be certified goes to the exact solvers by itself."""

from __future__ import annotations

import functools
import os
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

import numpy as np

from surrogate_plugin import registry
from surrogate_plugin.arguments import one_of, shown
from surrogate_plugin.engine import request as asked
from surrogate_plugin.engine.network_start import NetworkStart
from surrogate_plugin.engine.polish import EXACT_SHARE, polish
from surrogate_plugin.engine.trace import Task
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.equation.solution import Reason, Solution
from surrogate_plugin.errors import UnsupportedProblemError
from surrogate_plugin.guard.certificate import Certifier
from surrogate_plugin.guard.maximum_principle import ceiling
from surrogate_plugin.solvers.multigrid.hierarchy import Hierarchy
from surrogate_plugin.team import limit_threads

if TYPE_CHECKING:
    from surrogate_plugin.solvers.direct.solver import SparseDirect
    from surrogate_plugin.solvers.spectral.solver import Spectral
    from surrogate_plugin.surrogate.predictor import Predictor

Policy = Literal["surrogate-first", "fastest"]

_DEFAULT_SHARE = 0.01


class Engine:
    """Solves problems and keeps what can be reused: the network, the lattice's buffers, factorisations.

    Parameters
    ----------
    model : str, path or Predictor
        Name or path of the surrogate, or a loaded one.
    device : str
        ``"auto"``, ``"cpu"`` or ``"cuda"``: where the network runs.
    policy : str
        ``"surrogate-first"`` tries the network wherever its card applies; ``"fastest"`` takes the cheapest certified
        route, by a cost model measured on this machine.

    Raises
    ------
    InvalidProblemError
        If an option is not one of those, or ``model`` neither installed nor the path of one that is there. One that
        is there and does not load costs the network only: a flag of each solve says why.

    Examples
    --------
    >>> source = np.zeros((32, 32)); source[16, 16] = 1.0
    >>> solution = Engine().solve(Problem(source, decay=1 / 25), method="exact")
    >>> solution.method, solution.error_bound < 1e-10
    ('spectral', True)
    """

    def __init__(
        self,
        *,
        model: str | os.PathLike[str] | Predictor = "default",
        device: str = "auto",
        policy: str = "fastest",
    ) -> None:
        self.policy = cast(Policy, one_of("policy", policy, get_args(Policy)))
        self._network = NetworkStart(asked.model_of(model), one_of("device", device, asked.DEVICES))
        self._kept: tuple[Any, Hierarchy] | None = None
        # The buffers serve one solve at a time: a second thread's would spoil the first's certificate.
        self._lock = threading.RLock()
        _alive.add(self)

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
        previous : (H, W) array of float, field units, optional
            A field to start from, such as the previous step's; it affects the time only.

        Raises
        ------
        InvalidProblemError
            One sentence for a ``problem`` that is no `Problem`, a ``method`` that is no name, a ``tolerance`` that is
            not a positive finite number, or a ``previous`` that is no field of the problem's shape.
        UnsupportedProblemError
            If a named method cannot take the problem, or no method has that name.
        """
        problem, method = asked.posed(problem), asked.method_of(method)
        start = asked.start_of(previous, problem)
        if start is not None:
            np.minimum(start, ceiling(problem), out=start)
        task = Task(problem, asked.tolerance_of(tolerance), start)
        with self._lock, limit_threads(problem.source.size):
            return self._route(task, method)

    # Each solver is imported when it is needed: scipy's sparse matrices and transforms take a third of a second.
    @functools.cached_property
    def _sparse_direct(self) -> SparseDirect:
        from surrogate_plugin.solvers.direct.solver import SparseDirect

        return SparseDirect()

    @functools.cached_property
    def _spectral(self) -> Spectral:
        from surrogate_plugin.solvers.spectral.solver import Spectral

        return Spectral()

    def _route(self, task: Task, method: str) -> Solution:
        if method == "guarded":
            return self._guarded(task)
        if method == "surrogate":
            return self._raw_surrogate(task)
        if method == "exact":
            return self._exact(task)
        return self._named(task, method)

    def _guarded(self, task: Task) -> Solution:
        """The network's field, polished and certified; else the exact solvers."""
        task.tolerance = task.tolerance or self._default_tolerance(task)
        proposal = self._network.propose(task.problem, self.policy, task.previous is not None)
        task.flags += proposal.flags
        task.seconds.update(proposal.seconds)
        if proposal.field is not None:
            solution = polish(task, self._hierarchy(task.problem), proposal.field, "network")
            if solution is not None:
                return solution
            return self._exact(task)
        began = time.perf_counter()
        solution = self._exact(task)
        self._network.count(task.problem, time.perf_counter() - began)
        return solution

    def _exact(self, task: Task) -> Solution:
        """The fastest exact solver that applies, then the next; the last answers whatever its bound."""
        problem = task.problem
        if problem.constant_coefficients and self._spectral.refusal(problem) is None:
            solution = self._direct(task, self._spectral)
            if solution is not None:
                return solution
        if not isinstance(problem.diffusivity, np.ndarray):
            solution = self._multigrid(task, last=False)
            if solution is not None:
                return solution
        return cast(Solution, self._direct(task, self._sparse_direct, last=True))

    def _named(self, task: Task, method: str) -> Solution:
        solver = self._solver(method)
        reason = solver.refusal(task.problem)
        if reason is not None:
            raise UnsupportedProblemError(reason)
        solution = self._multigrid(task, last=True) if method == "multigrid" else self._direct(task, solver, last=True)
        return cast(Solution, solution)

    def _multigrid(self, task: Task, *, last: bool) -> Solution | None:
        """From the previous field; where that leads nowhere, as a start on the wrong side may, from nothing."""
        hierarchy = self._hierarchy(task.problem)
        if task.previous is not None:
            solution = polish(task, hierarchy, task.previous, "previous")
            if solution is not None:
                return solution
        return polish(task, hierarchy, None, "nothing", last=last)

    def _raw_surrogate(self, task: Task) -> Solution:
        """The network's field as it is, with its bound; raises where there is none."""
        proposal = self._network.propose(task.problem, "always", False)
        task.flags += proposal.flags
        task.seconds.update(proposal.seconds)
        if proposal.field is None:
            why = "; ".join(flag.message.removesuffix(".") for flag in proposal.flags)
            raise UnsupportedProblemError(
                f"method 'surrogate' has no field ({why}); use method='guarded' or method='exact'."
            )
        with task.timed("certify"):
            candidate = task.equation.embed(proposal.field)
            bound = self._certifier(task).bound(candidate, 0.0).value
        wanted = task.tolerance or _DEFAULT_SHARE * task.problem.largest_imposed
        if bound > wanted:
            task.flag(
                Reason.TOLERANCE_NOT_REACHED,
                f"The network's own field has a bound of {bound:.3g}, above the tolerance {wanted:.3g}; "
                "method='guarded' goes on from there.",
            )
        return task.solution(candidate[1:-1, 1:-1], bound, "surrogate", {}, "network")

    def _direct(self, task: Task, solver: Any, *, last: bool = False) -> Solution | None:
        """A direct solver's field with its bound; None where the bound exceeds the tolerance and it is not the last."""
        problem = task.problem
        with task.timed("prepare"):
            state = solver.prepare(problem)
        with task.timed("solve"):
            solved: Solution = solver.solve(state, problem, tolerance=task.tolerance)
        answer = _checked(solved.field, problem, solver.name)
        wanted, said = _accuracy(task, answer)
        with task.timed("certify"):
            bound = self._bound(task, answer, solver, state, wanted)
        if bound > wanted:
            if not last:
                return None
            task.flag(
                Reason.TOLERANCE_NOT_REACHED,
                f"The field of {solver.name!r} is certified to {bound:.3g}, not to {said}.",
            )
        return task.solution(answer, bound, solver.name, solved.stats.counts, "nothing")

    def _bound(self, task: Task, answer: FloatArray, solver: Any, state: Any, wanted: float) -> float:
        """The cheapest certificate that applies; the factorisation's where diffusivity varies or cycles fail."""
        from surrogate_plugin.guard.matrix_certificate import bound_by_factorisation

        problem = task.problem
        # A bound counts on what it multiplies with, so the state of a stranger's solver has no say in it.
        factors, graph = (state.factors, state.graph) if solver is self._sparse_direct else (None, None)
        if isinstance(problem.diffusivity, np.ndarray):
            return bound_by_factorisation(problem, answer, factors, graph)
        value = self._certifier(task).bound(task.equation.embed(answer), wanted).value
        if value <= wanted or graph is None:
            return value
        return min(value, bound_by_factorisation(problem, answer, factors, graph))

    def _certifier(self, task: Task) -> Certifier:
        return Certifier(task.equation, self._hierarchy(task.problem), rebuild=True)

    def _hierarchy(self, problem: Problem) -> Hierarchy:
        """The lattice's hierarchy; its buffers are kept from one solve to the next."""
        key = (problem.shape, tuple(side.kind for side in problem.boundary.sides))
        if self._kept is None or self._kept[0] != key:
            self._kept = (key, Hierarchy(problem.shape, problem.boundary))
        return self._kept[1]

    def _solver(self, method: str) -> Any:
        if method == "sparse-direct":
            return self._sparse_direct
        if method == "spectral":
            return self._spectral
        try:
            return registry.load(registry.SOLVERS, method)()
        except LookupError as error:
            raise UnsupportedProblemError(
                f"method is {shown(method)}; allowed are 'guarded', 'surrogate', 'exact' or a solver's name: {error}"
            ) from None

    def _default_tolerance(self, task: Task) -> float:
        """1 % of the largest imposed value; of the largest value where production alone feeds the field."""
        if task.problem.largest_imposed > 0:
            return _DEFAULT_SHARE * task.problem.largest_imposed
        exact = self._exact(Task(task.problem, None, task.previous))
        task.previous = exact.field
        return max(_DEFAULT_SHARE * float(exact.field.max()), np.finfo(float).tiny)


def solve(
    problem: Problem,
    method: str = "guarded",
    tolerance: float | None = None,
    device: str = "auto",
    policy: str = "fastest",
) -> Solution:
    """Solve one problem with a shared engine; see `Engine.solve` for the arguments and errors.

    Examples
    --------
    >>> source = np.zeros((48, 48)); source[20:24, 20:24] = 38.0
    >>> solution = solve(Problem(source), tolerance=0.38)
    >>> solution.error_bound <= 0.38
    True
    """
    key = (one_of("device", device, asked.DEVICES), one_of("policy", policy, get_args(Policy)))
    if key not in _shared:
        _shared[key] = Engine(device=device, policy=policy)
    return _shared[key].solve(problem, method=method, tolerance=tolerance)


#: One engine for each device and policy, so that calls of `solve` share the network and the buffers.
_shared: dict[tuple[str, str], Engine] = {}
_alive: weakref.WeakSet[Engine] = weakref.WeakSet()


def _begin_anew() -> None:
    """In a forked child no thread is left that would finish the solve it was in and let go of the engine."""
    _shared.clear()
    for engine in _alive:
        engine._lock, engine._kept = threading.RLock(), None
        vars(engine).pop("_sparse_direct", None)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)


def _accuracy(task: Task, answer: FloatArray) -> tuple[float, str]:
    """The error allowed, field units: the tolerance or an exact method's default; and what to call it."""
    if task.tolerance is not None:
        return task.tolerance, f"the tolerance {task.tolerance:.3g}"
    wanted = EXACT_SHARE * max(task.problem.largest_imposed, float(answer.max()))
    return wanted, f"{wanted:.3g}, the {EXACT_SHARE:g} of the largest value that exact methods aim at"


def _checked(answer: FloatArray, problem: Problem, name: str) -> FloatArray:
    """A solver's field as the certificate needs it; a plugin's may forget the fixed values."""
    if answer.shape != problem.shape or not np.isfinite(answer).all():
        raise ArithmeticError(f"solver {name!r} returned no finite field of shape {problem.shape}; please report it.")
    return np.where(problem.fixed, problem.source, np.maximum(answer, 0.0))
