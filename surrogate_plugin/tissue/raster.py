"""A tissue state on the pixels of a domain, and how it gets there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np

from surrogate_plugin.equation.problem import BoolArray, Coefficient, FloatArray

T = TypeVar("T")

#: How a cell lands on pixels: by the exact area of its disc on each, or all of it in the one that holds its centre.
Deposit = Literal["area", "voxel"]
#: What becomes of cells and vessels off the lattice: refused, left out and counted, or moved to its border.
Outside = Literal["error", "drop", "clamp"]


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
    left_out : int
        Cells and vessels off the lattice that were dropped.
    """

    source: FloatArray
    fixed: BoolArray
    uptake_per_min: Coefficient
    secretion_per_min: Coefficient
    production_per_min: Coefficient
    left_out: int = 0

    def __post_init__(self) -> None:
        # Read-only arrays become a `Problem` without another copy of each.
        for array in (self.source, self.fixed, self.uptake_per_min, self.secretion_per_min, self.production_per_min):
            _frozen(array)

    def decay(self, background_per_min: Coefficient, *, with_uptake: bool = True) -> Coefficient:
        """Background, secretion and (unless it saturates) uptake in one: float or (H, W) float64, 1 / min."""
        uptake: Coefficient = self.uptake_per_min if with_uptake else 0.0
        return _frozen(background_per_min + self.secretion_per_min + uptake)


def _frozen(value: T) -> T:
    """The same number, or the same array made read-only."""
    if isinstance(value, np.ndarray):
        value.flags.writeable = False
    return value
