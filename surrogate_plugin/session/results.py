"""What a step hands out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy.typing as npt

from surrogate_plugin.arguments import FloatArray
from surrogate_plugin.equation.sides import Boundary, BoundaryLike
from surrogate_plugin.equation.solution import Solution
from surrogate_plugin.session.steps import StepRecord
from surrogate_plugin.tissue.domain import Domain
from surrogate_plugin.tissue.raster import Outside


@dataclass(frozen=True, eq=False)
class StepResult:
    """The field of one step.

    Attributes
    ----------
    solution : Solution
        The field with its bound, who answered, and why not the surrogate.
    record : StepRecord
        What the step took.
    """

    solution: Solution
    record: StepRecord
    _domain: Domain
    _boundary: BoundaryLike | Boundary
    _outside: Outside

    @property
    def field(self) -> FloatArray:
        """(H, W) float64, field units; read-only, row 0 at the lowest y."""
        return self.solution.field

    def sample(self, points_um: npt.ArrayLike) -> FloatArray:
        """The field at (n, 2) points: (n,) float64; bilinear, see `Domain.sample`.

        Points off the domain raise where the backend refuses cells there, and read the nearest point on it elsewhere.
        """
        outside: Literal["error", "clamp"] = "error" if self._outside == "error" else "clamp"
        around = self.solution.around
        return self._domain.sample(self.field, points_um, boundary=self._boundary, outside=outside, around=around)
