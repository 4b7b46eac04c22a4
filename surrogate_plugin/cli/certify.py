"""``surrogate-plugin certify``: a field from anywhere and the problem it is to solve in, a bound on its error out."""

from __future__ import annotations

import math
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from surrogate_plugin.cli import options
from surrogate_plugin.cli.console import (
    FOUND,
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
    import surrogate_plugin as sp
    from surrogate_plugin import files


@dataclass(frozen=True, eq=False)
class _Verdict:
    """What is known of a field, and how it came about."""

    problem: sp.Problem
    read: files.Map
    certificate: sp.Certificate
    tolerance: float | None
    seconds: float

    @property
    def bound(self) -> float:
        """The largest error possible anywhere."""
        return self.certificate.error_bound

    @property
    def kept(self) -> bool:
        """Whether the bound is within the tolerance; where there is none, whether there is a bound at all."""
        return math.isfinite(self.bound) and (self.tolerance is None or self.bound <= self.tolerance)


def certify(
    field: Annotated[Path, typer.Argument(help="The field: numbers as .npy, .npz, .csv or .vti, row 0 at the bottom.")],
    problem: Annotated[
        Path, typer.Option(help="The problem: a .npz that Problem.save or `solve --save-problem` wrote.")
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where the bound at each pixel goes: .npy, .png or .vti.")
    ] = None,
    array: options.Array = None,
    tolerance: Annotated[
        float | None, typer.Option(min=0, help="Largest error allowed, field units; by default any that is known.")
    ] = None,
    units: options.Units = "",
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Bound the error of a field, whoever made it: its largest distance to the exact solution of the discrete problem.

    The problem is what `solve --save-problem` or `Problem.save` wrote.

    Examples
    --------
    surrogate-plugin certify field.npy --problem problem.npz --tolerance 0.4
    surrogate-plugin certify field.vti --problem problem.npz -o bound.png --json

    Exit codes
    ----------
    1 : the bound exceeds the tolerance, or nothing can be shown

    JSON
    ----
    error_bound : the largest error anywhere, at most; null where nothing can be shown
    tolerance : what was asked for, or null
    tolerance_kept : whether the bound is within it
    units : as given, or null
    shape : of the lattice, rows first
    notes, warnings : sentences on what was read
    seconds : with what had to be loaded
    written : files
    """
    from surrogate_plugin import files
    from surrogate_plugin.equation.problem import Problem

    with plain_errors():
        posed, read = Problem.load(problem), files.read_field(field, array)
        if output is not None:
            _check_output(output, [field, problem], posed.source.size)
        verdict = _judged(posed, read, tolerance, quiet)
        written = [] if output is None else _write(output, verdict, units)
    if not quiet:
        notes(read.warnings, "Warning", "yellow")
        print_json(_said(verdict, units, written)) if json else _print_table(verdict, units, written)
    if not verdict.kept:
        raise typer.Exit(FOUND)


def _judged(problem: sp.Problem, read: files.Map, tolerance: float | None, quiet: bool) -> _Verdict:
    import surrogate_plugin as sp

    with stopped_at_once(), progress("certifying", quiet=quiet):
        begin = time.perf_counter()
        certificate = sp.certify(problem, read.values)
        return _Verdict(problem, read, certificate, tolerance, time.perf_counter() - begin)


def _check_output(path: Path, inputs: list[Path], pixels: int) -> None:
    """Refuse what cannot be written, or would overwrite what is read."""
    from surrogate_plugin import files

    files.check_writable(path, pixels=pixels)
    if os.path.realpath(path) in map(os.path.realpath, inputs):
        raise InvalidProblemError(f"output {str(path)!r} is read; another name is allowed.")


def _write(path: Path, verdict: _Verdict, units: str) -> list[Path]:
    """The map, where anything can be shown: a picture of infinity is none."""
    from surrogate_plugin import files

    if not math.isfinite(verdict.bound):
        return []
    told = files.Told(error_bound=verdict.bound, tolerance=verdict.tolerance, units=units)
    files.write_field(path, verdict.certificate.error_map, spacing=verdict.problem.spacing, told=told)
    return [path]


def _print_table(verdict: _Verdict, units: str, written: list[Path]) -> None:
    """How far off it may be, beside what it was asked to be."""
    from surrogate_plugin.cli.answer import spacing_of

    unit, values, shape = f" {units}" if units else "", verdict.read.values, verdict.problem.shape
    asked = "" if verdict.tolerance is None else f" (tolerance {verdict.tolerance:.3g})"
    rows = [
        ("error at most", f"{verdict.bound:.3g}{unit}{asked}"),
        ("values", f"{values.min():.6g} to {values.max():.6g}{unit}"),
        ("lattice", f"{shape[0]} x {shape[1]} (rows x columns), spacing {spacing_of(verdict.problem)}"),
        *(("note", note) for note in verdict.read.notes),
        ("time", f"{1e3 * verdict.seconds:.1f} ms with what had to be loaded"),
        *(("written", str(path)) for path in written),
    ]
    made = table("Certificate", "", "")
    made.show_header = False
    for name, value in rows:
        made.add_row(name, escape(value))
    stdout().print(made)
    if not verdict.kept:
        what = "Nothing can be shown of this field." if math.isinf(verdict.bound) else "The tolerance is not kept."
        stderr().print(what, style="bold red")


def _said(verdict: _Verdict, units: str, written: list[Path]) -> dict[str, object]:
    """What programs are told."""
    return {
        "error_bound": verdict.bound,
        "tolerance": verdict.tolerance,
        "tolerance_kept": verdict.kept,
        "units": units or None,
        "shape": list(verdict.problem.shape),
        "notes": list(verdict.read.notes),
        "warnings": list(verdict.read.warnings),
        "seconds": verdict.seconds,
        "written": [str(path) for path in written],
    }
