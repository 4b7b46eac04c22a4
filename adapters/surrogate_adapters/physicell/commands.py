"""``surrogate-plugin physicell ...``: quick to import, since ``--help`` imports it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True)

_BAD_INPUT = 2
_FOUND_ERRORS = 1


@app.callback()
def physicell() -> None:
    """Let the certified backend answer for substrates of a PhysiCell (C++) project."""


@app.command()
def init(
    project: Annotated[
        Path, typer.Argument(help="The folder with BioFVM/, core/, main.cpp and the Makefile.", metavar="PROJECT")
    ],
    substrates: Annotated[
        str | None,
        typer.Option(help="Those to answer for, with commas between; by default all that a steady field fits."),
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(help="Largest error anywhere; by default 1 % of what the sides hold, 0.1 % where cells climb it."),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(help="The XML that the simulation will read; by default config/PhysiCell_settings.xml."),
    ] = None,
    patch: Annotated[
        bool, typer.Option("--patch", help="Edit main.cpp and the Makefile too, beside copies of what they were.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace settings that are there, and headers that somebody edited.")
    ] = False,
) -> None:
    """Prepare a PhysiCell project: read its XML, write header and settings, and print what to add to its files.

    Load a sample or a project first (make heterogeneity-sample): that replaces main.cpp and the Makefile.

    The header goes to custom_modules/ and the settings to config/, which make save and make pack carry. The simulation
    will run the Python of this command inside itself; for another Python, run that one's command with --force.
    """
    from surrogate_adapters.physicell.setting_up import Asked, set_up

    names = None if substrates is None else [name.strip() for name in substrates.split(",") if name.strip()]
    try:
        set_up(project, Asked(names, tolerance, config, patch, force), typer.echo)
    except (ValueError, OSError) as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(_BAD_INPUT) from None


@app.command()
def check(
    settings: Annotated[Path, typer.Argument(help="PhysiCell_settings.xml, or a copy of it.", metavar="SETTINGS.xml")],
    step_error: Annotated[
        float,
        typer.Option(help="Warn of a diffusion step whose error is predicted to be larger, in percent.", min=0.01),
    ] = 5.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Say what PhysiCell makes of its settings: substrates, sides, rates, and what is not as one may think.

    Warns of Dirichlet conditions that are ignored, of substrates that nothing supplies or anchors, that do not diffuse
    or reach less than a voxel, of rules that change rates, and of a diffusion step whose splitting error is predicted
    to be large: a prediction in closed form, not a measurement.

    The exit code is 0 where there are warnings alone, 1 where there are errors, 2 where there is no file to read.
    """
    import json

    from rich.console import Console

    from surrogate_adapters.physicell.check_page import show
    from surrogate_adapters.physicell.checking import check as checked_settings

    if not settings.is_file():
        typer.echo(f"Error: there is no file '{settings}'.", err=True)
        raise typer.Exit(_BAD_INPUT)
    try:
        checked = checked_settings(settings, step_error / 100.0)
    except (ValueError, OSError) as error:
        if as_json:
            found = {"kind": "unreadable", "substrate": "", "sentence": str(error)}
            typer.echo(json.dumps({"settings": str(settings), "errors": [found], "warnings": []}, indent=2))
        else:
            typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(_FOUND_ERRORS) from None
    if as_json:
        typer.echo(json.dumps(checked.as_dict(), indent=2))
    else:
        show(checked, Console(highlight=False))
    if checked.errors:
        raise typer.Exit(_FOUND_ERRORS)
