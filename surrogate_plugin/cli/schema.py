"""``surrogate-plugin schema``: the settings file as a JSON schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from surrogate_plugin.cli.console import plain_errors, stdout
from surrogate_plugin.whole_files import write_text


def schema(
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where it goes; printed if not given.")] = None,
) -> None:
    """Print the JSON schema of settings files (draft 2020-12), by which editors complete and check them.

    [bold]Example:[/] surrogate-plugin schema -o surrogate.schema.json
    """
    from surrogate_plugin.settings.schema import json_schema

    text = json.dumps(json_schema(), indent=2)
    if output is None:
        typer.echo(text)
        return
    with plain_errors():
        write_text(output, text + "\n")
    stdout().print(
        f"{output}: name it in the first line of a settings file, as #:schema ./{output.name}",
        markup=False,
        soft_wrap=True,
    )
