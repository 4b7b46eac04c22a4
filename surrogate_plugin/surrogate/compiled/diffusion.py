"""The diffusion equation between blocks, for one lattice: its arrays, and the solve."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from surrogate_plugin import team
from surrogate_plugin.surrogate import diffusion_layer
from surrogate_plugin.surrogate.compiled import coefficient_kernels as kernels
from surrogate_plugin.surrogate.compiled.diffusion_kernels import solve_batch, workspace
from surrogate_plugin.surrogate.compiled.plan import Diffusion

Float32Array = npt.NDArray[np.float32]

#: The secant's place before there is a field, over the largest imposed value; and what says that there is one.
_HALF, _AT_FIELD = np.float32(0.5), np.float32(-1.0)


class CoarseEquation:
    """The equation of a lattice of (h, w) blocks, and the memory that its solves use again."""

    def __init__(self, h: int, w: int) -> None:
        self._hold, self._hunger, self._counted = np.empty((3, h, w), np.float32)
        self._east, self._north, self._extra, self._rhs, self._field = np.empty((5, 1, h, w), np.float32)
        self._work = workspace(h, w)

    def solve(self, part: Diffusion, lattice: Float32Array, slope: np.float32) -> None:
        """Write the field of blocks into ``lattice``, from what layers chose; ``slope`` is the saturation."""
        h, w = self._hold.shape
        at = h * np.array(part.reads)
        coefficients = self._hold, self._hunger, self._counted
        firmest = np.float32(part.operation.hold)
        links = self._east[0], self._north[0]
        team.run(kernels.choose, lattice, at, part.chosen, firmest, *coefficients, *links)
        self._field.fill(0.0)
        for level in (_HALF, *(_AT_FIELD for _ in range(part.operation.updates if slope > 0 else 0))):
            equation = self._field[0], self._extra[0], self._rhs[0]
            team.run(kernels.pose, lattice, at, *coefficients, slope, level, *equation)
            arrays = self._east, self._north, self._extra, self._rhs, self._field
            solve_batch(*arrays, diffusion_layer.TOLERANCE, diffusion_layer.MOST, self._work)
        rows = lattice[h * part.writes : h * (part.writes + 1)]
        rows[:, :w], rows[:, w:] = self._field[0], 0.0
