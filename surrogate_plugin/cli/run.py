"""``surrogate-plugin run``: a settings file in, without a host; page, recording and files out."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from surrogate_plugin.cli import completion, options
from surrogate_plugin.cli.console import (
    FOUND,
    INTERRUPTED,
    notes,
    plain_errors,
    print_json,
    progress,
    stderr,
    stdout,
    stopped_at_once,
    table,
)
from surrogate_plugin.errors import InvalidProblemError

if TYPE_CHECKING:
    from surrogate_plugin.running.going import Going


def run(
    settings: Annotated[Path, typer.Argument(help="The settings, which `init` writes.")] = Path("surrogate.toml"),
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin anew where a run was stopped, and not where it was.")
    ] = False,
    device: Annotated[
        str | None,
        typer.Option(
            autocompletion=completion.devices,
            help="Where fields are solved for: auto, cpu or cuda; by default as the file says.",
        ),
    ] = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Solve for what a settings file describes, without a simulator.

    Fields that are at rest are solved for once; those that go on in time step by step. Ctrl-C stops such a run after
    its step, and a second one at once; it goes on from there with the same command, also after it was killed.

    Examples
    --------
    surrogate-plugin run
    surrogate-plugin run tumour.toml --fresh
    surrogate-plugin run --device cuda

    Exit codes
    ----------
    1 : the bound of a field exceeds its tolerance

    JSON
    ----
    settings : the file
    finished : whether the run came to its end
    resumed_min : where it went on from, or null
    time_min : how far it is, or null where all fields are at rest
    shape : of the lattice, rows first
    spacing_um : of a pixel, (dy, dx)
    cells : how many
    tolerances_reached : whether all were
    substrates : of each error_bound, tolerance, tolerance_reached, methods, time_error, units, values and flags
    notes : on how files were understood
    seconds : that it took
    written : files
    """
    with plain_errors():
        from surrogate_plugin.arguments import one_of
        from surrogate_plugin.engine.request import DEVICES
        from surrogate_plugin.running.going import Going
        from surrogate_plugin.running.outputs import check_outputs, write_outputs
        from surrogate_plugin.settings.reading import load_settings

        if not settings.exists():
            raise InvalidProblemError(f"there is no {settings}; `surrogate-plugin init {settings}` writes one.")
        read = load_settings(settings, "run")
        if device is not None:
            read = read.model_copy(update={"device": one_of("device", device, DEVICES)})
        check_outputs(read)
        going = Going(read, fresh=fresh)
        if not quiet:
            _tell_before(going)
        began = time.perf_counter()
        over = _solve(going, quiet)
        seconds = time.perf_counter() - began
        written = _kept_so_far(going)
        if over:
            files = len(read.output.files)
            with (
                stopped_at_once("Stopped; the same command writes what is missing."),
                progress("writing", files, quiet=quiet or not files) as bar,
            ):
                written = [*written, *write_outputs(going, bar.advance)]
            if going.saved is not None:
                going.saved.remove()
    if json:
        print_json(_said(going, seconds, written, over))
    elif not quiet:
        _print(going, seconds, written)
    if not over:
        if not quiet:
            stderr().print(f"Stopped at {_now(going):g} min; the same command goes on from there.", soft_wrap=True)
        raise typer.Exit(INTERRUPTED)
    if not all(told.reached for told in going.told.values()):
        raise typer.Exit(FOUND)


def _solve(going: Going, quiet: bool) -> bool:
    if not going.times_min:
        with stopped_at_once("Stopped; nothing was kept."), progress("solving", going.solves, quiet=quiet) as bar:
            return going.run(bar.advance)
    # A second Ctrl-C finds the handler that stood before the first one.
    with (
        stopped_at_once("Stopped within a step; the same command goes on from the last one that was kept."),
        stopped_between_steps() as stopping,
        progress("solving", going.solves, quiet=quiet) as bar,
    ):
        return going.run(bar.advance, stopping)


