"""``surrogate-plugin physicell ...``: quick to import, since ``--help`` imports it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from surrogate_plugin.terminal import BAD_INPUT, FOUND, one_sentence, print_error, print_json, stdout

#: The heading of `surrogate-plugin --help` under which this stands.
HELP_PANEL = "Hosts"

app = typer.Typer(no_args_is_help=True)

_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout, and nothing else there.")]
_Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]


@app.callback()
def physicell() -> None:
    """Let the certified backend answer for substrates of a PhysiCell (C++) project.

    Examples
    --------
    surrogate-plugin physicell check config/PhysiCell_settings.xml
    surrogate-plugin physicell init .
    """


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
    device: Annotated[
        str | None, typer.Option(help="Where fields are solved for: auto, cpu or cuda; by default auto.")
    ] = None,
    patch: Annotated[
        bool, typer.Option("--patch", help="Edit main.cpp and the Makefile too, beside copies of what they were.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace settings that are there, and headers that somebody edited.")
    ] = False,
    json: _Json = False,
    quiet: _Quiet = False,
) -> None:
    """Prepare a PhysiCell project: read its XML, write header and settings, and print what to add to its files.

    Load a sample or a project first (make heterogeneity-sample): that replaces main.cpp and the Makefile.

    The header goes to custom_modules/ and the settings to config/, which make save and make pack carry. The simulation
    will run the Python of this command inside itself; for another Python, run that one's command with --force.

    Examples
    --------
    surrogate-plugin physicell init .
    surrogate-plugin physicell init ~/PhysiCell --substrates oxygen --tolerance 0.38 --patch

    JSON
    ----
    project : its folder
    written : of each file its path, outcome and why
    said : what else people are told, in lines
    """
    from surrogate_adapters.physicell.setting_up import Asked, set_up

    names = None if substrates is None else [name.strip() for name in substrates.split(",") if name.strip()]
    said: list[str] = []
    with one_sentence(lambda: (ValueError, OSError)):
        written = set_up(
            project, Asked(names, tolerance, config, patch, force, device), said.append if json or quiet else _say
        )
    if json and not quiet:
        files = [{"path": str(one.path), "outcome": str(one.outcome), "why": one.why or None} for one in written]
        print_json({"project": str(project), "written": files, "said": said})


def _say(line: str) -> None:
    stdout().print(line, markup=False, soft_wrap=True)


@app.command()
def check(
    settings: Annotated[Path, typer.Argument(help="PhysiCell_settings.xml, or a copy of it.", metavar="SETTINGS.xml")],
    step_error: Annotated[
        float,
        typer.Option(help="Warn of a diffusion step whose error is predicted to be larger, in percent.", min=0.01),
    ] = 5.0,
    json: _Json = False,
    quiet: _Quiet = False,
) -> None:
    """Say what PhysiCell makes of its settings: substrates, sides, rates, and what is not as one may think.

    Warns of Dirichlet conditions that are ignored, of substrates that nothing supplies or anchors, that do not diffuse
    or reach less than a voxel, of rules that change rates, and of a diffusion step whose splitting error is predicted
    to be large: a prediction in closed form, not a measurement.

    Examples
    --------
    surrogate-plugin physicell check config/PhysiCell_settings.xml
    surrogate-plugin physicell check config/PhysiCell_settings.xml --step-error 1 --json

    Exit codes
    ----------
    1 : there are errors, and not warnings alone

    JSON
    ----
    settings : the file
    lattice : nodes, spacing and origin
    times_min : the steps of the simulation, in minutes
    substrates : of each what PhysiCell takes it to be, its nodes, reach and predicted error of a step
    cell_types : of each volume and rates
    errors, warnings : of each its kind, substrate and sentence; a file that is no settings has its error alone
    """
    from surrogate_adapters.physicell.check_page import show
    from surrogate_adapters.physicell.checking import check as checked_settings
    from surrogate_adapters.physicell.elements import UnreadableError

    if not settings.is_file():
        print_error(f"there is no file '{settings}'.")
        raise typer.Exit(BAD_INPUT)
    try:
        checked = checked_settings(settings, step_error / 100.0)
    except (ValueError, OSError) as error:
        if json and not quiet:
            found = {"kind": "unreadable", "substrate": "", "sentence": str(error)}
            print_json({"settings": str(settings), "errors": [found], "warnings": []})
        else:
            print_error(str(error))
        raise typer.Exit(BAD_INPUT if isinstance(error, UnreadableError) else FOUND) from None
    if not quiet:
        print_json(checked.as_dict()) if json else show(checked, stdout())
    if checked.errors:
        raise typer.Exit(FOUND)
