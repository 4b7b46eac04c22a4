"""Commands that plugins add: a function each, its parameters as typer reads them, its module quick to import."""

from __future__ import annotations

import warnings

import typer

from surrogate_plugin import registry


def add_commands(app: typer.Typer) -> None:
    """Add every sound command of the plugins; a broken one is left out, and `doctor` says why.

    None takes the name of a command that is there already.
    """
    taken = {command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", registry.PluginWarning)
        found = registry.discover(registry.COMMANDS)
    for plugin in found:
        if plugin.status is not registry.Status.LOADED or plugin.name in taken:
            continue
        alone = typer.Typer()
        alone.command(plugin.name)(plugin.value)
        try:
            typer.main.get_command(alone)  # reads the signature, which typer would do for all commands at once
        except Exception as error:
            warnings.warn(
                f"command {plugin.name!r} of {plugin.origin} is left out: typer cannot read it ({error}).",
                registry.PluginWarning,
                stacklevel=2,
            )
            continue
        app.command(plugin.name)(plugin.value)
