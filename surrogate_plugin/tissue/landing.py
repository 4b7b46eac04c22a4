"""How cells, vessels and a host's own voxels land on the pixels of a domain."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from surrogate_plugin.arguments import HUGE, BoolArray, Coefficient, FloatArray, IndexArray, same_shape
from surrogate_plugin.equation.sides import Boundary
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.tissue.cells import Cells
from surrogate_plugin.tissue.raster import Deposit, Outside, Raster
from surrogate_plugin.tissue.state import TissueState, Vessels, Voxels

if TYPE_CHECKING:
    from surrogate_plugin.tissue.domain import Domain

#: So many pixels from 0, float64 still resolves a ten-millionth of a pixel.
FARTHEST = 1e9
#: Where an axis may end, in pixels: rounding moves it by less than a thousandth of a pixel.
_REACH = 1e12
#: How often a vessel may go around a ring, and how far a cell may reach on one: more is a mistake in a unit, whose
#: images would take minutes to draw.
_TURNS, _WIDEST = 100, 2048


def rasterise(domain: Domain, state: TissueState, deposit: Deposit, outside: Outside, sides: Boundary) -> Raster:
    """A tissue state on the pixels; see `Domain.rasterise`."""
    source, fixed = np.zeros(domain.shape), np.zeros(domain.shape, dtype=np.bool_)
    lost_vessels = _fix_vessels(domain, state.vessels, source, fixed, outside, sides)
    uptake, secretion, production, lost_cells = _deposit_cells(domain, state.cells, deposit, outside, sides)
    if state.voxels is not None:
        _fix_voxels(state.voxels, source, fixed)
        uptake = uptake + _on_lattice(domain, "uptake_per_min", state.voxels.uptake_per_min)
        production = production + _on_lattice(domain, "production_per_min", state.voxels.production_per_min)
    return Raster(source, fixed, uptake, secretion, production, lost_vessels + lost_cells)


def refuse_off(domain: Domain, name: str, points: FloatArray, wrong: BoolArray) -> None:
    """One sentence for the first of the points that are off the domain, if any is."""
    if not wrong.any():
        return
    item = int(np.argmax(wrong))
    (x0, y0), (width, height) = domain.origin_um, domain.size_um
    raise InvalidProblemError(
        f"{name}[{item}] is at ({points[item, 0]:g}, {points[item, 1]:g}) um, off the domain "
        f"[{x0:g}, {x0 + width:g}] x [{y0:g}, {y0 + height:g}] ({int(wrong.sum())} are); "
        "outside='drop' leaves them out, 'clamp' moves them to the border."
    )


def _fix_vessels(
    domain: Domain, vessels: Vessels, source: FloatArray, fixed: BoolArray, outside: Outside, sides: Boundary
) -> int:
    if not len(vessels):
        return 0
    from surrogate_plugin.tissue import raster_kernels as kernels

    x0, y0, x1, y1 = _axes(domain, vessels, sides)
    radius = vessels.radius_um / domain.spacing_um
    missed = np.zeros(len(vessels), dtype=np.bool_)
    kernels.fix_capsules(x0, y0, x1, y1, radius, vessels.value, source, fixed, missed, sides.rings)
    if outside == "error":
        refuse_off(domain, "vessels.position_um", vessels.position_um, missed)
    if outside == "clamp" and missed.any():
        rows, columns = domain.shape
        ring_y, ring_x = sides.rings
        xs = (x0, x1) if ring_x else (np.clip(x0, 0, columns), np.clip(x1, 0, columns))
        ys = (y0, y1) if ring_y else (np.clip(y0, 0, rows), np.clip(y1, 0, rows))
        ends = (xs[0], ys[0], xs[1], ys[1])
        moved = (*(end[missed] for end in ends), radius[missed], vessels.value[missed])
        kernels.fix_capsules(*moved, source, fixed, missed[missed], sides.rings)
        return 0
    return int(missed.sum())


def _axes(domain: Domain, vessels: Vessels, sides: Boundary) -> tuple[FloatArray, ...]:
    """x and y of where the axes start and end, in pixels; those on a ring start on the lattice and go on from there."""
    x0, y0 = _near(domain, "vessels.position_um", vessels.position_um)
    x1, y1 = _near(domain, "vessels.end_um", vessels.end_um)
    for start, end, size, ring in zip((y0, x0), (y1, x1), domain.shape, sides.rings, strict=True):
        if not ring:
            continue
        turns = np.abs(end - start) / size
        if turns.max() > _TURNS:
            item = int(np.argmax(turns))
            raise InvalidProblemError(
                f"vessels.end_um[{item}] is {turns[item]:.3g} times the domain away from vessels.position_um[{item}]; "
                f"at most {_TURNS} times around periodic sides is allowed."
            )
        moved = around(start, size) - start
        start += moved
        end += moved
    return x0, y0, x1, y1


def around(position: FloatArray, size: int) -> FloatArray:
    """Where on a ring, [0, size), a position in pixels is."""
    on_ring = np.mod(position, size)
    return np.where(on_ring < size, on_ring, 0.0)  # what is less than nothing below 0 is rounded up to all around


def _near(domain: Domain, name: str, points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Positions in pixels, none so far away that the axis it ends is lost in rounding."""
    x, y = domain.pixels(points)
    far = np.maximum(np.abs(x), np.abs(y)) > _REACH
    if far.any():
        item = int(np.argmax(far))
        raise InvalidProblemError(
            f"{name}[{item}] is {points[item].tolist()} um; at most {_REACH:g} pixels of {domain.spacing_um:g} um "
            "from the domain are allowed."
        )
    return x, y


