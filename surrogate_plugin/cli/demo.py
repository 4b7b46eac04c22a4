"""``surrogate-plugin demo``: a simulator running on the backend, from start to pictures."""

from __future__ import annotations

import inspect
import io
from contextlib import nullcontext, redirect_stdout
from pathlib import Path
from typing import Annotated, Any

import typer

from surrogate_plugin import registry
from surrogate_plugin.cli import completion, options
from surrogate_plugin.cli.console import plain_errors, print_json, stopped_at_once
from surrogate_plugin.errors import InvalidProblemError


def demo(
    name: Annotated[
        str, typer.Argument(help="Which demo; `doctor` lists them.", autocompletion=completion.demos)
    ] = "pyphysicell",
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for pictures, tables and the .vti series.")] = Path(
        "demo-output"
    ),
    steps: Annotated[int | None, typer.Option(min=1, help="Phenotype steps.")] = None,
    cells: Annotated[int | None, typer.Option(min=1, help="Cells at the start.")] = None,
    report: Annotated[
        Path | None, typer.Option(help="The page of the run; report.html in the folder if not given.")
    ] = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Grow a tumour around vessels in pyphysicell, with oxygen from the certified backend.

    Prints who answered each step, the largest bound and the largest audited error, and the time per step beside the
    simulator's own solver; writes pictures, a .vti series, and a page of the run to show to others. Ctrl-C stops it;
    the series up to then is complete, and the page says how far the run went and what ended it.

    Examples
    --------
    surrogate-plugin demo
    surrogate-plugin demo --steps 6 --cells 2000 -o small-demo

    JSON
    ----
    demo : its name
    folder : what was written into
    figures : what the demo found, by name, or null where it does not say
    """
    from surrogate_plugin import files

    with plain_errors():
        run = registry.load(registry.DEMOS, name)
        chosen = {"steps": steps, "cells": cells, "report": report}
        arguments = {option: value for option, value in chosen.items() if value is not None}
        _check_takes(run, name, arguments)
        files.check_writable(out / "oxygen.png")
        if quiet and _takes(run, "quiet"):
            arguments["quiet"] = True
        elsewhere = redirect_stdout(io.StringIO()) if json or quiet else nullcontext()
        with stopped_at_once(f"Stopped; what was written so far is in {out}."), elsewhere:
            outcome = run(out=out, **arguments)
    if json and not quiet:
        figures = outcome.figures() if hasattr(outcome, "figures") else None
        print_json({"demo": name, "folder": str(out), "figures": figures})


def _check_takes(run: Any, name: str, arguments: dict[str, Any]) -> None:
    """Say so where a plugin's demo lacks an option, before it starts."""
    for option in arguments:
        if not _takes(run, option):
            taken = ", ".join(inspect.signature(run).parameters)
            raise InvalidProblemError(f"demo {name!r} has no option --{option}; it takes {taken}.")


def _takes(run: Any, option: str) -> bool:
    taken = inspect.signature(run).parameters
    return option in taken or any(each.kind is each.VAR_KEYWORD for each in taken.values())
