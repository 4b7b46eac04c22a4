"""A study's figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from surrogate_training.study import laws as study_laws
from surrogate_training.study import sensitivity_plot
from surrogate_training.study.config import StudyConfig
from surrogate_training.study.drawing import (
    BLUE,
    CYCLE,
    GREEN,
    GREY,
    GRID_STYLE,
    ORANGE,
    UNIT,
    new_figure,
    plain_log_axis,
    save,
)
from surrogate_training.study.result import Result, by_variant
from surrogate_training.study.table import NAMES, sizes_and_errors

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


_REGIONS = ("mae", "sources", "field", "r1", "r2", "r3")


def draw(config: StudyConfig, results: Sequence[Result], folder: Path) -> None:
    """Write ``<kind>.png`` and ``by-sources.png`` for the runs finished so far; nothing while there is none."""
    if not results:
        return
    import matplotlib as mpl

    with mpl.rc_context(GRID_STYLE):
        save(figure_of(config, results), folder / f"{config.kind}.png")
        save(_by_sources(results), folder / "by-sources.png")


def figure_of(config: StudyConfig, results: Sequence[Result]) -> Figure:
    """The figure of a study: error against training-set size with both laws, against hyperparameters, or by region."""
    if config.kind == "hyperparameters":
        return sensitivity_plot.figure_of(config, results)
    return _sizes(results) if config.kind == "training-set-size" else _regions(results)


def _sizes(results: Sequence[Result]) -> Figure:
    """Error, and its spread over seeds, against the number of training samples."""
    figure = new_figure(11.0, 4.6)
    left, right = figure.subplots(1, 2, width_ratios=(1.45, 1.0))
    sizes, means, spreads = sizes_and_errors(results)
    n, mean, spread = np.array(sizes), 1e3 * np.array(means), 1e3 * np.nan_to_num(np.array(spreads))
    left.fill_between(n, mean - spread, mean + spread, color=BLUE, alpha=0.15, lw=0, label="± one standard deviation")
    at = [int(result.variant) for result in results]
    left.plot(
        at, [1e3 * r.measures["mae"] for r in results], "o", ms=4.5, mfc="white", mec=GREY, zorder=3, label="one seed"
    )
    left.plot(n, mean, "o", ms=7, color=BLUE, label="mean over seeds")
    if len(sizes) >= 3:
        _draw_laws(left, sizes, means)
    _size_axis(left, sizes)
    left.set_ylabel(f"mean absolute error, whole lattice\n({UNIT})")
    left.set_title("Error")
    left.legend(fontsize=9.5)
    _draw_spread(right, sizes, spreads)
    return figure


def _draw_laws(axes: Axes, sizes: list[int], means: list[float]) -> None:
    fine = np.geomspace(min(sizes), max(sizes), 200)
    log, power = study_laws.fit("logarithmic", sizes, means), study_laws.fit("power", sizes, means)
    said = rf"$a - b\,\ln n$, $b$ = {1e3 * log.second:.2f}, $R^2$ = {log.r_squared:.3f}"
    axes.plot(fine, 1e3 * log.at(fine), "-", color=ORANGE, lw=1.8, label=said)
    said = rf"$c\,n^{{-p}}$, $p$ = {power.second:.3f}, $R^2$ = {power.r_squared:.3f}"
    axes.plot(fine, 1e3 * power.at(fine), "--", color=GREEN, lw=1.8, label=said)


def _draw_spread(axes: Axes, sizes: list[int], spreads: list[float]) -> None:
    known = [(n, 1e3 * s) for n, s in zip(sizes, spreads, strict=True) if np.isfinite(s)]
    if known:
        axes.plot(*zip(*known, strict=True), "o-", color=BLUE, ms=7, lw=1.4)
        axes.set_ylim(0.0, 1.15 * max(spread for _, spread in known) or 1.0)
    else:
        axes.text(0.5, 0.5, "one seed has no spread", transform=axes.transAxes, ha="center", color=GREY)
    _size_axis(axes, sizes)
    axes.set_ylabel(f"standard deviation over seeds\n({UNIT})")
    axes.set_title("Run-to-run spread")


def _size_axis(axes: Axes, sizes: list[int]) -> None:
    from matplotlib.ticker import NullLocator

    axes.set_xscale("log")
    axes.set_xlim(min(sizes) / 1.12, max(sizes) * 1.12)
    axes.set_xticks(sizes, [f"{n:,}" for n in sizes])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("distinct training samples")


def _regions(results: Sequence[Result]) -> Figure:
    """Every run's error by region, the variants side by side; a bar at their mean, and a box where there are many."""
    figure = new_figure(11.0, 4.8)
    axes = figure.subplots()
    groups = by_variant(results)
    width = 0.8 / len(groups)
    for place in range(0, len(_REGIONS), 2):
        axes.axvspan(place - 0.5, place + 0.5, color="#F5F5F5", lw=0, zorder=0)
    for index, (variant, group) in enumerate(groups.items()):
        colour = CYCLE[index % len(CYCLE)]
        for place, region in enumerate(_REGIONS):
            values = [1e3 * r.measures[region] for r in group if region in r.measures]
            if not values:
                continue
            centre = place + (index - (len(groups) - 1) / 2) * width
            jitter = np.linspace(-0.2, 0.2, len(values)) * width if len(values) > 1 else np.zeros(1)
            axes.plot(centre + jitter, values, "o", ms=4.5, color=colour, alpha=0.75, mec="white", mew=0.5)
            if len(values) >= 5:
                _box(axes, values, centre, 0.8 * width, colour)
            else:
                axes.hlines(float(np.mean(values)), centre - 0.4 * width, centre + 0.4 * width, color=colour, lw=2.2)
        if len(groups) > 1:
            axes.plot([], [], "o", color=colour, label=variant)
    axes.set_xticks(range(len(_REGIONS)), [NAMES[region] for region in _REGIONS])
    axes.set_xlim(-0.5, len(_REGIONS) - 0.5)
    axes.grid(visible=False, axis="x")
    plain_log_axis(axes)
    axes.set_ylabel(f"mean absolute error\n({UNIT})")
    if len(groups) > 1:
        axes.set_title("Error by region: points are seeds, bars their mean")
        axes.legend(title="loss", loc="center left", bbox_to_anchor=(1.0, 0.5))
    else:
        axes.set_title("Error by region: points are seeds")
    return figure


