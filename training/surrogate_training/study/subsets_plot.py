"""The matrix of the study of subsets as a heat map."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from surrogate_training.figure_style import INK, STYLE
from surrogate_training.study.drawing import new_figure, save
from surrogate_training.study.subsets_config import SubsetResult, SubsetsConfig
from surrogate_training.study.subsets_table import Matrix

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(config: SubsetsConfig, results: Sequence[SubsetResult], folder: Path) -> None:
    """Write ``subsets.png`` for the networks finished so far."""
    import matplotlib as mpl

    with mpl.rc_context(STYLE):
        save(figure_of(config, results), folder / "subsets.png")


def figure_of(config: SubsetsConfig, results: Sequence[SubsetResult]) -> Figure:
    """Rows trained on, columns tested on; the darker, the larger the error, on a logarithmic scale."""
    from matplotlib.colors import LogNorm
    from matplotlib.patches import Rectangle

    matrix = Matrix.of(config, results)
    errors = 100 * matrix.means
    figure = new_figure(1.6 + 0.78 * len(matrix.parts), 1.9 + 0.6 * len(matrix.networks))
    axes = figure.subplots()
    norm = LogNorm(float(errors.min()), float(max(errors.max(), 1.01 * errors.min())))
    image = axes.imshow(errors, cmap="viridis_r", norm=norm, aspect="auto")
    for row, network in enumerate(matrix.networks):
        for column, part in enumerate(matrix.parts):
            dark = norm(errors[row, column]) > 0.45
            value = f"{errors[row, column]:.3g}"
            axes.text(column, row, value, ha="center", va="center", color="white" if dark else INK, fontsize=11)
            if network == part:
                axes.add_patch(Rectangle((column - 0.48, row - 0.47), 0.96, 0.94, fill=False, ec="#D55E00", lw=2.2))
    names = [f"{name} (model)" if name in config.models else name for name in matrix.networks]
    axes.set_yticks(np.arange(len(names)), names)
    axes.set_xticks(np.arange(len(matrix.parts)), matrix.parts, rotation=45, ha="right")
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_xlabel("tested on")
    axes.set_ylabel("trained on")
    axes.set_title("Relative L2 error, per cent; framed: a network on its own part")
    bar = figure.colorbar(image, ax=axes, shrink=0.7, pad=0.02)
    bar.outline.set_visible(False)
    return figure
