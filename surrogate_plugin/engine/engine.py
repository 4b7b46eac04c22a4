"""The engine: best start, polish, certify, accept; what cannot be certified goes to the exact solvers by itself."""

from __future__ import annotations

import os
import threading
import time
import weakref
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

import numpy as np

from surrogate_plugin import forking, loading
from surrogate_plugin.arguments import one_of
from surrogate_plugin.engine import pooling
from surrogate_plugin.engine import request as asked
from surrogate_plugin.engine.certifying import certify
from surrogate_plugin.engine.corrections import Corrections
from surrogate_plugin.engine.exact import Exact
from surrogate_plugin.engine.network_start import NetworkStart
from surrogate_plugin.engine.request import DEFAULT_SHARE, Request
from surrogate_plugin.engine.starts import Lessons
from surrogate_plugin.engine.trace import Trace
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.equation.solution import Flag, Reason, Solution
from surrogate_plugin.errors import UnsupportedProblemError
from surrogate_plugin.guard.maximum_principle import ceiling
from surrogate_plugin.team import limit_threads

if TYPE_CHECKING:
    from torch import Tensor

    from surrogate_plugin.batched.stack import Stack
    from surrogate_plugin.surrogate.predictor import Predictor

Policy = Literal["surrogate-first", "fastest"]

_WHY_NETWORK: dict[Policy, str] = {
    "surrogate-first": "The policy is to ask the network wherever its card applies.",
    "fastest": "There is no previous field, and the network costs less than the cycles that it saves.",
}


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

    Attributes
    ----------
    model, device, policy
        As given.

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
        self.model, self.device = asked.model_of(model), one_of("device", device, asked.DEVICES)
        self._network = NetworkStart(self.model, self.device)
        self._exact = Exact()
        self._corrections, self._lessons = Corrections(), Lessons()
        # The buffers serve one solve at a time: a second thread's would spoil the first's certificate.
        self._lock = threading.RLock()
        _alive.add(self)

    @property
    def options(self) -> tuple[str | Predictor, str, Policy]:
        """What it was made of: model, device and policy."""
        return self.model, self.device, self.policy

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy, pickled or not, is another engine of the same options, and keeps nothing of what this one keeps."""
        return _of, self.options

    def solve(
        self,
        problem: Problem,
        *,
        method: str = "guarded",
        tolerance: float | None = None,
        previous: FloatArray | None = None,
        error_map: bool = False,
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
        error_map : bool
            Bound the error at each pixel too, by a certificate of its own: ``solution.error_map``, and with it
            ``solution.gradient_bound``.

        Returns
        -------
        Solution
            Its ``method`` is ``"nothing-there"`` where nothing feeds the field, so that nobody has to be asked.

        Raises
        ------
        InvalidProblemError
            One sentence for a ``problem`` that is no `Problem`, a ``method`` that is no name, a ``tolerance`` that is
            not a positive finite number, or a ``previous`` that is no field of the problem's shape.
        UnsupportedProblemError
            If a named method cannot take the problem, or no method has that name.
        """
        problem, method = asked.posed(problem), asked.method_of(method)
        pool = pooling.HERE.get()
        if pool is not None:
            return _only(pool.answer(self, [pooling.Asked(problem, method, tolerance, previous, error_map)]))
        request = replace(Request.read(problem, tolerance, previous), lessons=self._lessons)
        with self._lock, limit_threads(problem.source.size):
            solution = self._route(request, Trace(), method)
        return _mapped(problem, solution) if error_map else solution

    def declines(self, problem: Problem, *, started: bool) -> tuple[Flag, ...] | None:
        """Why the network would not be asked first for problems like this one; None where it may be.

        ``started``: whether there are previous fields.
        """
        with self._lock, limit_threads(problem.source.size):
            return self._network.declines(problem, self.policy, started)

    def proposed(self, stack: Stack, problems: list[Problem]) -> tuple[Tensor | None, list[tuple[Flag, ...]]]:
        """The network's fields for a stack on a device, and for each problem why it has none there."""
        with self._lock:
            return self._network.propose_stack(stack, problems)

    def forget(self) -> None:
        """Start the next solve as a new engine would; buffers, states and the network are kept, which change no field.

        What a host's step has shown guides its next one. Where it is chance who solved what before, it must not.
        """
        with self._lock:
            self._corrections, self._lessons = Corrections(), Lessons()

    def count(self, problem: Problem, seconds: float) -> None:
        """Remember what a solve of this problem took that went past the network, and past this engine."""
        with self._lock:
            self._network.count(problem, seconds)

    def _route(self, request: Request, trace: Trace, method: str) -> Solution:
        if method != "surrogate" and ceiling(request.problem) == 0.0:
            if method not in ("guarded", "exact"):
                self._exact.taker(request, method)
            return trace.nothing(request.problem)
        if method == "guarded":
            return self._guarded(request, trace)
        if method == "surrogate":
            return self._raw_surrogate(request, trace)
        if method == "exact":
            return self._exact.solve(request, trace)
        return self._exact.named(request, trace, method)

    def _guarded(self, request: Request, trace: Trace) -> Solution:
        """The network's field, polished and certified; else the exact solvers."""
        request = request.guarded()
        proposal = self._network.propose(request.problem, self.policy, request.previous is not None)
        trace.take(proposal)
        if proposal.field is not None:
            trace.why = _WHY_NETWORK[self.policy]
            solution = self._polished(request, trace, proposal.field)
            return self._exact.solve(request, trace) if solution is None else solution
        began, loaded = time.perf_counter(), loading.seconds_spent()
        solution = self._exact.solve(request, trace, proposal.rival)
        spent = time.perf_counter() - began - (loading.seconds_spent() - loaded)
        self._network.count(request.problem, spent)
        return solution

    def _polished(self, request: Request, trace: Trace, prediction: FloatArray) -> Solution | None:
        """From the previous field with the change that the network sees, if it said what was before; else its own."""
        start = self._corrections.corrected(request.handed, prediction)
        if start is not None:
            trace.why += " It corrects the previous field by the difference of what it says now and said then."
        solution = self._exact.from_network(request, trace, prediction if start is None else start)
        if solution is not None:
            usual = self._network.typical_error() * float(solution.field.max())
            if solution.error_bound <= usual:  # else there is less to gain than what the field itself is off
                self._corrections.remember(solution.field, prediction)
        return solution

    def _raw_surrogate(self, request: Request, trace: Trace) -> Solution:
        """The network's field as it is, with its bound; raises where there is none."""
        problem = request.problem
        proposal = self._network.propose(problem, "always", False)
        trace.take(proposal)
        if proposal.field is None:
            why = "; ".join(flag.message.removesuffix(".") for flag in proposal.flags)
            raise UnsupportedProblemError(
                f"method 'surrogate' has no field ({why}); use method='guarded' or method='exact'."
            )
        with trace.timed("certify"):
            candidate = request.equation.embed(proposal.field)
            bound = self._exact.hierarchies.bound(problem, request.equation, candidate, 0.0).value
        wanted = request.tolerance or DEFAULT_SHARE * problem.largest_imposed
        if bound > wanted:
            trace.flag(
                Reason.TOLERANCE_NOT_REACHED,
                f"The network's own field has a bound of {bound:.3g}, above the tolerance {wanted:.3g}; "
                "method='guarded' goes on from there.",
            )
        return trace.solution(problem, candidate[1:-1, 1:-1], bound, "surrogate", {}, "network")


