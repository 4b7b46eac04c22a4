"""``surrogate-plugin example``: a picture of vessels to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from surrogate_plugin import files
from surrogate_plugin.cli.console import plain_errors, stdout


def example(
    path: Annotated[Path, typer.Argument(help="Where it goes, a .png.")] = Path("vessels.png"),
) -> None:
    """Draw a picture of vessels to try `solve` on."""
    with plain_errors():
        files.draw_example(path)
    stdout().print(f"{path}: vessels, white on black, 256 x 256 pixels.", markup=False, soft_wrap=True)
