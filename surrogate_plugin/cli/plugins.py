"""Commands that plugins add, their modules quick to import.

A function, its parameters as typer reads them, becomes a command; a `typer.Typer` becomes a group of commands. Their
help is drawn like ours, with the sections of their docstrings (`surrogate_plugin.cli.sections`); ``HELP_PANEL`` in
their module says under which heading of ``surrogate-plugin --help`` they stand, as ``"Hosts"``.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable

import typer
from typer.core import TyperCommand
from typer.models import DefaultPlaceholder

from surrogate_plugin import registry
from surrogate_plugin.cli.commands import Command, Commands
from surrogate_plugin.cli.console import plain_errors

_ANYTHING = {"allow_extra_args": True, "ignore_unknown_options": True}
#: Where commands stand whose module does not say it.
_PANEL = "Plugins"


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
            app.command(plugin.name, cls=Command, rich_help_panel=_PANEL, context_settings=_ANYTHING)(
                _says(plugin, problem)
            )
        else:
            _add(app, plugin)


def _add(app: typer.Typer, plugin: registry.Plugin) -> None:
    panel = _panel(plugin)
    if isinstance(plugin.value, typer.Typer):
        _draw_alike(plugin.value)
        app.add_typer(plugin.value, name=plugin.name, cls=Commands, rich_help_panel=panel)
    else:
        app.command(plugin.name, cls=Command, rich_help_panel=panel)(plugin.value)


def _panel(plugin: registry.Plugin) -> str:
    module = sys.modules.get(plugin.target.partition(":")[0])
    return str(getattr(module, "HELP_PANEL", _PANEL))


def _draw_alike(group: typer.Typer) -> None:
    """Have the commands of a group, and of groups in it, be ours where they are typer's own."""
    for command in group.registered_commands:
        if command.cls is TyperCommand:
            command.cls = Command
    for inner in group.registered_groups:
        if isinstance(inner.cls, DefaultPlaceholder):  # that is, nobody chose one
            inner.cls = Commands
        if inner.typer_instance is not None:
            _draw_alike(inner.typer_instance)


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
