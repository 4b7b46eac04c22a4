"""Where the members of a process hand their problems in: they are solved as one batch when all that can wait do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from surrogate_plugin.engine.pooling import HERE, Asked
from surrogate_plugin.equation.solution import Solution
from surrogate_plugin.team import all_threads, limit_threads

if TYPE_CHECKING:
    from surrogate_plugin.engine.engine import Engine

Answer = Solution | Exception
#: Solves some problems as one batch, each with what was asked for it; an exception stands where a solve raised it.
Solve = Callable[["Engine", Sequence[Asked]], Sequence[Answer]]


@dataclass
class Batches:
    """What a pool solved.

    Attributes
    ----------
    count : int
    problems : int
    largest : int
        Problems in the largest batch.
    """

    count: int = 0
    problems: int = 0
    largest: int = 0

    def add(self, problems: int) -> None:
        """Count a batch."""
        self.count += 1
        self.problems += problems
        self.largest = max(self.largest, problems)

    def join(self, other: Batches) -> None:
        """Count those of another pool too."""
        self.count += other.count
        self.problems += other.problems
        self.largest = max(self.largest, other.largest)


class Stopped(BaseException):
    """A member has to end, and be begun anew another time; no error that it could make something of."""


@dataclass(eq=False)
class _Handed:
    """What one member waits for."""

    engine: Engine
    asked: list[Asked]
    answers: list[Answer] | None = None
    failure: BaseException | None = None


@dataclass
class Pool:
    """Solves problems of members that step side by side, each on a thread, as batches.

    A batch is solved when all members that are running wait, or so many problems as `limit` do; the others step on in
    the meantime. One batch is solved at a time, by the thread of one of those that wait. Only so many members as
    `running` compute at once, the others wait for their turn: more would be in one another's way.

    Attributes
    ----------
    slots : int
        Threads that run members.
    limit : int
        Problems that are solved without waiting for more.
    running : int
        Members that compute at once.
    solve : callable
        Solves a batch.
    batches : Batches
    """

    slots: int
    limit: int
    running: int
    solve: Solve
    batches: Batches = field(default_factory=Batches)

    def __post_init__(self) -> None:
        self._changed = threading.Condition()
        self._live = self.slots
        self._waiting: list[_Handed] = []
        self._is_solving = False
        self._turns = threading.Semaphore(self.running)
        self._engines: dict[object, Engine] = {}
        self._is_stopped = False

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Inside, this thread runs members, and engines hand over what they are asked for; the pool waits for it."""
        token = HERE.set(self)
        self._turns.acquire()
        # Where several members compute at once, each does so on its own thread.
        alone = limit_threads(1) if self.running > 1 else nullcontext()
        try:
            with alone:
                yield
        finally:
            self._turns.release()
            HERE.reset(token)
            with self._changed:
                self._live -= 1
                self._changed.notify_all()

    def answer(self, engine: Engine, asked: list[Asked]) -> list[Answer]:
        """Wait for the answers to what a member asks for.

        Raises
        ------
        Stopped
            If the pool is to end.
        BaseException
            What ended the batch as a whole, if something did.
        """
        mine = _Handed(engine, asked)
        self._turns.release()
        try:
            with self._changed:
                self._waiting.append(mine)
                while mine.answers is None and mine.failure is None:
                    if self._is_stopped:
                        raise Stopped
                    if self._is_due():
                        self._solve_those_who_wait()
                    else:
                        self._changed.wait()
        finally:
            self._turns.acquire()
        if mine.failure is not None:
            raise mine.failure
        assert mine.answers is not None
        return mine.answers

    def stop(self) -> None:
        """End each member at the next question that it asks, or is waiting for the answer to."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()

    def _is_due(self) -> bool:
        if self._is_solving or not self._waiting:
            return False
        return len(self._waiting) >= self._live or sum(len(each.asked) for each in self._waiting) >= self.limit

    def _solve_those_who_wait(self) -> None:
        """Solve what was handed in; called with the lock, which others have in the meantime."""
        batch, self._waiting, self._is_solving = self._waiting, [], True
        self._changed.release()
        try:
            self._solve(batch)
        except BaseException as error:  # nobody may wait for ever
            for each in batch:
                each.failure = error
        finally:
            self._changed.acquire()
            self._is_solving = False
            self._changed.notify_all()

    def _solve(self, batch: list[_Handed]) -> None:
        """Solve a batch, those of one kind of engine together."""
        kinds: dict[object, list[_Handed]] = {}
        for each in batch:
            kinds.setdefault(_kind(each.engine), []).append(each)
        token = HERE.set(None)  # this thread is a member's, and solves by itself now
        try:
            with all_threads():
                for kind, handed in kinds.items():
                    self._solve_kind(self._engines.setdefault(kind, handed[0].engine), handed)
        finally:
            HERE.reset(token)

    def _solve_kind(self, engine: Engine, handed: list[_Handed]) -> None:
        asked = [one for each in handed for one in each.asked]
        self.batches.add(len(asked))
        answers = list(self.solve(engine, asked))
        assert len(answers) == len(asked), "one answer a problem"
        for each in handed:
            each.answers, answers = answers[: len(each.asked)], answers[len(each.asked) :]


def _kind(engine: Engine) -> object:
    """Engines of one kind answer alike, and may answer for one another."""
    model = engine.model if isinstance(engine.model, str) else id(engine.model)
    return model, engine.device, engine.policy
