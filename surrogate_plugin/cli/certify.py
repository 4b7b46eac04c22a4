"""``surrogate-plugin certify``: a field from anywhere and the problem it is to solve in, a bound on its error out."""

from __future__ import annotations

import json as json_text
import math
import os
import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from surrogate_plugin import files
from surrogate_plugin.cli.answer import spacing_of
from surrogate_plugin.cli.console import plain_errors, progress, stderr, stdout, stopped_at_once, table
from surrogate_plugin.cli.solve import NOT_REACHED
from surrogate_plugin.equation.problem import Problem
from surrogate_plugin.errors import InvalidProblemError

if TYPE_CHECKING:
    import surrogate_plugin as sp


@dataclass(frozen=True, eq=False)
class _Verdict:
    """What is known of a field, and how it came about."""

    problem: Problem
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
    array: Annotated[str | None, typer.Option(help="Which array of a .npz or .vti with several.")] = None,
    tolerance: Annotated[
        float | None, typer.Option(min=0, help="Largest error allowed, field units; by default any that is known.")
    ] = None,
    units: Annotated[str, typer.Option(help="Unit of the field, as mmHg; printed.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of the table.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> None:
    """Bound the error of a field, whoever made it: its largest distance to the exact solution of the discrete problem.

    The exit code is 1 if the bound exceeds the tolerance or nothing can be shown, and 2 if something could not be read.

    [bold]Example:[/] surrogate-plugin certify field.npy --problem problem.npz --tolerance 0.4
    """
    with plain_errors():
        posed, read = Problem.load(problem), files.read_field(field, array)
        if output is not None:
            _check_output(output, [field, problem], posed.source.size)
        verdict = _judged(posed, read, tolerance, quiet)
        if output is not None:
            _write(output, verdict, units)
    if not quiet:
        for warning in read.warnings:
            stderr().print(f"Warning: {warning}", style="yellow", markup=False, soft_wrap=True)
        _print_json(verdict) if json else _print_table(verdict, units)
    if not verdict.kept:
        raise typer.Exit(NOT_REACHED)


def _judged(problem: Problem, read: files.Map, tolerance: float | None, quiet: bool) -> _Verdict:
    import surrogate_plugin as sp

    with stopped_at_once(), nullcontext() if quiet else progress("certifying"):
        begin = time.perf_counter()
        certificate = sp.certify(problem, read.values)
        return _Verdict(problem, read, certificate, tolerance, time.perf_counter() - begin)


def _check_output(path: Path, inputs: list[Path], pixels: int) -> None:
    """Refuse what cannot be written, or would overwrite what is read."""
    files.check_writable(path, pixels=pixels)
    if os.path.realpath(path) in map(os.path.realpath, inputs):
        raise InvalidProblemError(f"output {str(path)!r} is read; another name is allowed.")


def _write(path: Path, verdict: _Verdict, units: str) -> None:
    """The map, where anything can be shown: a picture of infinity is none."""
    if math.isfinite(verdict.bound):
        told = files.Told(error_bound=verdict.bound, tolerance=verdict.tolerance, units=units)
        files.write_field(path, verdict.certificate.error_map, spacing=verdict.problem.spacing, told=told)


def _print_table(verdict: _Verdict, units: str) -> None:
    """How far off it may be, beside what it was asked to be."""
    unit, values, shape = f" {units}" if units else "", verdict.read.values, verdict.problem.shape
    asked = "" if verdict.tolerance is None else f" (tolerance {verdict.tolerance:.3g})"
    rows = [
        ("error at most", f"{verdict.bound:.3g}{unit}{asked}"),
        ("values", f"{values.min():.6g} to {values.max():.6g}{unit}"),
        ("lattice", f"{shape[0]} x {shape[1]} (rows x columns), spacing {spacing_of(verdict.problem)}"),
        *(("note", note) for note in verdict.read.notes),
        ("time", f"{1e3 * verdict.seconds:.1f} ms with what had to be loaded"),
    ]
    made = table("Certificate", "", "")
    made.show_header = False
    for name, value in rows:
        made.add_row(name, escape(value))
    stdout().print(made)
    if not verdict.kept:
        what = "Nothing can be shown of this field." if math.isinf(verdict.bound) else "The tolerance is not kept."
        stderr().print(what, style="bold red")


def _print_json(verdict: _Verdict) -> None:
    """One line of JSON; a bound that is infinite is null."""
    said = {
        "error_bound": verdict.bound if math.isfinite(verdict.bound) else None,
        "tolerance": verdict.tolerance,
        "tolerance_kept": verdict.kept,
        "shape": list(verdict.problem.shape),
        "notes": list(verdict.read.notes),
        "warnings": list(verdict.read.warnings),
        "seconds": verdict.seconds,
    }
    typer.echo(json_text.dumps(said, allow_nan=False))
