"""The figure of the study of edge cases: how the worst was found, and what it looks like."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from surrogate_training.study.drawing import CYCLE, GREY, GRID_STYLE, new_figure, save
from surrogate_training.study.edge_cases_config import PICTURE, EdgeCasesConfig, Searched
from surrogate_training.study.edge_cases_table import by_network

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw(config: EdgeCasesConfig, results: Sequence[Searched], folder: Path) -> None:
    """Write ``edge-cases.png`` for the networks finished so far."""
    import matplotlib as mpl

    with mpl.rc_context(GRID_STYLE):
        save(figure_of(config, results, folder), folder / "edge-cases.png")


def figure_of(config: EdgeCasesConfig, results: Sequence[Searched], folder: Path) -> Figure:
    """Largest error against problems tried, and the worst problem of each kind of network."""
    groups = by_network(results)
    shown = {name: group for name, group in groups.items() if "taught" not in name}
    figure = new_figure(9.0, 4.4 + 2.05 * len(shown))
    above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=(4.4, 2.05 * len(shown))).ravel()
    _courses(above.subplots(), config, groups)
    for row, (name, group) in zip(np.atleast_2d(below.subplots(len(shown), 4)), shown.items(), strict=True):
        _worst(row, name, max(group, key=lambda r: r.largest), folder)
    return figure


def _courses(axes: Axes, config: EdgeCasesConfig, groups: dict[str, list[Searched]]) -> None:
    for index, (name, group) in enumerate(groups.items()):
        colour = CYCLE[index % len(CYCLE)]
        courses = 100 * np.array([r.course() for r in group])
        tried = np.linspace(0, group[0].evaluations, courses.shape[1] + 1)[1:]
        if len(group) > 1:
            axes.fill_between(tried, courses.min(axis=0), courses.max(axis=0), color=colour, alpha=0.15, lw=0)
        label = (
            f"{name} (model)"
            if group[0].seed is None
            else name.replace(" ", " samples, ") + " samples" * (" " not in name)
        )
        axes.plot(tried, courses.mean(axis=0), color=colour, lw=2, label=label)
        axes.axhline(100 * float(np.mean([r.test_largest for r in group])), color=colour, lw=1, ls=":")
    half = config.rounds * config.evaluations
    axes.axvline(half, color=GREY, lw=1)
    for text, to, side in (("random search", -6, "right"), ("evolution", 6, "left")):
        axes.annotate(
            text, (half, 1.0), xycoords=("data", "axes fraction"), xytext=(to, -12), textcoords="offset points", ha=side
        )  # fmt: skip
    axes.set_xlim(0, 2 * half)
    axes.set_ylim(0.0, 1.07 * axes.get_ylim()[1])  # room for the names of the searches
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlabel("problems tried")
    axes.set_ylabel("largest error found\n(% of the largest value)")
    axes.set_title("Mean over seeds, shaded from least to largest; dotted: largest on the test split")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=10)


def _worst(row: Any, name: str, result: Searched, folder: Path) -> None:
    """Sources, exact field, the network's field and its error, side by side."""
    with np.load(folder / result.folder / PICTURE) as file:
        source, exact, network = (file[key] for key in ("source", "exact", "network"))
    error = network - exact
    reach = float(np.abs(error).max())
    panels = (
        ("sources", source, "inferno", 0.0, 1.0),
        ("exact field", exact, "inferno", 0.0, 1.0),
        ("network's field", network, "inferno", 0.0, 1.0),
        (f"error, up to {100 * reach:.0f} %", error, "RdBu_r", -reach, reach),
    )
    for axes, (title, image, colours, low, high) in zip(row, panels, strict=True):
        axes.imshow(image, cmap=colours, vmin=low, vmax=high, origin="lower", interpolation="nearest")
        axes.set_title(title, fontsize=10)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.grid(visible=False)
    row[0].set_ylabel(f"{name} samples" if name.isdigit() else name, fontsize=11)
