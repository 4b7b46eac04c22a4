"""Members of a process that have a thread each, and share nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from surrogate_plugin.engine.pooling import HERE, Asked
from surrogate_plugin.ensemble.pool import Answer, Batches, Stopped
from surrogate_plugin.ensemble.solving import solve_batch
from surrogate_plugin.team import limit_threads

if TYPE_CHECKING:
    from surrogate_plugin.engine.engine import Engine


class Apart:
    """Solves the problems of each member by itself, on its own thread and with an engine of its own.

    That is what members of a CPU have, whose cores are no quicker with a batch than with as many problems.

    Attributes
    ----------
    batches : Batches
        None.
    """

    def __init__(self) -> None:
        self.batches = Batches()
        self._mine = threading.local()
        self._is_stopped = False

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Inside, this thread runs members, with kernels on this thread alone."""
        token = HERE.set(self)
        try:
            with limit_threads(1):
                yield
        finally:
            HERE.reset(token)

    def begin(self) -> None:
        """A member begins on this thread: what engines learned of the one before it is forgotten."""
        for engine in self._engines().values():
            engine.forget()

    def answer(self, engine: Engine, asked: list[Asked]) -> list[Answer]:
        """Answer what a member asks for.

        Raises
        ------
        Stopped
            If members are to end.
        """
        if self._is_stopped:
            raise Stopped
        token = HERE.set(None)
        try:
            if any(each.is_of_many for each in asked):
                return solve_batch(engine, asked)
            return [_answered(self._own(engine), each) for each in asked]
        finally:
            HERE.reset(token)

    def stop(self) -> None:
        """End each member at the next question that it asks."""
        self._is_stopped = True

    def _own(self, engine: Engine) -> Engine:
        """An engine in the place of this one, which no other thread waits for."""
        engines = self._engines()
        if engine not in engines:
            model, device, policy = engine.options
            engines[engine] = type(engine)(model=model, device=device, policy=policy)
        return engines[engine]

    def _engines(self) -> WeakKeyDictionary[Engine, Engine]:
        """This thread's, each in the place of one that members ask, as long as that is there."""
        engines: WeakKeyDictionary[Engine, Engine] = self._mine.__dict__.setdefault("engines", WeakKeyDictionary())
        return engines


def _answered(engine: Engine, asked: Asked) -> Answer:
    try:
        return engine.solve(
            asked.problem,
            method=asked.method,
            tolerance=asked.tolerance,
            previous=asked.previous,
            error_map=asked.error_map,
        )
    except Exception as error:
        return error
