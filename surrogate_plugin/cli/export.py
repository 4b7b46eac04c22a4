"""``surrogate-plugin export``: recordings, finished runs and saved fields as files that other programs open."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from surrogate_plugin.cli import options
from surrogate_plugin.cli.console import plain_errors, print_json, progress, stdout, stopped_at_once
from surrogate_plugin.errors import InvalidProblemError


def export(
    path: options.FilmPath,
    output: Annotated[
        Path,
        typer.Argument(
            help="Fields: .vti, .ome.zarr; cells: .vtp, .csv, .simularium; both over time: .pvd for ParaView, "
            ".multicellds for pcdl."
        ),
    ],
    substrate: options.FilmSubstrate = None,
    moments: Annotated[
        str | None, typer.Option(help="Which moments, FIRST:LAST:EVERY, all if not given; a .vti or .vtp has the last.")
    ] = None,
    ngff: Annotated[
        str | None, typer.Option(help="Which OME-Zarr: 0.4, which most programs read, or 0.5, in Zarr 3; else 0.4.")
    ] = None,
    method: options.FilmMethod = None,
    settings: options.RunSettings = None,
    nodes: options.RunNodes = None,
    array: options.Array = None,
    spacing: options.FilmSpacing = None,
    units: options.Units = "",
    length_units: options.LengthUnits = "",
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Write one's own data for ParaView, napari, Simularium, or as a table of cells.

    An export that was stopped is not gone on with: the same command begins anew, and writes over what is there.

    Examples
    --------
    surrogate-plugin export run.zarr fields.ome.zarr --moments 0:100:10
    surrogate-plugin export output run.pvd

    JSON
    ----
    written : files
    moments : how many were written
    substrates : their names
    """
    from surrogate_plugin.cli.showing import Asked, open_film
    from surrogate_plugin.files import exports
    from surrogate_plugin.pictures.scene import chosen_moments, chosen_substrate

    with plain_errors():
        exports.check(output, ngff)
        if os.path.realpath(output) == os.path.realpath(path):
            raise InvalidProblemError(f"output {str(output)!r} is read; another name is allowed.")
        film = open_film(path, Asked(None, array, spacing, units, length_units, method, settings, nodes))
        names = film.substrates if substrate is None else [chosen_substrate(film, substrate)]
        chosen = chosen_moments(film, moments)
        if exports.kind_of(output) in (".vti", ".vtp"):
            chosen = chosen[-1:]
        farewell = "Stopped; what was written so far is not complete, and the same command begins anew."
        with stopped_at_once(farewell), progress("exporting", len(chosen), quiet=quiet) as bar:
            written = exports.export(output, film, chosen, names, bar.advance, ngff)
    if quiet:
        return
    if json:
        print_json({"written": list(map(str, written)), "moments": len(chosen), "substrates": list(names)})
    else:
        count = f"{len(chosen)} moment{'s' if len(chosen) > 1 else ''}"
        stdout().print(f"{output}: {count} of {', '.join(names)}.", markup=False, soft_wrap=True)
