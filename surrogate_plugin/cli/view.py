"""``surrogate-plugin view``: one's own data as a picture, from a recording, a finished run or a saved field."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from surrogate_plugin.cli import completion, options
from surrogate_plugin.cli.console import notes, plain_errors, print_json, progress, stdout, stopped_at_once, table
from surrogate_plugin.errors import InvalidProblemError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from surrogate_plugin.pictures.scene import Film, Scene

#: What is said where pyvista cannot draw.
_NO_GL = "pyvista finds no OpenGL on this machine, so the surface was drawn by matplotlib, which is coarser."
#: A film without --moments has no more of them.
_MOST = 120


_saved, _drawn = options.under("What of a saved field"), options.under("How it is drawn")


def view(
    path: options.FilmPath,
    what: Annotated[
        str,
        _drawn(
            autocompletion=completion.panels,
            help="What is drawn, side by side, with commas between: field, surface, vessels, cells, levels, uptake, "
            "hypoxia, bound, compare.",
        ),
    ] = "field",
    substrate: options.FilmSubstrate = None,
    step: Annotated[int, typer.Option(help="Which moment, from 0; below 0 from the last.")] = -1,
    threshold: Annotated[
        float | None, _drawn(help="Draw a contour at this value, below which tissue counts as hypoxic; 5 for oxygen.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "--out", "-o", help="Where the picture goes; by default NAME-WHAT.png here."),
    ] = None,
    size: Annotated[str, _drawn(help="Pixels, WIDTH or WIDTHxHEIGHT.")] = "",
    animate: Annotated[bool, _drawn("--animate", help="A film of the moments, .gif or .mp4, not a picture.")] = False,
    moments: Annotated[
        str | None, _drawn(help="Which moments a film has, FIRST:LAST:EVERY; else at most 120, evenly spread.")
    ] = None,
    per_second: Annotated[float, _drawn(min=0.1, max=60, help="Moments a second of a film.")] = 8.0,
    colours: Annotated[
        str, _drawn("--colours", "--colour-map", autocompletion=completion.colours, help="Colour map of matplotlib.")
    ] = "magma",
    settings: options.RunSettings = None,
    nodes: options.RunNodes = None,
    problem: Annotated[
        Path | None, _saved(help="The problem of a saved field, for its vessels, bound and comparison.")
    ] = None,
    method: options.FilmMethod = None,
    array: options.Array = None,
    spacing: options.FilmSpacing = None,
    units: options.Units = "",
    length_units: options.LengthUnits = "",
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Draw one's own data: the field with its vessels, cells, bounds, or the surrogate beside the exact field.

    Of a recording the fields are solved for, exactly, from what was recorded; of a finished run they are those that the
    cells saw. No display is needed. A film that was stopped is not gone on with: the same command begins anew.

    Examples
    --------
    surrogate-plugin view run.zarr --what field,bound --step -1 --threshold 5 -o oxygen.png
    surrogate-plugin view output --substrate oxygen --animate -o oxygen.gif
    surrogate-plugin view field.npy --problem problem.npz --what compare

    JSON
    ----
    written : files
    what : what was drawn
    moment, moments, drawn : its name, how many there are, and how many were drawn
    time_min : of the last that was drawn, in minutes, or null
    substrate, substrates : what was drawn, and what there is
    values : lowest and highest value
    units : or null
    error_bound : of the field that was drawn, or null
    cells : how many, or null
    """
    from surrogate_plugin.cli.showing import Asked, default_threshold, open_film
    from surrogate_plugin.pictures import animation, panels, surface
    from surrogate_plugin.pictures.scene import chosen_moment, chosen_moments, chosen_substrate

    asked = [name.strip() for name in what.split(",")]
    with plain_errors():
        panels.check(asked, colours)
        sides = _size(size, asked)
        animate = animate or moments is not None or (output is not None and output.suffix.lower() in animation.SUFFIXES)
        out = output or Path(f"{_stem(path)}-{'-'.join(asked)}{'.gif' if animate else '.png'}")
        _check_output(out, [path, problem], animate)
        film = open_film(path, Asked(problem, array, spacing, units, length_units, method, settings, nodes))
        name = chosen_substrate(film, substrate)
        style = panels.Style(colours, default_threshold(name) if threshold is None else threshold, None, *sides)
        chosen = chosen_moments(film, moments, _MOST) if animate else [chosen_moment(film, step)]
        frames = 2 * len(chosen) if animate else None
        with stopped_at_once("Stopped; nothing was written."), progress("drawing", frames, quiet=quiet) as bar:
            if animate:
                scene = animation.write_film(
                    out, film, chosen, name, asked, style, per_second=per_second, moved=bar.advance
                )
            else:
                scene = film.scene(chosen[0], name)
                _save(panels.draw(scene, asked, style), scene, out)
    if not quiet:
        notes([_NO_GL] if "surface" in asked and not surface.can_render() else [], "Warning", "yellow")
        _tell(film, scene, asked, out, len(chosen), json)


