"""Ctrl-C while something is computed: the process ends then and there, with one sentence and its reports in order."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from surrogate_plugin.interruption import put_in_order
from surrogate_plugin.terminal.leaving import INTERRUPTED

#: Seconds after which nobody waits for what is put in order: it may need what was just being used.
_PATIENCE = 20.0


@contextmanager
def stopped_at_once(farewell: str = "Stopped.") -> Iterator[None]:
    """Let Ctrl-C end the process with ``farewell`` and exit code 130.

    Python's way, an exception wherever the program happens to be, is lost or does harm inside a compiler's callbacks,
    and tears down what threads still use. What has to be put in order, such as the page of a run, is registered with
    `surrogate_plugin.interruption`; a second Ctrl-C does not wait for it.

    Parameters
    ----------
    farewell : str
        One sentence for the error stream.
    """
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) in (
        signal.SIG_IGN,  # started in the background, where Ctrl-C is meant for others
        None,
    ):
        yield
        return
    # A progress bar hides the cursor; written past all buffers, which may be locked at this moment.
    last = ("\x1b[?25h" if sys.stderr.isatty() else "") + f"\n{farewell}\n"

    def leave(_signal: int, _frame: object) -> None:
        with suppress(OSError):
            os.write(2, last.encode())
        os._exit(INTERRUPTED)

    def stop(given: int, frame: object) -> None:
        signal.signal(signal.SIGINT, leave)
        impatient = threading.Timer(_PATIENCE, leave, (given, None))
        impatient.daemon = True
        impatient.start()
        put_in_order()
        leave(given, frame)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
