"""A moment of a run, to be drawn: a field with the cells and the vessels that made it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from surrogate_plugin.arguments import BoolArray, FloatArray
from surrogate_plugin.pictures import view
from surrogate_plugin.tissue.domain import Domain
from surrogate_plugin.tissue.state import Cells

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: More cells than this are drawn as points, since their outlines would run into one another.
_MOST_OUTLINES = 20_000
#: Told from the dark and from the pale end of the fields' colours.
_WALL, _CELL = "#ff9f6e", "#19c3b1"


@dataclass(frozen=True, eq=False)
class Scene:
    """A field with what is in it.

    Attributes
    ----------
    domain : Domain
    field : (H, W) array, field units
    cells : Cells
    fixed : (H, W) bool array
        The pixels that hold a value.
    walls : (H, W) bool array, optional
        The pixels beside the walls of leaky vessels.
    """

    domain: Domain
    field: FloatArray
    cells: Cells
    fixed: BoolArray
    walls: BoolArray | None = None

    @property
    def told(self) -> str:
        """What is to be seen, for those who do not see it."""
        rows, columns = self.domain.shape
        held, count = int(self.fixed.sum()), len(self.cells)
        return (
            f"A map of {columns} by {rows} pixels with values from {self.field.min():.3g} to {self.field.max():.3g}, "
            f"with {count} {'cell' if count == 1 else 'cells'}, and {held} pixels that hold a value, as vessels do."
        )

    def draw(self, name: str, unit: str = "") -> Figure:
        """The picture, in micrometres, with the field's name beside its colours."""
        (x0, y0), (width, height) = self.domain.origin_um, self.domain.size_um
        made, (axes,) = view.figure(6.2, float(np.clip(5.0 * height / width, 1.2, 9.0)), (1.0,))
        label = f"{name} ({unit})" if unit else name
        top = float(self.field.max()) or 1.0
        view.draw_field(axes, self.domain, self.field, label=label.replace("$", r"\$"), vmin=0.0, vmax=top)
        view.draw_fixed(axes, self.domain, self.fixed)
        if self.walls is not None:
            view.draw_fixed(axes, self.domain, self.walls, _WALL)
        self._draw_cells(axes)
        axes.set_xlim(x0, x0 + width)
        axes.set_ylim(y0, y0 + height)
        view.draw_scale(axes, _round_length(width / 5))
        return made

    def _draw_cells(self, axes: Axes) -> None:
        cells = self.cells
        if cells.voxel is not None:
            view.draw_fixed(axes, self.domain, _voxels(cells, self.domain.shape), f"{_CELL}60")
        elif len(cells) > _MOST_OUTLINES:
            axes.plot(*cells.position_um.T, ",", color=_CELL, alpha=0.6)
        elif len(cells):
            view.draw_cells(axes, cells, "none", edge=_CELL, alpha=0.9)


def _voxels(cells: Cells, shape: tuple[int, int]) -> BoolArray:
    """Where on the lattice there are cells that live in voxels; those off it are left out."""
    voxel = np.asarray(cells.voxel)
    row, column = voxel.T if voxel.ndim == 2 else np.divmod(voxel, shape[1])
    inside = (row >= 0) & (row < shape[0]) & (column >= 0) & (column < shape[1])
    there = np.zeros(shape, dtype=np.bool_)
    there[row[inside], column[inside]] = True
    return there


def _round_length(length_um: float) -> float:
    """1, 2 or 5 times a power of ten, the largest that is no longer than a length."""
    power = 10.0 ** math.floor(math.log10(length_um))
    return power * max(factor for factor in (1, 2, 5) if factor * power <= length_um)
