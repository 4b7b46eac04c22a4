"""The tree of commands: ours by their headings, then those of plugins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

import surrogate_plugin
from surrogate_plugin.cli import (
    audit,
    certify,
    demo,
    doctor,
    ensemble,
    example,
    export,
    hosts,
    init,
    plugins,
    run,
    schema,
    solve,
    view,
    warm_up,
)
from surrogate_plugin.cli.commands import Command, Commands

app = typer.Typer(
    cls=Commands,
    name="surrogate-plugin",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

#: Our own commands by the headings of ``--help`` (`surrogate_plugin.cli.help.PANELS`).
_COMMANDS: dict[str, tuple[Callable[..., Any], ...]] = {
    "Solve": (example.example, solve.solve, certify.certify, init.init, run.run, ensemble.ensemble, schema.schema),
    "Look": (view.view, export.export, audit.audit),
    "Hosts": (hosts.hosts, demo.demo),
    "Install": (doctor.doctor, warm_up.warm_up),
}
for _panel, _functions in _COMMANDS.items():
    for _function in _functions:
        app.command(cls=Command, rich_help_panel=_panel)(_function)
plugins.add_commands(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"surrogate-plugin {surrogate_plugin.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """A certified neural diffusion backend for tissue simulators: every field comes with a bound on its error.

    `surrogate-plugin COMMAND --help` has the options of a command, with examples.

    Examples
    --------
    surrogate-plugin example vessels.png
    surrogate-plugin solve vessels.png --white 38 --units mmHg -o field.png
    surrogate-plugin audit output --report audit.html
    """
