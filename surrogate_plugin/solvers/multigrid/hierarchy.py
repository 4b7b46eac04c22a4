"""A multigrid hierarchy: the levels of one operator, and the V-cycle on them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from surrogate_plugin import team
from surrogate_plugin.arguments import Float32Array as Float32Array
from surrogate_plugin.equation.problem import BoolArray, FloatArray
from surrogate_plugin.equation.sides import Boundary, side_codes
from surrogate_plugin.solvers.multigrid import coarse_kernels as kernels

IntArray = npt.NDArray[np.int64]

_COARSEST_PIXELS = 64


def level_shapes(shape: tuple[int, int]) -> IntArray:
    """(levels, 2) int64: each level halves both sides, rounding up, once and then until at most 64 pixels are left."""
    shapes = [shape, ((shape[0] + 1) // 2, (shape[1] + 1) // 2)]
    while shapes[-1][0] * shapes[-1][1] > _COARSEST_PIXELS:
        rows, columns = shapes[-1]
        shapes.append(((rows + 1) // 2, (columns + 1) // 2))
    return np.array(shapes, dtype=np.int64)


class Hierarchy:
    """The levels for ``A = -lap + decay`` (dimensionless, unit links) with fixed pixels held at 0.

    The buffers are reused from one operator to the next on the same lattice: `rebuild` overwrites them.

    Parameters
    ----------
    shape : (H, W)
    boundary : Boundary
        Only the kinds matter: the hierarchy works on corrections, which vanish where values are imposed.
    """

    #: A cycle inverts roughly.
    exact = False

    def __init__(self, shape: tuple[int, int], boundary: Boundary) -> None:
        self.shape = shape
        self.sides = side_codes(boundary)
        self.dims = level_shapes(shape)
        sizes = (self.dims + 2).prod(axis=1)
        sizes[0] = 0  # the finest level lives in arrays of its own
        self.offset = np.concatenate(([0], np.cumsum(sizes)))
        padded = (shape[0] + 2, shape[1] + 2)
        self.dinv0 = np.zeros(padded, np.float32)
        self._scratch = np.zeros(padded, np.float32)
        #: Vectors for whoever iterates on this lattice (float32, zero halo), so that a step allocates next to nothing.
        self.vectors = tuple(np.zeros(padded, np.float32) for _ in range(5))
        #: For whoever certifies: see `surrogate_plugin.guard.inverse`.
        self.work = self.vectors[1], self.vectors[3], self.vectors[4], np.empty(shape)
        flat = int(self.offset[-1])
        self._east, self._north, self._rate, self._wall, self._dinv = (np.zeros(flat, np.float32) for _ in range(5))
        self._x, self._b, self._r = (np.zeros(flat, np.float32) for _ in range(3))
        self._coarsest: Float32Array = np.zeros((0, 0), np.float32)

    def rebuild(self, free: BoolArray, decay: FloatArray) -> None:
        """Set all levels up for a mask and a dimensionless decay map, both (H, W)."""
        team.run(
            kernels.setup_levels, free, decay, self.sides, self.dims, self.offset, self.dinv0,
            self._east, self._north, self._rate, self._wall, self._dinv,
        )  # fmt: skip
        self._coarsest = self._invert_coarsest()

    def relinearise(self, free: BoolArray, decay: FloatArray) -> None:
        """Give the finest level a new decay map and keep the coarse levels, which only precondition."""
        team.run(kernels.fine_setup, free, decay, self.sides, self.dinv0)

    def v_cycle(self, z: Float32Array, b: Float32Array, *, pre: int = 2, post: int = 2) -> None:
        """``z ~ A^-1 b`` by one V-cycle from zero; both (H + 2, W + 2) float32 with a halo."""
        team.run(
            kernels.v_cycle, z, b, self._scratch, self.dinv0, self.sides, self.dims, self.offset, self._x, self._b,
            self._r, self._east, self._north, self._dinv, self._coarsest, pre, post,
        )  # fmt: skip

    def apply(self, z: Float32Array, b: Float32Array) -> None:
        """A V-cycle, as an approximate inverse of the guard."""
        self.v_cycle(z, b)

    def sweep(self, z: Float32Array, b: Float32Array, sweeps: int) -> None:
        """``z``: some red-black Gauss-Seidel sweeps on the finest level for ``A z = b``, from zero."""
        rows, columns = int(self.dims[0, 0]), int(self.dims[0, 1])
        team.run(kernels.sweep_from_zero, z, b, self.dinv0, self.sides, rows, columns, sweeps)

    def _invert_coarsest(self) -> Float32Array:
        """The dense inverse of the coarsest level's matrix; rows of isolated pixels are 0."""
        rows, columns = (int(n) for n in self.dims[-1])
        lo, hi = self.offset[-2], self.offset[-1]
        shape = (rows + 2, columns + 2)
        level = (self._east, self._north, self._rate, self._wall)
        east, north, rate, wall = (a[lo:hi].reshape(shape).astype(np.float64) for a in level)
        matrix = _assemble(east, north, (rate + wall)[1:-1, 1:-1], rows, columns)
        isolated = matrix.diagonal() == 0
        matrix[isolated, isolated] = 1.0
        inverse = _inverse(matrix)
        inverse[isolated, isolated] = 0.0
        return inverse.astype(np.float32)


def _inverse(matrix: FloatArray) -> FloatArray:
    """The inverse, or where nothing is left that anchors the level, that of the matrix shifted by float32's rounding.

    A closed box that saturating uptake alone anchors comes to that around a field far too large, where its slope is
    lost beside the links. A cycle only preconditions: it need not be right, and the shift keeps it finite.
    """
    try:
        return np.asarray(np.linalg.inv(matrix), dtype=np.float64)
    except np.linalg.LinAlgError:
        shift = float(np.finfo(np.float32).eps * matrix.diagonal().max())
        return np.asarray(np.linalg.inv(matrix + shift * np.eye(len(matrix))), dtype=np.float64)


def _assemble(east: FloatArray, north: FloatArray, extra: FloatArray, rows: int, columns: int) -> FloatArray:
    """The matrix of a small level; links at the far edges wrap around (they are 0 unless the side is periodic)."""
    number = np.arange(rows * columns).reshape(rows, columns)
    matrix = np.diag(extra.ravel())
    for links, axis in ((east, 1), (north, 0)):
        here, there = number.ravel(), np.roll(number, -1, axis=axis).ravel()
        weight = links[1:-1, 1:-1].ravel()
        np.add.at(matrix, (here, here), weight)
        np.add.at(matrix, (there, there), weight)
        np.add.at(matrix, (here, there), -weight)
        np.add.at(matrix, (there, here), -weight)
    return matrix
