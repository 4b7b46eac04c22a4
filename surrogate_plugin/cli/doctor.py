"""``surrogate-plugin doctor``: what is installed, what is broken, and whether the guard holds on this machine."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
import warnings
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

import surrogate_plugin
from surrogate_plugin import registry
from surrogate_plugin.cli import selfcheck
from surrogate_plugin.cli.console import plain_errors, stdout, table
from surrogate_plugin.cli.models import report_models

_NEEDED = ("torch", "numpy", "scipy", "numba", "pydantic", "entrypoints", "safetensors", "pyvista", "typer", "rich")
_OPTIONAL = {"scikit-sparse": "cholmod", "pyphysicell": "pyphysicell", "pyamg": "dev"}


def doctor(
    problems: Annotated[int, typer.Option(min=1, help="Random problems of the guard's self-check.")] = 12,
    size: Annotated[int, typer.Option(min=8, max=256, help="Pixels a side of these problems.")] = 128,
    extremes: Annotated[int, typer.Option(min=0, help="Small problems with extreme coefficients, checked too.")] = 300,
    tissues: Annotated[int, typer.Option(min=0, help="Small problems with obstacles, membranes and the like.")] = 60,
    seed: Annotated[int, typer.Option(min=0, help="Seed of these problems.")] = 0,
) -> None:
    """Show versions, devices, models and plugins, and check the guard against a reference in extended precision.

    The reference shares no code with the solvers. The exit code is 1 if a bound was smaller than the true error, or a
    part of this package is broken.
    """
    console = stdout()
    _report_versions(console)
    _report_devices(console)
    report_models(console)
    sound = _report_plugins(console)
    with plain_errors():
        checks = {
            "random": selfcheck.check_guard(problems, size, seed),
            "extreme": selfcheck.check_extremes(extremes, seed),
            "tissue": selfcheck.check_tissues(tissues, seed),
        }
    for kind, found in checks.items():
        selfcheck.report_guard(console, found, kind)
    held = all(check.held for found in checks.values() for check in found)
    if not held:
        console.print("[bold red]The guard does not hold on this machine; please report this with the tables above.[/]")
    if not (held and sound):
        raise typer.Exit(1)


def _report_versions(console: Console) -> None:
    made = table("Versions", "package", "version")
    made.add_row("surrogate-plugin", surrogate_plugin.__version__)
    made.add_row("python", f"{platform.python_version()} ({platform.system()} {platform.machine()})")
    for package in _NEEDED:
        made.add_row(package, _version(package) or "[red]missing[/]")
    for package, extra in _OPTIONAL.items():
        hint = escape(f"not installed (optional: pip install surrogate-plugin[{extra}])")
        made.add_row(package, _version(package) or hint)
    console.print(made)


def _threads() -> str:
    """How many threads the compiled loops are shared out among, once one of them has run."""
    from surrogate_plugin import Problem, solve

    try:
        solve(Problem([[1.0] + 63 * [0.0]] * 8), method="exact")
        from surrogate_plugin.team import thread_count

        return f"{thread_count()} threads for a large lattice"
    except Exception as error:
        return f"compiled loops do not run ({escape(str(error))})"


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _report_devices(console: Console) -> None:
    made = table("Devices", "device", "what it is")
    made.add_row("cpu", f"{_usable_cores()} of {os.cpu_count()} cores usable; {_threads()}")
    try:
        import torch
    except (ImportError, OSError) as error:
        made.add_row("torch", escape(f"does not load ({error}); the exact solvers answer everything"))
    else:
        made.add_row("torch", f"{torch.get_num_threads()} threads")
        for index in range(torch.cuda.device_count()):
            card = torch.cuda.get_device_properties(index)
            made.add_row(f"cuda:{index}", escape(f"{card.name}, {card.total_memory / 2**30:.0f} GiB"))
        if torch.backends.mps.is_available():
            made.add_row("mps", "Apple GPU")
    console.print(made)


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _report_plugins(console: Console) -> bool:
    """Print the table of plugins; whether all of our own are sound."""
    made = table(f"Plugins (contract {registry.CONTRACT_VERSION})", "kind", "name", "status", "registered by")
    sound = True
    for group in registry.GROUPS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", registry.PluginWarning)
            plugins = registry.discover(group)
        for plugin in plugins:
            good = plugin.status is registry.Status.LOADED
            sound = sound and (good or plugin.distribution != "surrogate_plugin")
            status = f"[green]{plugin.status}[/]" if good else f"[red]{plugin.status}[/]: {escape(plugin.problem)}"
            made.add_row(group.rpartition(".")[2], plugin.name, status, plugin.origin)
    console.print(made)
    return sound
