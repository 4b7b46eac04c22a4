"""The figure of the study of hyperparameters: a panel each, the most important one first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from surrogate_training.study.config import StudyConfig
from surrogate_training.study.drawing import BLUE, GREY, ORANGE, UNIT, new_figure, plain_log_axis
from surrogate_training.study.result import Result
from surrogate_training.study.sensitivity import Sensitivity, sensitivities

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLUMNS = 4


def figure_of(config: StudyConfig, results: Sequence[Result]) -> Figure:
    """Whole-lattice error against the values of each hyperparameter, one scale for all."""
    found = sensitivities(config, results)
    rows = max(1, math.ceil(len(found) / _COLUMNS))
    figure = new_figure(9.0, 0.6 + 2.5 * rows)
    panels = figure.subplots(rows, _COLUMNS, sharey=True, squeeze=False).ravel()
    for axes, each in zip(panels, found, strict=False):
        _panel(axes, each)
    for axes in panels[len(found) :]:
        axes.set_visible(False)
    figure.supylabel(f"mean absolute error, whole lattice ({UNIT})", fontsize=11)
    figure.suptitle(
        "Error against each hyperparameter, the others at the base (orange); points are seeds", x=0.01, ha="left"
    )
    return figure


def _panel(axes: Axes, found: Sensitivity) -> None:
    places = np.arange(len(found.points))
    for place, values in zip(places, found.errors, strict=True):
        axes.plot(np.full(len(values), place), [1e3 * v for v in values], "o", ms=4, mfc="white", mec=GREY, zorder=2)
    axes.plot(places, [1e3 * mean for mean in found.means], "o-", color=BLUE, ms=6, lw=1.6, zorder=3)
    for place, point, mean in zip(places, found.points, found.means, strict=True):
        if point.is_base:
            axes.plot([place], [1e3 * mean], "o", color=ORANGE, ms=9, zorder=4)
    axes.set_xticks(places, [f"{point.value:g}" for point in found.points])
    axes.set_xlim(-0.4, len(places) - 0.6)
    axes.grid(visible=False, axis="x")
    plain_log_axis(axes)
    axes.set_title(f"{found.label} ({found.ratio:.2f}x)", fontsize=10.5)
