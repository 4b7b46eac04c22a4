"""Plugins of other packages: solvers, adapters, models, demos, commands and readers of runs, by entry point.

This is the only place that discovers anything. Each step is small and pure: read the entry points, mark repeated
names, load each on its own, check its shape. What goes wrong becomes data: a `Plugin` that is broken says why, and
never stops the others. Nothing is imported until somebody asks for a group or a name.

A plugin package declares, for example::

    [project.entry-points."surrogate_plugin.solvers"]
    my-solver = "my_package.my_module:MySolver"

and may set ``SURROGATE_PLUGIN_CONTRACT = 1`` in that module: the version of this contract it was written for.
"""

from __future__ import annotations

import functools
import glob
import os
import reprlib
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from configparser import Error as UnreadableFile
from configparser import RawConfigParser
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import entrypoints

#: Raised when what a plugin has to offer changes in a way that older plugins cannot follow.
CONTRACT_VERSION = 1

SOLVERS = "surrogate_plugin.solvers"
ADAPTERS = "surrogate_plugin.adapters"
MODELS = "surrogate_plugin.models"
DEMOS = "surrogate_plugin.demos"
COMMANDS = "surrogate_plugin.commands"
RUNS = "surrogate_plugin.runs"
GROUPS = (SOLVERS, ADAPTERS, MODELS, DEMOS, COMMANDS, RUNS)

#: What a solver must have; all others are functions.
_SOLVER_METHODS = ("refusal", "prepare", "solve")


class PluginWarning(UserWarning):
    """A plugin is broken or hidden; the others work on."""


class UnknownPluginError(LookupError):
    """No plugin has this name; the message lists those that are installed."""


class BrokenPluginError(RuntimeError):
    """The plugin of this name exists but does not load; the message says why."""


class Status(StrEnum):
    """What became of an entry point."""

    FOUND = "found"
    LOADED = "loaded"
    BROKEN = "broken"
    HIDDEN = "hidden"


@dataclass(frozen=True)
class Plugin:
    """One entry point and what became of it.

    Attributes
    ----------
    group, name : str
        Where it was registered and under which name.
    target : str
        ``module:attribute`` it points to.
    distribution, version : str
        The package that registers it.
    status : Status
        ``loaded``, ``broken``, ``hidden`` (another package came first with this name) or, before loading, ``found``.
    value : object
        What was loaded; None unless ``loaded``.
    problem : str
        One sentence, for a broken or hidden plugin.
    """

    group: str
    name: str
    target: str
    distribution: str = ""
    version: str = ""
    status: Status = Status.FOUND
    value: Any = None
    problem: str = ""

    @property
    def origin(self) -> str:
        """The package and its version, for people."""
        return f"{self.distribution} {self.version}".strip()


def discover(group: str) -> tuple[Plugin, ...]:
    """Every plugin of a group, each loaded on its own; a broken one is listed as broken and warned of once.

    Parameters
    ----------
    group : str
        One of `GROUPS`.

    Returns
    -------
    tuple of Plugin
        Sorted by name; ours and other packages' alike.

    Examples
    --------
    >>> [plugin.name for plugin in discover(SOLVERS) if plugin.distribution == "surrogate_plugin"]
    ['algebraic', 'multigrid', 'sparse-direct', 'spectral']
    """
    return _loaded(group, _path())


def names(group: str) -> tuple[str, ...]:
    """The names registered in a group, without importing any plugin."""
    found = _found(group, _path())
    return tuple(sorted({plugin.name for plugin in found if plugin.status not in (Status.BROKEN, Status.HIDDEN)}))


def find(group: str, name: str) -> Plugin | None:
    """The plugin of this name, loaded or broken, without importing any other; None where there is none."""
    same = [plugin for plugin in _found(group, _path()) if plugin.name == name and plugin.status is not Status.HIDDEN]
    same.sort(key=lambda plugin: plugin.status is Status.BROKEN)  # an entry that cannot even be read takes no name
    return _load(same[0]) if same else None


def load(group: str, name: str) -> Any:
    """What the plugin of this name offers: a solver class, an adapter's ``attach``, else a function.

    Raises
    ------
    UnknownPluginError
        If nothing of this name is installed; the message lists what is.
    BrokenPluginError
        If it is installed and does not load.
    """
    plugin = find(group, name)
    if plugin is None:
        installed = ", ".join(names(group)) or "none"
        raise UnknownPluginError(f"no plugin named {reprlib.repr(name)} in {group}; installed are: {installed}.")
    if plugin.status is not Status.LOADED:
        raise BrokenPluginError(
            f"plugin {name!r} of {plugin.origin or 'an unknown package'} is broken: {plugin.problem}"
        )
    return plugin.value


def forget() -> None:
    """Drop what was remembered, so that the next look-up reads the installed packages again."""
    _found.cache_clear()
    _loaded.cache_clear()


def _path() -> tuple[str, ...]:
    """Where packages are looked for: part of every cache key, so that a changed path is read anew."""
    return tuple(map(str, sys.path))


