"""Tasks done side by side, each by one thread from beginning to end."""

from __future__ import annotations

import contextvars
import threading
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import TypeVar

from surrogate_plugin.team import limit_threads

Task = TypeVar("Task")


def side_by_side(
    tasks: Iterable[Task],
    worker: Callable[[], AbstractContextManager[Callable[[Task], None]]],
    threads: int,
    after: Callable[[], None],
) -> None:
    """Do all tasks on this thread and on others; each thread claims the next one when it is through with its last.

    The threads are made for the call and gone after it, so that it may be called by several threads at once, from
    within a task, and in a forked child.

    Parameters
    ----------
    tasks : iterable
        In the order in which they are begun.
    worker : callable
        Opened once by each thread, for what it needs of its own; what is entered does a task, with kernels on that
        thread alone unless there is but one task.
    threads : int
        At least 1, this one included.
    after : callable
        Called on this thread, after each of its own tasks and when all are done.

    Raises
    ------
    BaseException
        The first that a task or ``after`` raised. Tasks that have begun by then are finished, and no others begin.

    Examples
    --------
    >>> from contextlib import nullcontext
    >>> done = []
    >>> side_by_side(range(4), lambda: nullcontext(done.append), threads=2, after=lambda: None)
    >>> sorted(done)
    [0, 1, 2, 3]
    """
    waiting, failures, over = deque(tasks), list[BaseException](), threading.Event()
    several = len(waiting) > 1

    def serve(after: Callable[[], None] | None) -> None:
        try:
            with limit_threads(0) if several else nullcontext(), worker() as do:
                while not over.is_set():
                    try:
                        task = waiting.popleft()
                    except IndexError:
                        return
                    do(task)
                    if after is not None:
                        after()
        except BaseException as error:
            over.set()
            failures.append(error)

    helpers = [_helper(serve) for _ in range(min(threads, len(waiting)) - 1)]
    try:
        with suppress(RuntimeError):  # no more threads to be had: fewer will do
            for helper in helpers:
                helper.start()
        serve(after)
        for helper in helpers:
            if helper.ident is not None:  # it was started
                helper.join()
    finally:  # a second Ctrl-C does not wait for the tasks that have begun
        over.set()
    if failures:
        raise failures[0]
    after()


def _helper(serve: Callable[[None], None]) -> threading.Thread:
    """A thread with this one's context, numpy's handling of floating-point errors among it."""
    context = contextvars.copy_context()
    return threading.Thread(target=context.run, args=(serve, None), name="surrogate-plugin-many", daemon=True)
