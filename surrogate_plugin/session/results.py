"""What a step hands out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
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
        return self._domain.sample(
            self.field, points_um, boundary=self._boundary, outside=self._off, around=self.solution.around
        )

    def gradient(self, points_um: npt.ArrayLike) -> FloatArray:
        """The slope of the field at points, for cells that follow it: bilinear between the pixels' centred differences.

        Parameters
        ----------
        points_um : (n, 2) array, um
            As (x, y); off the domain as for `sample`.

        Returns
        -------
        (n, 2) float64, field units / um
            Along x and y, in the order of the points' own axes; `Solution.gradient` has the maps, along y first. Second
            order in the spacing where the field is smooth; in the outer half pixel that of the edge pixel counts.

        Raises
        ------
        InvalidProblemError
            As of `sample`.

        Examples
        --------
        A field that falls from 38 at the left side to 0 at the right, 660 um apart:

        >>> from surrogate_plugin import Backend, BackendConfig, Domain, TissueState
        >>> sides = {"left": 38.0, "right": 0.0, "bottom": "reflecting", "top": "reflecting"}
        >>> domain = Domain((0.0, 0.0), (640.0, 320.0), (16, 32))
        >>> config = BackendConfig(domain=domain, diffusivity_um2_per_min=1e5, decay_per_min=0.0, boundary=sides)
        >>> slope = Backend(config).step(TissueState()).gradient([(200.0, 100.0)])
        >>> [round(float(each), 4) for each in 660.0 * slope[0]]
        [-38.0, 0.0]
        """
        # The differences have counted what the sides hold; of the slope itself only rings go on outside.
        y, x = ("periodic" if ring else "reflecting" for ring in Boundary.parse(self._boundary).rings)
        sides = {"left": x, "right": x, "bottom": y, "top": y}
        along_y, along_x = (
            self._domain.sample(slope, points_um, boundary=sides, outside=self._off)
            for slope in self.solution.gradient()
        )
        return np.column_stack([along_x, along_y])

    @property
    def _off(self) -> Literal["error", "clamp"]:
        return "error" if self._outside == "error" else "clamp"
