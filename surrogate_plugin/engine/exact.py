"""The exact part of the engine: solvers asked in the order of their routes, each field with our certificate."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from surrogate_plugin.engine.asking import Answer, ask
from surrogate_plugin.engine.keeping import OURS, Keeping
from surrogate_plugin.engine.network_start import Rival
from surrogate_plugin.engine.polish import MULTIGRID, algebraic, from_network, polish
from surrogate_plugin.engine.previous_start import PreviousStart
from surrogate_plugin.engine.request import Request
from surrogate_plugin.engine.routes import Experience, Route, described, routes
from surrogate_plugin.engine.trace import Trace
from surrogate_plugin.equation.problem import FloatArray
from surrogate_plugin.equation.solution import Reason, Solution
from surrogate_plugin.errors import UnsupportedProblemError
from surrogate_plugin.guard.certificate import Certifier
from surrogate_plugin.guard.hierarchies import Hierarchies
from surrogate_plugin.solvers.multigrid.solver import Iteration
from surrogate_plugin.solvers.protocol import Improving, Solver


class Exact:
    """Exact solvers with what they keep: instances, states, and the buffers of the last lattice."""

    def __init__(self) -> None:
        self._keeping, self._experience = Keeping(), Experience()
        self.hierarchies = Hierarchies()
        self._previous = PreviousStart()

    def solve(self, request: Request, trace: Trace, rival: Rival | None = None) -> Solution:
        """The cheapest exact solver that applies, then the next; sparse direct answers whatever its bound.

        Where cycles answer, ``rival``, a network, may be a better start than the previous field.
        """
        for route in routes(request, self._keeping, self._experience, trace):
            if not route.ours:
                solution = self._stranger(request, trace, route)
            elif route.name == "multigrid":
                solution = self._multigrid(request, trace, rival=rival)
            elif route.name == "algebraic":
                solution = self._algebraic(request, trace)
            else:
                solution = self._direct(request, trace, route.name, route.solver, last=route.name == "sparse-direct")
            if solution is not None:
                return solution
        raise AssertionError("sparse direct answers last")

    def named(self, request: Request, trace: Trace, name: str) -> Solution:
        """One solver alone, which answers whatever its bound, and whose errors are the caller's."""
        solver = self.taker(request, name)
        if name == "multigrid":
            return cast(Solution, self._multigrid(request, trace, last=True))
        if name == "algebraic":
            return cast(Solution, self._algebraic(request, trace, last=True))
        return cast(Solution, self._direct(request, trace, name, solver, last=True))

    def taker(self, request: Request, name: str) -> Solver[Any]:
        """The solver of this name; raises where there is none, or where it does not take the problem."""
        solver = self._keeping.named(name)
        reason = solver.refusal(request.problem)
        if reason is not None:
            raise UnsupportedProblemError(reason)
        return solver

    def _multigrid(
        self, request: Request, trace: Trace, *, last: bool = False, rival: Rival | None = None
    ) -> Solution | None:
        """From the previous field; where that leads nowhere, as a start on the wrong side may, from nothing."""
        hierarchy = self.hierarchies.geometric(request.problem)
        if request.previous is not None:
            solution = self._previous.solve(request, trace, hierarchy, request.previous, rival)
            if solution is not None:
                return solution
        else:
            trace.why = trace.why or "There is no previous field."
        with trace.timed("set-up"):
            iteration = Iteration(request.equation, hierarchy, None)
        return polish(request, trace, iteration, "nothing", last=last)

    def _algebraic(self, request: Request, trace: Trace, *, last: bool = False) -> Solution | None:
        """From the previous field, if its residual is the smaller one; where that leads nowhere, from nothing."""
        start = _smoother(request, trace)
        if start is not None:
            solution = polish(request, trace, self._begun(request, trace, start), "previous", algebraic())
            if solution is not None:
                return solution
        return polish(request, trace, self._begun(request, trace, None), "nothing", algebraic(), last=last)

    def _begun(self, request: Request, trace: Trace, start: FloatArray | None) -> Improving:
        from surrogate_plugin.solvers.algebraic.solver import begin

        with trace.timed("set-up"):
            return begin(request.problem, request.equation, self.hierarchies.algebraic(request.problem), start)

    def from_network(self, request: Request, trace: Trace, field: FloatArray) -> Solution | None:
        """The network's field, polished by whatever follows the faces; None, with a flag, where it leads nowhere."""
        if not self.hierarchies.is_for_lattices(request.problem):
            return from_network(request, trace, self._begun(request, trace, field), algebraic())
        with trace.timed("set-up"):
            iteration = Iteration(request.equation, self.hierarchies.geometric(request.problem), field)
        return from_network(request, trace, iteration, MULTIGRID)

    def _direct(
        self, request: Request, trace: Trace, name: str, solver: Solver[Any], *, last: bool = False
    ) -> Solution | None:
        """A solver's field with its bound; None where the bound exceeds the tolerance and it is not the last."""
        # Of ours that come here only Newton's method has a use for a start.
        guess = request.previous if name not in OURS or request.problem.uptake is not None else None
        answer, bound, wanted, said = self._certified(request, trace, name, solver, guess)
        if bound > wanted and guess is not None:
            guess = None  # a start on the wrong side may lead nowhere
            answer, bound, wanted, said = self._certified(request, trace, name, solver, guess)
        if bound > wanted:
            if not last:
                return None
            trace.flag(
                Reason.TOLERANCE_NOT_REACHED,
                f"The field of {name!r} is certified to {bound:.3g}, not to {said}.",
            )
        return _solution(request, trace, name, answer, bound, guess)

    def _stranger(self, request: Request, trace: Trace, route: Route) -> Solution | None:
        """Another package's solver: what it does wrong costs a flag and some time, and nothing else."""
        name = route.name
        try:
            with self._experience.counting(route, trace):
                answer = ask(request, trace, self._keeping, name, route.solver, request.previous)
            wanted, said = _accuracy(request, answer.field)
            off = answer.violation(request.problem)
            if off > wanted:
                fault = f"is {off:.3g} off at least: it is below 0, above all that is possible, or not what is fixed."
            else:
                with trace.timed("certify"):
                    bound = self._bound(request, answer.field, route.solver, answer.state, wanted)
                if bound <= wanted:
                    return _solution(request, trace, name, answer, bound, request.previous)
                fault = f"is certified to {bound:.3g}, not to {said}."
            trace.flag(Reason.SOLVER_FAILED, f"The field of solver {name!r} {fault}")
        except (Exception, SystemExit) as error:  # Whatever it does, somebody else has to answer.
            trace.flag(Reason.SOLVER_FAILED, f"Solver {name!r} stopped with {described(error)}")
        self._keeping.forget(name)
        return None

    def _certified(
        self, request: Request, trace: Trace, name: str, solver: Solver[Any], guess: FloatArray | None
    ) -> tuple[Answer, float, float, str]:
        """A solver's answer, its bound, the error allowed, and what to call that."""
        answer = ask(request, trace, self._keeping, name, solver, guess)
        wanted, said = _accuracy(request, answer.field)
        with trace.timed("certify"):
            bound = self._bound(request, answer.field, solver, answer.state, wanted)
        return answer, bound, wanted, said

    def _bound(self, request: Request, answer: FloatArray, solver: Solver[Any], state: Any, wanted: float) -> float:
        """The cheapest certificate that applies."""
        from surrogate_plugin.guard.matrix_certificate import bound_by_factorisation

        problem, operator = request.problem, request.equation
        # A bound counts on what it multiplies with, so the state of a stranger's solver has no say in it.
        ours = self._keeping.is_ours_direct(solver)
        if not problem.plain:
            if ours and state.factors is not None:
                return bound_by_factorisation(problem, answer, state.factors)
            return self.hierarchies.bound(problem, operator, operator.embed(answer), wanted).value
        value = self.certifier(request).bound(operator.embed(answer), wanted).value
        if value <= wanted or not ours:
            return value
        return min(value, bound_by_factorisation(problem, answer, state.factors))

    def certifier(self, request: Request) -> Certifier:
        """On the lattice's buffers, for equations that its coarse lattices follow."""
        return Certifier(request.equation, self.hierarchies.geometric(request.problem), rebuild=True)


def _smoother(request: Request, trace: Trace) -> FloatArray | None:
    """The previous field, where it lacks less than nothing does."""
    previous, operator = request.previous, request.equation
    if previous is None:
        return None
    out = np.zeros((operator.shape[0] + 2, operator.shape[1] + 2), np.float32)
    has, nothing = (operator.residual(operator.embed(field), 1.0, out) for field in (previous, None))
    trace.why = f"The previous field lacks up to {has:.2g}, nothing {nothing:.2g}."
    return previous if has < nothing else None


def _accuracy(request: Request, answer: FloatArray) -> tuple[float, str]:
    """The error allowed, field units: the tolerance or a part of the largest value; and what to call it."""
    if request.tolerance is not None:
        return request.tolerance, f"the tolerance {request.tolerance:.3g}"
    wanted = request.share * max(request.problem.largest_imposed, float(answer.max()))
    return wanted, f"{wanted:.3g}, the {request.share:.2g} of the largest value that is aimed at"


def _solution(
    request: Request, trace: Trace, name: str, answer: Answer, bound: float, guess: FloatArray | None
) -> Solution:
    start = "nothing" if guess is None else "previous"
    return trace.solution(request.problem, answer.field, bound, name, answer.counts, start)
