"""The threads behind compiled kernels: a few of our own, which a fork, a host's threads and OpenMP cannot upset."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from numbers import Integral
from queue import SimpleQueue
from typing import Any

from surrogate_plugin import compiling as compiling  # whether numba can, which it is imported for below
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.sharing_kernels import abandon, place, tickets

#: Up to so many pixels a second thread saves little on idle cores and costs time on busy ones.
FEW_PIXELS = 128 * 128
#: More than machines have cores; each thread costs memory, and no lattice has work for more.
_MOST = 256
#: The variable that speaks to this package alone.
_OURS = "SURROGATE_PLUGIN_THREADS"


def run(kernel: Callable[..., Any], *args: Any) -> Any:
    """Call ``kernel(team, *args)`` on this thread and, as far as they are awake in time, on the others.

    Raises
    ------
    Exception
        What the kernel raised, on whichever thread.
    """
    others = thread_count() - 1
    if others < 1 or not _crew.lock.acquire(blocking=False):
        return run_alone(kernel, *args)
    call = _Call(kernel, args)
    try:
        _crew.help_with(call, others)
        return call.take_part()
    finally:
        _crew.lock.release()


def run_alone(kernel: Callable[..., Any], *args: Any) -> Any:
    """Call ``kernel(team, *args)`` on this thread alone."""
    # A team of one goes on counting from call to call, so that a small lattice costs no new counters.
    own = _own.team
    try:
        return kernel(own, *args)
    except BaseException:
        _own.team = (tickets(), place(alone=True))
        raise


def thread_count() -> int:
    """How many threads kernels are shared out among on this thread."""
    return 1 if _limit.alone else (_told or _usual_count())


def use_threads(count: int | None) -> None:
    """Share kernels out among so many threads from now on, all over the process: a host says how many it has itself.

    Parameters
    ----------
    count : int or None
        At least 1, of which 256 are made at most; None for as many as without a host, see docs/processes.md. Where
        ``SURROGATE_PLUGIN_THREADS`` is set it has the last word, since a user set it for this package alone. Fields do
        not depend on the number.

    Raises
    ------
    InvalidProblemError
        If it is not a whole number of at least 1.

    Examples
    --------
    >>> use_threads(1)
    >>> thread_count()
    1
    >>> use_threads(None)
    """
    global _told
    if count is not None and not _is_a_number_of_threads(count):
        raise InvalidProblemError(f"threads is {count!r}; a whole number of at least 1, or None, is allowed.")
    _told = None if count is None or _said(_OURS) else min(int(count), _MOST)


def _is_a_number_of_threads(given: Any) -> bool:
    return not isinstance(given, bool) and isinstance(given, Integral) and int(given) >= 1


@contextmanager
def limit_threads(pixels: int) -> Iterator[None]:
    """One thread, for a lattice too small to be shared out; else as many as there were.

    Examples
    --------
    >>> with limit_threads(50 * 40):
    ...     thread_count()
    1
    """
    before = _limit.alone
    _limit.alone = before or pixels <= FEW_PIXELS
    try:
        yield
    finally:
        _limit.alone = before


@contextmanager
def all_threads() -> Iterator[None]:
    """As many threads as there are, inside of `limit_threads` too.

    Examples
    --------
    >>> use_threads(2)
    >>> with limit_threads(1), all_threads():
    ...     thread_count()
    2
    >>> use_threads(None)
    """
    before = _limit.alone
    _limit.alone = False
    try:
        yield
    finally:
        _limit.alone = before


@functools.cache
def _usual_count() -> int:
    """What the environment says when it is first asked, else the cores that this process may use, up to 8."""
    for name in (_OURS, "NUMBA_NUM_THREADS", "OMP_NUM_THREADS"):
        said = _said(name)
        if said:
            return said
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, 8)


def _said(name: str) -> int:
    """The number of threads that a variable of the environment says; 0 where it says none."""
    said = os.environ.get(name, "").split(",")[0].strip()
    return min(int(said[:9]), _MOST) if said.isdecimal() else 0


class _Limit(threading.local):
    """Whether this thread goes through kernels by itself."""

    alone = False


class _Own(threading.local):
    """This thread's team of one."""

    def __init__(self) -> None:
        self.team = (tickets(), place(alone=True))


class _Call:
    """One call of a kernel by several threads; it holds the arrays alive until the last is through."""

    def __init__(self, kernel: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self.kernel, self.args = kernel, args
        self.tickets = tickets()
        self.failure: BaseException | None = None

    def take_part(self, *, from_the_end: bool = False) -> Any:
        """Go through the kernel; a thread that fails lets the others through, and the caller gets its error."""
        try:
            result = self.kernel((self.tickets, place(from_the_end=from_the_end)), *self.args)
        except BaseException as error:
            self.failure = error
            abandon(self.tickets)
            raise
        if self.failure is not None:
            raise self.failure
        return result


class _Helper:
    """One thread that waits for calls to take part in, the ``number``-th beside the caller."""

    def __init__(self, number: int) -> None:
        self._from_the_end = number % 2 == 0
        self.asked = self.served = 0
        self.calls: SimpleQueue[_Call] = SimpleQueue()
        threading.Thread(target=self._serve, name="surrogate-plugin", daemon=True).start()

    def _serve(self) -> None:
        while True:
            call = self.calls.get()
            with suppress(BaseException):  # the caller raises it
                call.take_part(from_the_end=self._from_the_end)
            del call
            self.served += 1


class _Crew:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.helpers: list[_Helper] = []

    def help_with(self, call: _Call, wanted: int) -> None:
        """Let ``wanted`` helpers take part, but for those that are still on their way through an earlier call."""
        with suppress(RuntimeError):  # no more threads to be had: fewer will do
            while len(self.helpers) < wanted:
                self.helpers.append(_Helper(len(self.helpers)))
        for helper in self.helpers[:wanted]:
            # One that is through, but waits for the interpreter to say so, is as good as free.
            if helper.asked - helper.served < 2:
                helper.asked += 1
                helper.calls.put(call)


def _begin_anew() -> None:
    """A forked child has none of its parent's threads."""
    global _crew
    _crew = _Crew()


#: What `use_threads` was told.
_told: int | None = None
_limit = _Limit()
_own = _Own()
_crew = _Crew()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
