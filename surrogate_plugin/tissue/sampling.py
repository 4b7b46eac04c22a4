"""Reading a field between pixel centres, with what the boundary holds just outside."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from surrogate_plugin.equation.problem import FloatArray
from surrogate_plugin.equation.sides import Boundary

_Indices = npt.NDArray[np.intp]


def bilinear(field: FloatArray, x: FloatArray, y: FloatArray, boundary: Boundary) -> FloatArray:
    """Interpolate between the four nearest pixel centres, ghost pixels included.

    Parameters
    ----------
    field : (H, W) float64, field units
    x, y : (n,) float64, pixels
        Positions from the lower left corner, in [0, W] and [0, H].
    boundary : Boundary
        A side that holds a value has it one spacing outside the lattice, a reflecting one mirrors the border
        pixel, a periodic one leads to the far side.

    Returns
    -------
    (n,) float64, field units
        Never outside the range of the four values it is made of.

    Examples
    --------
    >>> ramp = np.arange(8.0) * np.ones((8, 1))
    >>> bilinear(ramp, np.array([0.0, 4.0]), np.array([4.0, 4.0]), Boundary.parse("reflecting")).tolist()
    [0.0, 3.5]
    >>> bilinear(ramp, np.array([8.0]), np.array([4.0]), Boundary.parse({"right": 38.0})).tolist()
    [22.5]
    """
    u, v = x - 0.5, y - 0.5
    column, row = np.floor(u).astype(np.intp), np.floor(v).astype(np.intp)
    s, t = u - column, v - row
    lower = (1.0 - s) * _at(field, row, column, boundary) + s * _at(field, row, column + 1, boundary)
    upper = (1.0 - s) * _at(field, row + 1, column, boundary) + s * _at(field, row + 1, column + 1, boundary)
    return np.asarray((1.0 - t) * lower + t * upper)


def _at(field: FloatArray, row: _Indices, column: _Indices, boundary: Boundary) -> FloatArray:
    """The field with one ghost pixel around it."""
    rows, columns = field.shape
    beyond = (column < 0, column >= columns, row < 0, row >= rows)
    inner_row = row % rows if boundary.periodic_y else np.clip(row, 0, rows - 1)
    inner_column = column % columns if boundary.periodic_x else np.clip(column, 0, columns - 1)
    values: FloatArray = field[inner_row, inner_column]
    # The ghost at a corner belongs to two sides; bottom and top speak last.
    for side, outside in zip(boundary.sides, beyond, strict=True):
        if side.kind == "value":
            values[outside] = side.value
    return values
