"""Commands that plugins add, their modules quick to import.

A function, its parameters as typer reads them, becomes a command; a `typer.Typer` becomes a group of commands.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import typer

from surrogate_plugin import registry
from surrogate_plugin.cli.console import plain_errors

_ANYTHING = {"allow_extra_args": True, "ignore_unknown_options": True}


def add_commands(app: typer.Typer) -> None:
    """Add every command of the plugins; a broken one says why when it is called, and stops no other.

    None takes the name of a command that is there already.
    """
    taken = {command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands}
    taken |= {group.name for group in app.registered_groups}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", registry.PluginWarning)
        found = registry.discover(registry.COMMANDS)
    for plugin in found:
        if plugin.status is registry.Status.HIDDEN or plugin.name in taken:
            continue
        problem = plugin.problem or _unreadable(plugin)
        if problem:
            app.command(plugin.name, context_settings=_ANYTHING)(_says(plugin, problem))
        else:
            _add(app, plugin)


def _add(app: typer.Typer, plugin: registry.Plugin) -> None:
    if isinstance(plugin.value, typer.Typer):
        app.add_typer(plugin.value, name=plugin.name)
    else:
        app.command(plugin.name)(plugin.value)


def _unreadable(plugin: registry.Plugin) -> str:
    """Why typer cannot read a command, which it would otherwise find out for all commands at once."""
    alone = typer.Typer()
    try:
        _add(alone, plugin)
        typer.main.get_command(alone)
    except Exception as error:
        return f"typer cannot read {plugin.target} ({error})."
    return ""


def _says(plugin: registry.Plugin, problem: str) -> Callable[[], None]:
    """A command that only says why it cannot run."""

    def say() -> None:
        with plain_errors():
            raise registry.BrokenPluginError(f"command {plugin.name!r} of {plugin.origin} is broken: {problem}")

    say.__doc__ = f"Broken: {problem}"
    return say
