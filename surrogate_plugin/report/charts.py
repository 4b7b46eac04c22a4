"""The charts of a run: how certain each step was, who answered, and how long it took."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from surrogate_plugin.arguments import FloatArray
from surrogate_plugin.report.course import Course, Groups
from surrogate_plugin.session.steps import HELD

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Colours that are told apart on light and on dark paper, and by those who see few of them.
_COLOURS = {
    "surrogate": "#2f8fd0",
    "multigrid": "#d98a1f",
    "spectral": "#1f9e80",
    "algebraic": "#b267c4",
    "sparse-direct": "#d0544f",
    HELD: "#8a909c",
}
_OTHERS = ("#7d8f1f", "#c65b93", "#4f6fd6", "#946b3d")
_LIMIT = "#d0544f"


def bounds(course: Course, unit: str, tolerance: float | None, audits: list[tuple[float, float]]) -> Figure:
    """The bound of each step, the tolerance, and errors that were measured (when, how large)."""
    made, axes = _axes(course)
    groups = course.bounds
    _band(axes, groups, _COLOURS["surrogate"], "bound")
    if tolerance is not None:
        axes.axhline(tolerance, color=_LIMIT, linewidth=1.2, linestyle="--", label="tolerance")
    if audits:
        when, error = zip(*audits, strict=True)
        axes.plot(when, error, "D", color=_COLOURS["multigrid"], markersize=4, label="measured error")
    _logarithmic_if_wide(axes, [groups.low, groups.high, np.array([error for _, error in audits], dtype=np.float64)])
    axes.set_ylabel(_plain(f"error ({unit or 'field units'})"))
    axes.legend(loc="best", fontsize=8, framealpha=0.8)
    return made


def answers(course: Course) -> Figure:
    """Which share of the steps each method answered, over the run."""
    made, axes = _axes(course)
    at, shares = course.shares()
    ends = np.append(at, at[-1] + (at[-1] - at[0]) / max(1, len(at) - 1) if len(at) > 1 else at[-1] + 1)
    base = np.zeros(len(at))
    others = iter(_OTHERS)
    for method, share in shares.items():
        colour = _COLOURS.get(method) or next(others, _OTHERS[0])
        top = base + share
        low, high = np.append(base, base[-1]), np.append(top, top[-1])
        axes.fill_between(ends, 100 * low, 100 * high, step="post", color=colour, linewidth=0, label=_plain(method))
        base = top
    axes.set_ylim(0, 100)
    axes.set_ylabel("% of the steps")
    axes.legend(loc="lower left", fontsize=8, framealpha=0.8)
    return made


def seconds(course: Course) -> Figure:
    """What each solve took."""
    made, axes = _axes(course)
    spent = course.seconds
    _band(axes, Groups(spent.at, 1e3 * spent.low, 1e3 * spent.high, spent.size), _COLOURS["spectral"], "solves")
    _logarithmic_if_wide(axes, [spent.low, spent.high])
    axes.set_ylabel("ms a step")
    return made


def _axes(course: Course) -> tuple[Figure, Axes]:
    """Small enough that its letters can be read on a phone."""
    from matplotlib.figure import Figure

    made = Figure(figsize=(5.2, 2.9), layout="constrained")
    axes = made.subplots()
    axes.set_xlabel("time (the host's)" if course.timed else "step")
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.25)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return made, axes


def _band(axes: Axes, groups: Groups, colour: str, label: str) -> None:
    """Points where each stands for a step, else a band from the least to the largest of each group."""
    if groups.size <= 1:
        axes.plot(groups.at, groups.high, ".-", color=colour, markersize=4, linewidth=0.8, label=label)
        return
    axes.fill_between(groups.at, groups.low, groups.high, color=colour, alpha=0.35, linewidth=0)
    axes.plot(groups.at, groups.high, color=colour, linewidth=0.8, label=f"{label}: largest of {groups.size} steps")
    axes.plot(groups.at, groups.low, color=colour, linewidth=0.5, alpha=0.7)


def _logarithmic_if_wide(axes: Axes, series: list[FloatArray]) -> None:
    values = np.concatenate(series) if series else np.empty(0)
    values = values[np.isfinite(values)]
    if values.size and values.min() > 0 and values.max() > 50 * values.min():
        axes.set_yscale("log")
    elif values.size:
        axes.set_ylim(bottom=0.0)


def _plain(text: str) -> str:
    """Text in which matplotlib sees no mathematics."""
    return text.replace("$", r"\$")
