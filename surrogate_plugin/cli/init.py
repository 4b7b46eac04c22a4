"""``surrogate-plugin init``: a settings file to begin with, every key explained."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from surrogate_plugin import registry
from surrogate_plugin.cli import options
from surrogate_plugin.cli.console import plain_errors, print_json, stdout
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.whole_files import UnwritableError, write_text


def init(
    path: Annotated[Path, typer.Argument(help="Where the settings go.")] = Path("surrogate.toml"),
    host: Annotated[
        str | None,
        typer.Option(
            help="The simulator that will read them, as `hosts` lists it; if not given, `run` does, without one.",
            autocompletion=lambda: list(registry.names(registry.ADAPTERS)),
        ),
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(help="A picture of vessels to solve around, such as `example` draws.")
    ] = None,
    schema: Annotated[
        bool, typer.Option("--schema/--no-schema", help="Write the JSON schema beside it, by which editors help.")
    ] = True,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Write a settings file in which every key is explained, to be changed and run.

    What is not said is commented out. For a PhysiCell (C++) project `surrogate-plugin physicell init` writes one that
    knows its substrates, and the header.

    Examples
    --------
    surrogate-plugin init
    surrogate-plugin init --picture vessels.png tumour.toml
    surrogate-plugin init --host pyphysicell

    JSON
    ----
    written : files
    host : who reads the settings, or null
    """
    with plain_errors():
        hosts = registry.names(registry.ADAPTERS)
        if host is not None and host not in hosts:
            raise InvalidProblemError(f"host is {host!r}; {', '.join(hosts)} are allowed.")
        if picture is not None and host is not None:
            raise InvalidProblemError("picture is given, but a host has vessels of its own; leave out one of the two.")
        if path.is_dir():
            raise UnwritableError(f"{path} is a folder; the name of a file is allowed.")
        if path.exists() and not force:
            raise UnwritableError(f"{path} is there already; another name, or --force to replace it, is allowed.")
        if schema:
            _check_schema(path)
        written = _write(path, host, picture, schema)
    if json:
        print_json({"written": [str(each) for each in written], "host": host})
    elif not quiet:
        stdout().print(f"{path}: {_next(path, host)}", markup=False, soft_wrap=True)


def _check_schema(path: Path) -> None:
    """Refuse to replace a file that only has the schema's name."""
    from surrogate_plugin.settings.schema import SCHEMA_NAME, is_schema

    beside = path.with_name(SCHEMA_NAME)
    if beside.exists() and not is_schema(beside):
        raise UnwritableError(f"{beside} is there already, and no schema of ours; move it away, or take --no-schema.")


def _write(path: Path, host: str | None, picture: Path | None, schema: bool) -> list[Path]:
    from surrogate_plugin.settings.schema import SCHEMA_NAME, schema_text
    from surrogate_plugin.settings.template import settings_text

    named = None
    if picture is not None:
        if not picture.is_file():
            raise InvalidProblemError(f"picture is {str(picture)!r}, which is no file; one of vessels is allowed.")
        folder = path.absolute().parent
        inside = picture.absolute().is_relative_to(folder)
        named = str(picture.absolute().relative_to(folder) if inside else picture.absolute())
    write_text(path, settings_text(host, named, schema=schema))
    beside = path.with_name(SCHEMA_NAME)
    if schema:
        write_text(beside, schema_text())
    return [path, beside] if schema else [path]


def _next(path: Path, host: str | None) -> str:
    """What to do with it."""
    if host is None:
        return f"change what differs, then `surrogate-plugin run {path}`."
    if host == "physicell":
        return "surrogate::attach reads it; `surrogate-plugin physicell init PROJECT` writes one that fits a project."
    return f"change what differs, and name it as `settings` where {host} is told of this package."
