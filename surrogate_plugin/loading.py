"""What kernels cost before they run: the seconds of loading and compiling them, and who is told of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_spent = 0.0
_watchers: list[Callable[[], None]] = []
_told = False


def seconds_spent() -> float:
    """What this process has spent on loading and compiling kernels so far."""
    return _spent


def spend(seconds: float) -> None:
    """Add what a kernel took."""
    global _spent
    _spent += seconds


@contextmanager
def watched(compiling: Callable[[], None]) -> Iterator[None]:
    """Within the block, call ``compiling()`` before each kernel that has to be compiled."""
    _watchers.append(compiling)
    try:
        yield
    finally:
        _watchers.remove(compiling)


def announce() -> None:
    """A kernel is about to be compiled: tell whoever watches or, once, whoever reads this process's errors.

    That is often the log of a simulation, whose first step would else be silent for up to a minute.
    """
    global _told
    for watcher in _watchers:
        watcher()
    if not _watchers and not _told and sys.stderr is not None:
        print(
            "surrogate_plugin: compiling its kernels, once on this machine; up to a minute on busy cores.",
            file=sys.stderr,
        )
    _told = True
