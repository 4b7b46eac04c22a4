"""How a command ends: its exit codes, and what a caller can put right in one sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer

from surrogate_plugin.terminal.streams import stderr

#: Something was found, or a tolerance was not reached; what was asked for is there all the same.
FOUND = 1
#: It could not be done: usage, or something that cannot be read or written.
BAD_INPUT = 2
#: A fault of this package, which leaves a traceback.
FAULT = 70
#: Ctrl-C.
INTERRUPTED = 130
#: Whoever read the results has closed the pipe, as ``head`` does.
BROKEN_PIPE = 141


def print_error(sentence: str) -> None:
    """One sentence on the error stream."""
    stderr().print("Error:", style="bold red", end=" ")
    stderr().print(sentence, markup=False, soft_wrap=True)


@contextmanager
def one_sentence(
    callers_errors: Callable[[], tuple[type[Exception], ...]], sentence: Callable[[Exception], str] = str
) -> Iterator[None]:
    """Turn what a caller can put right into one sentence and exit code 2; all else keeps its traceback.

    Parameters
    ----------
    callers_errors : function
        The errors that a caller can put right; called once something went wrong, so that nothing is loaded for it.
    sentence : function, optional
        What is said of one.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except Exception as error:
        if isinstance(error, typer.Exit | typer.Abort) or not isinstance(error, callers_errors()):
            raise
        print_error(sentence(error))
        raise typer.Exit(BAD_INPUT) from None
