"""The table of models: each registered network, its weights, and what its card says."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from surrogate_plugin import registry
from surrogate_plugin.cli.console import table


def report_models(console: Console) -> None:
    """Print every registered model with its card; a missing or damaged one is shown as such."""
    made = table("Models", "model", "weights", "card")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", registry.PluginWarning)
        plugins = registry.discover(registry.MODELS)
    for plugin in plugins:
        if plugin.status is not registry.Status.LOADED:
            made.add_row(plugin.name, f"[red]{plugin.status}[/]: {escape(plugin.problem)}", "")
            continue
        weights = weights_file(plugin)
        made.add_row(plugin.name, escape(_weights(weights)), escape("\n".join(_card(weights.with_suffix(".json")))))
    console.print(made)


def weights_file(plugin: registry.Plugin) -> Path:
    """The safetensors file a model plugin points to: itself, or the one of its name in the folder it names."""
    path = Path(plugin.value())
    return path if path.suffix == ".safetensors" else path / f"{plugin.name}.safetensors"


def _weights(path: Path) -> str:
    return f"{path.name}, {path.stat().st_size / 1e6:.2f} MB" if path.is_file() else f"{path.name} is missing"


def _card(path: Path) -> list[str]:
    try:
        card = json.loads(path.read_text())
    except FileNotFoundError:
        return [f"{path.name} is missing"]
    except (OSError, ValueError) as error:
        return [f"{path.name} cannot be read: {error}"]
    return list(_lines(card)) if isinstance(card, dict) else [f"{path.name} holds no card"]


def _lines(card: dict[str, Any]) -> Iterator[str]:
    """The card's short entries, one a line; long ones by their length."""
    for key, value in card.items():
        text = value if isinstance(value, str) else json.dumps(value)
        yield f"{key}: {text}" if len(text) <= 100 else f"{key}: {len(value)} entries"
