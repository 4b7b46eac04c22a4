"""The figure of the study of hyperparameters: a panel each, the most important one first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from surrogate_training.study.config import StudyConfig
from surrogate_training.study.drawing import BLUE, GREY, ORANGE, UNIT, new_figure, plain_log_axis
from surrogate_training.study.result import Result
from surrogate_training.study.sensitivity import RAN_AWAY, Sensitivity, sensitivities

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLUMNS = 4


def figure_of(config: StudyConfig, results: Sequence[Result]) -> Figure:
    """Whole-lattice error against the values of each hyperparameter, one scale for all that did not run away."""
    found = sensitivities(config, results)
    rows = max(1, math.ceil(len(found) / _COLUMNS))
    figure = new_figure(9.0, 0.6 + 2.5 * rows)
    panels = figure.subplots(rows, _COLUMNS, sharey=True, squeeze=False).ravel()
    for axes, each in zip(panels, found, strict=False):
        _panel(axes, each)
    for axes in panels[len(found) :]:
        axes.set_visible(False)
    # One row of panels is not as high as the label is long.
    figure.supylabel(f"mean absolute error,{chr(10) if rows == 1 else ' '}whole lattice ({UNIT})", fontsize=11)
    figure.suptitle(
        "Error against each hyperparameter, the others at the base (orange); points are seeds", x=0.01, ha="left"
    )
    return figure


def _panel(axes: Axes, found: Sensitivity) -> None:
    places = np.arange(len(found.points))
    for place, values in zip(places, found.errors, strict=True):
        stayed = [1e3 * v for v in values if v <= RAN_AWAY]
        axes.plot(np.full(len(stayed), place), stayed, "o", ms=4, mfc="white", mec=GREY, zorder=2)
        if lost := len(values) - len(stayed):
            said = f"{lost} of {len(values)}\nran away"
            axes.text(float(place), 0.98, said, transform=axes.get_xaxis_transform(), ha="center", va="top", fontsize=9)
    means = [
        1e3 * mean if max(each) <= RAN_AWAY else math.nan for mean, each in zip(found.means, found.errors, strict=True)
    ]
    axes.plot(places, means, "o-", color=BLUE, ms=6, lw=1.6, zorder=3)
    for place, point, mean in zip(places, found.points, means, strict=True):
        if point.is_base:
            axes.plot([place], [mean], "o", color=ORANGE, ms=9, zorder=4)
    axes.set_xticks(places, [f"{point.value:g}" for point in found.points])
    axes.set_xlim(-0.6, len(places) - 0.4)
    axes.grid(visible=False, axis="x")
    plain_log_axis(axes)
    axes.set_title(f"{found.label} ({found.ratio:.2f}x)", fontsize=10.5)
