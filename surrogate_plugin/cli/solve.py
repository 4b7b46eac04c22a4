"""``surrogate-plugin solve``: a source image in, the field out, with who answered and the bound on the error."""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from surrogate_plugin import image
from surrogate_plugin.boundary import BoundaryLike, SideLike
from surrogate_plugin.cli.console import plain_errors, progress, stdout, table
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.problem import Coefficient, MichaelisMenten, Problem

if TYPE_CHECKING:
    from surrogate_plugin.solution import Solution


class Policy(StrEnum):
    """Which certified route the guarded method takes first."""

    SURROGATE_FIRST = "surrogate-first"
    FASTEST = "fastest"


def solve(
    source: Annotated[
        Path, typer.Argument(help="The sources: a .npy array of imposed values, or a picture (black is free).")
    ],
    output: Annotated[
        list[Path] | None,
        typer.Option("--output", "-o", help="Where the field goes: .npy, .png or .vti; may be given several times."),
    ] = None,
    white: Annotated[float, typer.Option(help="What white stands for in a source picture.")] = 1.0,
    diffusivity: Annotated[float, typer.Option(help="Diffusivity, length^2 / time.")] = 1.0,
    decay: Annotated[float, typer.Option(help="Decay, 1 / time.")] = 1 / 400,
    decay_map: Annotated[
        Path | None,
        typer.Option(help="Decay per pixel: a .npy array in 1 / time, or a picture whose white is --decay."),
    ] = None,
    production: Annotated[float, typer.Option(help="Production on every free pixel, field units / time.")] = 0.0,
    vmax: Annotated[float | None, typer.Option(help="Michaelis-Menten uptake: largest rate. Goes with --km.")] = None,
    km: Annotated[float | None, typer.Option(help="Michaelis-Menten uptake: value at half the rate.")] = None,
    spacing: Annotated[float, typer.Option(help="Length per pixel.")] = 1.0,
    boundary: Annotated[
        str,
        typer.Option(
            help="absorbing, reflecting, periodic or a value; or for each side, as left=38,right=reflecting "
            "(sides left out absorb)."
        ),
    ] = "absorbing",
    tolerance: Annotated[
        float | None,
        typer.Option(help="Largest pointwise error allowed, field units; by default 1 % of the largest imposed value."),
    ] = None,
    method: Annotated[
        str,
        typer.Option(help="guarded, surrogate, exact, spectral, multigrid, sparse-direct, or a plugin's name."),
    ] = "guarded",
    policy: Annotated[Policy, typer.Option(help="Which certified route goes first.")] = Policy.SURROGATE_FIRST,
    device: Annotated[str, typer.Option(help="Where the network runs: auto, cpu, cuda...")] = "auto",
    colours: Annotated[str, typer.Option(help="Colour map of a .png output.")] = "viridis",
) -> None:
    """Solve for the steady field of a source image.

    Prints who answered, the bound on the largest pointwise error, and why the surrogate was not used, if so.

    [bold]Example:[/] surrogate-plugin solve vessels.png --white 38 --decay 0.01 --boundary reflecting -o field.png
    """
    outputs = output or []
    with plain_errors():
        for path in outputs:
            image.check_writable(path)
        problem = Problem(
            image.read_lattice(source, white),
            diffusivity=diffusivity,
            decay=_decay(decay, decay_map),
            production=production,
            uptake=_uptake(vmax, km),
            spacing=spacing,
            boundary=parse_boundary(boundary),
        )
        solution, seconds = _run(problem, method, tolerance, device, policy)
        for path in outputs:
            image.write_field(path, solution.field, spacing=spacing, colours=colours)
    _report(problem, solution, seconds, outputs)


def _run(problem: Problem, method: str, tolerance: float | None, device: str, policy: Policy) -> tuple[Solution, float]:
    import surrogate_plugin as sp

    with progress("solving"):
        begin = time.perf_counter()
        solution = sp.solve(problem, method=method, tolerance=tolerance, device=device, policy=policy.value)
        return solution, time.perf_counter() - begin


def parse_boundary(text: str) -> BoundaryLike:
    """``"reflecting"``, ``"38"`` or ``"left=38,right=reflecting"`` as `Problem` takes it.

    Examples
    --------
    >>> parse_boundary("left=38, right=reflecting")
    {'left': 38.0, 'right': 'reflecting'}
    >>> parse_boundary("38")
    38.0
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
    try:
        return float(text)
    except ValueError:
        return text.strip()


def _decay(decay: float, path: Path | None) -> Coefficient:
    return decay if path is None else image.read_lattice(path, white=decay)


def _uptake(vmax: float | None, km: float | None) -> MichaelisMenten | None:
    if vmax is None and km is None:
        return None
    if vmax is None or km is None:
        raise InvalidProblemError(f"uptake has vmax {vmax} and km {km}; give both --vmax and --km, or neither.")
    return MichaelisMenten(vmax, km)


def _report(problem: Problem, solution: Solution, seconds: float, outputs: list[Path]) -> None:
    made = table("Solution", "", "")
    made.show_header = False
    made.add_row("answered by", f"[bold]{escape(solution.method)}[/]")
    made.add_row("error at most", f"{solution.error_bound:.3g}")
    made.add_row("values", f"{solution.field.min():.6g} to {solution.field.max():.6g}")
    made.add_row("lattice", f"{problem.shape[0]} x {problem.shape[1]} (rows x columns), spacing {problem.spacing:g}")
    made.add_row("time", f"{1e3 * seconds:.1f} ms" + _stages(solution))
    for flag in solution.flags:
        made.add_row("flag", escape(str(flag)))
    for path in outputs:
        made.add_row("written", escape(str(path)))
    stdout().print(made)


def _stages(solution: Solution) -> str:
    parts = [f"{name} {1e3 * spent:.1f}" for name, spent in solution.stats.seconds.items()]
    return f" ({', '.join(parts)})" if parts else ""
