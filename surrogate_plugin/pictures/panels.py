"""What `surrogate-plugin view` draws of a scene: one panel for each thing that is asked for, side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from surrogate_plugin.arguments import FloatArray
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.pictures import view
from surrogate_plugin.pictures.scene import Scene
from surrogate_plugin.pictures.surface import surface_pixels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Around fewer pixels along a side, each is drawn as a square.
_FEW = 64
_CONTOUR = "#7fd8ff"
_DEAD = "#8d5a97"
_HEADER = 0.55
_DPI = 100


@dataclass(frozen=True)
class Style:
    """How panels are drawn.

    Attributes
    ----------
    colours : str
        The name of a matplotlib colour map.
    threshold : float or None, field units
        Where the contour goes, and below which cells and tissue count as hypoxic.
    limits : (float, float) or None, field units
        What the ends of the colours stand for; by default what the field has.
    tops : dict of str to float
        The upper ends of the colours of maps that have a scale of their own, by ``bound`` (field units), ``uptake``
        (1 / time) and ``difference`` (field units, of either sign); by default the largest value of each.
    width, height : int, pixels
        Of the picture; the height 0 follows from the shape of the tissue.
    """

    colours: str = "magma"
    threshold: float | None = None
    limits: tuple[float, float] | None = None
    width: int = 1200
    height: int = 0
    tops: Mapping[str, float] = field(default_factory=dict)

    def top(self, name: str, values: FloatArray) -> float:
        """The upper end for a map: what is given, or its largest value in size; 1 where that is 0."""
        return self.tops.get(name, float(np.abs(values).max())) or 1.0


def draw(scene: Scene, what: Sequence[str], style: Style | None = None) -> Figure:
    """A figure of ``style.width`` pixels with a panel for each of ``what``, of `PANELS`.

    Raises
    ------
    InvalidProblemError
        If something cannot be drawn of this scene, in a sentence that says what it lacks.

    Examples
    --------
    >>> from surrogate_plugin.tissue.domain import Domain
    >>> scene = Scene("now", Domain((0.0, 0.0), (160.0, 80.0), (8, 16)), np.eye(8, 16))
    >>> draw(scene, ["field"]).get_size_inches()[0]
    np.float64(12.0)
    """
    style = style or Style()
    check(what, style.colours)
    panels = [(part, of) for name in what for part, of in enumerate(PANELS[name])]
    across = style.width / _DPI
    tall, wide = scene.domain.size_um[1], scene.domain.size_um[0]
    each = across / len(panels)
    height = style.height / _DPI or _HEADER + min(max(0.8 * each * tall / wide, 0.3 * each), 2.5 * each) + _HEADER
    made, axes = view.figure(across, height, [1.0] * len(panels))
    made.set_dpi(_DPI)
    for place, (_, panel) in zip(axes, panels, strict=True):
        panel(place, scene, style)
    made.suptitle(heading(scene), color=view.INK, fontsize=11)
    return made


def pixels(made: Figure) -> npt.NDArray[np.uint8]:
    """A figure as it looks, (rows, columns, 3), the top row first."""
    canvas: Any = made.canvas
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def check(what: Sequence[str], colours: str) -> None:
    """Refuse what nobody can draw, before anything is solved.

    Raises
    ------
    InvalidProblemError
    """
    import matplotlib

    for name in what:
        if name not in PANELS:
            raise InvalidProblemError(f"what has {name!r}; {', '.join(PANELS)} are allowed.")
    if colours not in matplotlib.colormaps:
        raise InvalidProblemError(
            f"colours is {colours!r}; the name of a matplotlib colour map is allowed, as viridis."
        )


def heading(scene: Scene) -> str:
    """Of what the picture is, and how sure."""
    parts = [scene.substrate, scene.name]
    if scene.time is not None:
        parts.append(f"{scene.time:g} min")
    if scene.bound is not None:
        parts.append(f"error at most {scene.bound:.2g}{_unit(scene)}")
    return ", ".join(parts).replace("$", r"\$")


def _unit(scene: Scene) -> str:
    return f" {scene.units}" if scene.units else ""


def _label(scene: Scene, name: str | None = None) -> str:
    return f"{name or scene.substrate}{f' ({scene.units})' if scene.units else ''}".replace("$", r"\$")


def _limits(field: FloatArray, style: Style) -> dict[str, float]:
    low, high = style.limits or (min(0.0, float(field.min())), float(field.max()))
    return {"vmin": low, "vmax": high}


def _paint(axes: Axes, scene: Scene, field: FloatArray, label: str, colours: str, **limits: float) -> None:
    smooth = "bilinear" if min(field.shape) >= _FEW else "nearest"
    view.draw_field(axes, scene.domain, field, colours=colours, label=label, interpolation=smooth, **limits)
    from matplotlib.ticker import MaxNLocator

    length = {"um": "µm", "": "length"}.get(scene.length_units, scene.length_units)
    for axis, name in ((axes.xaxis, "x"), (axes.yaxis, "y")):
        axis.set_major_locator(MaxNLocator(5))
        axis.set_label_text(f"{name} ({length})")


def _contour(axes: Axes, scene: Scene, field: FloatArray, style: Style) -> None:
    if style.threshold is not None and field.min() < style.threshold < field.max():
        axes.contour(*scene.domain.centres_um(), field, levels=[style.threshold], colors=[_CONTOUR], linewidths=1.3)


def _held(axes: Axes, scene: Scene) -> None:
    if scene.held is not None and scene.held.any() and not scene.held.all():
        view.draw_fixed(axes, scene.domain, scene.held)


def _dots(axes: Axes, scene: Scene, colours: Any, alpha: float = 0.9) -> None:
    from matplotlib.collections import EllipseCollection

    cells = scene.cells
    assert cells is not None
    across = 2.0 * cells.radius_um
    axes.add_collection(
        EllipseCollection(
            across, across, np.zeros(len(cells)), units="xy", offsets=cells.position_um,
            offset_transform=axes.transData, facecolors=colours, edgecolors=view.PAPER, linewidths=0.3, alpha=alpha,
        )
    )  # fmt: skip


def _field(axes: Axes, scene: Scene, style: Style) -> None:
    _paint(axes, scene, scene.field, _label(scene), style.colours, **_limits(scene.field, style))
    _held(axes, scene)
    if scene.cells is not None:
        _dots(axes, scene, view.INK, alpha=0.25)
    _contour(axes, scene, scene.field, style)


def _vessels(axes: Axes, scene: Scene, style: Style) -> None:
    if scene.held is None:
        raise InvalidProblemError(f"vessels: {scene.name} does not say which pixels are held; --problem says so.")
    view.draw_fixed(axes, scene.domain, scene.held)
    held = np.where(scene.held, scene.field, np.nan)
    _paint(axes, scene, held, _label(scene, f"held {scene.substrate}"), style.colours, **_limits(scene.field, style))
    axes.set_title(f"{int(scene.held.sum()):,} of {scene.held.size:,} pixels are held")


def _uptake(axes: Axes, scene: Scene, style: Style) -> None:
    uptake = scene.uptake
    time = "1 / min" if scene.length_units == "um" else "1 / time"
    _paint(axes, scene, uptake, f"decay and uptake ({time})", "viridis", vmin=0.0, vmax=style.top("uptake", uptake))
    _held(axes, scene)


def _cells(axes: Axes, scene: Scene, style: Style) -> None:
    """Cells by type over a pale field."""
    from matplotlib import colormaps
    from matplotlib.colors import to_rgba

    cells = _with_cells(scene)
    _paint(axes, scene, scene.field, _label(scene), "gray", **_limits(scene.field, style))
    _held(axes, scene)
    names = cells.kind or ("cell",) * len(cells)
    kinds = list(dict.fromkeys(names))
    shade = {kind: colormaps["tab10"](k % 10) for k, kind in enumerate(kinds)}
    colours = np.array([shade[kind] for kind in names]).reshape(-1, 4)
    colours[~cells.alive] = to_rgba(_DEAD)
    _dots(axes, scene, colours)
    for kind in kinds:
        count = sum(name == kind and alive for name, alive in zip(names, cells.alive, strict=True))
        axes.scatter([], [], color=[shade[kind]], label=f"{kind}: {count}".replace("$", r"\$"))
    if not cells.alive.all():
        axes.scatter([], [], color=_DEAD, label=f"dead: {int((~cells.alive).sum())}")
    axes.legend(loc="upper right", fontsize=8, facecolor=view.PAPER, labelcolor=view.INK, framealpha=0.7)


def _levels(axes: Axes, scene: Scene, style: Style) -> None:
    """Cells by what they read."""
    from matplotlib import colormaps
    from matplotlib.colors import Normalize

    cells = _with_cells(scene)
    limits = _limits(scene.field, style)
    _paint(axes, scene, scene.field, _label(scene), style.colours, **limits)
    axes.images[-1].set_alpha(0.35)
    _held(axes, scene)
    _dots(axes, scene, colormaps[style.colours](Normalize(limits["vmin"], limits["vmax"])(cells.level)), alpha=1.0)
    _contour(axes, scene, scene.field, style)


def _hypoxia(axes: Axes, scene: Scene, style: Style) -> None:
    if style.threshold is None:
        raise InvalidProblemError("hypoxia needs --threshold, the value below which tissue counts as hypoxic.")
    low = scene.field < style.threshold
    _paint(axes, scene, scene.field, _label(scene), style.colours, **_limits(scene.field, style))
    view.draw_fixed(axes, scene.domain, low, colour=_CONTOUR)
    axes.images[-1].set_alpha(0.35)
    _contour(axes, scene, scene.field, style)
    _held(axes, scene)
    said = f"{100.0 * low.mean():.3g} % of the tissue is below {style.threshold:g}{_unit(scene)}"
    if scene.cells is not None:
        count = int((scene.cells.level < style.threshold).sum())
        said += f", {count:,} of {len(scene.cells):,} cells"
    axes.set_title(said, fontsize=10)


def _bound(axes: Axes, scene: Scene, style: Style) -> None:
    bound = scene.error_map
    _paint(axes, scene, bound, _label(scene, "error at most"), "viridis", vmin=0.0, vmax=style.top("bound", bound))
    axes.set_title(f"error at most {bound.max():.3g}{_unit(scene)}", fontsize=10)


def _left(axes: Axes, scene: Scene, style: Style) -> None:
    _of_pair(axes, scene, style, scene.comparison.left, scene.comparison.name)


def _exact(axes: Axes, scene: Scene, style: Style) -> None:
    _of_pair(axes, scene, style, scene.comparison.exact, "exact")


def _of_pair(axes: Axes, scene: Scene, style: Style, field: FloatArray, name: str) -> None:
    both = np.stack([scene.comparison.left, scene.comparison.exact])
    _paint(axes, scene, field, _label(scene), style.colours, **_limits(both, style))
    _held(axes, scene)
    axes.set_title(name, fontsize=10)


def _difference(axes: Axes, scene: Scene, style: Style) -> None:
    apart = scene.comparison.difference
    largest, ends = float(np.abs(apart).max()), style.top("difference", apart)
    name = f"{scene.comparison.name} less exact"
    _paint(axes, scene, apart, _label(scene, name), "RdBu_r", vmin=-ends, vmax=ends)
    axes.set_title(f"difference, at most {largest:.3g}{_unit(scene)}", fontsize=10)


def _surface(axes: Axes, scene: Scene, style: Style) -> None:
    low, high = _limits(scene.field, style).values()
    axes.imshow(surface_pixels(scene, style.colours, (low, high)))
    axes.set_axis_off()


def _with_cells(scene: Scene) -> Any:
    if scene.cells is None:
        raise InvalidProblemError(
            f"cells: {scene.name} holds no cells, only maps; the output folder of a finished run has cells, and "
            "'--what uptake' shows where they take up."
        )
    return scene.cells


_Panel = Callable[["Axes", Scene, Style], None]
#: What can be asked for, and the panels that it becomes.
PANELS: Mapping[str, tuple[_Panel, ...]] = {
    "field": (_field,),
    "surface": (_surface,),
    "vessels": (_vessels,),
    "cells": (_cells,),
    "levels": (_levels,),
    "uptake": (_uptake,),
    "hypoxia": (_hypoxia,),
    "bound": (_bound,),
    "compare": (_left, _exact, _difference),
}
