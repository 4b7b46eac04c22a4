"""How cells, vessels and a host's own voxels land on the pixels of a domain."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from surrogate_plugin.arguments import HUGE, BoolArray, Coefficient, FloatArray, same_shape
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.raster import Deposit, Outside, Raster
from surrogate_plugin.state import Cells, TissueState, Vessels, Voxels

if TYPE_CHECKING:
    from surrogate_plugin.domain import Domain

#: So many pixels from 0, float64 still resolves a ten-millionth of a pixel.
FARTHEST = 1e9
#: Where an axis may end, in pixels: rounding moves it by less than a thousandth of a pixel.
_REACH = 1e12


def rasterise(domain: Domain, state: TissueState, deposit: Deposit, outside: Outside) -> Raster:
    """A tissue state on the pixels; see `Domain.rasterise`."""
    source, fixed = np.zeros(domain.shape), np.zeros(domain.shape, dtype=np.bool_)
    lost_vessels = _fix_vessels(domain, state.vessels, source, fixed, outside)
    uptake, secretion, production, lost_cells = _deposit_cells(domain, state.cells, deposit, outside)
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


def _fix_vessels(domain: Domain, vessels: Vessels, source: FloatArray, fixed: BoolArray, outside: Outside) -> int:
    if not len(vessels):
        return 0
    from surrogate_plugin import raster_kernels as kernels

    x0, y0 = _near(domain, "vessels.position_um", vessels.position_um)
    x1, y1 = _near(domain, "vessels.end_um", vessels.end_um)
    radius = vessels.radius_um / domain.spacing_um
    missed = np.zeros(len(vessels), dtype=np.bool_)
    kernels.fix_capsules(x0, y0, x1, y1, radius, vessels.value, source, fixed, missed)
    if outside == "error":
        refuse_off(domain, "vessels.position_um", vessels.position_um, missed)
    if outside == "clamp" and missed.any():
        rows, columns = domain.shape
        ends = (np.clip(x0, 0, columns), np.clip(y0, 0, rows), np.clip(x1, 0, columns), np.clip(y1, 0, rows))
        moved = (*(end[missed] for end in ends), radius[missed], vessels.value[missed])
        kernels.fix_capsules(*moved, source, fixed, missed[missed])
        return 0
    return int(missed.sum())


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
    domain: Domain, cells: Cells, deposit: Deposit, outside: Outside
) -> tuple[Coefficient, Coefficient, Coefficient, int]:
    """Uptake, secretion and production maps (the number 0 where there is none), and how many cells are left out."""
    inside = domain.contains(cells.position_um)
    if outside == "error":
        refuse_off(domain, "cells.position_um", cells.position_um, ~inside)
    chosen = np.ones_like(inside) if outside == "clamp" else inside
    rows, columns = domain.shape
    x, y = domain.pixels(cells.position_um)
    x, y = np.clip(x, 0.0, columns)[chosen], np.clip(y, 0.0, rows)[chosen]
    fraction = _voxels_each(domain, cells)
    production = cells.secretion_per_min * cells.secretion_target
    rates = [fraction * rate for rate in (cells.uptake_per_min, cells.secretion_per_min, production)]
    active = [index for index, rate in enumerate(rates) if rate[chosen].any()]
    maps: list[Coefficient] = [0.0, 0.0, 0.0]
    if active:
        from surrogate_plugin import raster_kernels as kernels

        weight = np.stack([rates[index][chosen] for index in active])
        out = np.zeros((len(active), *domain.shape))
        if deposit == "area":
            # A disc that reaches beyond the farthest corner covers every pixel whole, however large it is.
            radius = np.minimum(cells.radius_um[chosen] / domain.spacing_um, 1.0 + math.hypot(rows, columns))
            kernels.deposit_area(x, y, radius, weight, out)
        else:
            kernels.deposit_voxel(x, y, weight, out)
        for index, filled in zip(active, out, strict=True):
            maps[index] = filled
    return maps[0], maps[1], maps[2], int((~chosen).sum())


def _voxels_each(domain: Domain, cells: Cells) -> FloatArray:
    """The volume of each cell, (n,), in voxels."""
    with np.errstate(over="ignore"):
        voxels = cells.volume_um3 / domain.voxel_volume_um3
    if not voxels.max(initial=0.0) <= HUGE:
        item = int(np.argmax(voxels))
        raise InvalidProblemError(
            f"cells.radius_um[{item}] is {cells.radius_um[item]:g}; a volume of at most {HUGE:g} voxels of "
            f"{domain.voxel_volume_um3:g} um^3 is allowed."
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
