"""``surrogate-plugin doctor``: what is installed, what is broken, and whether the guard holds on this machine."""

from __future__ import annotations

import os
import platform
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

import surrogate_plugin
from surrogate_plugin import registry
from surrogate_plugin.cli import options
from surrogate_plugin.cli.console import FOUND, plain_errors, print_json, stdout, table

_NEEDED = ("torch", "numpy", "scipy", "numba", "pydantic", "entrypoints", "safetensors", "pyvista", "typer", "rich")
_OPTIONAL = {"scikit-sparse": "cholmod", "pyphysicell": "pyphysicell", "pyamg": "dev"}


@dataclass
class _Found:
    """What there is on this machine, to be printed as tables or as an object."""

    versions: dict[str, str | None]
    installed: str
    devices: dict[str, str] = field(default_factory=dict)
    plugins: list[tuple[str, registry.Plugin]] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether no part of this package is broken."""
        return all(
            plugin.status is registry.Status.LOADED or plugin.distribution != "surrogate_plugin"
            for _, plugin in self.plugins
        )


def doctor(
    problems: Annotated[int, typer.Option(min=1, help="Random problems of the guard's self-check.")] = 12,
    size: Annotated[int, typer.Option(min=8, max=256, help="Pixels a side of these problems.")] = 128,
    extremes: Annotated[int, typer.Option(min=0, help="Small problems with extreme coefficients, checked too.")] = 300,
    tissues: Annotated[int, typer.Option(min=0, help="Small problems with obstacles, membranes and the like.")] = 60,
    seed: Annotated[int, typer.Option(min=0, help="Seed of these problems.")] = 0,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Show versions, devices, models and plugins, and check the guard against a reference in extended precision.

    The reference shares no code with the solvers.

    Examples
    --------
    surrogate-plugin doctor
    surrogate-plugin doctor --problems 100 --json

    Exit codes
    ----------
    1 : a bound was smaller than the true error, or a part of this package is broken

    JSON
    ----
    versions : by package; null where it is not installed
    installed : how this package was, and where its code lies
    devices : by name, what each is
    models : of each its name, whether it loads, and its card or what is wrong
    plugins : of each its kind, name, status, problem and registered_by
    guard : by kind of problems, how many there were and for how many the bound held
    sound : whether all is well
    """
    from surrogate_plugin.cli import installation, selfcheck
    from surrogate_plugin.cli.models import described, report_models

    tables = not (json or quiet)
    found = _Found(_versions(), installation.described(), _devices(), list(_plugins()))
    if tables:
        console = stdout()
        _print_versions(console, found)
        _print_devices(console, found)
        report_models(console)
        _print_plugins(console, found)
    with plain_errors():
        checks = {
            "random": selfcheck.check_guard(problems, size, seed, quiet=quiet),
            "extreme": selfcheck.check_extremes(extremes, seed, quiet=quiet),
            "tissue": selfcheck.check_tissues(tissues, seed, quiet=quiet),
        }
    held = all(check.held for each in checks.values() for check in each)
    if tables:
        for kind, each in checks.items():
            selfcheck.report_guard(console, each, kind)
        if not held:
            console.print(
                "[bold red]The guard does not hold on this machine; please report this with the tables above.[/]"
            )
    if json and not quiet:
        guard = {
            kind: {"problems": len(each), "held": sum(check.held for check in each)} for kind, each in checks.items()
        }
        models = described()
        print_json({**_said(found), "models": models, "guard": guard, "sound": held and found.sound})
    if not (held and found.sound):
        raise typer.Exit(FOUND)


def _said(found: _Found) -> dict[str, Any]:
    plugins = [
        {
            "kind": kind,
            "name": plugin.name,
            "status": str(plugin.status),
            "problem": plugin.problem or None,
            "registered_by": plugin.origin,
        }
        for kind, plugin in found.plugins
    ]
    return {"versions": found.versions, "installed": found.installed, "devices": found.devices, "plugins": plugins}


def _versions() -> dict[str, str | None]:
    ours = {
        "surrogate-plugin": surrogate_plugin.__version__,
        "python": f"{platform.python_version()} ({platform.system()} {platform.machine()})",
    }
    return {**ours, **{package: _version(package) for package in (*_NEEDED, *_OPTIONAL)}}


def _print_versions(console: Console, found: _Found) -> None:
    made = table("Versions", "package", "version")
    for package, version in found.versions.items():
        missing = "[red]missing[/]"
        if package in _OPTIONAL:
            missing = escape(f"not installed (optional: pip install surrogate-plugin[{_OPTIONAL[package]}])")
        made.add_row(package, version or missing)
        if package == "surrogate-plugin":
            made.add_row("", escape(found.installed))
    console.print(made)


def _threads() -> str:
    """How many threads the compiled loops are shared out among, once one of them has run."""
    from surrogate_plugin import Problem, solve

    try:
        solve(Problem([[1.0] + 63 * [0.0]] * 8), method="exact")
        from surrogate_plugin.team import thread_count

        return f"{thread_count()} threads for a large lattice"
    except Exception as error:
        return f"compiled loops do not run ({error})"


def _version(package: str) -> str | None:
    import importlib.metadata

    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _devices() -> dict[str, str]:
    found = {"cpu": f"{_usable_cores()} of {os.cpu_count()} cores usable; {_threads()}"}
    try:
        import torch
    except (ImportError, OSError) as error:
        return {**found, "torch": f"does not load ({error}); the exact solvers answer everything"}
    found["torch"] = f"{torch.get_num_threads()} threads"
    for index in range(torch.cuda.device_count()):
        card = torch.cuda.get_device_properties(index)
        found[f"cuda:{index}"] = f"{card.name}, {card.total_memory / 2**30:.0f} GiB"
    if torch.backends.mps.is_available():
        found["mps"] = "Apple GPU"
    return found


def _print_devices(console: Console, found: _Found) -> None:
    made = table("Devices", "device", "what it is")
    for device, said in found.devices.items():
        made.add_row(device, escape(said))
    console.print(made)


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _plugins() -> Iterator[tuple[str, registry.Plugin]]:
    """All of them with their kind, the broken ones too; the table tells of them, so no warning does."""
    for group in registry.GROUPS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", registry.PluginWarning)
            plugins = registry.discover(group)
        for plugin in plugins:
            yield group.rpartition(".")[2], plugin


def _print_plugins(console: Console, found: _Found) -> None:
    made = table(f"Plugins (contract {registry.CONTRACT_VERSION})", "kind", "name", "status", "registered by")
    for kind, plugin in found.plugins:
        good = plugin.status is registry.Status.LOADED
        status = f"[green]{plugin.status}[/]" if good else f"[red]{plugin.status}[/]: {escape(plugin.problem)}"
        made.add_row(kind, plugin.name, status, plugin.origin)
    console.print(made)