def solve(
    problem: Problem,
    method: str = "guarded",
    tolerance: float | None = None,
    device: str = "auto",
    policy: str = "fastest",
    error_map: bool = False,
) -> Solution:
    """Solve one problem with a shared engine; see `Engine.solve` for the arguments and errors.

    Examples
    --------
    >>> source = np.zeros((48, 48)); source[20:24, 20:24] = 38.0
    >>> solution = solve(Problem(source), tolerance=0.38)
    >>> solution.error_bound <= 0.38
    True
    """
    return shared_engine(device, policy).solve(problem, method=method, tolerance=tolerance, error_map=error_map)


def _of(model: str | Predictor, device: str, policy: Policy) -> Engine:
    return Engine(model=model, device=device, policy=policy)


def shared_engine(device: str = "auto", policy: str = "fastest") -> Engine:
    """The engine of this device and policy that all calls of functions share."""
    key = (one_of("device", device, asked.DEVICES), one_of("policy", policy, get_args(Policy)))
    if key not in _shared:
        _shared[key] = Engine(device=device, policy=policy)
    return _shared[key]


def forget_shared() -> None:
    """Have the engines that calls of functions share start as new ones, see `Engine.forget`."""
    for engine in list(_shared.values()):
        engine.forget()


def _only(answers: list[Solution | Exception]) -> Solution:
    """The one answer, or what was raised in its place."""
    (answer,) = answers
    if isinstance(answer, Exception):
        raise answer
    return answer


def _mapped(problem: Problem, solution: Solution) -> Solution:
    """The solution with a bound at each pixel, none above the one that it has."""
    found = certify(problem, solution.field).error_map
    return replace(solution, error_map=np.minimum(found, solution.error_bound))


#: One engine for each device and policy, so that calls of `solve` share the network and the buffers.
_shared: dict[tuple[str, str], Engine] = {}
_alive: weakref.WeakSet[Engine] = weakref.WeakSet()


def _begin_anew() -> None:
    """In a forked child no thread is left that would finish the solve it was in and let go of the engine."""
    forking.renew_property_locks()
    _shared.clear()
    for engine in _alive:
        engine._lock, engine._exact = threading.RLock(), Exact()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
