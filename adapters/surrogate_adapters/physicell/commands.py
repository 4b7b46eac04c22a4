"""``surrogate-plugin physicell ...``: quick to import, since ``--help`` imports it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from surrogate_adapters.physicell.embedding import Embedding
    from surrogate_adapters.physicell.project import Written

app = typer.Typer(no_args_is_help=True)

_BAD_INPUT = 2


@app.callback()
def physicell() -> None:
    """Let the certified backend answer for substrates of a PhysiCell (C++) project."""


@app.command()
def init(
    project: Annotated[
        Path, typer.Argument(help="The folder with BioFVM/, core/, main.cpp and the Makefile.", metavar="PROJECT")
    ],
    substrates: Annotated[str, typer.Option(help="Those to answer for, with commas between.")] = "oxygen",
    tolerance: Annotated[
        float | None, typer.Option(help="Largest error anywhere; by default 1 % of the largest Dirichlet value.")
    ] = None,
    patch: Annotated[
        bool, typer.Option("--patch", help="Edit main.cpp and the Makefile too, beside copies of what they were.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace files of ours that are there and differ.")] = False,
) -> None:
    """Prepare a PhysiCell project: write header and settings, and print what to add to main.cpp and the Makefile.

    Load a sample first (make template): it replaces main.cpp and the Makefile.

    The simulation will run the Python of this command inside itself. For another Python, run that one's command again
    with --force.
    """
    try:
        _init(project, [name.strip() for name in substrates.split(",") if name.strip()], tolerance, patch, force)
    except (ValueError, OSError) as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(_BAD_INPUT) from None


def _init(project: Path, substrates: list[str], tolerance: float | None, patch: bool, force: bool) -> None:
    import surrogate_plugin as sp
    from surrogate_adapters.options import names_of
    from surrogate_adapters.physicell import embedding, patching
    from surrogate_adapters.physicell.project import require_project, settings_text, write_files

    require_project(project)
    names_of(substrates, substrates)
    if tolerance is not None and not (math.isfinite(tolerance) and tolerance > 0):
        raise sp.InvalidProblemError(f"tolerance is {tolerance}; a finite number > 0 is allowed.")
    python = embedding.this_python()
    settings = settings_text(python.executable, substrates, tolerance)
    written = patching.patch(project, python) if patch else []
    written += write_files(project, settings, force=force)
    for file in written:
        typer.echo(_told(file))
    if not patch:
        typer.echo(_to_add(python))


def _told(file: Written) -> str:
    why = " (it differs from what would be written; --force replaces it)" if file.outcome == "kept" else ""
    return f"{file.outcome:>9}  {file.path}{why}"


def _to_add(python: Embedding) -> str:
    """What is left to the modeller, or to ``--patch``."""
    from surrogate_adapters.physicell.project import ATTACH, INCLUDE, USE_FLAGS, define_flags

    return f"""
Add to main.cpp, below the other includes:
    {INCLUDE}
and below setup_microenvironment();
    {ATTACH}

Add to the Makefile, above "all:":
    {define_flags(python)}
and at the end of the line that links main.cpp, after a space:
    {USE_FLAGS}

Or let --patch do both. Then: make"""
