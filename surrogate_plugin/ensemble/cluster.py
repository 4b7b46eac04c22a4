"""Groups of members on the workers of dask.distributed.

The client gives each worker one group at a time, large ones first and small ones at the end, so that a quick worker has
more of them. Results go from the worker into the store as soon as a member is finished; all that comes back is how it
went. A group whose worker dies is begun anew on another one, which passes over what is finished.
"""

from __future__ import annotations

import logging
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from surrogate_plugin.ensemble.cores import cores
from surrogate_plugin.ensemble.left import Left, WorkerDied
from surrogate_plugin.ensemble.members import Member
from surrogate_plugin.ensemble.pool import Batches
from surrogate_plugin.ensemble.side_by_side import ONE_THREAD, Outcome, Task, run_side_by_side
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.extras import extra

if TYPE_CHECKING:
    from distributed import Client, Future

#: Seconds after which it is looked again how far members are, and whether there are new workers.
_PATIENCE = 0.5
#: Seconds in which a scheduler answers, and has a worker.
_LONGEST_WAIT = 30.0
#: A group is at most this share of what is left for its worker, so that none waits long for the last one, and has at
#: most so many members, so that few wait for another worker when theirs dies.
_SHARE, _MOST = 4, 64
#: The word for workers of this machine in the place of an address.
LOCAL = "local"


def run_on_workers(
    task: Task,
    members: Sequence[Member],
    *,
    scheduler: str,
    moved: Callable[[], None] = lambda: None,
) -> tuple[list[Member], Batches]:
    """Run members on workers.

    Parameters
    ----------
    task : Task
    members : sequence of Member
    scheduler : str
        Its address, or `LOCAL` for workers of this machine, one a core.
    moved : callable
        Called after each member that is finished or has failed.

    Returns
    -------
    elsewhere : list of Member
        Those that somebody else was running.
    batches : Batches
        What was solved together, all workers counted.

    Raises
    ------
    InvalidProblemError
        If the scheduler does not answer or has no worker, or a worker does not see the store.
    MissingExtraError
        If dask.distributed is not installed.
    """
    with _client(scheduler) as client:
        return _Groups(client, task, members, moved).run()


class _Groups:
    """The members, shared out among workers."""

    def __init__(self, client: Client, task: Task, members: Sequence[Member], moved: Callable[[], None]) -> None:
        self._client, self._task, self._moved = client, task, moved
        self._left = deque(members)
        self._unsettled = list(members)
        self._alone: deque[Member] = deque()
        self._flying: dict[Future, tuple[str, list[Member]]] = {}
        self._elsewhere: list[Member] = []
        self._batches = Batches()

    def run(self) -> tuple[list[Member], Batches]:
        """Until all are finished, failed or elsewhere."""
        from distributed import wait

        while self._left or self._alone or self._flying:
            self._give()
            if not self._flying:  # all workers are gone; those that come are given what is left
                time.sleep(_PATIENCE)
                continue
            with suppress(TimeoutError):
                wait(list(self._flying), timeout=_PATIENCE, return_when="FIRST_COMPLETED")
            for future in [each for each in self._flying if each.done()]:
                self._take(future, self._flying.pop(future)[1])
            self._tell()
        return self._elsewhere, self._batches

    def _give(self) -> None:
        """One group to each worker that has none."""
        there = list(self._client.scheduler_info(n_workers=-1)["workers"])
        busy = {address for address, _ in self._flying.values()}
        for address in there:
            group = self._next(len(there)) if address not in busy else []
            if group:
                future = self._client.submit(
                    run_group, self._task, group, pure=False, workers=[address], allow_other_workers=True
                )
                self._flying[future] = (address, group)

    def _next(self, workers: int) -> list[Member]:
        if self._left:
            size = max(self._task.together or 1, min(_MOST, len(self._left) // (_SHARE * workers)))
            return [self._left.popleft() for _ in range(min(size, len(self._left)))]
        return [self._alone.popleft()] if self._alone else []

    def _take(self, future: Future, group: list[Member]) -> None:
        from distributed import KilledWorker

        error = future.exception()
        if error is None:
            elsewhere, batches = future.result()
            self._elsewhere += [member for member in group if member.index in elsewhere]
            self._batches.join(batches)
        elif isinstance(error, KilledWorker):
            self._after_killing(group)
        else:
            raise error

    def _after_killing(self, group: list[Member]) -> None:
        """A group whose workers died time after time: each on its own, so that the one that kills them is found."""
        left = [member for member in group if not self._task.store.is_finished(member)]
        if len(left) > 1:
            self._alone.extend(left)
            return
        for member in left:
            self._task.store.keep_failure(member, WorkerDied())

    def _tell(self) -> None:
        """Count what workers have settled since."""
        flying = {member.index for _, group in self._flying.values() for member in group}
        waiting = flying | {member.index for member in (*self._left, *self._alone, *self._elsewhere)}
        for member in list(self._unsettled):
            if self._task.store.is_finished(member) or member.index not in waiting:
                self._unsettled.remove(member)
                self._moved()


def run_group(task: Task, group: Sequence[Member]) -> tuple[set[int], Batches]:
    """Run members on this worker, as many at once as it has threads; gives the rows of those run by somebody else.

    Raises
    ------
    InvalidProblemError
        If the worker does not see the store.
    """
    from distributed import get_worker

    from surrogate_plugin.team import use_threads

    if not task.store.path.exists():
        raise InvalidProblemError(f"a worker does not see {task.store.path}; a folder that all workers see is allowed.")
    for name, value in ONE_THREAD.items():
        os.environ.setdefault(name, value)
    threads = max(1, get_worker().state.nthreads)
    use_threads(threads)
    slots = min(len(group), task.slots(threads) if task.is_pooled else task.together or threads)
    elsewhere: set[int] = set()

    def told(member: Member, outcome: Outcome) -> None:
        if outcome is Outcome.ELSEWHERE and not task.store.is_finished(member):
            elsewhere.add(member.index)

    return elsewhere, run_side_by_side(task, Left(group).take, told, slots=slots, running=min(slots, threads))


@contextmanager
def _client(scheduler: str) -> Iterator[Client]:
    with extra("ensemble", "an ensemble on workers of dask"):
        from distributed import Client, LocalCluster
    if scheduler == LOCAL:
        made: Any = LocalCluster(
            n_workers=cores(), threads_per_worker=1, dashboard_address=None, silence_logs=logging.ERROR
        )
        with made as cluster, Client(cluster) as client:
            yield client
        return
    try:
        client = Client(scheduler, timeout=_LONGEST_WAIT)
    except (OSError, ValueError) as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InvalidProblemError(f"the scheduler at {scheduler} does not answer ({said}).") from None
    with client:
        try:
            client.wait_for_workers(1, timeout=_LONGEST_WAIT)
        except TimeoutError:
            raise InvalidProblemError(
                f"the scheduler at {scheduler} has no worker after {_LONGEST_WAIT:g} s; `dask worker {scheduler}` "
                "starts one."
            ) from None
        yield client
