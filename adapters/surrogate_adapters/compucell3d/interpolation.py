"""From the pixels of one lattice to those of another one of the same rectangle, without stairs.

The field is taken as a quadratic spline whose coefficients are the values of the old pixels, and a new pixel gets the
spline's average over it. Weights are >= 0 and sum to 1, so no value leaves the range of the old ones; a straight slope
is kept exactly; and the slope runs on without jumps, since its own slope is the old lattice's second difference. That
last is why the residual on the new lattice is small between the cells, and with it the bound that `sp.certify` finds.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

import surrogate_plugin as sp

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from surrogate_plugin.equation.sides import Side

__all__ = ["smooth", "widened"]

FloatArray = npt.NDArray[np.float64]


def smooth(field: FloatArray, shape: tuple[int, int], boundary: sp.Boundary) -> FloatArray:
    """A field on another lattice of the same rectangle.

    Parameters
    ----------
    field : (H, W) float64
    shape : (int, int)
        (rows, columns) of the other lattice, by whole numbers or not.
    boundary : Boundary
        What the field is just outside the lattice.

    Returns
    -------
    (rows, columns) float64
        Second order in the spacing of the coarser lattice, slopes too.

    Source
    ------
    Uniform quadratic B-splines: de Boor, *A Practical Guide to Splines*, Springer 2001, ch. IX.

    Examples
    --------
    >>> ramp = np.tile([1.0, 3.0, 5.0, 7.0], (2, 1))
    >>> np.round(smooth(ramp, (2, 8), sp.Boundary.parse("reflecting"))[0], 3).tolist()
    [1.083, 1.583, 2.5, 3.5, 4.5, 5.5, 6.417, 6.917]
    """
    across = widened(field, boundary.left, boundary.right)
    around = widened(across.T, boundary.bottom, boundary.top).T
    rows, columns = (_weights(old, new) for old, new in zip(field.shape, shape, strict=True))
    return np.ascontiguousarray((columns @ (rows @ around).T).T)


def widened(field: FloatArray, before: Side, after: Side) -> FloatArray:
    """A field with a column more on either side, what the equation has there: (H, W) becomes (H, W + 2)."""

    def outside(side: Side, edge: FloatArray, opposite: FloatArray) -> FloatArray:
        if side.kind == "value":
            return np.full_like(edge, side.value)
        return opposite if side.kind == "periodic" else edge

    first, last = field[:, :1], field[:, -1:]
    return np.hstack([outside(before, first, last), field, outside(after, last, first)])


@functools.lru_cache(maxsize=8)
def _weights(old: int, new: int) -> csr_array:
    """(new, old + 2): what each new pixel takes of each old one and of the two outside, along one axis."""
    from scipy.sparse import csr_array

    edges = np.arange(new + 1) * (old / new)
    centres = np.arange(-1, old + 1) + 0.5
    below = _integral(edges[:, np.newaxis] - centres)
    return csr_array(np.diff(below, axis=0) * (new / old))


def _integral(x: FloatArray) -> FloatArray:
    """Of the quadratic B-spline around 0, from -3/2 to x."""
    inner = 0.5 + 0.75 * x - x**3 / 3.0
    outer = np.maximum(1.5 - np.abs(x), 0.0) ** 3 / 6.0
    return np.where(np.abs(x) <= 0.5, inner, np.where(x < 0.0, outer, 1.0 - outer))
