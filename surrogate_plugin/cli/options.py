"""Options that several commands have, each declared once, so that they are called and mean the same everywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from surrogate_plugin.cli import completion

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout, and nothing else there.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]


def text(given: str) -> str:
    """A text that is written into files: letters, and no bytes for which the terminal's encoding has none."""
    try:
        given.encode()
    except UnicodeEncodeError:
        raise typer.BadParameter(
            f"{given[:40]!a} is not in the encoding of this terminal; letters are allowed."
        ) from None
    return given


Units = Annotated[str, typer.Option(callback=text, help="Unit of the field, as mmHg.")]
LengthUnits = Annotated[str, typer.Option(callback=text, help="Unit of lengths, as um.")]
Array = Annotated[str | None, typer.Option(help="Which array of a .npz or .vti with several.")]

#: What `view` and `export` read, and what of it.
FilmPath = Annotated[
    Path, typer.Argument(help="A recording (.zarr), a finished run's folder, a saved field, or a problem (.npz).")
]
FilmSubstrate = Annotated[
    str | None,
    typer.Option(
        "--substrate", "-s", help="Which substrate; `view` takes the first and `export` all if none is given.",
        autocompletion=completion.substrates,
    ),
]  # fmt: skip
FilmMethod = Annotated[
    str | None,
    typer.Option(
        help="Who solves for the fields of a recording or problem, as of `solve`; else exact.",
        autocompletion=completion.methods,
    ),
]
FilmSpacing = Annotated[str | None, typer.Option(help="Of a saved field: length per pixel, or height,width.")]

#: What readers of finished runs need beside the path.
RunSettings = Annotated[
    Path | None,
    typer.Option("--settings", help="The XML that PhysiCell or CompuCell3D ran with, if not beside the run."),
]
RunNodes = Annotated[
    str | None,
    typer.Option("--nodes", help="Nodes that custom code held: 'held' to detect them, or a .csv of x, y, substrates."),
]


def under(heading: str) -> Callable[..., Any]:
    """`typer.Option` under a heading of its own in ``--help``."""

    def option(*names: str, **said: Any) -> Any:
        return typer.Option(*names, rich_help_panel=heading, **said)

    return option
