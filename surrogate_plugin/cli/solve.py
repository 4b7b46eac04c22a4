"""``surrogate-plugin solve``: a picture of sources in, the field out, with who answered and the bound on the error."""

from __future__ import annotations

import time
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from surrogate_plugin.cli import completion, options
from surrogate_plugin.cli.console import BAD_INPUT, FOUND, notes, plain_errors, progress, stopped_at_once
from surrogate_plugin.errors import InvalidProblemError

if TYPE_CHECKING:
    from surrogate_plugin import files
    from surrogate_plugin.engine.discretisation import DiscretisationEstimate
    from surrogate_plugin.equation.problem import Problem
    from surrogate_plugin.equation.solution import Solution

_held, _equation = options.under("What is held"), options.under("The equation")
_solving, _out = options.under("How it is solved"), options.under("What comes out")


class Policy(StrEnum):
    """Which certified route the guarded method takes first."""

    FASTEST = "fastest"
    SURROGATE_FIRST = "surrogate-first"


class Channel(StrEnum):
    """What of a coloured picture is read."""

    LUMINANCE = "luminance"
    RED = "red"
    GREEN = "green"
    BLUE = "blue"
    ALPHA = "alpha"


def solve(
    source: Annotated[Path, typer.Argument(help="What is held: a picture, or numbers as .npy, .npz, .csv or .vti.")],
    white: Annotated[
        float | None, _held(help="The value that the pixels of a mask are held at; 1 if not given.")
    ] = None,
    threshold: Annotated[
        float | None,
        _held(
            help="Hold what is at least this bright, as a part of white (numbers: what is at least this large). "
            "Masks are cut half way between their two shades by themselves."
        ),
    ] = None,
    values: Annotated[
        bool, _held("--values", help="Hold each pixel at its own shade times --white, or its own number.")
    ] = False,
    invert: Annotated[bool, _held("--invert", help="Hold the dark pixels instead of the bright ones.")] = False,
    channel: Annotated[Channel | None, _held(help="Which channel of a picture; by default luminance.")] = None,
    page: Annotated[int | None, _held(help="Which page of a picture with several, from 1.")] = None,
    array: Annotated[str | None, _held(help="Which array of a .npz or .vti with several.")] = None,
    diffusivity: Annotated[float, _equation(help="Diffusivity, length^2 / time.")] = 1.0,
    diffusivity_y: Annotated[
        float | None, _equation(help="Diffusivity along y, where it differs; --diffusivity is along x then.")
    ] = None,
    diffusivity_map: Annotated[
        Path | None,
        _equation(help="Diffusivity per pixel: numbers, or a picture whose white is --diffusivity; nothing passes 0."),
    ] = None,
    regions: Annotated[
        Path | None, _equation(help="What each pixel belongs to: a membrane lies between different numbers, or shades.")
    ] = None,
    permeability: Annotated[
        float | None, _equation(help="Of the membranes between --regions, length / time; 0 lets nothing through.")
    ] = None,
    decay: Annotated[float, _equation(help="Decay, 1 / time.")] = 1 / 400,
    decay_map: Annotated[
        Path | None, _equation(help="Decay per pixel: numbers in 1 / time, or a picture whose white is --decay.")
    ] = None,
    production: Annotated[float, _equation(help="Production on every free pixel, field units / time.")] = 0.0,
    vmax: Annotated[float | None, _equation(help="Michaelis-Menten uptake: largest rate. Goes with --km.")] = None,
    km: Annotated[float | None, _equation(help="Michaelis-Menten uptake: value at half the rate.")] = None,
    spacing: Annotated[
        str | None,
        _equation(help="Length per pixel, or height,width of one; by default what a .vti says, otherwise 1."),
    ] = None,
    boundary: Annotated[
        str,
        _equation(
            autocompletion=completion.boundaries,
            help="absorbing, reflecting, periodic, a value, flux:INWARD or exchange:RATE:VALUE; or for each side, as "
            "left=38,right=exchange:2:38 (sides left out absorb).",
        ),
    ] = "absorbing",
    tolerance: Annotated[
        float | None,
        _solving(help="Largest pointwise error allowed, field units; by default 1 % of the largest imposed value."),
    ] = None,
    method: Annotated[
        str,
        _solving(
            autocompletion=completion.methods,
            help="guarded, surrogate, exact, spectral, multigrid, algebraic, sparse-direct, or a plugin's name.",
        ),
    ] = "guarded",
    policy: Annotated[Policy, _solving(help="Which certified route the guarded method takes.")] = Policy.FASTEST,
    device: Annotated[
        str, _solving(autocompletion=completion.devices, help="Where the network runs: auto, cpu or cuda.")
    ] = "auto",
    discretisation: Annotated[
        bool,
        _solving(
            "--discretisation",
            help="Also estimate how far the lattice's exact field is from that of the continuous equation, by a solve "
            "on a lattice of a third of the spacing, and of a fifth up to 256 x 256 pixels. It is an estimate, beside "
            "the bound.",
        ),
    ] = False,
    output: Annotated[
        list[Path] | None,
        _out("--output", "-o", help="Where the field goes: .npy, .png or .vti; may be given several times."),
    ] = None,
    save_problem: Annotated[
        Path | None,
        _out(help="Where the problem goes, before it is solved: a .npz that `certify` and Problem.load read."),
    ] = None,
    units: Annotated[
        str, _out(callback=options.text, help="Unit of the field, as mmHg; printed and written into the outputs.")
    ] = "",
    length_units: Annotated[str, _out(callback=options.text, help="Unit of lengths, as um; likewise.")] = "",
    colours: Annotated[
        str,
        _out(
            "--colours",
            "--colour-map",
            autocompletion=completion.colours,
            help="Colour map of a .png output and of the page.",
        ),
    ] = "viridis",
    report: Annotated[
        Path | None, _out(help="Where a page of the solve goes, as run.html: one file to show to others.")
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Say too where the solve started, why there, and what was counted.")
    ] = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Solve for the steady field around what a picture holds.

    Prints which pixels are held, who answered, the bound on the largest pointwise error, and why the surrogate was not
    used, if so.

    Examples
    --------
    surrogate-plugin solve vessels.png --white 38 --decay 0.01 --boundary reflecting -o field.png
    surrogate-plugin solve source.npy --decay-map decay.npy --tolerance 0.1 --json
    surrogate-plugin solve vessels.png --save-problem problem.npz -o field.npy --report solve.html

    Exit codes
    ----------
    1 : the bound exceeds the tolerance; the field is written all the same

    JSON
    ----
    method : who answered
    error_bound : the largest error anywhere, at most; null where nothing can be shown
    tolerance : what was asked for, or null
    tolerance_reached : whether the bound is within it
    discretisation : with --discretisation its estimate, uncertainty, order, reliable (null: not known) and spacings
    values : lowest and highest value of the field
    units, length_units : as given, or null
    shape, spacing : of the lattice, rows first
    held : pixels, groups and values that are held, and how they were told
    notes, warnings : sentences on what was read
    flags : why somebody faster did not answer, each with reason and message
    start, why : what was polished to the answer, and why that
    counts : iterations
    seconds : in total, for the solve, and by stage
    written : files
    """
    from surrogate_plugin import files
    from surrogate_plugin.cli import outputs as places
    from surrogate_plugin.cli import posing
    from surrogate_plugin.cli.answer import Answer, print_answer, print_table
    from surrogate_plugin.equation.problem import Problem

    outputs, saved = output or [], [] if save_problem is None else [save_problem]
    with plain_errors():
        places.check(outputs, saved, [source, decay_map, diffusivity_map, regions], colours)
        choice = files.Choice(white, threshold, values, invert, page, channel and channel.value, array)
        read = files.read_source(source, choice)
        rates = None if decay_map is None else files.read_map(decay_map, decay)
        tissue = None if diffusivity_map is None else files.read_map(diffusivity_map, diffusivity)
        maps = [each for each in (rates, tissue) if each is not None]
        sides = posing.parse_boundary(boundary)
        problem = Problem(
            read.values,
            fixed=read.fixed,
            diffusivity=posing.diffusivity_of(diffusivity, diffusivity_y, tissue),
            decay=decay if rates is None else rates.values,
            production=production,
            uptake=posing.uptake_of(vmax, km),
            spacing=(read.spacing or 1.0) if spacing is None else posing.parse_spacing(spacing),
            boundary=sides,
            membranes=posing.membranes_of(regions, permeability, sides),
        )
        _check_supplied(problem, read)
        if discretisation:
            from surrogate_plugin.engine.discretisation import check_estimable

            check_estimable(problem, _lattices(problem))
        if report is not None:
            from surrogate_plugin.cli.solve_page import check_page, write_page

            check_page(report)
        for path in outputs:
            files.check_writable(path, pixels=problem.source.size, colours=colours)
        for path in saved:
            problem.save(path)
        warnings = [*read.warnings, *(warning for each in maps for warning in each.warnings)]
        notes([] if quiet else warnings, "Warning", "yellow")
        if tolerance is None and method == "guarded" and problem.largest_imposed > 0:
            tolerance = 0.01 * problem.largest_imposed
        solution, seconds = _run(problem, method, tolerance, device, policy, quiet)
        estimate = _estimated(problem, quiet) if discretisation else None
        told = files.Told(solution.method, solution.error_bound, tolerance, units, length_units)
        written = places.write(outputs, solution, problem.spacing, colours, told)
        answer = Answer(
            problem, solution, told, seconds, read.rule, (*read.notes, *(note for each in maps for note in each.notes)),
            tuple(warnings), (*saved, *written), verbose, estimate,
        )  # fmt: skip
        if report is not None:
            write_page(answer, source.name, colours, report)
            answer = replace(answer, written=(*answer.written, report))
    if not quiet:
        (print_answer if json else print_table)(answer)
    if len(written) < len(outputs):
        raise typer.Exit(BAD_INPUT)
    if not answer.reached:
        raise typer.Exit(FOUND)


def _run(
    problem: Problem, method: str, tolerance: float | None, device: str, policy: Policy, quiet: bool
) -> tuple[Solution, float]:
    import surrogate_plugin as sp
    from surrogate_plugin.cli.expecting import expected_seconds, remember

    way = f"{method} {policy.value} {device}"
    farewell = "Stopped; no field was written, and the same command begins anew."
    with stopped_at_once(farewell), progress("solving", quiet=quiet, expected=expected_seconds(problem, way)):
        begin = time.perf_counter()
        solution = sp.solve(problem, method=method, tolerance=tolerance, device=device, policy=policy.value)
        seconds = time.perf_counter() - begin
    remember(problem, way, seconds - solution.stats.seconds.get("load", 0.0))
    return solution, seconds


def _estimated(problem: Problem, quiet: bool) -> DiscretisationEstimate:
    import surrogate_plugin as sp

    with stopped_at_once("Stopped; no field was written."), progress("solving on finer lattices", quiet=quiet):
        return sp.estimate_discretisation(problem, lattices=_lattices(problem))


def _lattices(problem: Problem) -> int:
    """Three, which show the order too, where that takes a second."""
    return 3 if problem.source.size <= 256 * 256 else 2


def _check_supplied(problem: Problem, read: files.Source) -> None:
    """Refuse a field that is 0 everywhere, which nobody asks for on purpose."""
    import numpy as np

    if read.nothing and problem.largest_imposed == 0 and not np.any(problem.supply):
        raise InvalidProblemError(
            f"{read.nothing}, so nothing is held, and neither a side nor production supplies anything: the field would "
            "be 0 everywhere."
        )
