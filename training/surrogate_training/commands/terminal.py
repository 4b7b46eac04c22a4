"""What the training commands share: the terminal of all commands, and which errors a caller can put right."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from surrogate_plugin import terminal
from surrogate_plugin.terminal import BAD_INPUT, INTERRUPTED, print_json, stderr, stdout
from surrogate_training.progress import Callback

__all__ = ["BAD_INPUT", "INTERRUPTED", "bar", "complain", "note", "plain_errors", "print_json", "tell"]

#: What a caller can put right; anything else is a fault of ours and keeps its traceback.
_CALLERS_ERRORS = (OSError, ValueError, FloatingPointError, ModuleNotFoundError, MemoryError)

complain = terminal.print_error


def note(text: str) -> None:
    """A sentence beside the results."""
    stderr().print(text, markup=False, soft_wrap=True)


def tell(text: str) -> None:
    """A result, as it is."""
    stdout().print(text, markup=False, soft_wrap=True)


def plain_errors() -> AbstractContextManager[None]:
    """Turn an error the caller can put right into one sentence and exit code 2."""
    from surrogate_training.errors import sentence

    return terminal.one_sentence(lambda: _CALLERS_ERRORS, sentence)


@contextmanager
def bar(title: str, *, quiet: bool = False, every: float = 30.0) -> Iterator[Callback]:
    """A progress bar with the time left on a terminal; elsewhere a line now and then, so that a log stays readable.

    Parameters
    ----------
    title : str
        Shown until there is something to tell.
    quiet : bool
        Whether nothing is shown.
    every : float
        Seconds between two lines, where there is no terminal.

    Yields
    ------
    Callback
        A measurement, whose line ends in ``}``, is always kept.
    """
    with terminal.progress(title, quiet=quiet, every=every) as shown:
        yield shown.tell