def _deposit_cells(
    domain: Domain, cells: Cells, deposit: Deposit, outside: Outside, sides: Boundary
) -> tuple[Coefficient, Coefficient, Coefficient, int]:
    """Uptake, secretion and production maps (the number 0 where there is none), and how many cells are left out."""
    if not len(cells):
        return 0.0, 0.0, 0.0, 0
    x, y, chosen = _places(domain, cells, outside, sides)
    fraction = _voxels_each(domain, cells)[chosen]
    rates = {0: fraction * cells.uptake_per_min[chosen], **_given(cells, fraction, chosen)}
    active = [index for index, rate in rates.items() if rate.any()]
    maps: list[Coefficient] = [0.0, 0.0, 0.0]
    if active:
        from surrogate_plugin.tissue import raster_kernels as kernels

        weight = np.array([rates[index] for index in active])
        out = np.zeros((len(active), *domain.shape))
        if deposit == "area":
            radius = _radii(domain, cells, sides)[chosen]
            kernels.deposit_area(x[chosen], y[chosen], radius, weight, out, sides.rings)
        else:
            kernels.deposit_voxel(x[chosen], y[chosen], weight, out)
        for index, filled in zip(active, out, strict=True):
            maps[index] = filled
    return maps[0], maps[1], maps[2], len(cells) - len(fraction)


def _given(cells: Cells, fraction: FloatArray, chosen: BoolArray | slice) -> dict[int, FloatArray]:
    """What the chosen cells secrete (1) and what they so produce (2), (k,) each; empty where none gives anything."""
    secretes, produces = cells.secretion_per_min.any(), cells.production_per_min.any()
    if not (secretes or produces):
        return {}
    secretion, made = cells.secretion_per_min[chosen], cells.secretion_target[chosen]
    production = secretion * made
    if produces:
        production = production + cells.production_per_min[chosen]
    return {1: fraction * secretion, 2: fraction * production}


def _places(
    domain: Domain, cells: Cells, outside: Outside, sides: Boundary
) -> tuple[FloatArray, FloatArray, BoolArray | slice]:
    """x and y of the cells in pixels, (n,) each, and which of them count; in its voxel, a cell is in the middle."""
    if cells.voxel is not None:
        row, column = _rows_and_columns(domain, cells.voxel)
        return np.asarray(column + 0.5), np.asarray(row + 0.5), slice(None)
    inside = domain.contains(cells.position_um, boundary=sides)
    if outside == "error":
        refuse_off(domain, "cells.position_um", cells.position_um, ~inside)
    x, y = domain.nearest(*domain.pixels(cells.position_um), sides)
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


def _radii(domain: Domain, cells: Cells, sides: Boundary) -> FloatArray:
    """The radii of cells, (n,), in pixels, so far as they make a difference."""
    radius = cells.radius_um / domain.spacing_um
    across = math.hypot(*domain.shape)
    if not any(sides.rings):
        # A disc that reaches beyond the farthest corner covers every pixel whole, however large it is.
        return np.minimum(radius, 1.0 + across)
    widest = max(2.0 * across, _WIDEST)
    if radius.max(initial=0.0) > widest:
        item = int(np.argmax(radius))
        raise InvalidProblemError(
            f"cells.radius_um[{item}] is {cells.radius_um[item]:g}, so that its disc meets itself many times around "
            f"periodic sides; at most {widest * domain.spacing_um:g} is allowed with deposit='area'."
        )
    return radius


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


def _fix_voxels(voxels: Voxels, source: FloatArray, fixed: BoolArray) -> None:
    if voxels.fixed is None:
        return
    for name, value in (("fixed", voxels.fixed), ("value", np.asarray(voxels.value))):
        if value.ndim:
            same_shape(f"voxels.{name}", value.shape, fixed.shape, "the domain")
    np.maximum(source, voxels.value, out=source, where=voxels.fixed)
    fixed |= voxels.fixed


def _on_lattice(domain: Domain, name: str, value: Coefficient) -> Coefficient:
    if isinstance(value, np.ndarray):
        same_shape(f"voxels.{name}", value.shape, domain.shape, "the domain")
    return value
