"""What has to be put in order before Ctrl-C ends a process: whoever has something registers it here."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Any

_wishes: list[weakref.WeakMethod[Callable[[], object]]] = []


def on_interrupt(wish: Callable[[], object]) -> None:
    """Have a bound method called before Ctrl-C ends the process, as long as its object is there.

    Parameters
    ----------
    wish : bound method without arguments
        Short: somebody waits at the terminal. What it raises is dropped.

    Examples
    --------
    >>> class Log:
    ...     def close(self):
    ...         print("closed")
    >>> log = Log()
    >>> on_interrupt(log.close)
    >>> put_in_order()
    closed
    >>> put_in_order()
    """
    _wishes[:] = [known for known in _wishes if known() is not None]
    _wishes.append(weakref.WeakMethod(wish))


def put_in_order() -> None:
    """Call all of them, the newest first, each once."""
    while _wishes:
        wish: Any = _wishes.pop()()
        if wish is not None:
            with suppress(Exception):
                wish()
