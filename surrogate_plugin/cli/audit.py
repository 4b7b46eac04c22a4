"""``surrogate-plugin audit``: a finished run in, a number for how wrong its fields were out."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from surrogate_plugin.cli import completion, options
from surrogate_plugin.cli.console import (
    FOUND,
    Bar,
    notes,
    plain_errors,
    print_json,
    progress,
    stdout,
    stopped_at_once,
    table,
)
from surrogate_plugin.errors import InvalidProblemError

if TYPE_CHECKING:
    from surrogate_plugin.audit.run import Run
    from surrogate_plugin.audit.tables import Audit, Entry


def audit(
    run: Annotated[Path, typer.Argument(help="Output folder or project of a finished run, or saves of pyphysicell.")],
    substrate: Annotated[
        list[str] | None,
        typer.Option(
            "--substrate",
            "-s",
            autocompletion=completion.substrates,
            help="Only this one; may be given several times.",
        ),
    ] = None,
    moments: Annotated[
        str | None,
        typer.Option(
            autocompletion=completion.moments,
            help="Which: 'last', names with commas between, or 'START:END' in min; all by default.",
        ),
    ] = None,
    threshold: Annotated[
        list[str] | None,
        typer.Option(help="Count cells on the wrong side, as oxygen=5 (which is the default), in the field's unit."),
    ] = None,
    tolerance: Annotated[
        float | None, typer.Option(min=0, help="Difference that counts as none; 1 % of the largest value by default.")
    ] = None,
    settings: options.RunSettings = None,
    nodes: options.RunNodes = None,
    report: Annotated[Path | None, typer.Option(help="Write an HTML page with tables and maps.")] = None,
    steady_only: Annotated[
        bool, typer.Option("--steady-only", help="Leave the steps in time out: quicker, and no difference is judged.")
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin anew where an audit was stopped, and not where it was.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Leave with exit code 1 where an error is shown.")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Say what every moment means, and not the last one alone.")
    ] = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """How far the fields that the cells of a finished run saw were from certified ones; nothing is run again.

    The steady field of every saved moment's cells and sides is solved with a bound on its error, and certified steps in
    time from the saved moment before tell an error of the run from a field that was not yet steady. An audit that was
    stopped, or killed, goes on where it was with the same command, as long as the run's files are the same.

    Examples
    --------
    surrogate-plugin audit output --substrate oxygen --report audit.html
    surrogate-plugin audit output --moments last --threshold oxygen=5 --json
    surrogate-plugin audit output --strict --quiet

    Exit codes
    ----------
    1 : with --strict, where an error of the run is shown

    JSON
    ----
    host, source : which simulator, and where its files were read
    diffusion_step_min : its time step for diffusion, in minutes, or null
    notes : sentences on how the run was read
    seconds : of the audit
    entries : one a moment and substrate: verdict and sentence, tolerance, difference from the steady field, its bound,
        how much of it is error, steps in time, pace, cells on the wrong side of a threshold, and time steps
    written : files
    """
    from surrogate_plugin.audit.auditing import audit as audited
    from surrogate_plugin.audit.keeping import place_of
    from surrogate_plugin.audit.reading import open_run

    with plain_errors():
        if report is not None:
            _check_report(report)
        limits = _thresholds(threshold)
        given = {"settings": settings, "nodes": nodes}
        found = open_run(run, **{name: value for name, value in given.items() if value is not None})
        chosen = _moments(found, moments)
        unknown = [name for name in limits if name not in found.facts.substrates]
        if unknown:
            raise InvalidProblemError(
                f"threshold names {unknown[0]!r}, which the run does not have; it has "
                f"{', '.join(found.facts.substrates)}."
            )
        count = len(chosen) * len(substrate or found.facts.substrates)
        kept = place_of(found.facts.source)
        if fresh:
            kept.unlink(missing_ok=True)
        farewell = "Stopped; the same command goes on with the moment that it was at."
        with stopped_at_once(farewell), progress("auditing", count, quiet=quiet) as bar:
            entry = _moves(bar, chosen, list(substrate or found.facts.substrates), quiet)
            result = audited(
                found, substrates=substrate, moments=chosen, tolerance=tolerance or None, thresholds=limits or None,
                in_time=not steady_only, progress=entry, keep=kept,
            )  # fmt: skip
        if report is not None:
            from surrogate_plugin.audit.page import audit_page

            audit_page(result).write(report)
        with suppress(OSError):
            kept.unlink(missing_ok=True)
    if not quiet:
        _print_object(result, report) if json else _print_tables(result, report, verbose)
    if strict and any(entry.error_at_least > entry.tolerance for entry in result.entries):
        raise typer.Exit(FOUND)


def _moves(bar: Bar, moments: list[str], substrates: list[str], quiet: bool) -> Callable[[str, str], None]:
    """What an audit tells before each of its entries, as a bar shows it; the first says how many were kept."""
    begun = False

    def move(moment: str, substrate: str) -> None:
        nonlocal begun
        if begun:
            bar.advance()
        elif moments.index(moment):
            bar.skip(moments.index(moment) * len(substrates))
            kept = f"goes on at {moment}, as an audit that was stopped has {moments.index(moment)} of {len(moments)}."
            notes([] if quiet else [kept])
        begun = True
        bar.say(f"{moment} {substrate}")

    return move


def _check_report(path: Path) -> None:
    if path.suffix.lower() not in (".html", ".htm"):
        raise InvalidProblemError(f"report is {str(path)!r}; a name that ends in .html is allowed.")
    if not path.resolve().parent.is_dir():
        raise InvalidProblemError(f"report is {str(path)!r}, in a folder that does not exist.")


def _thresholds(given: list[str] | None) -> dict[str, float]:
    """What was given as ``substrate=value``."""
    found = {}
    for text in given or []:
        name, equals, value = text.rpartition("=")
        try:
            found[name.strip()] = float(value)
        except ValueError:
            equals = ""
        if not equals or not found[name.strip()] >= 0:
            raise InvalidProblemError(f"threshold is {text!r}; a substrate and a number >= 0 are allowed, as oxygen=5.")
    return found


def _moments(run: Run, given: str | None) -> list[str]:
    """The names of the moments that are meant."""
    names = list(run.names)
    if given is None:
        return names
    if given == "last":
        return names[-1:]
    if ":" in given:
        try:
            start, end = (float(text) if text.strip() else limit for text, limit in zip(
                given.split(":"), (0.0, float("inf")), strict=True))  # fmt: skip
        except ValueError:
            raise InvalidProblemError(
                f"moments is {given!r}; two numbers of minutes, as 60:240, are allowed."
            ) from None
        chosen = [name for name in names if start <= run.moment(name).time_min <= end]
        if not chosen:
            raise InvalidProblemError(f"moments is {given!r}, in which no moment was saved.")
        return chosen
    return [name.strip() for name in given.split(",") if name.strip()]


def _print_object(result: Audit, report: Path | None) -> None:
    print_json({**result.as_json(), "written": [] if report is None else [str(report)]})


def _print_tables(result: Audit, report: Path | None, verbose: bool) -> None:
    """One table a substrate, and what its last moment means, or each of them."""
    for substrate in result.substrates:
        entries = result.of(substrate)
        made = table(escape(_title(entries[0])), "min", "largest", "L2", "at cells", "bound", "verdict")
        for entry in entries:
            made.add_row(f"{entry.time_min:g}", *map(escape, _row(entry)))
        stdout().print(made)
        for entry in entries if verbose else entries[-1:]:
            when = f"At {entry.time_min:g} min: " if verbose else ""
            for line in _sentences(entry):
                stdout().print(f"  {when}{line}", markup=False)
    notes(result.notes)
    if report is not None:
        stdout().print(f"Written: {report}", markup=False, soft_wrap=True)
    sys.stdout.flush()


def _title(entry: Entry) -> str:
    return f"{entry.substrate}{f' ({entry.units})' if entry.units else ''}: saved less steady"


def _row(entry: Entry) -> list[str]:
    if entry.steady is None:
        return ["", "", "", "", entry.verdict]
    share = entry.steady.relative_l2
    return [
        f"{entry.steady.largest:.3g}",
        "" if share != share else f"{100 * share:.2g} %",
        f"{entry.steady.median:+.3g}" if entry.steady.cells else "",
        f"{entry.bound:.1g}",
        entry.verdict,
    ]


def _sentences(entry: Entry) -> list[str]:
    """What the last moment of a substrate means, and what would help."""
    said, units = [entry.sentence], f" {entry.units}" if entry.units else ""
    step, crossing = entry.time_step, entry.crossing
    if step is not None and step.predicted_at_cells > entry.tolerance:
        if step.small_enough_min is not None and step.then is not None:
            said.append(
                f"With a diffusion step of {step.small_enough_min:g} min instead of {step.dt_min:g} no cell would be "
                f"off by more than {step.then:.2g}{units} at rest: an estimate."
            )
        else:
            said.append(f"No diffusion step down to {1e-5 * step.dt_min:g} min is small enough, as an estimate.")
    if crossing is not None and not (crossing.below_saved or crossing.below_steady):
        said.append(f"No living cell was below {crossing.threshold:g}{units}, nor would one be in the steady field.")
    elif crossing is not None:
        said.append(
            f"Below {crossing.threshold:g}{units}: {crossing.below_saved} living cells, {crossing.below_steady} in "
            f"the steady field; {len(crossing.made_low)} only as saved, {len(crossing.made_high)} only steady."
        )
    return said
