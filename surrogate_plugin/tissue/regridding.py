"""From one lattice to another of the same rectangle, so that what is on it is neither made nor lost.

A pixel of the new lattice gets the average over its area of the old one, which is taken as constant on each of its
pixels. Pixels are rectangles with sides along the axes, so this is one small matrix an axis. It keeps the integral and
any constant, never leaves the range of the old values, and is its own adjoint: what an uptake map brought to a coarse
lattice takes from a coarse field is what the uptake map itself takes from that field brought back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from surrogate_plugin.arguments import (
    BoolArray,
    FloatArray,
    check_finite,
    check_values,
    real_array,
    same_shape,
    truth_array,
    whole_sides,
)
from surrogate_plugin.errors import InvalidProblemError

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["regrid", "regrid_fixed"]


def regrid(values: npt.ArrayLike, shape: Sequence[int]) -> FloatArray:
    """The averages of a lattice over the pixels of another one of the same rectangle.

    Parameters
    ----------
    values : (H, W) array
        A density: a field, an uptake or production rate per volume.
    shape : (int, int)
        (rows, columns) of the other lattice, finer or coarser, by whole numbers or not.

    Returns
    -------
    (rows, columns) float64, in the same unit
        With the same mean, to rounding. For a smooth function it is first order in the larger of the two spacings.

    Raises
    ------
    InvalidProblemError
        If ``values`` is not a lattice of finite numbers (at most 1e100 in size), or ``shape`` is not two whole
        numbers >= 1.

    Source
    ------
    First-order conservative remapping: Jones, Mon. Weather Rev. 127 (1999) 2204, eq. 2 and 3.

    Examples
    --------
    >>> regrid([[0.0, 4.0, 0.0, 0.0]], (1, 2)).tolist()
    [[2.0, 0.0]]
    >>> regrid([[0.0, 3.0]], (1, 3)).tolist()
    [[0.0, 1.5, 3.0]]
    """
    given = real_array("values", values, copy=False)
    _check_lattice("values", given)
    rows, columns = whole_sides("shape", shape)
    check_finite("values", given)
    if given.shape == (rows, columns):
        return given.copy()
    down = given if rows == given.shape[0] else _averages(given.shape[0], rows) @ given
    across = down if columns == given.shape[1] else (_averages(given.shape[1], columns) @ down.T).T
    return np.ascontiguousarray(across)


def regrid_fixed(fixed: npt.ArrayLike, value: npt.ArrayLike, shape: Sequence[int]) -> tuple[BoolArray, FloatArray]:
    """Pixels that hold a value, on another lattice of the same rectangle.

    Values are not averaged: a vessel stays a vessel and keeps its value. A pixel of the new lattice is fixed if it
    holds the centre of a fixed one, or has its own centre in one. So no vessel is lost, and a connected one stays
    connected; on a coarser lattice it is up to a pixel wider than it was. Where several meet, the largest value wins.

    Parameters
    ----------
    fixed : (H, W) array of bool
    value : (H, W) array, field units
        What the fixed pixels hold, >= 0.
    shape : (int, int)
        (rows, columns) of the other lattice.

    Returns
    -------
    fixed : (rows, columns) bool
    value : (rows, columns) float64, field units
        0 where nothing is fixed.

    Raises
    ------
    InvalidProblemError
        If the two arrays are not lattices of one shape, a fixed pixel holds no value in [0, 1e100], or ``shape`` is
        not two whole numbers >= 1.

    Examples
    --------
    >>> vessel = np.array([[False, True, False, False]])
    >>> regrid_fixed(vessel, np.where(vessel, 38.0, 0.0), (1, 2))
    (array([[ True, False]]), array([[38., 0.]]))
    """
    fixed = truth_array("fixed", fixed)
    _check_lattice("fixed", fixed)
    value = real_array("value", value, copy=False)
    same_shape("value", value.shape, fixed.shape, "fixed")
    rows, columns = whole_sides("shape", shape)
    held = np.where(fixed, value, 0.0)
    check_values("value", held, positive=False)
    around = np.ix_(_holders(rows, fixed.shape[0]), _holders(columns, fixed.shape[1]))
    chosen, source = fixed[around], held[around]  # what the centres of the new pixels lie in
    row, column = np.nonzero(fixed)
    where = _holders(fixed.shape[0], rows)[row], _holders(fixed.shape[1], columns)[column]
    chosen[where] = True
    np.maximum.at(source, where, held[row, column])
    return chosen, source


def _averages(old: int, new: int) -> csr_array:
    """(new, old): which share of each new pixel each old one covers, along one axis; rows sum to 1."""
    from scipy.sparse import csr_array

    # In units of 1 / (old * new) of the axis all edges are whole numbers, so no overlap is a rounding error.
    edges = np.union1d(np.arange(old + 1, dtype=np.int64) * new, np.arange(new + 1, dtype=np.int64) * old)
    start, length = edges[:-1], np.diff(edges)
    return csr_array((length / old, (start // old, start // new)), shape=(new, old))


def _holders(old: int, new: int) -> npt.NDArray[np.int64]:
    """(old,): the new pixel that holds the centre of each old one, along one axis."""
    return (2 * np.arange(old, dtype=np.int64) + 1) * new // (2 * old)


def _check_lattice(name: str, values: npt.NDArray[np.generic]) -> None:
    if values.ndim != 2 or values.size == 0:
        raise InvalidProblemError(f"{name} has shape {values.shape}; a lattice (H, W) of at least 1 x 1 is allowed.")
