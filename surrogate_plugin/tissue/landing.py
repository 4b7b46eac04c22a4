"""How a tissue state lands on the pixels of a domain: its cells, its vessels, and a host's own voxels."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

from surrogate_plugin.arguments import BoolArray, Coefficient, FloatArray, same_shape
from surrogate_plugin.equation.per_axis import Diffusivity, PerAxis
from surrogate_plugin.equation.sides import Boundary
from surrogate_plugin.tissue import conduction, vasculature
from surrogate_plugin.tissue.bodies import Bodies
from surrogate_plugin.tissue.raster import Deposit, Outside, Raster
from surrogate_plugin.tissue.state import TissueState, Voxels

if TYPE_CHECKING:
    from surrogate_plugin.tissue.domain import Domain

_Given = TypeVar("_Given", Coefficient, Coefficient | None)


def rasterise(domain: Domain, state: TissueState, deposit: Deposit, outside: Outside, sides: Boundary) -> Raster:
    """A tissue state on the pixels; see `Domain.rasterise`."""
    blood = vasculature.land(domain, state.vessels, outside, sides)
    bodies = Bodies.of(domain, state.cells, deposit, outside, sides)
    uptake, secretion, production, decay_change, max_uptake = _rates(bodies)
    share, conducted = conduction.conducting(bodies)
    voxels = state.voxels or _NOTHING
    _fix_voxels(voxels, blood.source, blood.fixed)
    if blood.closed is not None:
        share, conducted = np.where(blood.closed, 1.0, share), np.where(blood.closed, 0.0, conducted)
    return Raster(
        blood.source,
        blood.fixed,
        _together(uptake, _on_lattice(domain, "uptake_per_min", voxels.uptake_per_min)),
        secretion,
        _together(production, blood.supply, _on_lattice(domain, "production_per_min", voxels.production_per_min)),
        left_out=blood.lost + len(state.cells) - len(bodies),
        exchange_per_min=blood.exchange,
        exchange_supply_per_min=blood.supply,
        decay_change_per_min=decay_change,
        own_share=share,
        own_diffusivity_um2_per_min=conducted,
        voxel_diffusivity_um2_per_min=_conducted(domain, voxels.diffusivity_um2_per_min),
        voxel_decay_per_min=_on_lattice(domain, "decay_per_min", voxels.decay_per_min),
        membranes=conduction.in_series(conduction.membranes(bodies), voxels.membranes, bodies),
        max_uptake_per_min=max_uptake,
    )


def _rates(bodies: Bodies) -> tuple[Coefficient, ...]:
    """Maps of uptake, secretion, production, change of decay and largest uptake; the number 0 where there is none."""
    maps: list[Coefficient] = [0.0, 0.0, 0.0, 0.0, 0.0]
    if not len(bodies):
        return tuple(maps)
    rates = {0: bodies.voxels * bodies.of_these(bodies.cells.uptake_per_min), **_given(bodies)}
    active = [index for index, rate in rates.items() if rate.any()]
    if active:
        for index, filled in zip(active, bodies.spread(np.array([rates[index] for index in active])), strict=True):
            maps[index] = filled
    return tuple(maps)


def _given(bodies: Bodies) -> dict[int, FloatArray]:
    """What cells secrete (1) and so produce (2), how they change decay (3), and what they take up at most (4)."""
    cells, given = bodies.cells, {}
    secretes, produces = cells.secretion_per_min.any(), cells.production_per_min.any()
    if secretes or produces:
        secretion = bodies.of_these(cells.secretion_per_min)
        production = secretion * bodies.of_these(cells.secretion_target)
        if produces:
            production = production + bodies.of_these(cells.production_per_min)
        given = {1: bodies.voxels * secretion, 2: bodies.voxels * production}
    if cells.decay_change_per_min is not None:
        given[3] = bodies.voxels * bodies.of_these(cells.decay_change_per_min)
    if cells.max_uptake_per_min is not None:
        given[4] = bodies.voxels * bodies.of_these(cells.max_uptake_per_min)
    return given


def _fix_voxels(voxels: Voxels, source: FloatArray, fixed: BoolArray) -> None:
    if voxels.fixed is None:
        return
    for name, value in (("fixed", voxels.fixed), ("value", np.asarray(voxels.value))):
        if value.ndim:
            same_shape(f"voxels.{name}", value.shape, fixed.shape, "the domain")
    np.maximum(source, voxels.value, out=source, where=voxels.fixed)
    fixed |= voxels.fixed


def _on_lattice(domain: Domain, name: str, value: _Given) -> _Given:
    """The same, if it is no map of another lattice."""
    if isinstance(value, np.ndarray):
        same_shape(f"voxels.{name}", value.shape, domain.shape, "the domain")
    return value


def _together(first: Coefficient, *others: Coefficient) -> Coefficient:
    """The sum; a map to which nothing is added is no other map."""
    for other in others:
        if isinstance(other, np.ndarray) or other != 0.0:
            first = first + other
    return first


def _conducted(domain: Domain, given: Diffusivity | None) -> Diffusivity | None:
    if not isinstance(given, PerAxis):
        return _on_lattice(domain, "diffusivity_um2_per_min", given)
    for axis in ("x", "y"):
        _on_lattice(domain, f"diffusivity_um2_per_min.{axis}", getattr(given, axis))
    return given


_NOTHING = Voxels()
