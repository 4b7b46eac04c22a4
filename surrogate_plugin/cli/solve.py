"""``surrogate-plugin solve``: a picture of sources in, the field out, with who answered and the bound on the error."""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import nullcontext, suppress
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from surrogate_plugin import files
from surrogate_plugin.cli.answer import Answer, print_json, print_table
from surrogate_plugin.cli.console import BAD_INPUT, plain_errors, print_error, progress, stderr, stopped_at_once
from surrogate_plugin.equation.membranes import Membranes
from surrogate_plugin.equation.per_axis import Diffusivity, PerAxis
from surrogate_plugin.equation.problem import MichaelisMenten, Problem
from surrogate_plugin.equation.sides import Boundary, BoundaryLike, Exchange, Flux, SideLike
from surrogate_plugin.equation.storage import check_name
from surrogate_plugin.errors import InvalidProblemError

if TYPE_CHECKING:
    from surrogate_plugin.equation.solution import Solution

#: The exit code where the field is there, but its bound exceeds the tolerance.
NOT_REACHED = 1
_METHODS = ("guarded", "surrogate", "exact", "spectral", "multigrid", "algebraic", "sparse-direct")


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
    output: Annotated[
        list[Path] | None,
        typer.Option("--output", "-o", help="Where the field goes: .npy, .png or .vti; may be given several times."),
    ] = None,
    save_problem: Annotated[
        Path | None,
        typer.Option(help="Where the problem goes, before it is solved: a .npz that `certify` and Problem.load read."),
    ] = None,
    white: Annotated[
        float | None, typer.Option(help="The value that the pixels of a mask are held at; 1 if not given.")
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            help="Hold what is at least this bright, as a part of white (numbers: what is at least this large). "
            "Masks are cut half way between their two shades by themselves."
        ),
    ] = None,
    values: Annotated[
        bool, typer.Option("--values", help="Hold each pixel at its own shade times --white, or its own number.")
    ] = False,
    invert: Annotated[bool, typer.Option("--invert", help="Hold the dark pixels instead of the bright ones.")] = False,
    channel: Annotated[Channel | None, typer.Option(help="Which channel of a picture; by default luminance.")] = None,
    page: Annotated[int | None, typer.Option(help="Which page of a picture with several, from 1.")] = None,
    array: Annotated[str | None, typer.Option(help="Which array of a .npz or .vti with several.")] = None,
    diffusivity: Annotated[float, typer.Option(help="Diffusivity, length^2 / time.")] = 1.0,
    diffusivity_y: Annotated[
        float | None, typer.Option(help="Diffusivity along y, where it differs; --diffusivity is along x then.")
    ] = None,
    diffusivity_map: Annotated[
        Path | None,
        typer.Option(
            help="Diffusivity per pixel: numbers, or a picture whose white is --diffusivity; nothing passes 0."
        ),
    ] = None,
    regions: Annotated[
        Path | None,
        typer.Option(help="What each pixel belongs to: a membrane lies between different numbers, or shades."),
    ] = None,
    permeability: Annotated[
        float | None, typer.Option(help="Of the membranes between --regions, length / time; 0 lets nothing through.")
    ] = None,
    decay: Annotated[float, typer.Option(help="Decay, 1 / time.")] = 1 / 400,
    decay_map: Annotated[
        Path | None,
        typer.Option(help="Decay per pixel: numbers in 1 / time, or a picture whose white is --decay."),
    ] = None,
    production: Annotated[float, typer.Option(help="Production on every free pixel, field units / time.")] = 0.0,
    vmax: Annotated[float | None, typer.Option(help="Michaelis-Menten uptake: largest rate. Goes with --km.")] = None,
    km: Annotated[float | None, typer.Option(help="Michaelis-Menten uptake: value at half the rate.")] = None,
    spacing: Annotated[
        str | None,
        typer.Option(help="Length per pixel, or height,width of one; by default what a .vti says, otherwise 1."),
    ] = None,
    boundary: Annotated[
        str,
        typer.Option(
            help="absorbing, reflecting, periodic, a value, flux:INWARD or exchange:RATE:VALUE; or for each side, as "
            "left=38,right=exchange:2:38 (sides left out absorb)."
        ),
    ] = "absorbing",
    tolerance: Annotated[
        float | None,
        typer.Option(help="Largest pointwise error allowed, field units; by default 1 % of the largest imposed value."),
    ] = None,
    method: Annotated[
        str,
        typer.Option(
            help="guarded, surrogate, exact, spectral, multigrid, algebraic, sparse-direct, or a plugin's name.",
            autocompletion=lambda: list(_METHODS),
        ),
    ] = "guarded",
    policy: Annotated[Policy, typer.Option(help="Which certified route the guarded method takes.")] = Policy.FASTEST,
    device: Annotated[str, typer.Option(help="Where the network runs: auto, cpu or cuda.")] = "auto",
    units: Annotated[str, typer.Option(help="Unit of the field, as mmHg; printed and written into the outputs.")] = "",
    length_units: Annotated[str, typer.Option(help="Unit of lengths, as um; likewise.")] = "",
    colours: Annotated[str, typer.Option(help="Colour map of a .png output and of the page.")] = "viridis",
    report: Annotated[
        Path | None, typer.Option(help="Where a page of the solve goes, as run.html: one file to show to others.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of the table.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> None:
    """Solve for the steady field around what a picture holds.

    Prints which pixels are held, who answered, the bound on the largest pointwise error, and why the surrogate was not
    used, if so. The exit code is 1 if the bound exceeds the tolerance, and 2 if something could not be read or written.

    [bold]Example:[/] surrogate-plugin solve vessels.png --white 38 --decay 0.01 --boundary reflecting -o field.png
    """
    outputs, saved = output or [], [] if save_problem is None else [save_problem]
    with plain_errors():
        _check_outputs(outputs, saved, [source, decay_map, diffusivity_map, regions], colours)
        choice = files.Choice(white, threshold, values, invert, page, channel and channel.value, array)
        read = files.read_source(source, choice)
        rates = None if decay_map is None else files.read_map(decay_map, decay)
        tissue = None if diffusivity_map is None else files.read_map(diffusivity_map, diffusivity)
        maps = [each for each in (rates, tissue) if each is not None]
        problem = Problem(
            read.values,
            fixed=read.fixed,
            diffusivity=_diffusivity(diffusivity, diffusivity_y, tissue),
            decay=decay if rates is None else rates.values,
            production=production,
            uptake=_uptake(vmax, km),
            spacing=(read.spacing or 1.0) if spacing is None else parse_spacing(spacing),
            boundary=parse_boundary(boundary),
            membranes=_membranes(regions, permeability, parse_boundary(boundary)),
        )
        _check_supplied(problem, read)
        if report is not None:
            from surrogate_plugin.cli.solve_page import check_page, write_page

            check_page(report)
        for path in outputs:
            files.check_writable(path, pixels=problem.source.size, colours=colours)
        for path in saved:
            problem.save(path)
        warnings = [*read.warnings, *(warning for each in maps for warning in each.warnings)]
        _warn([] if quiet else warnings)
        if tolerance is None and method == "guarded" and problem.largest_imposed > 0:
            tolerance = 0.01 * problem.largest_imposed
        solution, seconds = _run(problem, method, tolerance, device, policy, quiet)
        told = files.Told(solution.method, solution.error_bound, tolerance, units, length_units)
        written = _write(outputs, solution, problem.spacing, colours, told)
        answer = Answer(
            problem, solution, told, seconds, read.rule, (*read.notes, *(note for each in maps for note in each.notes)),
            tuple(warnings), (*saved, *written),
        )  # fmt: skip
        if report is not None:
            write_page(answer, source.name, colours, report)
            answer = replace(answer, written=(*answer.written, report))
    if not quiet:
        (print_json if json else print_table)(answer)
    if len(written) < len(outputs):
        raise typer.Exit(BAD_INPUT)
    if not answer.reached:
        raise typer.Exit(NOT_REACHED)


def _run(
    problem: Problem, method: str, tolerance: float | None, device: str, policy: Policy, quiet: bool
) -> tuple[Solution, float]:
    import surrogate_plugin as sp

    with stopped_at_once("Stopped; no field was written."), nullcontext() if quiet else progress("solving"):
        begin = time.perf_counter()
        solution = sp.solve(problem, method=method, tolerance=tolerance, device=device, policy=policy.value)
        return solution, time.perf_counter() - begin


def _check_outputs(outputs: list[Path], saved: list[Path], inputs: list[Path | None], colours: str) -> None:
    """Refuse outputs that cannot be written, or would overwrite what is read or one another."""
    read = {os.path.realpath(path) for path in inputs if path is not None}
    seen: set[str] = set()
    for path in outputs:
        files.check_writable(path, colours=colours)
    for path in saved:
        check_name(path)
    for path in (*saved, *outputs):
        place = os.path.realpath(path)
        if place in read or place in seen:
            what = "is read" if place in read else "is written already"
            raise InvalidProblemError(f"output {str(path)!r} {what}; another name is allowed.")
        seen.add(place)


def _check_supplied(problem: Problem, read: files.Source) -> None:
    """Refuse a field that is 0 everywhere, which nobody asks for on purpose."""
    if read.nothing and problem.largest_imposed == 0 and not np.any(problem.supply):
        raise InvalidProblemError(
            f"{read.nothing}, so nothing is held, and neither a side nor production supplies anything: the field would "
            "be 0 everywhere."
        )


def _warn(warnings: list[str]) -> None:
    for warning in warnings:
        stderr().print(f"Warning: {warning}", style="yellow", markup=False, soft_wrap=True)


def _write(
    outputs: list[Path], solution: Solution, spacing: float | tuple[float, ...], colours: str, told: files.Told
) -> list[Path]:
    """Write what can be written, so that one full disk costs no other output; return what was.

    Where nothing could be, the numbers go to the folder for temporary files, so that the solve is not lost.
    """
    written = []
    for path in outputs:
        try:
            files.write_field(path, solution.field, spacing=spacing, colours=colours, told=told)
            written.append(path)
        except OSError as error:
            print_error(str(error))
    if outputs and not written:
        kept = Path(tempfile.gettempdir()) / f"surrogate-plugin-field-{os.getpid()}.npy"
        with suppress(OSError):
            files.write_field(kept, solution.field)
            stderr().print(f"The field is kept in {kept}.", markup=False, soft_wrap=True)
    return written


def parse_boundary(text: str) -> BoundaryLike:
    """``"reflecting"``, ``"38"`` or ``"left=38,right=exchange:2:38"`` as `Problem` takes it.

    Examples
    --------
    >>> parse_boundary("left=38, right=reflecting")
    {'left': 38.0, 'right': 'reflecting'}
    >>> parse_boundary("left=flux:3, right=exchange:2:38")
    {'left': Flux(inward=3.0), 'right': Exchange(rate=2.0, value=38.0)}
    """
    if "=" not in text:
        return _side(text)
    sides: dict[str, SideLike] = {}
    for part in text.split(","):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or name in sides:
            raise InvalidProblemError(f"boundary has {part.strip()!r}; side=kind, each side once, is allowed.")
        sides[name] = _side(value)
    return sides


def _side(text: str) -> SideLike:
    kind, *numbers = (piece.strip() for piece in text.split(":"))
    if kind not in ("flux", "exchange"):
        try:
            return float(text)
        except ValueError:
            return text.strip()
    try:
        each = [float(number) for number in numbers]
    except ValueError:
        each = []
    if len(each) != (1 if kind == "flux" else 2):
        raise InvalidProblemError(f"boundary has {text.strip()!r}; flux:INWARD and exchange:RATE:VALUE are allowed.")
    return Flux(*each) if kind == "flux" else Exchange(*each)


def parse_spacing(text: str) -> float | tuple[float, ...]:
    """``"20"`` or ``"20,30"``, the height and the width of a pixel, as `Problem` takes it.

    Examples
    --------
    >>> parse_spacing("20,30")
    (20.0, 30.0)
    """
    try:
        each = tuple(float(piece) for piece in text.split(","))
    except ValueError:
        raise InvalidProblemError(f"spacing is {text!r}; a number, or height,width is allowed.") from None
    return each[0] if len(each) == 1 else each


def _diffusivity(along_x: float, along_y: float | None, tissue: files.Map | None) -> Diffusivity:
    if along_y is None:
        return along_x if tissue is None else tissue.values
    if tissue is not None:
        raise InvalidProblemError("diffusivity_y and diffusivity_map are both given; one of them is allowed.")
    return PerAxis(x=along_x, y=along_y)


def _membranes(regions: Path | None, permeability: float | None, boundary: BoundaryLike) -> Membranes | None:
    if regions is None and permeability is None:
        return None
    if regions is None or permeability is None:
        raise InvalidProblemError(f"regions is {regions} and permeability {permeability}; give both, or neither.")
    values = files.read_map(regions, 1.0).values
    _, ids = np.unique(values, return_inverse=True)
    return Membranes.between(ids.reshape(values.shape), permeability, rings=Boundary.parse(boundary).rings)


def _uptake(vmax: float | None, km: float | None) -> MichaelisMenten | None:
    if vmax is None and km is None:
        return None
    if vmax is None or km is None:
        raise InvalidProblemError(f"uptake has vmax {vmax} and km {km}; give both --vmax and --km, or neither.")
    return MichaelisMenten(vmax, km)
