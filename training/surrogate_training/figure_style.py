"""How the figures of studies and retrainings look."""

from __future__ import annotations

from typing import Any

INK = "#222222"
#: matplotlib's settings that differ from its own.
STYLE: Any = {
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "savefig.facecolor": "white",
}
