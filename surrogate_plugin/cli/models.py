"""The table of models: each registered network, whether it loads, and what its card says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from surrogate_plugin import registry
from surrogate_plugin.cli.console import table

if TYPE_CHECKING:
    from surrogate_plugin.surrogate.card import ModelCard


def report_models(console: Console) -> None:
    """Print every registered model with its card; one that is missing or damaged says so."""
    made = table("Models", "model", "status", "weights", "card")
    for name in registry.names(registry.MODELS):
        made.add_row(name, *_describe(name))
    console.print(made)


def described() -> list[dict[str, Any]]:
    """The same for programs: name, whether it loads, and its card or what is wrong."""
    from surrogate_plugin.surrogate import model
    from surrogate_plugin.surrogate.failures import ModelError

    said: list[dict[str, Any]] = []
    for name in registry.names(registry.MODELS):
        try:
            card = model.load(name, device="cpu").card
        except ModelError as error:
            said.append({"name": name, "loads": False, "problem": str(error), "card": None})
        else:
            said.append({"name": name, "loads": True, "problem": None, "card": card.model_dump(mode="json")})
    return said


def _describe(name: str) -> tuple[str, str, str]:
    """Status, weights and card of one model; the network is loaded, to see that it can be."""
    from surrogate_plugin.surrogate import model
    from surrogate_plugin.surrogate.failures import ModelError

    try:
        weights = model.find(name)
        card = model.load(name, device="cpu").card
    except ModelError as error:
        return f"[red]unusable[/]: {escape(str(error))}", "", ""
    size = f"{weights.name}, {weights.stat().st_size / 1e6:.2f} MB\nsha256 {card.sha256[:12]}"
    return "[green]loads[/]", escape(size), escape("\n".join(_lines(card)))


def _lines(card: ModelCard) -> Iterator[str]:
    """What the card says, a line a topic."""
    ranges = card.ranges
    yield f"{card.network.kind}, {card.network.parameters:,} parameters"
    yield f"diffusion length {ranges.shortest_length_px:.3g} to {ranges.longest_length_px:.3g} px"
    yield f"decay contrast up to {ranges.largest_contrast:.3g}"
    yield (
        f"up to {ranges.most_sources} sources of {ranges.largest_source_px} px, "
        f"{100 * ranges.largest_fixed_share:.2g} % fixed"
    )
    yield f"sides {', '.join(ranges.boundaries)}; {ranges.shortest_side_px} to {ranges.longest_side_px} px long"
    for name, values in card.metrics.items():
        shown = ", ".join(f"{statistic} {value:.3g}" for statistic, value in values.items())
        yield f"{name}: {shown}"
    yield f"measured on {card.test_samples} test samples"
