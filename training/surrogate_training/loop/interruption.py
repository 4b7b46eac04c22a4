"""Ctrl-C and SIGTERM end a run between two steps, with a checkpoint."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


class Stopped(Exception):
    """The run was asked to stop and did; the message says how to go on."""


@dataclass
class Request:
    """Whether somebody asked the run to stop."""

    made: bool = False


@contextmanager
def stop_requests() -> Iterator[Request]:
    """Turn the first SIGINT or SIGTERM into a request; a second SIGINT interrupts at once."""
    request = Request()
    if threading.current_thread() is not threading.main_thread():  # only the main thread may listen
        yield request
        return

    def ask(number: int, frame: FrameType | None) -> None:
        del frame
        request.made = True
        signal.signal(number, before[number])

    before = {int(number): signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, ask)
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
