"""Where members of a process that have a thread each hand their problems in, to be solved as batches when many wait."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

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


class Slots(Protocol):
    """What members have that share a process, each on a thread."""

    batches: Batches

    def slot(self) -> AbstractContextManager[None]:
        """Inside, this thread runs members."""

    def begin(self) -> None:
        """A member begins on this thread, whose fields do not depend on who was run here before."""

    def stop(self) -> None:
        """End each member at the next question that it asks."""


class Stopped(BaseException):
    """A member has to end, and be begun anew another time; no error that it could make something of."""


@dataclass(eq=False)
class _Handed:
    """What one member waits for."""

    engine: Engine
    asked: list[Asked]
    answers: list[Answer] | None = None
    failure: BaseException | None = None
    #: Whether there is something to do for it: an answer to take, a batch to solve, an end.
    woken: threading.Event = field(default_factory=threading.Event)

    @property
    def is_answered(self) -> bool:
        """Whether nobody has to solve for it any more."""
        return self.answers is not None or self.failure is not None


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
        self._lock = threading.Lock()
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
            with self._lock:
                self._live -= 1
                self._wake_if_due()

    def begin(self) -> None:
        """A member begins on this thread: the engines that solve batches forget by themselves."""

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
            with self._lock:
                self._waiting.append(mine)
            while not mine.is_answered:
                with self._lock:
                    if self._is_stopped:
                        raise Stopped
                    mine.woken.clear()
                    batch = self._batch_if_due()
                if batch:
                    self._solve_in_turn(batch)
                elif not mine.is_answered:
                    mine.woken.wait()
        finally:
            self._turns.acquire()
        if mine.failure is not None:
            raise mine.failure
        assert mine.answers is not None
        return mine.answers

    def stop(self) -> None:
        """End each member at the next question that it asks, or is waiting for the answer to."""
        with self._lock:
            self._is_stopped = True
            for each in self._waiting:
                each.woken.set()

    def _is_due(self) -> bool:
        if self._is_solving or not self._waiting:
            return False
        return len(self._waiting) >= self._live or sum(len(each.asked) for each in self._waiting) >= self.limit

    def _batch_if_due(self) -> list[_Handed]:
        """What this thread has to solve now, if anything; called with the lock."""
        if not self._is_due():
            return []
        batch, self._waiting, self._is_solving = self._waiting, [], True
        return batch

    def _wake_if_due(self) -> None:
        """Have one of those that wait solve for all of them; called with the lock.

        The others sleep on: to wake them all each time would have every thread ask for the interpreter.
        """
        if self._is_due():
            self._waiting[0].woken.set()

    def _solve_in_turn(self, batch: list[_Handed]) -> None:
        """Solve what was handed in, and tell those who did; the others hand in more in the meantime."""
        try:
            self._solve(batch)
        except BaseException as error:  # nobody may wait for ever
            for each in batch:
                each.failure = error
        finally:
            with self._lock:
                self._is_solving = False
                self._wake_if_due()
            for each in batch:
                each.woken.set()

    def _solve(self, batch: list[_Handed]) -> None:
        """Solve a batch, those of one kind of engine together."""
        kinds: dict[object, list[_Handed]] = {}
        for each in batch:
            kinds.setdefault(kind_of(each.engine), []).append(each)
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


def kind_of(engine: Engine) -> object:
    """Engines of one kind answer alike, and may answer for one another."""
    model = engine.model if isinstance(engine.model, str) else id(engine.model)
    return model, engine.device, engine.policy
