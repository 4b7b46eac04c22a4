"""Where a host holds a substrate at values of its own, whoever says so: the host itself, or a file that it wrote."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Nodes:
    """The Dirichlet voxels that are switched on for a substrate, outer ones and inner ones alike.

    Attributes
    ----------
    fixed : (H, W) bool
    value : (H, W) float64, field units
        0 elsewhere.
    """

    fixed: npt.NDArray[np.bool_]
    value: npt.NDArray[np.float64]

    def same_as(self, other: Nodes) -> bool:
        """Whether the same voxels are held at the same values."""
        return np.array_equal(self.fixed, other.fixed) and np.array_equal(self.value, other.value)

    def with_others(self, others: Nodes | None) -> Nodes:
        """These and others, which win where both are."""
        if others is None:
            return self
        return Nodes(self.fixed | others.fixed, np.where(others.fixed, others.value, self.value))
