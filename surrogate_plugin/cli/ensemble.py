"""``surrogate-plugin ensemble``: many simulations side by side, as a file describes them, or what has come of them."""

from __future__ import annotations

import sys
import time
from contextlib import AbstractContextManager, nullcontext, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from surrogate_plugin.cli import options, outputs
from surrogate_plugin.cli.console import (
    FOUND,
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
    from surrogate_plugin.ensemble.pool import Batches
    from surrogate_plugin.ensemble.results import Results


def ensemble(
    path: Annotated[
        Path, typer.Argument(help="What is run, over which parameters (.toml), or the store of an ensemble (.zarr).")
    ] = Path("ensemble.toml"),
    workers: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="So many other processes of this machine; 0 for this one alone (default: as many as pay).",
        ),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(help='The address of a dask scheduler, whose workers see the folder of the store; or "local".'),
    ] = None,
    picture: Annotated[
        Path | None, typer.Option("--output", "-o", help="A picture of a number over the parameters (.png).")
    ] = None,
    what: Annotated[str | None, typer.Option(help="Which number the picture shows (default: the first).")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin anew, and leave behind what is in the store.")] = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Run many simulations side by side, on all cores or on a GPU.

    The file names a function of Python, or a settings file, and a sweep over parameters. What is finished is kept at
    once: after Ctrl-C, after a kill and with more parameters, the same command goes on. A member that fails stops no
    other, and is tried again by the same command.

    Examples
    --------
    surrogate-plugin ensemble
    surrogate-plugin ensemble tumours.toml --workers 4
    surrogate-plugin ensemble tumours.toml --scheduler tcp://10.0.0.7:8786
    surrogate-plugin ensemble tumours.zarr --what hypoxic -o hypoxic.png

    Exit codes
    ----------
    1 : a member failed, or of a store that is only looked at: is not finished

    JSON
    ----
    store : where it is
    members : how many
    finished : how many
    before : how many were finished before this command
    failed : the error of each member that failed, by its row
    numbers : of each number its least, median and largest
    batches : how many batches this command solved, of how many problems, and how many were in the largest
    processes : of this machine, how many ran members at once
    seconds : that it took
    written : files
    """
    # What members print is no part of the object.
    printed: AbstractContextManager[Any] = redirect_stdout(sys.stderr) if json else nullcontext()
    with plain_errors():
        if picture is not None:  # nobody is to wait for a picture that cannot be drawn
            outputs.check_picture(picture, [path])
        began = time.perf_counter()
        with printed:
            results, did = _looked_at(path) if _is_store(path) else _run(path, workers, scheduler, fresh, quiet)
        written = [] if picture is None else [_drawn(results, what, picture)]
    seconds = time.perf_counter() - began
    if json:
        print_json(_said(results, did, seconds, written))
    elif not quiet:
        _print(results, did, seconds, written)
    if not results.finished.all():
        raise typer.Exit(FOUND)


def _is_store(path: Path) -> bool:
    return path.is_dir() or path.suffix == ".zarr"


@dataclass(frozen=True)
class _Done:
    """What a command did; without batches where it looked at a store."""

    before: int
    batches: Batches | None = None
    processes: int | None = None


def _looked_at(path: Path) -> tuple[Results, _Done]:
    from surrogate_plugin.ensemble.results import Results

    results = Results(path)
    return results, _Done(int(results.finished.sum()))


def _run(path: Path, workers: int | None, scheduler: str | None, fresh: bool, quiet: bool) -> tuple[Results, _Done]:
    from surrogate_plugin.ensemble.files import read_ensemble
    from surrogate_plugin.ensemble.run import going_of

    if not path.exists():
        raise InvalidProblemError(f"there is no {path}; docs/ensembles.md shows what it may say.")
    said = read_ensemble(path)
    going = going_of(
        said.function, said.sweep, said.out, repeats=said.repeats, seed=said.seed, workers=workers,
        scheduler=scheduler, fresh=fresh, **said.options,
    )  # fmt: skip
    members = len(going.wanted.members)
    with (
        stopped_at_once("Stopped; what was finished is kept, and the same command goes on."),
        progress("members", members, quiet=quiet) as bar,
    ):
        bar.skip(going.finished)
        going.run(bar.advance)
    return going.results(), _Done(going.finished, going.batches, going.processes if scheduler is None else None)


def _drawn(results: Results, what: str | None, picture: Path) -> Path:
    from surrogate_plugin.ensemble.picture import draw

    if what is None and not results.numbers:
        raise InvalidProblemError(f"{results.path} has no numbers of which a picture could be drawn.")
    draw(results, results.numbers[0] if what is None else what, picture)
    return picture


def _print(results: Results, did: _Done, seconds: float, written: list[Path]) -> None:
    made = table("Ensemble", "", "")
    made.show_header = False
    made.add_row("members", f"{len(results):,}")
    batches = did.batches
    told = f" ({did.before:,} before)" if did.before and batches is not None else ""
    made.add_row("finished", f"{int(results.finished.sum()):,}{told}")
    if results.failed:
        made.add_row("failed", f"{len(results.failed):,}")
    if batches is not None and batches.count:
        mean = batches.problems / batches.count
        made.add_row("solved", f"{batches.problems:,} problems in {batches.count:,} batches of {mean:.3g} on average")
    if batches is not None:
        places = f" in {did.processes} processes" if did.processes is not None and did.processes > 1 else ""
        made.add_row("took", f"{seconds:.1f} s{places}")
    made.add_row("store", escape(str(results.path)))
    for path in written:
        made.add_row("written", escape(str(path)))
    stdout().print(made)
    if results.numbers:
        numbers = table("Numbers", "name", "least", "median", "largest")
        for name, said in _ranges(results).items():
            numbers.add_row(escape(name), *(f"{each:.6g}" for each in said.values()))
        stdout().print(numbers)
    for index, failure in results.failed.items():
        stderr().print(f"Member {index} failed: {failure.error}", style="bold red", markup=False, soft_wrap=True)


def _ranges(results: Results) -> dict[str, dict[str, float]]:
    """Least, median and largest of each number that is finite somewhere."""
    import numpy as np

    found = {}
    for name in results.numbers:
        column = results.number(name)
        there = column[np.isfinite(column)]
        if len(there):
            ends = {"least": float(there.min()), "median": float(np.median(there)), "largest": float(there.max())}
            found[name] = ends
    return found


def _said(results: Results, did: _Done, seconds: float, written: list[Path]) -> dict[str, Any]:
    return {
        "store": str(results.path),
        "members": len(results),
        "finished": int(results.finished.sum()),
        "before": did.before,
        "failed": {index: failure.error for index, failure in results.failed.items()},
        "numbers": _ranges(results),
        "batches": None if did.batches is None else vars(did.batches),
        "processes": did.processes,
        "seconds": seconds,
        "written": [str(path) for path in written],
    }
