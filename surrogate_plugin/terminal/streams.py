"""stdout and stderr as people and programs like them: coloured where that is wanted, one object for `--json`.

Colours follow, in this order: NO_COLOR, FORCE_COLOR or CLICOLOR_FORCE, CLICOLOR=0, TERM=dumb, and whether there is a
terminal. Where they are not wanted there are no escapes of any kind but those of a progress bar on a terminal.
"""

from __future__ import annotations

import json
import math
import os
import sys
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

import typer
from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class _Stream(Console):
    """A console that leaves it to the command line what to do when nobody reads on."""

    def on_broken_pipe(self) -> NoReturn:
        raise BrokenPipeError


def coloured(stream: TextIO) -> bool:
    """Whether a stream is to have colours."""
    told = os.environ.get
    if told("NO_COLOR"):
        return False
    if any(told(name) not in (None, "", "0") for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
        return True
    return told("CLICOLOR") != "0" and told("TERM") != "dumb" and stream.isatty()


def stdout() -> Console:
    """The stream of results, looked up at each call so that redirection is seen."""
    return _console(sys.stdout)


def stderr() -> Console:
    """The stream of errors, notes and progress."""
    return _console(sys.stderr)


def _console(stream: TextIO) -> Console:
    if coloured(stream):
        system = "auto" if stream.isatty() and os.environ.get("TERM") != "dumb" else "standard"
        return _Stream(file=stream, highlight=False, force_terminal=True, color_system=system)  # type: ignore[arg-type]
    return _Stream(file=stream, highlight=False, force_terminal=stream.isatty(), color_system=None)


def notes(sentences: Iterable[str], kind: str = "Note", style: str = "dim") -> None:
    """Sentences beside the results, a line each, on stderr."""
    for sentence in sentences:
        stderr().print(f"{kind}: {sentence}", style=style, markup=False, soft_wrap=True)


@contextmanager
def plain_warnings() -> Iterator[None]:
    """Have our own warnings be sentences on stderr, without the line of Python that they come from."""
    usual = warnings.showwarning

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if category.__module__.startswith("surrogate_"):
            notes([str(message)], "Warning", "yellow")
        else:
            usual(message, category, filename, lineno, file, line)

    warnings.showwarning = show
    try:
        yield
    finally:
        if warnings.showwarning is show:
            warnings.showwarning = usual


def print_json(said: dict[str, Any]) -> None:
    """One object on one line of stdout; numbers that are not finite are null.

    Examples
    --------
    >>> print_json({"method": "multigrid", "error_bound": float("inf")})
    {"method": "multigrid", "error_bound": null}
    """
    typer.echo(json.dumps(_finite(said), allow_nan=False, default=str))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
