"""The learning curve of a run, drawn from its log.csv."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from surrogate_plugin.whole_files import replacing

_INK, _GREY = "#333333", "#bbbbbb"
#: Column, how it is called, colour.
_LOSSES = (("loss", "training, running mean", "#7fb0d6"), ("validation_loss", "validation", "#1f5f99"))
_ERRORS = (
    ("relative_l2", "relative L2", "#1f5f99"),
    ("max", "largest error", "#c4472b"),
    ("smooth_max", "largest 8 x 8 mean error", "#d99a2b"),
)


def read(path: Path) -> dict[str, np.ndarray]:
    """The columns of a log, each (rows,) float64; a missing value is NaN."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = rows[0].keys() if rows else ()
    return {name: np.array([float(row[name] or "nan") for row in rows]) for name in names}


def draw(path: Path) -> Path:
    """Draw losses and median validation errors against the training samples seen; returns ``curve.png`` beside.

    Parameters
    ----------
    path : Path
        A ``log.csv``.
    """
    from matplotlib.figure import Figure

    columns = read(path)
    figure = Figure(figsize=(9.0, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for axes, lines, title in ((left, _LOSSES, "loss"), (right, _ERRORS, "validation error, median")):
        for name, label, colour in lines:
            values = columns.get(name, np.empty(0))
            shown = np.isfinite(values) & (values > 0) if len(values) else np.empty(0, np.bool_)
            axes.plot(columns["samples"][shown], values[shown], ".-", color=colour, label=label, lw=1.5, ms=4)
        axes.set_yscale("log")
        axes.set_xlabel("training samples seen", color=_INK)
        axes.set_title(title, loc="left", color=_INK, fontsize=11)
        axes.grid(which="both", color=_GREY, lw=0.4, alpha=0.6)
        axes.tick_params(which="both", colors=_INK, labelsize=8)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        axes.legend(frameon=False, fontsize=8)
    picture = path.with_name("curve.png")
    with replacing(picture) as partial:
        figure.savefig(partial, dpi=130, format="png")
    return picture
