"""What the training commands share: errors in one sentence, and a bar for what takes long."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from surrogate_training.errors import sentence
from surrogate_training.progress import Callback

BAD_INPUT, INTERRUPTED = 2, 130
#: What a caller can put right; anything else is a fault of ours and keeps its traceback.
_CALLERS_ERRORS = (OSError, ValueError, FloatingPointError, ModuleNotFoundError, MemoryError)


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn an error the caller can put right into one sentence and exit code 2."""
    try:
        yield
    except _CALLERS_ERRORS as error:
        complain(sentence(error))
        raise typer.Exit(BAD_INPUT) from None


def complain(text: str) -> None:
    """Say on the error stream what went wrong."""
    console = Console(stderr=True, highlight=False)
    console.print("Error:", style="bold red", end=" ")
    console.print(text, markup=False, soft_wrap=True)


@contextmanager
def bar(title: str, *, every: float = 30.0) -> Iterator[Callback]:
    """A progress bar with the time left on a terminal; elsewhere a line now and then, so that a log stays readable.

    Parameters
    ----------
    title : str
        Shown until there is something to tell.
    every : float
        Seconds between two lines, where there is no terminal.

    Yields
    ------
    Callback
        A measurement, whose line ends in ``}``, is always kept.
    """
    console = Console(stderr=True, highlight=False)
    columns = (
        BarColumn(bar_width=24),
        TextColumn("{task.percentage:>5.1f} %"),
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as shown:
        task, said = shown.add_task(title, total=1.0), time.monotonic()

        def tell(done: float, text: str) -> None:
            nonlocal said
            measured = text.endswith("}")
            if measured or (shown.disable and time.monotonic() - said > every):
                console.print(f"{100 * done:.1f} %  {text}", markup=False, soft_wrap=True)
                said = time.monotonic()
            if not measured:
                shown.update(task, completed=min(1.0, done), description=text)

        yield tell
