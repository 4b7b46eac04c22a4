"""What one thread does of many problems: groups in compiled code, the others by an engine of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, Protocol

from surrogate_plugin import loading, registry
from surrogate_plugin.engine.engine import Engine
from surrogate_plugin.engine.groups import Found, Group, Kind, kind_of
from surrogate_plugin.engine.keeping import OURS
from surrogate_plugin.engine.request import Request
from surrogate_plugin.engine.routes import are_for_cycles
from surrogate_plugin.engine.spare_engines import Options, spare_engine
from surrogate_plugin.engine.trace import Trace
from surrogate_plugin.equation.problem import Problem
from surrogate_plugin.equation.solution import Flag, Solution
from surrogate_plugin.guard.maximum_principle import ceiling

#: Up to so many pixels an engine is more python than kernels, which threads only get in each other's way with.
_MOSTLY_PYTHON = 64 * 64


@dataclass(frozen=True, eq=False)
class Ask:
    """A problem, its place among the others, and what is asked for with it, as it was handed over.

    ``flags`` say why a device that was asked before has not answered.
    """

    place: int
    problem: Any
    tolerance: Any
    previous: Any
    error_map: bool
    flags: tuple[Flag, ...] = ()


class Ledger(Protocol):
    """Where answers are written down."""

    def enter(self, place: int, answer: Solution | Exception) -> None: ...

    def is_wanted(self, place: int) -> bool: ...


@dataclass(frozen=True)
class Manner:
    """How all problems are solved, see `surrogate_plugin.engine.many.solve_many`."""

    method: str
    options: Options
    several: bool


class Worker:
    """One thread's engine and buffers.

    Parameters
    ----------
    engine : Engine
    manner : Manner
    ledger : Ledger
    talking : lock
        Held while the interpreter is used for long: threads that take turns at it wait less than those that fight for
        it, while kernels run beside.
    """

    def __init__(self, engine: Engine, manner: Manner, ledger: Ledger, talking: threading.Lock) -> None:
        self._engine, self._manner, self._ledger, self._talking = engine, manner, ledger, talking
        self._group: tuple[Kind, int, Group] | None = None

    def do(self, task: list[Ask]) -> None:
        """Answer problems of one kind."""
        for ask in self._left(task):
            if self._ledger.is_wanted(ask.place):
                self._ledger.enter(ask.place, self._by_engine(ask))

    def _left(self, task: list[Ask]) -> list[Ask]:
        """Solve what can be in compiled code; the others are left."""
        with self._talking:
            wanted = [ask for ask in task if self._ledger.is_wanted(ask.place)]
            flags = self._flags(wanted)
            if flags is None:
                return wanted
            read = [(ask, self._read(ask)) for ask in wanted]
            left = [ask for ask, request in read if request is None]
            taken = [(ask, request) for ask, request in read if request is not None]
            if not taken:
                return left
            group = self._filled([request for _, request in taken])
        began, loaded = time.perf_counter(), loading.seconds_spent()
        group.run(len(taken))
        seconds = {"solve": time.perf_counter() - began}
        if loading.seconds_spent() > loaded:
            seconds["load"] = loading.seconds_spent() - loaded
            seconds["solve"] -= seconds["load"]
        seconds = {stage: spent / len(taken) for stage, spent in seconds.items()}
        with self._talking:
            for k, (ask, request) in enumerate(taken):
                found = group.found(k)
                if found.settled:
                    self._ledger.enter(ask.place, _solution(request, found, ask.flags + flags, seconds))
                    self._engine.count(request.problem, seconds["solve"])
                else:
                    left.append(ask)
        return left

    def _flags(self, asks: list[Ask]) -> tuple[Flag, ...] | None:
        """What solutions in compiled code would be flagged with; None where the engine has more to decide."""
        manner = self._manner
        if not (manner.several and asks and isinstance(asks[0].problem, Problem)):
            return None  # one alone has all threads, which an engine knows to use
        if manner.method == "multigrid":
            return ()
        if manner.method not in ("guarded", "exact") or any(
            name not in OURS for name in registry.names(registry.SOLVERS)
        ):
            return None
        if manner.method == "exact":
            return ()
        for ask in asks:
            if ask.problem.plain:
                return self._engine.declines(ask.problem, started=ask.previous is not None)
        return None

    def _read(self, ask: Ask) -> Request | None:
        """What is asked of compiled code; None for what it does not take, or what will be refused."""
        problem, method = ask.problem, self._manner.method
        if ask.error_map or not problem.plain:
            return None
        try:
            request = Request.read(problem, ask.tolerance, ask.previous)
        except Exception:  # the engine says it again, in its place
            return None
        if ceiling(problem) == 0.0:
            return None
        if method == "guarded":
            request = request.guarded()
        elif request.tolerance is None:
            if problem.largest_imposed == 0.0 or problem.largest_supply > 0.0:
                return None  # what the accuracy refers to has to be solved for
            request = replace(request, tolerance=request.share * problem.largest_imposed)
        return request if method == "multigrid" or are_for_cycles(request) else None

    def _filled(self, requests: list[Request]) -> Group:
        """The group that these are laid out in; the last one, where it is of their kind and large enough."""
        first, count = requests[0], len(requests)
        started = first.previous is not None
        kind = kind_of(first.problem, started=started)
        if self._group is None or self._group[0] != kind or self._group[1] < count:
            self._group = None  # so that the memory of the last is free
            self._group = kind, count, Group(first.problem, count, started=started)
        group = self._group[2]
        tolerances = [request.tolerance for request in requests]
        starts = [request.previous for request in requests if request.previous is not None]
        group.take([request.problem for request in requests], tolerances, starts)
        return group

    def _by_engine(self, ask: Ask) -> Solution | Exception:
        alone = not isinstance(ask.problem, Problem) or ask.problem.source.size <= _MOSTLY_PYTHON
        turn: AbstractContextManager[Any] = self._talking if alone else nullcontext()
        with turn:
            try:
                self._engine.forget()  # else a field would depend on which problems this thread had before
                solution = self._engine.solve(
                    ask.problem,
                    method=self._manner.method,
                    tolerance=ask.tolerance,
                    previous=ask.previous,
                    error_map=ask.error_map,
                )
            except Exception as error:
                return error
        return replace(solution, flags=ask.flags + solution.flags) if ask.flags else solution


def workers(manner: Manner, ledger: Ledger) -> Callable[[], AbstractContextManager[Callable[[list[Ask]], None]]]:
    """What each thread opens to work: engines are lent, since each serves one solve at a time."""
    talking = threading.Lock()

    @contextmanager
    def worker() -> Iterator[Callable[[list[Ask]], None]]:
        with spare_engine(manner.options) as engine:
            yield Worker(engine, manner, ledger, talking).do

    return worker


def _solution(request: Request, found: Found, flags: tuple[Flag, ...], seconds: dict[str, float]) -> Solution:
    start, why = "nothing", "There is no previous field."
    if request.previous is not None:
        start, why = "previous", "The previous field lacks nothing."
        if found.cycles:
            why = "The previous field is at hand, and one cycle has shown it to be a good start."
    trace = Trace(list(flags), dict(seconds), why)
    return trace.solution(request.problem, found.field, found.bound, "multigrid", {"cycles": found.cycles}, start)
