"""What the commands share: the terminal, errors in one sentence, and progress on anything that takes long."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from surrogate_plugin import loading
from surrogate_plugin.errors import InvalidProblemError, UnsupportedProblemError
from surrogate_plugin.recordings.store import RecordingError
from surrogate_plugin.registry import BrokenPluginError, UnknownPluginError

#: What a caller can put right; anything else is a fault of ours and keeps its traceback.
_CALLERS_ERRORS = (
    InvalidProblemError, UnsupportedProblemError, UnknownPluginError, BrokenPluginError, RecordingError, OSError,
)  # fmt: skip

BAD_INPUT = 2
INTERRUPTED = 130


def stdout() -> Console:
    """The terminal, looked up at each call so that redirection is seen."""
    return Console(highlight=False)


def stderr() -> Console:
    """The terminal for errors and progress, so that results can be piped."""
    return Console(stderr=True, highlight=False)


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn an error the caller can put right into one sentence and exit code 2."""
    try:
        yield
    except _CALLERS_ERRORS as error:
        print_error(str(error))
        raise typer.Exit(BAD_INPUT) from None
    except MemoryError:
        print_error("this needs more memory than there is; a smaller lattice is allowed.")
        raise typer.Exit(BAD_INPUT) from None


def print_error(sentence: str) -> None:
    """One sentence on the error stream."""
    stderr().print("Error:", style="bold red", end=" ")
    stderr().print(sentence, markup=False, soft_wrap=True)


@contextmanager
def stopped_at_once(farewell: str = "Stopped.") -> Iterator[None]:
    """Let Ctrl-C end the process then and there, with ``farewell`` and exit code 130.

    Python's way, an exception wherever the program happens to be, is lost or does harm inside a compiler's callbacks,
    and tears down what threads still use. Nothing that has to be put in order may run inside.

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

    def stop(_signal: int, _frame: object) -> None:
        with suppress(OSError):
            os.write(2, last.encode())
        os._exit(INTERRUPTED)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def progress(title: str, total: int | None = None) -> Iterator[Progress]:
    """A bar with the time elapsed on the error stream; it vanishes when done. Task 0 is the bar's.

    It says so while kernels are compiled, which is done once a machine and takes longer than most of what follows.

    Parameters
    ----------
    title : str
        What is being done.
    total : int, optional
        How many steps; unknown if None.
    """
    count = [MofNCompleteColumn()] if total else []
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), *count, TimeElapsedColumn())
    with Progress(*columns, console=stderr(), transient=True) as bar:
        task = bar.add_task(title, total=total)

        def compiling() -> None:
            bar.update(task, description=f"{title} (compiling the kernels first, once on this machine)")

        with loading.watched(compiling):
            yield bar


def table(title: str, *columns: str) -> Table:
    """An empty table in the house style."""
    made = Table(title=title, title_justify="left", title_style="bold", header_style="bold")
    for column in columns:
        made.add_column(column, overflow="fold")
    return made
