"""Draw docs/architecture.svg: ``python docs/draw_architecture.py``, or with another path, .png included."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

from matplotlib import pyplot
from matplotlib.patches import FancyBboxPatch

INK, GREY = "#333333", "#777777"
#: Fill of what stands on the core, of the core, of what carries the promise, and of data that is handed on.
OUTSIDE, CORE, PROMISE, DATA = "#f1ece4", "#dfeaf3", "#f6dcd2", "#ffffff"


def main(path: Path) -> None:
    pyplot.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "architecture", "font.family": "sans-serif"})
    figure, axes = pyplot.subplots(figsize=(12.0, 8.0))
    axes.set(xlim=(0, 120), ylim=(0, 80))
    axes.axis("off")
    figure.subplots_adjust(0.01, 0.01, 0.99, 0.99)

    box(axes, 30, 71, 42, 7, OUTSIDE, "a host", "PhysiCell, CompuCell3D, vivarium, process-bigraph, Mesa, yours")
    box(axes, 30, 59, 42, 8, OUTSIDE, "surrogate_adapters/<host>/", "on steady_fields.py, options.py, notices.py")
    box(axes, 30, 47, 42, 8, CORE, "session/", "Backend: one step of the host; what is kept of it")
    box(axes, 30, 35, 42, 8, CORE, "tissue/", "TissueState (cells, vessels; um) to Raster (maps; pixels)")
    box(axes, 30, 23, 42, 8, CORE, "equation/", "Problem: maps, uptake, sides; the operator A c + U(c) - s")
    box(axes, 80, 47, 38, 8, CORE, "recordings/", "each step as it was posed; retraining reads them")
    box(
        axes,
        80,
        59,
        38,
        8,
        CORE,
        "cli/, running/, audit/, files/, pictures/",
        "settings, arrays, finished runs in; fields, pages, films out",
    )
    box(axes, 80, 71, 38, 7, OUTSIDE, "a caller", "sp.solve(problem), sp.certify(problem, field)")

    box(axes, 2, 2, 70, 17, CORE, "", "")
    axes.text(4, 16.2, "engine/", color=INK, fontsize=10, weight="bold", va="center")
    told = "Request (what is asked), routes, polish, Trace (what was spent)"
    axes.text(13, 16.2, told, color=GREY, fontsize=8, va="center")
    box(axes, 4, 4, 15, 9, DATA, "surrogate/", "the network\nproposes a start")
    box(axes, 21, 4, 15, 9, DATA, "multigrid", "polishes it, or\nstarts from nothing")
    box(axes, 38, 4, 15, 9, DATA, "spectral", "where coefficients\nare constant")
    box(axes, 55, 4, 15, 9, DATA, "direct, plugins", "what nothing else\ncan certify")
    promise = "may the network be asked?\n|error| <= bound, by theorem,\nin IEEE kernels alone (jit.exact)"
    box(axes, 80, 2, 38, 17, PROMISE, "guard/", promise)
    box(
        axes,
        80,
        33,
        38,
        10,
        DATA,
        "Solution",
        "field, error bound, flags, statistics;\nnone leaves without a bound that holds",
    )

    rooms = "problems/\nsamples/\nlosses/   quality/\nloop/\npublishing/\nstudy/   retraining/\ncommands/"
    box(axes, 2, 47, 22, 31, OUTSIDE, "surrogate_training/", rooms)
    box(axes, 2, 33, 22, 8, DATA, "a model", "weights with their card")

    down(axes, 51, 71, 67, "agents, fields")
    down(axes, 51, 59, 55, "TissueState")
    down(axes, 51, 47, 43)
    down(axes, 51, 35, 31, "Raster")
    down(axes, 51, 23, 19, "Problem")
    down(axes, 13, 47, 41)
    way(axes, (11.5, 33), (11.5, 13))
    way(axes, (72, 10), (80, 10))
    axes.text(76, 11, "field", color=GREY, fontsize=7.5, ha="center", va="bottom")
    way(axes, (99, 19), (99, 33))
    way(axes, (80, 38), (78, 38), (78, 49), (72, 49))
    way(axes, (72, 53), (80, 53))
    down(axes, 99, 71, 67)
    way(axes, (80, 63), (76, 63), (76, 27), (72, 27))
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None, dpi=110)


def box(axes: Any, x: float, y: float, width: float, height: float, fill: str, title: str, text: str) -> None:
    """A box with its title above what it does."""
    shape = FancyBboxPatch((x, y), width, height, "round,pad=0,rounding_size=1.2", fc=fill, ec=INK, lw=0.9)
    axes.add_patch(shape)
    axes.text(x + width / 2, y + height - 2.2, title, color=INK, fontsize=10, weight="bold", ha="center", va="center")
    axes.text(x + width / 2, y + (height - 3.0) / 2, text, color=GREY, fontsize=8, ha="center", va="center")


def down(axes: Any, x: float, start: float, end: float, text: str = "") -> None:
    """An arrow between two boxes one above the other, with what is handed on beside it."""
    way(axes, (x, start), (x, end))
    axes.text(x + 1, (start + end) / 2, text, color=GREY, fontsize=7.5, ha="left", va="center")


def way(axes: Any, *corners: tuple[float, float]) -> None:
    """An arrow round corners."""
    for start, end in pairwise(corners):
        last = end == corners[-1]
        style = {"arrowstyle": "-|>" if last else "-", "color": INK, "lw": 1.0, "shrinkA": 0, "shrinkB": 0}
        axes.annotate("", xy=end, xytext=start, arrowprops=style)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("architecture.svg"))
