"""How cells land on the pixels of a domain: which of them count, where they are, and how what they do is spread."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from surrogate_plugin.arguments import HUGE, BoolArray, FloatArray, IndexArray
from surrogate_plugin.equation.sides import Boundary
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.tissue.cells import Cells
from surrogate_plugin.tissue.places import refuse_off
from surrogate_plugin.tissue.raster import Deposit, Outside

if TYPE_CHECKING:
    from surrogate_plugin.tissue.domain import Domain

#: How far a cell may reach on a ring: more is a mistake in a unit, whose images would take minutes to draw.
_WIDEST = 2048


@dataclass(frozen=True, eq=False)
class Bodies:
    """The cells that count, on the pixels.

    Attributes
    ----------
    cells : Cells
    chosen : (n,) bool or slice
        Which of them count: k.
    x, y : (k,) float64, pixels
        Their centres, on the lattice.
    voxels : (k,) float64
        Their volumes, in voxels.
    """

    domain: Domain
    cells: Cells
    deposit: Deposit
    sides: Boundary
    chosen: BoolArray | slice
    x: FloatArray
    y: FloatArray
    voxels: FloatArray

    @classmethod
    def of(cls, domain: Domain, cells: Cells, deposit: Deposit, outside: Outside, sides: Boundary) -> Bodies:
        """The cells on the lattice of a domain.

        Raises
        ------
        InvalidProblemError
            If a cell is off the domain and ``outside`` is "error", or larger than is sensible.
        """
        x, y, chosen = _places(domain, cells, outside, sides)
        voxels = _voxels_each(domain, cells)
        return cls(domain, cells, deposit, sides, chosen, x[chosen], y[chosen], voxels[chosen])

    def __len__(self) -> int:
        return len(self.x)

    def of_these(self, numbers: FloatArray) -> FloatArray:
        """Numbers of cells, those of cells that count alone."""
        return numbers[self.chosen]

    def spread(self, rates: FloatArray) -> FloatArray:
        """Rates of cells, (m, k), on the pixels, (m, H, W)."""
        from surrogate_plugin.tissue import raster_kernels as kernels

        out = np.zeros((len(rates), *self.domain.shape))
        if self.deposit == "area":
            kernels.deposit_area(self.x, self.y, self.radii(), rates, out, self.sides.rings)
        else:
            kernels.deposit_voxel(self.x, self.y, rates, out)
        return out

    def voxel_of_each(self) -> tuple[IndexArray, IndexArray]:
        """Row and column of the voxel that holds each centre, (k,) each."""
        rows, columns = self.domain.shape
        return np.minimum(self.y.astype(np.int64), rows - 1), np.minimum(self.x.astype(np.int64), columns - 1)

    def radii(self) -> FloatArray:
        """The radii of the discs, (2, k), in pixels along y and along x, so far as they make a difference.

        Raises
        ------
        InvalidProblemError
            If a disc meets itself many times around periodic sides.
        """
        radius_um, (dy, dx), (rows, columns) = self.cells.radius_um, self.domain.spacings_um, self.domain.shape
        if not any(self.sides.rings):
            # A disc that reaches beyond the farthest corner covers every pixel whole, however large it is.
            radius_um = np.minimum(radius_um, max(dy, dx) + math.hypot(rows * dy, columns * dx))
        else:
            widest = max(2.0 * math.hypot(rows, columns), _WIDEST) * min(dy, dx)
            if radius_um.max(initial=0.0) > widest:
                item = int(np.argmax(radius_um))
                raise InvalidProblemError(
                    f"cells.radius_um[{item}] is {radius_um[item]:g}, so that its disc meets itself many times around "
                    f"periodic sides; at most {widest:g} is allowed with deposit='area'."
                )
        radius = radius_um[self.chosen]
        return np.stack([radius / dy, radius / dx])


def _places(
    domain: Domain, cells: Cells, outside: Outside, sides: Boundary
) -> tuple[FloatArray, FloatArray, BoolArray | slice]:
    """x and y of the cells in pixels, (n,) each, and which of them count; in its voxel, a cell is in the middle."""
    if cells.voxel is not None:
        row, column = _rows_and_columns(domain, cells.voxel)
        return np.asarray(column + 0.5), np.asarray(row + 0.5), slice(None)
    x, y = domain.pixels(cells.position_um)
    inside = domain.holds(x, y, sides)
    if outside == "error":
        refuse_off(domain, "cells.position_um", cells.position_um, ~inside)
    x, y = domain.nearest(x, y, sides)
    return x, y, slice(None) if outside == "clamp" or inside.all() else inside


def _rows_and_columns(domain: Domain, voxel: IndexArray) -> tuple[IndexArray, IndexArray]:
    """The row and the column of the voxel of each cell, (n,) each; a voxel that there is not has no nearest one."""
    rows, columns = domain.shape
    off = voxel >= rows * columns if voxel.ndim == 1 else (voxel >= domain.shape).any(axis=1)
    if off.any():
        item = int(np.argmax(off))
        raise InvalidProblemError(
            f"cells.voxel[{item}] is {voxel[item].tolist()}, off the domain of {rows} rows and {columns} columns "
            f"({int(off.sum())} are); voxels of the domain are allowed."
        )
    row, column = np.divmod(voxel, columns) if voxel.ndim == 1 else voxel.T
    return row, column


def _voxels_each(domain: Domain, cells: Cells) -> FloatArray:
    """The volume of each cell, (n,), in voxels."""
    with np.errstate(over="ignore"):
        voxels = cells.volume_um3 / domain.voxel_volume_um3
    if not voxels.max(initial=0.0) <= HUGE:
        item = int(np.argmax(voxels))
        raise InvalidProblemError(
            f"cells.radius_um[{item}] is {cells.radius_um[item]:g} and cells.volume_um3[{item}] "
            f"{cells.volume_um3[item]:g}; a volume of at most {HUGE:g} voxels of {domain.voxel_volume_um3:g} um^3 is "
            "allowed."
        )
    return np.asarray(voxels)
