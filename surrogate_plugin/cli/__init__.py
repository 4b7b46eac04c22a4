"""The command line: ``surrogate-plugin demo | example | solve | certify | audit | ...``, and commands of plugins."""

from __future__ import annotations

from typing import Annotated

import typer

import surrogate_plugin
from surrogate_plugin.cli import (
    audit,
    certify,
    demo,
    doctor,
    example,
    export,
    hosts,
    init,
    plugins,
    schema,
    solve,
    view,
)  # fmt: skip

app = typer.Typer(
    name="surrogate-plugin",
    help="A certified neural diffusion backend for tissue simulators: every field comes with a bound on its error.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(demo.demo)
app.command()(example.example)
app.command()(solve.solve)
app.command()(certify.certify)
app.command()(init.init)
app.command()(schema.schema)
app.command()(view.view)
app.command()(export.export)
app.command()(audit.audit)
app.command()(hosts.hosts)
app.command()(doctor.doctor)
plugins.add_commands(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"surrogate-plugin {surrogate_plugin.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Options that stand before a command."""


def main() -> None:
    """Run the command line."""
    app()
