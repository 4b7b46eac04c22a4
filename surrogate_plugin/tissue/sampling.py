"""Reading a field between pixel centres, with what the boundary holds just outside."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from surrogate_plugin.arguments import Coefficient, FloatArray
from surrogate_plugin.equation.gradients import Ghost, Surroundings
from surrogate_plugin.equation.sides import Boundary, Side

_Indices = npt.NDArray[np.intp]


def surroundings_of(boundary: Boundary) -> Surroundings:
    """What lies outside a lattice of which nothing but its sides is known.

    A side that holds a value has it one spacing outside; beside any other lies what the edge pixel has, since what a
    flux or an exchange makes outside goes by what the tissue conducts.
    """
    (bottom, top), (left, right) = boundary.pairs
    ghosts = ((_ghost(bottom), _ghost(top)), (_ghost(left), _ghost(right)))
    return Surroundings((1.0, 1.0), np.array(boundary.rings), ghosts)


def _ghost(side: Side) -> Ghost:
    return Ghost(0.0, side.value) if side.kind == "value" else Ghost(1.0, 0.0)


def bilinear(field: FloatArray, x: FloatArray, y: FloatArray, around: Surroundings) -> FloatArray:
    """Interpolate between the four nearest pixel centres, ghost pixels included.

    Parameters
    ----------
    field : (H, W) float64, field units
    x, y : (n,) float64, pixels
        Positions from the lower left corner, in [0, W] and [0, H].
    around : Surroundings
        What lies one spacing outside the lattice.

    Returns
    -------
    (n,) float64, field units
        Never outside the range of the four values it is made of.

    Examples
    --------
    >>> ramp, there = np.arange(8.0) * np.ones((8, 1)), np.array([4.0])
    >>> mirrors, right = Boundary.parse("reflecting"), Boundary.parse({"right": 38.0})
    >>> bilinear(ramp, np.array([0.0, 4.0]), np.array([4.0, 4.0]), surroundings_of(mirrors)).tolist()
    [0.0, 3.5]
    >>> bilinear(ramp, np.array([8.0]), there, surroundings_of(right)).tolist()
    [22.5]
    """
    u, v = x - 0.5, y - 0.5
    column, row = np.floor(u).astype(np.intp), np.floor(v).astype(np.intp)
    s, t = u - column, v - row
    lower = (1.0 - s) * _at(field, row, column, around) + s * _at(field, row, column + 1, around)
    upper = (1.0 - s) * _at(field, row + 1, column, around) + s * _at(field, row + 1, column + 1, around)
    return np.asarray((1.0 - t) * lower + t * upper)


def _at(field: FloatArray, row: _Indices, column: _Indices, around: Surroundings) -> FloatArray:
    """The field with one ghost pixel around it."""
    (rows, columns), (ring_y, ring_x) = field.shape, around.rings
    inner_row = row % rows if ring_y else np.clip(row, 0, rows - 1)
    inner_column = column % columns if ring_x else np.clip(column, 0, columns - 1)
    values: FloatArray = field[inner_row, inner_column]
    (bottom, top), (left, right) = around.ghosts
    # The ghost at a corner belongs to two sides; bottom and top speak last.
    if not ring_x:
        for ghost, outside in ((left, column < 0), (right, column >= columns)):
            values[outside] = _beyond(ghost, values[outside], inner_row[outside])
    if not ring_y:
        for ghost, outside in ((bottom, row < 0), (top, row >= rows)):
            values[outside] = _beyond(ghost, values[outside], inner_column[outside])
    return values


def _beyond(ghost: Ghost, values: FloatArray, place: _Indices) -> FloatArray:
    """What lies outside a side, beside edge pixels of these values at these places along it."""
    kept, added = _along(ghost.kept, place), _along(ghost.added, place)
    return np.asarray(kept * values + added)


def _along(each: Coefficient, place: _Indices) -> Coefficient:
    return each[place] if isinstance(each, np.ndarray) else each
