"""What the training commands share: errors in one sentence, and a bar for what takes long."""

from __future__ import annotations

import reprlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

BAD_INPUT, INTERRUPTED = 2, 130
#: What a caller can put right; anything else is a fault of ours and keeps its traceback.
_CALLERS_ERRORS = (OSError, ValueError, FloatingPointError, ModuleNotFoundError, MemoryError)


def sentence(error: BaseException) -> str:
    """An error as one sentence; of a configuration's errors, the first, with the field and the value.

    Examples
    --------
    >>> from surrogate_training.config import OptimiserConfig
    >>> try:
    ...     OptimiserConfig(clip=-1.0)
    ... except ValidationError as error:
    ...     print(sentence(error))
    clip is -1.0: Input should be greater than 0.
    """
    return " ".join(_told(error).split())  # what is quoted from a file may hold line breaks


def _told(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'a file'}: {error.strerror}."
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])[:200]
    if first["type"] == "value_error":  # ours, a sentence already
        return f"{where}: {first['ctx']['error']}".removeprefix(": ")
    given = first["input"]
    value = f" is {reprlib.repr(given)}" if isinstance(given, (str, int, float, bool)) else ""
    return f"{where}{value}: {first['msg']}."


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
def bar(title: str, *, every: float = 30.0) -> Iterator[Callable[[float, str], None]]:
    """A progress bar with the time left on a terminal; elsewhere a line now and then, so that a log stays readable.

    Parameters
    ----------
    title : str
        Shown until there is something to tell.
    every : float
        Seconds between two lines, where there is no terminal.

    Yields
    ------
    callable
        Takes the share done and a line of text; a line that ends in ``}`` is a measurement, and is always kept.
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
