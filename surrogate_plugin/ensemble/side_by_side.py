"""Members that step side by side in one process, each on a thread, with one pool for what they ask of engines."""

from __future__ import annotations

import contextvars
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from surrogate_plugin.ensemble.members import Link, Member
from surrogate_plugin.ensemble.pool import Batches, Pool
from surrogate_plugin.ensemble.solving import solve_batch
from surrogate_plugin.ensemble.store import Store
from surrogate_plugin.errors import EnsembleError

#: What a member runs: its parameters and its link in, what is kept of it out.
Function = Callable[[dict[str, Any], Link], "Mapping[str, Any] | None"]


#: Variables that tell hosts to compute on the thread that calls them, unless somebody says otherwise: members are what
#: goes on at once, and pyphysicell has threads that can serve one simulation at a time only.
_ONE_THREAD = {"PHYSICELL_THREADS": "1"}


class Outcome(Enum):
    """What became of a member in this process."""

    FINISHED = "finished"
    FAILED = "failed"
    #: Another process runs it at this moment, or has finished it.
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True)
class Task:
    """What all members run, and how; it travels to workers.

    Attributes
    ----------
    function : callable
    store : Store
    together : int
        Members of a process that are begun at once.
    limit : int or None
        Problems that a pool solves without waiting for more; None for half of the members that are begun.
    """

    function: Function
    store: Store
    together: int
    limit: int | None = None


def run_side_by_side(
    task: Task, members: Sequence[Member], moved: Callable[[Member, Outcome], None] = lambda member, outcome: None
) -> Batches:
    """Run members in this process.

    A member that fails leaves its error in the store, and the others go on.

    Parameters
    ----------
    task : Task
    members : sequence of Member
    moved : callable
        Called after each, on its thread, one at a time.

    Returns
    -------
    Batches
        What was solved together.

    Raises
    ------
    UnwritableError
        If results cannot be written, after the members that are begun have come to their end.
    """
    for name, value in _ONE_THREAD.items():
        os.environ.setdefault(name, value)
    left, telling = deque(members), threading.Lock()
    slots = min(task.together, len(members))
    pool = Pool(slots, _limit(task, slots), min(slots, cores()), solve_batch)
    broken: list[BaseException] = []

    def run_those_left() -> None:
        with pool.slot():
            while not broken:
                try:
                    member = left.popleft()
                except IndexError:
                    return
                try:
                    outcome = run_member(task, member)
                    with telling:
                        moved(member, outcome)
                except BaseException as error:  # of the store or of the caller, and not of the member
                    broken.append(error)

    # Each thread has the context of this one: what numpy raises on, and the like.
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
    return pool.batches


def run_member(task: Task, member: Member) -> Outcome:
    """Run one member, unless it is finished or somebody else runs it; keep what it gives, or why it gives nothing."""
    store = task.store
    with store.claim(member) as mine:
        if not mine or store.is_finished(member):
            return Outcome.ELSEWHERE
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


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _limit(task: Task, slots: int) -> int:
    """Half of the members: while one half is solved for, the other half steps."""
    return max(1, (slots + 1) // 2) if task.limit is None else task.limit
