"""``surrogate-plugin hosts``: which simulators have an adapter, and which of them are installed here."""

from __future__ import annotations

import importlib.util
import inspect
import sys
import warnings

from rich.markup import escape

from surrogate_plugin import registry
from surrogate_plugin.cli import options
from surrogate_plugin.cli.console import print_json, stdout, table


def hosts(json: options.Json = False) -> None:
    """List the adapters and whether their simulator is installed.

    Examples
    --------
    surrogate-plugin hosts
    surrogate-plugin hosts --json

    JSON
    ----
    hosts : of each its name, simulator (installed or not), adapter, status, problem or null, and registered_by
    """
    if json:
        print_json({"hosts": [_said(plugin) for plugin in adapters()]})
        return
    made = table("Hosts", "host", "simulator", "adapter", "registered by")
    for plugin in adapters():
        if plugin.status is registry.Status.LOADED:
            adapter = f"[green]ready[/]: {plugin.target}"
        else:
            adapter = f"[red]{plugin.status}[/]: {escape(plugin.problem)}"
        made.add_row(plugin.name, _there(plugin), adapter, plugin.origin)
    if not made.row_count:
        stdout().print("No adapter is installed.")
        return
    stdout().print(made)


def _said(plugin: registry.Plugin) -> dict[str, str | None]:
    return {
        "name": plugin.name,
        "simulator": _there(plugin),
        "adapter": plugin.target,
        "status": "ready" if plugin.status is registry.Status.LOADED else str(plugin.status),
        "problem": plugin.problem or None,
        "registered_by": plugin.origin,
    }


def adapters() -> tuple[registry.Plugin, ...]:
    """Every adapter, the broken ones too; the table tells of them, so no warning does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", registry.PluginWarning)
        return registry.discover(registry.ADAPTERS)


def host_module(plugin: registry.Plugin) -> str:
    """The module a host is imported as: the adapter module's ``HOST``, or the plugin's name."""
    return str(getattr(_module(plugin), "HOST", plugin.name.replace("-", "_")))


def _there(plugin: registry.Plugin) -> str:
    """Whether the simulator is there, or, if it is none that Python imports, what the adapter says of it."""
    return str(getattr(_module(plugin), "HOST_NOTE", None) or installed(host_module(plugin)))


def _module(plugin: registry.Plugin) -> object:
    return sys.modules.get(getattr(inspect.unwrap(plugin.value), "__module__", "")) if plugin.value else None


def installed(module: str) -> str:
    """Whether a module is there, with its version where its package tells it."""
    try:
        there = importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        there = False
    if not there:
        return "not installed"
    from importlib.metadata import packages_distributions, version

    distributions = packages_distributions().get(module.partition(".")[0], [])
    return f"installed, {version(distributions[0])}" if distributions else "installed"
