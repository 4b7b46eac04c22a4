"""The map of a difference, with the cells that saw it, beside the field as it was saved and as it should have been."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from surrogate_plugin.arguments import FloatArray
from surrogate_plugin.audit.tables import Entry, Maps
from surrogate_plugin.pictures.view import INK, figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: More cells than this are drawn as fine dust.
_CROWD = 2000


def difference_picture(entry: Entry, maps: Maps) -> Figure:
    """The saved field, the steady one on the same scale, and saved less steady with the cells, side by side."""
    left, right, bottom, top = maps.extent_um
    made, axes = figure(11.0, 0.9 + 11.0 / 3.4 * min((top - bottom) / (right - left), 2.0), [1.0, 1.0, 1.0])
    for each, panel in zip(axes, _PANELS, strict=True):
        panel(each, entry, maps)
    made.suptitle(f"{_plain(entry.substrate)} at {entry.time_min:g} min", color=INK, fontsize=11)
    return made


def panels(entry: Entry, maps: Maps) -> list[Figure]:
    """The same three, each a picture of its own, for pages that are narrow."""
    left, right, bottom, top = maps.extent_um
    drawn = []
    for panel in _PANELS:
        made, axes = figure(4.4, 0.4 + 3.7 * min((top - bottom) / (right - left), 2.0), [1.0])
        panel(axes[0], entry, maps)
        drawn.append(made)
    return drawn


def _saved(axes: Axes, entry: Entry, maps: Maps) -> None:
    _paint(
        axes, maps, maps.saved, f"{_plain(entry.substrate)}, as the cells saw it", "magma", _limits(maps), entry.units
    )


def _steady(axes: Axes, entry: Entry, maps: Maps) -> None:
    _paint(axes, maps, maps.steady, "steady field", "magma", _limits(maps), entry.units)


def _apart(axes: Axes, entry: Entry, maps: Maps) -> None:
    apart = maps.saved - maps.steady
    most = float(np.abs(apart).max()) or 1.0
    _paint(axes, maps, apart, "saved less steady, and cells", "RdBu", (-most, most), entry.units)
    size = 3.0 if len(maps.position_um) <= _CROWD else 0.5
    x, y = maps.position_um.T
    axes.scatter(x, y, s=size, facecolors="none", edgecolors="#202020", linewidths=0.4)
    axes.set(xlim=maps.extent_um[:2], ylim=maps.extent_um[2:])


_PANELS = (_saved, _steady, _apart)


def _limits(maps: Maps) -> tuple[float, float]:
    """One scale for both fields."""
    return float(min(maps.saved.min(), maps.steady.min())), float(max(maps.saved.max(), maps.steady.max()))


def _plain(text: str) -> str:
    """A name without what matplotlib takes for mathematics."""
    return text.replace("$", r"\$")


def _paint(
    axes: Axes,
    maps: Maps,
    field: FloatArray,
    title: str,
    colours: str,
    limits: tuple[float, float],
    units: str,
) -> None:
    image = axes.imshow(
        field,
        origin="lower",
        extent=maps.extent_um,
        cmap=colours,
        vmin=limits[0],
        vmax=limits[1],
        interpolation="nearest",
    )
    bar = axes.get_figure().colorbar(image, ax=axes, shrink=0.85, pad=0.02, aspect=30)  # type: ignore[union-attr]
    bar.ax.tick_params(colors=INK, labelsize=8)
    bar.set_label(_plain(units), color=INK)
    axes.set_title(title, color=INK, fontsize=10)
    axes.set(xticks=[], yticks=[])
