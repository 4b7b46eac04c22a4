"""What a shell offers for a value: names that are known without solving or loading anything heavy.

A completion that fails offers nothing, since nobody can read an error in the middle of a line.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

#: The methods of the engine that are no solvers.
_ROUTES = ("guarded", "surrogate", "exact")

Completion = Callable[[Any, list[str], str], list[str]]


def _tolerant(known: Callable[[Any], Iterable[str]]) -> Completion:
    """A function of the context alone as what typer asks for."""

    @functools.wraps(known)
    def complete(ctx: Any, args: list[str], incomplete: str) -> list[str]:
        try:
            return [name for name in known(ctx) if name.startswith(incomplete)]
        except Exception:
            return []

    complete.__annotations__ = {}
    del complete.__wrapped__
    return complete


@_tolerant
def methods(ctx: Any) -> Iterable[str]:
    """Routes of the engine and names of solvers."""
    from surrogate_plugin import registry

    return (*_ROUTES, *registry.names(registry.SOLVERS))


@_tolerant
def demos(ctx: Any) -> Iterable[str]:
    """Names of demos."""
    from surrogate_plugin import registry

    return registry.names(registry.DEMOS)


@_tolerant
def colours(ctx: Any) -> Iterable[str]:
    """Colour maps of matplotlib."""
    import matplotlib

    return (name for name in matplotlib.colormaps if not name.endswith("_r"))


def panels(ctx: Any, args: list[str], incomplete: str) -> list[str]:
    """What `view` draws; after a comma the next."""
    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{name}" for name in _panels(ctx, args, last)]


@_tolerant
def _panels(ctx: Any) -> Iterable[str]:
    from surrogate_plugin.pictures import panels as known

    return known.PANELS


@_tolerant
def boundaries(ctx: Any) -> Iterable[str]:
    """Kinds of sides."""
    return ("absorbing", "reflecting", "periodic", "left=", "right=", "top=", "bottom=", "flux:", "exchange:")


@_tolerant
def devices(ctx: Any) -> Iterable[str]:
    """Where a network runs."""
    return ("auto", "cpu", "cuda")


@_tolerant
def substrates(ctx: Any) -> Iterable[str]:
    """Of the recording or run that stands on the line already."""
    path = Path(str(ctx.params.get("path") or ctx.params.get("run")))
    if not path.exists():
        return ()
    from surrogate_plugin.audit.reading import open_run
    from surrogate_plugin.files import films

    if films.is_recording(path):
        return films.RecordingFilm(path, "exact", "").substrates
    return open_run(path).facts.substrates


@_tolerant
def moments(ctx: Any) -> Iterable[str]:
    """Of the run that stands on the line already."""
    from surrogate_plugin.audit.reading import open_run

    return ("last", *open_run(Path(str(ctx.params["run"]))).names)