@functools.cache
def _loaded(group: str, path: tuple[str, ...]) -> tuple[Plugin, ...]:
    plugins = tuple(_load(plugin) for plugin in _found(group, path))
    for plugin in plugins:
        if plugin.problem:
            warnings.warn(
                f"plugin {plugin.name!r} of {plugin.origin or 'an unknown package'} ({plugin.group}) is "
                f"{plugin.status}: {plugin.problem}",
                PluginWarning,
                stacklevel=3,
            )
    return plugins


@functools.cache
def _found(group: str, path: tuple[str, ...]) -> tuple[Plugin, ...]:
    if group not in GROUPS:
        raise UnknownPluginError(f"{group!r} is no plugin group; the groups are: {', '.join(GROUPS)}.")
    return tuple(sorted(_mark_hidden(_entries(group, path)), key=lambda plugin: plugin.name))


def _entries(group: str, path: Sequence[str]) -> Iterator[Plugin]:
    """The entry points of one group, in the order of the path, not yet imported."""
    for source in _sources(path):
        if isinstance(source, Plugin):
            yield replace(source, group=group)
            continue
        config, distribution = source
        if not config.has_section(group):
            continue
        for name, target in config.items(group, raw=True):
            plugin = Plugin(group, name, target, distribution.name, distribution.version or "")
            yield (
                plugin
                if entrypoints.entry_point_pattern.match(target)
                else _broken(plugin, f"{target!r} is not of the form module:attribute.")
            )


def _sources(path: Sequence[str]) -> list[Any]:
    """A (parser, distribution) pair for every package, or a broken Plugin for a file that cannot be read.

    `entrypoints` stops at the first unreadable file, so then each file is read on its own.
    """
    try:
        return list(entrypoints.iter_files_distros(path=list(path)))
    except (UnreadableFile, UnicodeDecodeError, OSError):
        return list(_sources_one_by_one(path))


def _sources_one_by_one(path: Sequence[str]) -> Iterator[Any]:
    seen: set[str] = set()
    for folder in path:
        for kind in ("dist-info", "egg-info"):
            for file in sorted(glob.glob(os.path.join(glob.escape(folder), f"*.{kind}", "entry_points.txt"))):
                distribution = entrypoints.Distribution.from_name_version(Path(file).parent.stem)
                if distribution.name in seen:
                    continue
                seen.add(distribution.name)
                config: RawConfigParser = entrypoints.CaseSensitiveConfigParser(delimiters=("=",))
                try:
                    config.read([file])
                except (UnreadableFile, UnicodeDecodeError, OSError) as error:
                    yield _broken(
                        Plugin("", "entry_points.txt", file, distribution.name, distribution.version or ""),
                        f"its entry_points.txt cannot be read ({_first_line(error)}).",
                    )
                else:
                    yield config, distribution


def _mark_hidden(plugins: Iterable[Plugin]) -> Iterator[Plugin]:
    """Of two plugins with one name the first on the path stands, as with imports; the other is reported."""
    first: dict[str, Plugin] = {}
    for plugin in plugins:
        if plugin.status is Status.BROKEN:
            yield plugin
            continue
        owner = first.setdefault(plugin.name, plugin)
        if owner is plugin:
            yield plugin
        else:
            sentence = f"{owner.origin} registers the same name and comes first; uninstall one of the two."
            yield replace(plugin, status=Status.HIDDEN, problem=sentence)


def _load(plugin: Plugin) -> Plugin:
    """Import one plugin and check what it offers; whatever it raises becomes its ``problem``."""
    if plugin.status is not Status.FOUND:
        return plugin
    try:
        value = entrypoints.EntryPoint.from_string(plugin.target, plugin.name).load()
    except (Exception, SystemExit) as error:
        return _broken(plugin, f"loading {plugin.target} raised {type(error).__name__}: {_first_line(error)}")
    problem = _contract_problem(value) or _shape_problem(plugin.group, value)
    return _broken(plugin, problem) if problem else replace(plugin, status=Status.LOADED, value=value)


def _contract_problem(value: Any) -> str:
    module = sys.modules.get(getattr(value, "__module__", None) or "")
    version = getattr(module, "SURROGATE_PLUGIN_CONTRACT", CONTRACT_VERSION)
    if version == CONTRACT_VERSION:
        return ""
    return f"it was written for plugin contract {version}, this is {CONTRACT_VERSION}; upgrade the older of the two."


def _shape_problem(group: str, value: Any) -> str:
    if not callable(value):
        return f"it is a {type(value).__name__}; a {'class' if group == SOLVERS else 'function'} is expected."
    missing = [method for method in _SOLVER_METHODS if not callable(getattr(value, method, None))]
    if group == SOLVERS and missing:
        return f"it has no {' and no '.join(missing)}; a solver offers {', '.join(_SOLVER_METHODS)}."
    return ""


def _broken(plugin: Plugin, problem: str) -> Plugin:
    return replace(plugin, status=Status.BROKEN, problem=problem)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or "no message").splitlines()[0]
