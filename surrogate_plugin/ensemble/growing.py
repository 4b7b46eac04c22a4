"""As many processes as pay: members begin in this one, and get others once what is left is worth the start of these."""

from __future__ import annotations

import inspect
import os
import threading
import time
import warnings
from collections.abc import Sequence
from contextlib import ExitStack, suppress

from surrogate_plugin import loading
from surrogate_plugin.ensemble.cores import bearable
from surrogate_plugin.ensemble.left import Left
from surrogate_plugin.ensemble.local import Moved, run_here
from surrogate_plugin.ensemble.members import Member
from surrogate_plugin.ensemble.pool import Batches
from surrogate_plugin.ensemble.processes import Processes
from surrogate_plugin.ensemble.side_by_side import ONE_THREAD, Task, run_side_by_side
from surrogate_plugin.ensemble.travelling import CannotTravelError
from surrogate_plugin.team import limit_threads

#: Seconds until a process that is started runs its first member: an interpreter, imports, compiled kernels read.
START_S = 1.5
#: Seconds that this process runs members alone in any case, and after which it is looked again whether others pay.
ALONE_S, TICK_S = 1.0, 0.25


def pays_off(left: int, member_s: float) -> bool:
    """Whether processes beside this one are worth their start.

    With two of them half of what is left is saved at the least, and a core is lost to the start of the second.

    Parameters
    ----------
    left : int
        Members that have not been begun.
    member_s : float
        That one takes.

    Examples
    --------
    >>> pays_off(1000, 0.001), pays_off(1000, 0.02), pays_off(1, 30.0)
    (False, True, True)
    """
    return left * member_s > 2.0 * START_S


class Pace:
    """How long members take in this process.

    Examples
    --------
    >>> pace = Pace()
    >>> for begin, end in ((0.0, 1.5), (1.5, 1.6), (1.6, 1.8)):
    ...     pace.begin(begin); pace.end(end)
    >>> round(pace.member_s(1.8), 3)  # the first one, which loads what all need, is left out where there are others
    0.15
    >>> pace.begin(1.8)
    >>> round(pace.member_s(4.8), 3)  # and one that takes longer is reckoned with before it has come to its end
    3.0
    """

    def __init__(self) -> None:
        self._first = self._others = 0.0
        self._ended = 0
        self._since: float | None = None

    def begin(self, now: float) -> None:
        """A member is begun, at this time in seconds."""
        self._since = now

    def end(self, now: float) -> None:
        """It has come to its end, if there was one."""
        if self._since is None:
            return
        if self._ended:
            self._others += now - self._since
        else:
            self._first = now - self._since
        self._since, self._ended = None, self._ended + 1

    def member_s(self, now: float) -> float:
        """What one may take, seconds: the mean so far, or what the present one has taken already."""
        mean = self._others / (self._ended - 1) if self._ended > 1 else self._first
        since = self._since
        return mean if since is None else max(mean, now - since)


def run_growing(task: Task, members: Sequence[Member], moved: Moved) -> tuple[Batches, int]:
    """Run members here and, where that pays, in other processes too.

    Returns
    -------
    batches : Batches
        What was solved together.
    processes : int
        How many ran members, this one included.

    Raises
    ------
    UnwritableError
        If results cannot be written.

    Warns
    -----
    RuntimeWarning
        If other processes would pay, and what members need cannot be sent there.
    """
    if bearable() < 2 or len(members) < 2:
        return run_here(task, members, moved), 1
    for name, value in ONE_THREAD.items():
        os.environ.setdefault(name, value)  # the other cores will have members of their own
    return _Growing(task, members, moved).run()


class _Growing:
    def __init__(self, task: Task, members: Sequence[Member], moved: Moved) -> None:
        self._task, self._left, self._batches = task, Left(members), Batches()
        self._processes = Processes(task, self._left, moved, self._batches)
        self._pace, self._over = Pace(), threading.Event()
        self._is_wanted = self._has_warned = False
        self._threads = ExitStack()

    def run(self) -> tuple[Batches, int]:
        try:
            self._processes.pack(threads=1)
        except CannotTravelError as error:
            self._processes.refusal = error
        watching = threading.Thread(target=self._watch, name="surrogate-plugin-growing", daemon=True)
        try:
            watching.start()
            with self._threads:
                here = run_side_by_side(self._task, self._take, self._processes.tell, slots=1, running=1)
            self._over.set()
            watching.join()
            self._processes.dismiss()
            self._processes.wait()
        except BaseException:
            self._over.set()
            watching.join()
            self._processes.kill()
            raise
        while (member := self._left.take_alone()) is not None:  # it ended a process, and there is none for it any more
            self._processes.give_up(member)
        self._batches.join(here)
        return self._batches, 1 + self._processes.helping

    def _take(self) -> Member | None:
        """The next member for this process."""
        self._pace.end(_clock())
        if self._is_wanted and self._processes.refusal is not None and not self._has_warned:
            self._has_warned = True
            said = f"members run one after the other, in one process: {self._processes.refusal.why}."
            warnings.warn(said, RuntimeWarning, stacklevel=_outside())
        self._threads.close()
        if self._processes.are_there:
            self._threads.enter_context(limit_threads(1))  # the other cores have members of their own
        member = self._left.take()
        if member is not None:
            self._pace.begin(_clock())
        return member

    def _watch(self) -> None:
        time_is_up = ALONE_S
        while not self._over.wait(time_is_up):
            time_is_up = TICK_S
            if pays_off(len(self._left), self._pace.member_s(_clock())):
                self._is_wanted = True
                if self._processes.refusal is None:
                    with suppress(RuntimeError):  # no more threads to be had: fewer will do
                        self._processes.open(min(bearable() - 1, len(self._left)))
                return


def _clock() -> float:
    """Seconds; it stands while this process loads and compiles kernels, which it does once."""
    return time.monotonic() - loading.seconds_spent()


def _outside() -> int:
    """How many frames above its caller somebody else's code stands, who is warned."""
    frame, above = inspect.currentframe(), 0
    while frame is not None and frame.f_globals.get("__name__", "").startswith("surrogate_plugin."):
        frame, above = frame.f_back, above + 1
    return above
