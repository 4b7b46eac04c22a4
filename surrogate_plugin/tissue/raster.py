"""A tissue state on the pixels of a domain, and how it gets there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np

from surrogate_plugin.arguments import BoolArray, Coefficient, FloatArray
from surrogate_plugin.equation.membranes import Membranes
from surrogate_plugin.equation.per_axis import Diffusivity, PerAxis
from surrogate_plugin.tissue.sameness import same_numbers

T = TypeVar("T")

#: How a cell lands on pixels: by the exact area of its disc on each, or all of it in the one that holds its centre.
Deposit = Literal["area", "voxel"]
#: What becomes of cells and vessels off the lattice: refused, left out and counted, or moved to its border.
Outside = Literal["error", "drop", "clamp"]
#: Of the largest diffusivity; a problem takes none below, but for 0.
_LEAST_CONTRAST = 1e-8
#: What changes from step to step.
_OF_CELLS = ("uptake_per_min", "max_uptake_per_min", "production_per_min", "secretion_per_min")


@dataclass(frozen=True, eq=False)
class Raster:
    """A tissue state on the pixels of a domain.

    Attributes
    ----------
    source : (H, W) float64, field units
        The values of the fixed pixels; 0 elsewhere.
    fixed : (H, W) bool
        Pixels held by vessels or by the host.
    uptake_per_min : float or (H, W) float64, 1 / min
        First-order uptake; the number 0 where nothing takes up, so that constant coefficients are seen as such.
    secretion_per_min : float or (H, W) float64, 1 / min
        What secretion towards a target adds to the decay.
    production_per_min : float or (H, W) float64, field units / min
        What cells and voxels make, and what comes through the walls of leaky vessels.
    left_out : int
        Cells and vessels off the lattice that were dropped.
    exchange_per_min : float or (H, W) float64, 1 / min
        What the walls of leaky vessels add to the decay.
    exchange_supply_per_min : float or (H, W) float64, field units / min
        What of the production comes through them.
    decay_change_per_min : float or (H, W) float64, 1 / min
        What cells add to the background decay, or take from it.
    own_share : float or (H, W) float64
        Which part of a pixel conducts in its own way, whatever is around: cells that have a diffusivity, and the
        inside of leaky vessels, which is closed.
    own_diffusivity_um2_per_min : float or (H, W) float64, um^2 / min
        What that part conducts, times the part.
    voxel_diffusivity_um2_per_min, voxel_decay_per_min : optional
        What a host has per voxel in the place of the background.
    membranes : Membranes, um / min, or None
    max_uptake_per_min : float or (H, W) float64, field units / min
        What cells whose largest uptake is given take up at most, on top of ``uptake_per_min``; the number 0 where there
        are none. It has a meaning only with a half-saturation.
    """

    source: FloatArray
    fixed: BoolArray
    uptake_per_min: Coefficient
    secretion_per_min: Coefficient
    production_per_min: Coefficient
    left_out: int = 0
    exchange_per_min: Coefficient = 0.0
    decay_change_per_min: Coefficient = 0.0
    own_share: Coefficient = 0.0
    own_diffusivity_um2_per_min: Coefficient = 0.0
    voxel_diffusivity_um2_per_min: Diffusivity | None = None
    voxel_decay_per_min: Coefficient | None = None
    membranes: Membranes | None = None
    exchange_supply_per_min: Coefficient = 0.0
    max_uptake_per_min: Coefficient = 0.0

    def __post_init__(self) -> None:
        # Read-only arrays become a `Problem` without another copy of each.
        for value in vars(self).values():
            _frozen(value)

    def decay(self, background_per_min: Coefficient, *, with_uptake: bool = True) -> Coefficient:
        """Background, secretion, exchange and (unless it saturates) uptake in one: float or (H, W) float64, 1 / min."""
        background = background_per_min if self.voxel_decay_per_min is None else self.voxel_decay_per_min
        if isinstance(self.decay_change_per_min, np.ndarray):
            background = np.maximum(background + self.decay_change_per_min, 0.0)
        uptake: Coefficient = self.uptake_per_min if with_uptake else 0.0
        return _frozen(background + self.secretion_per_min + self.exchange_per_min + uptake)

    def diffusivity(self, background_um2_per_min: Diffusivity) -> Diffusivity:
        """What pixels conduct, with cells and closed vessels in them: a number, a map or a PerAxis, um^2 / min."""
        around = self.voxel_diffusivity_um2_per_min
        around = background_um2_per_min if around is None else around
        if not isinstance(self.own_share, np.ndarray):
            return around
        given = (around.x, around.y) if isinstance(around, PerAxis) else (around,)
        mixed = [np.asarray(self.own_diffusivity_um2_per_min + (1.0 - self.own_share) * each) for each in given]
        least = _LEAST_CONTRAST * max(float(each.max()) for each in mixed)
        for each, medium in zip(mixed, given, strict=True):
            # A cell that grazes an obstacle's pixel would have it conduct next to nothing, which no problem may.
            each[(each < least) & (np.asarray(medium) == 0.0) & (self.own_share < 1.0)] = 0.0
        return PerAxis(x=_frozen(mixed[0]), y=_frozen(mixed[1])) if len(mixed) == 2 else _frozen(mixed[0])

    def same_as(self, other: Raster) -> bool:
        """Whether both pose the same problem, whatever was left out."""
        # What cells do comes first, since it changes most often.
        names = [*_OF_CELLS, *(name for name in vars(self) if name not in (*_OF_CELLS, "left_out"))]
        return all(same_numbers(getattr(self, name), getattr(other, name)) for name in names)


def _frozen(value: T) -> T:
    """The same number, or the same array made read-only."""
    if isinstance(value, np.ndarray):
        value.flags.writeable = False
    return value