@contextmanager
def stopped_between_steps() -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C, or SIGTERM, into a wish to stop, to be looked at after each step; a second ends at once.

    Yields
    ------
    callable
        Whether somebody wishes to stop.
    """
    wished = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield wished.is_set
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    heard = {number: handler for number, handler in before.items() if handler not in (signal.SIG_IGN, None)}

    def wish(number: int, _frame: object) -> None:
        wished.set()
        signal.signal(number, heard[signal.Signals(number)])

    for number in heard:
        signal.signal(number, wish)
    try:
        yield wished.is_set
    finally:
        for number, handler in heard.items():
            signal.signal(number, handler)


def _tell_before(going: Going) -> None:
    notes(going.tissue.notes)
    if going.resumed_min is not None:
        stderr().print(f"Going on from {going.resumed_min:g} min, where the run was stopped.", soft_wrap=True)


def _kept_so_far(going: Going) -> list[Path]:
    return [path for path in (going.settings.report, going.settings.record) if path is not None and path.exists()]


def _now(going: Going) -> float:
    return 0.0 if going.last is None else going.last.time_min


def _print(going: Going, seconds: float, written: list[Path]) -> None:
    rows, columns = going.tissue.domain.shape
    dy, dx = going.tissue.domain.spacings_um
    size = f"{dx:g}" if dx == dy else f"{dy:g} x {dx:g}"
    made = table("Run", "", "")
    made.show_header = False
    made.add_row("lattice", f"{rows} x {columns} (rows x columns), {size} um a pixel")
    if len(going.tissue.placed):
        made.add_row("cells", f"{len(going.tissue.placed):,}")
    if going.times_min:
        made.add_row("time", f"{_now(going):g} of {going.times_min[-1]:g} min")
    for name, told in going.told.items():
        for what, said in _rows(going, name):
            made.add_row(f"{name}: {what}", escape(said))
        for message in told.flags.values():
            made.add_row(f"{name}: flag", escape(message))
    made.add_row("took", f"{seconds:.1f} s")
    for path in written:
        made.add_row("written", escape(str(path)))
    stdout().print(made)
    if not all(told.reached for told in going.told.values()):
        stderr().print("A tolerance was not reached.", style="bold red")


def _rows(going: Going, name: str) -> Iterator[tuple[str, str]]:
    told, units = going.told[name], going.settings.substrate(name).units
    unit = f" {units}" if units else ""
    yield "answered by", ", ".join(f"{method} ({count:,})" for method, count in told.methods.most_common())
    against = "" if told.tolerance is None else f" (tolerance {told.tolerance:.3g})"
    yield "error at most", f"{told.largest_bound:.3g}{unit}{against}"
    if not math.isnan(told.time_error):
        yield "of a step's length", f"about {told.time_error:.3g}{unit} at most, estimated"
    if going.last is not None:
        field = going.last.fields[name]
        yield "values", f"{field.min():.6g} to {field.max():.6g}{unit}"


def _said(going: Going, seconds: float, written: list[Path], over: bool) -> dict[str, Any]:
    last = going.last
    return {
        "settings": str(going.settings.document.path),
        "finished": over,
        "resumed_min": going.resumed_min,
        "time_min": _now(going) if going.times_min else None,
        "shape": list(going.tissue.domain.shape),
        "spacing_um": list(going.tissue.domain.spacings_um),
        "cells": len(going.tissue.placed),
        "tolerances_reached": all(told.reached for told in going.told.values()),
        "substrates": {
            name: {
                "error_bound": told.largest_bound,
                "tolerance": told.tolerance,
                "tolerance_reached": told.reached,
                "methods": dict(told.methods),
                "time_error": told.time_error,
                "units": going.settings.substrate(name).units or None,
                "values": None if last is None else _range(last.fields[name]),
                "flags": [{"reason": reason, "message": message} for reason, message in told.flags.items()],
            }
            for name, told in going.told.items()
        },
        "notes": going.tissue.notes,
        "seconds": seconds,
        "written": [str(path) for path in written],
    }


def _range(field: Any) -> dict[str, float]:
    return {"lowest": float(field.min()), "highest": float(field.max())}
