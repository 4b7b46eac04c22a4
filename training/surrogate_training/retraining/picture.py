"""The picture of a retraining: a held-out step, what both networks get wrong of it, and what the guard certifies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from surrogate_plugin.equation.problem import FloatArray
from surrogate_plugin.whole_files import replacing
from surrogate_training.figure_style import STYLE
from surrogate_training.quality.assessment import CYCLES
from surrogate_training.retraining.report import Pair, Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Parent and child; told apart by the colour-blind.
_PARENT, _CHILD = "#8A8A8A", "#0072B2"


def draw(report: Report, exact: FloatArray, parent: FloatArray, child: FloatArray, path: Path) -> None:
    """Write the picture as PNG.

    Parameters
    ----------
    report : Report
    exact, parent, child : (H, W) float64
        Of one held-out step: its field and what the networks say, over the largest imposed value.
    path : Path
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as NewFigure

    with mpl.rc_context(STYLE):
        figure = NewFigure(figsize=(12.0, 7.6), layout="constrained")
        FigureCanvasAgg(figure)
        grid = figure.add_gridspec(2, 6, height_ratios=(1.25, 1.0))
        fields = [figure.add_subplot(grid[0, at : at + 2]) for at in (0, 2, 4)]
        _fields(fields, figure, report, (exact, parent, child))
        left, right = figure.add_subplot(grid[1, :3]), figure.add_subplot(grid[1, 3:])
        _bars(left, report.held_out, "Held-out steps of the recording", (report.parent, report.child))
        _bars(right, report.base, "Test split of what the parent knows", (report.parent, report.child))
        left.set_ylabel("share certified (%)")
        left.legend(frameon=False, loc="upper left", ncols=2)
        with replacing(path) as partial:
            figure.savefig(partial, dpi=150, format="png")


def _fields(axes: Sequence[Axes], figure: Figure, report: Report, fields: Sequence[FloatArray]) -> None:
    exact, parent, child = fields
    shown = axes[0].imshow(exact, origin="lower", cmap="inferno", vmax=1.0)
    axes[0].set_title("A held-out step:\nexact field")
    figure.colorbar(shown, ax=axes[0], shrink=0.8, label="over the largest imposed value")
    errors = [100 * np.abs(field - exact) for field in (parent, child)]
    most = max(float(np.percentile(errors[0], 99.5)), 1e-3)
    for axis, error, name in zip(axes[1:], errors, (report.parent, report.child), strict=True):
        shown = axis.imshow(error, origin="lower", cmap="magma", vmin=0.0, vmax=most)
        axis.set_title(f"Error of {name}, before any cycle\nmean {error.mean():.2g} %, largest {error.max():.2g} %")
        figure.colorbar(shown, ax=axis, shrink=0.8, extend="max", label="% of the largest imposed value")
    for axis in axes:
        axis.set_axis_off()


def _bars(axes: Axes, pair: Pair, title: str, names: tuple[str, str]) -> None:
    """Share certified after 1, 2 and 3 cycles at 1 % and at 0.1 %, parent beside child."""
    places = np.array([*range(len(CYCLES)), *(at + len(CYCLES) + 0.6 for at in range(len(CYCLES)))])
    for offset, summary, name, colour in ((-0.2, pair.parent, names[0], _PARENT), (0.2, pair.child, names[1], _CHILD)):
        shares = 100 * np.array([*summary.certified[0.01], *summary.certified[0.001]])
        drawn = axes.bar(places + offset, shares, width=0.38, color=colour, label=name)
        axes.bar_label(drawn, labels=[f"{share:.0f}" for share in shares], fontsize=8, padding=2)
    axes.set_xticks(places, [f"{cycles}" for cycles in CYCLES] * 2)
    half = (len(CYCLES) - 1) / 2
    for place, text in ((half, "cycles, at 1 %"), (half + len(CYCLES) + 0.6, "cycles, at 0.1 %")):
        axes.text(place, -0.13, text, transform=axes.get_xaxis_transform(), ha="center", va="top")
    axes.set_ylim(0.0, 122.0)
    axes.set_yticks(range(0, 101, 25))
    axes.set_title(title)
