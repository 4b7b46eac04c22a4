"""Members in one process: one after the other, or side by side, each on a thread."""

from __future__ import annotations

import contextvars
import functools
import os
import threading
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from enum import Enum
from typing import Any

from surrogate_plugin.engine.engine import forget_shared
from surrogate_plugin.engine.on_device import device_for
from surrogate_plugin.ensemble.apart import Apart
from surrogate_plugin.ensemble.members import Link, Member
from surrogate_plugin.ensemble.pool import Batches, Pool, Slots
from surrogate_plugin.ensemble.solving import solve_batch
from surrogate_plugin.ensemble.store import Store
from surrogate_plugin.errors import EnsembleError

#: What a member runs: its parameters and its link in, what is kept of it out.
Function = Callable[[dict[str, Any], Link], "Mapping[str, Any] | None"]

#: Members that are begun at once for each core, and in all, where their problems are solved in batches: so many make
#: batches that pay, and few are lost by a kill.
_PER_CORE, _MOST_TOGETHER = 8, 64
#: Variables that tell hosts to compute on the thread that calls them, unless somebody says otherwise: members are what
#: goes on at once, and pyphysicell has threads that can serve one simulation at a time only.
ONE_THREAD = {"PHYSICELL_THREADS": "1"}
#: Whether a member is being run here, of which there are others elsewhere.
INSIDE: ContextVar[bool] = ContextVar("surrogate_plugin_inside_a_member", default=False)


class Outcome(Enum):
    """What became of a member in this process."""

    FINISHED = "finished"
    FAILED = "failed"
    #: Another process runs it at this moment, or has finished it.
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True)
class Task:
    """What all members run, and how; it travels to other processes.

    Attributes
    ----------
    function : callable
    store : Store
    together : int or None
        Members of a process that are begun at once; None for as many as pay.
    limit : int or None
        Problems that a pool solves without waiting for more; None for half of the members that are begun.
    """

    function: Function
    store: Store
    together: int | None = None
    limit: int | None = None

    @property
    def is_pooled(self) -> bool:
        """Whether what members ask of engines is solved in batches: on a GPU, or where somebody says how large ones."""
        return self.limit is not None or _has_gpu()

    def slots(self, cores: int) -> int:
        """Members that a process with so many cores begins at once.

        On a CPU threads would have to take turns at Python, and one alone has all cores within a solve.
        """
        if self.together is not None:
            return self.together
        return min(_PER_CORE * cores, _MOST_TOGETHER) if self.is_pooled else 1


def name_of(function: Function) -> str:
    """What a function is called, which tells its members from those of others."""
    return str(getattr(function, "subject", getattr(function, "__qualname__", type(function).__qualname__)))


@functools.cache
def _has_gpu() -> bool:
    return device_for("auto") is not None


def run_side_by_side(
    task: Task,
    take: Callable[[], Member | None],
    moved: Callable[[Member, Outcome], None] = lambda member, outcome: None,
    *,
    slots: int,
    running: int,
) -> Batches:
    """Run members in this process.

    A member that fails leaves its error in the store, and the others go on.

    Parameters
    ----------
    task : Task
    take : callable
        The next member, or None if there is none; called on the threads that run them.
    moved : callable
        Called after each, on its thread, one at a time.
    slots : int
        Members that are begun at once; one alone runs on this thread.
    running : int
        Members that compute at once, of those that are begun, where they have a pool.

    Returns
    -------
    Batches
        What was solved together.

    Raises
    ------
    UnwritableError
        If results cannot be written, after the members that are begun have come to their end.
    """
    if slots == 1:
        while (member := take()) is not None:
            forget_shared()  # else its fields would depend on who was run here before
            # Each has the context of this thread, what numpy raises on and the like, and leaves it as it was.
            moved(member, contextvars.copy_context().run(run_member, task, member))
        return Batches()
    for name, value in ONE_THREAD.items():
        os.environ.setdefault(name, value)
    pool = Pool(slots, _limit(task, slots), running, solve_batch) if task.is_pooled else Apart()
    _on_threads(task, take, moved, pool, slots)
    return pool.batches


def _on_threads(
    task: Task,
    take: Callable[[], Member | None],
    moved: Callable[[Member, Outcome], None],
    pool: Slots,
    slots: int,
) -> None:
    telling = threading.Lock()
    broken: list[BaseException] = []

    def run_those_left() -> None:
        with pool.slot():
            while not broken:
                try:
                    member = take()
                    if member is None:
                        return
                    pool.begin()
                    outcome = run_member(task, member)
                    with telling:
                        moved(member, outcome)
                except BaseException as error:  # of the store or of the caller, and not of the member
                    broken.append(error)

    threads = [
        threading.Thread(target=contextvars.copy_context().run, args=(run_those_left,), daemon=True)
        for _ in range(slots)
    ]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    except BaseException as error:  # Ctrl-C: no further member is begun, and those that are end at their next solve
        broken.append(error)
        pool.stop()
        for thread in threads:
            thread.join()
        raise
    if broken:
        raise broken[0]


def run_member(task: Task, member: Member) -> Outcome:
    """Run one member, unless it is finished or somebody else runs it; keep what it gives, or why it gives nothing."""
    store = task.store
    with store.claim(member) as mine:
        if not mine or store.is_finished(member):
            return Outcome.ELSEWHERE
        INSIDE.set(True)  # a thread of its own, or a copy of the context
        link = Link.of(member, store.folder(member))
        began = time.perf_counter()
        try:
            given = task.function(dict(member.parameters), link)
        except (Exception, SystemExit) as error:
            store.keep_failure(member, error)
            return Outcome.FAILED
        return _kept(store, member, given, time.perf_counter() - began)


def _kept(store: Store, member: Member, given: Any, seconds: float) -> Outcome:
    try:
        store.keep(member, given, seconds)
    except EnsembleError as error:  # what it gave cannot be kept, which is the member's fault
        store.keep_failure(member, error)
        return Outcome.FAILED
    return Outcome.FINISHED


def _limit(task: Task, slots: int) -> int:
    """Half of the members: while one half is solved for, the other half steps."""
    return max(1, (slots + 1) // 2) if task.limit is None else task.limit
