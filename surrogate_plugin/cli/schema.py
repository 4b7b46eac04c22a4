"""``surrogate-plugin schema``: the settings file as a JSON schema."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from surrogate_plugin.cli import options
from surrogate_plugin.cli.console import plain_errors, print_json, stdout
from surrogate_plugin.whole_files import write_text


def schema(
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where it goes; printed if not given.")] = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Print the JSON schema of settings files (draft 2020-12), by which editors complete and check them.

    Examples
    --------
    surrogate-plugin schema -o surrogate.schema.json

    JSON
    ----
    schema : the schema itself, where no file was asked for; or null
    written : files
    """
    from surrogate_plugin.settings.schema import json_schema, schema_text

    if output is not None:
        with plain_errors():
            write_text(output, schema_text())
    if json:
        written = [] if output is None else [str(output)]
        print_json({"schema": json_schema() if output is None else None, "written": written})
    elif output is None and not quiet:
        typer.echo(schema_text(), nl=False)
    elif output is not None and not quiet:
        said = f"{output}: name it in the first line of a settings file, as #:schema ./{output.name}"
        stdout().print(said, markup=False, soft_wrap=True)