def _box(axes: Axes, values: list[float], centre: float, width: float, colour: str) -> None:
    line = {"color": colour, "linewidth": 1.3}
    axes.boxplot(
        values, positions=[centre], widths=width, showfliers=False, manage_ticks=False, boxprops=line,
        whiskerprops=line, capprops=line, medianprops={"color": colour, "linewidth": 2.2},
    )  # fmt: skip


def _by_sources(results: Sequence[Result]) -> Figure:
    """Mean error over seeds against the number of sources, a line a variant."""
    import matplotlib as mpl

    figure = new_figure(7.8, 4.4)
    axes = figure.subplots()
    groups = by_variant(results)
    counts = sorted(results[0].by_sources)
    for index, (variant, group) in enumerate(groups.items()):
        colour: str | tuple[float, float, float, float] = CYCLE[index % len(CYCLE)]
        if variant.isdigit():  # sizes have an order, so their colours have one
            colour = mpl.colormaps["viridis_r"](0.1 + 0.85 * index / max(1, len(groups) - 1))
        means = [1e3 * float(np.mean([r.by_sources[count]["mae"] for r in group])) for count in counts]
        axes.plot(counts, means, "o-", ms=4, lw=1.4, color=colour, label=_label(variant))
    axes.set_xticks([count for count in counts if count == 1 or count % 5 == 0])
    axes.set_xlabel("number of sources")
    axes.set_ylabel(f"mean absolute error, whole lattice\n({UNIT})")
    axes.set_ylim(bottom=0.0)
    axes.set_title("Error by number of sources, mean over seeds")
    if len(groups) > 1:
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def _label(variant: str) -> str:
    return f"{int(variant):,} samples" if variant.isdigit() else variant