def _size(text: str, what: list[str]) -> tuple[int, int]:
    """Width and height in pixels; by default as wide as the panels need, and as high as the tissue asks for."""
    from surrogate_plugin.pictures import panels

    if not text:
        count = sum(len(panels.PANELS.get(name, ())) for name in what)
        return (1000 if count == 1 else 700 * count), 0
    found = re.fullmatch(r"(\d+)(?:x(\d+))?", text)
    sides = [] if found is None else [int(side) for side in found.groups() if side is not None]
    if not sides or not all(100 <= side <= 20_000 for side in sides):
        raise InvalidProblemError(f"size is {text!r}; WIDTH or WIDTHxHEIGHT is allowed, each from 100 to 20000 pixels.")
    return sides[0], sides[1] if len(sides) > 1 else 0


def _stem(path: Path) -> str:
    return Path(os.path.realpath(path)).name.split(".")[0] or "view"


def _check_output(path: Path, inputs: list[Path | None], animate: bool) -> None:
    """Refuse what cannot be written, or would overwrite what is read."""
    from surrogate_plugin.cli import outputs as places
    from surrogate_plugin.pictures import animation

    if animate:
        animation.check(path)
        places.check_place(path, inputs)
    else:
        places.check_picture(path, inputs)


def _save(made: Figure, scene: Scene, path: Path) -> None:
    from surrogate_plugin.whole_files import replacing

    with replacing(path) as partial:
        made.savefig(partial, dpi="figure", metadata=_metadata(scene, partial))


def _metadata(scene: Scene, path: Path) -> dict[str, str] | None:
    """What a .png says of itself; the other formats have names of their own."""
    from surrogate_plugin.pictures import panels

    if path.suffix.lower() != ".png":
        return None
    told = {"Software": "surrogate-plugin", "Title": panels.heading(scene), "units": scene.units}
    return told | ({} if scene.bound is None else {"error_bound": repr(float(scene.bound))})


def _tell(film: Film, scene: Scene, what: list[str], out: Path, drawn: int, as_json: bool) -> None:
    if as_json:
        print_json(_said(film, scene, what, out, drawn))
        return
    units = f" {scene.units}" if scene.units else ""
    rows = [("moment", f"{scene.name}{'' if scene.time is None else f', {scene.time:g} min'} (of {len(film.names)})")]
    if len(film.substrates) > 1:
        rows.append(("substrate", f"{scene.substrate} (of {', '.join(film.substrates)})"))
    rows.append(("values", f"{scene.field.min():.6g} to {scene.field.max():.6g}{units}"))
    rows += [] if scene.bound is None else [("error at most", f"{scene.bound:.3g}{units}")]
    rows += [("solved by", scene.method)] if scene.method and not scene.saved else []
    rows += [] if scene.cells is None else [("cells", f"{len(scene.cells):,}")]
    rows += [] if drawn == 1 else [("drawn", f"{drawn} of {len(film.names)} moments")]
    rows.append(("written", str(out)))
    made = table("Picture", "", "")
    made.show_header = False
    for name, value in rows:
        made.add_row(name, escape(value))
    stdout().print(made)


def _said(film: Film, scene: Scene, what: list[str], out: Path, drawn: int) -> dict[str, Any]:
    return {
        "written": [str(out)],
        "what": what,
        "moment": scene.name,
        "moments": len(film.names),
        "drawn": drawn,
        "time_min": scene.time,
        "substrate": scene.substrate,
        "substrates": list(film.substrates),
        "values": {"lowest": float(scene.field.min()), "highest": float(scene.field.max())},
        "units": scene.units or None,
        "error_bound": scene.bound,
        "cells": None if scene.cells is None else len(scene.cells),
    }
