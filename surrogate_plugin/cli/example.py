"""``surrogate-plugin example``: a picture of vessels to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from surrogate_plugin.cli import options
from surrogate_plugin.cli.console import plain_errors, print_json, stdout


def example(
    path: Annotated[Path, typer.Argument(help="Where it goes, a .png.")] = Path("vessels.png"),
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Draw a picture of vessels to try `solve` on.

    Examples
    --------
    surrogate-plugin example vessels.png

    JSON
    ----
    written : files
    shape : rows and columns
    """
    from surrogate_plugin import files

    with plain_errors():
        files.draw_example(path)
    if quiet:
        return
    if json:
        print_json({"written": [str(path)], "shape": [256, 256]})
    else:
        stdout().print(f"{path}: vessels, white on black, 256 x 256 pixels.", markup=False, soft_wrap=True)
