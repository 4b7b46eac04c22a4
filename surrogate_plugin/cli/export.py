"""``surrogate-plugin export``: recordings, finished runs and saved fields as files that other programs open."""

from __future__ import annotations

import json as json_text
import os
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from surrogate_plugin.cli.console import plain_errors, progress, stdout, stopped_at_once
from surrogate_plugin.cli.showing import Asked, open_film
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.pictures.scene import chosen_moments, chosen_substrate


def export(
    path: Annotated[
        Path,
        typer.Argument(help="A recording (.zarr), a finished run's folder, a saved field, or a problem (.npz)."),
    ],
    output: Annotated[
        Path,
        typer.Argument(
            help="Fields: .vti, .ome.zarr; cells: .vtp, .csv, .simularium; both over time, for ParaView: .pvd."
        ),
    ],
    substrate: Annotated[str | None, typer.Option(help="Which substrate; all if not given.")] = None,
    moments: Annotated[
        str | None, typer.Option(help="Which moments, FIRST:LAST:EVERY, all if not given; a .vti or .vtp has the last.")
    ] = None,
    method: Annotated[
        str | None, typer.Option(help="Who solves for the fields of a recording or problem, as of `solve`; else exact.")
    ] = None,
    settings: Annotated[
        Path | None, typer.Option(help="PhysiCell_settings.xml, where it is not beside the run.")
    ] = None,
    array: Annotated[str | None, typer.Option(help="Which array of a .npz or .vti with several.")] = None,
    spacing: Annotated[str | None, typer.Option(help="Of a saved field: length per pixel, or height,width.")] = None,
    units: Annotated[str, typer.Option(help="Unit of the field, as mmHg.")] = "",
    length_units: Annotated[str, typer.Option(help="Unit of lengths, as um.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a sentence.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> None:
    """Write one's own data for ParaView, napari, Simularium, or as a table of cells.

    [bold]Example:[/] surrogate-plugin export run.zarr fields.ome.zarr --moments 0:100:10
    """
    with plain_errors():
        from surrogate_plugin.files import exports

        exports.check(output)
        if os.path.realpath(output) == os.path.realpath(path):
            raise InvalidProblemError(f"output {str(output)!r} is read; another name is allowed.")
        film = open_film(path, Asked(None, array, spacing, units, length_units, method, settings))
        names = film.substrates if substrate is None else [chosen_substrate(film, substrate)]
        chosen = chosen_moments(film, moments)
        if exports.kind_of(output) in (".vti", ".vtp"):
            chosen = chosen[-1:]
        bar = nullcontext() if quiet else progress("exporting", len(chosen))
        with stopped_at_once("Stopped; what was written so far is not complete."), bar as shown:
            moved = (lambda: None) if shown is None else lambda: shown.advance(shown.task_ids[0])
            written = exports.export(output, film, chosen, names, moved)
    if json:
        typer.echo(
            json_text.dumps({"written": list(map(str, written)), "moments": len(chosen), "substrates": list(names)})
        )
    elif not quiet:
        count = f"{len(chosen)} moment{'s' if len(chosen) > 1 else ''}"
        stdout().print(f"{output}: {count} of {', '.join(names)}.", markup=False, soft_wrap=True)
