"""What a list of cells or vessels has: points, voxels, and a number an item."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from surrogate_plugin.arguments.arrays import MAX_PIXELS, check_values, real_array
from surrogate_plugin.arguments.numbers import FINITE, HUGE, number_not_negative
from surrogate_plugin.arguments.sentences import refusal_at
from surrogate_plugin.arguments.types import BoolArray, FloatArray, IndexArray
from surrogate_plugin.errors import InvalidProblemError


def plane_points(name: str, value: Any) -> FloatArray:
    """Points of the plane, (n, 2) float64, read-only: one (x, y) a row; n may be 0."""
    array = real_array(name, value)
    if array.size == 0 and array.ndim:
        array = array.reshape(0, 2)
    if array.ndim != 2 or array.shape[1] != 2:
        raise InvalidProblemError(f"{name} has shape {array.shape}; (n, 2) with one (x, y) a row is allowed.")
    # Two reductions settle the usual case, as in `check_values`.
    if not (array.max(initial=0.0) <= HUGE and array.min(initial=0.0) >= -HUGE):
        row = int(np.argmin((np.abs(array) <= HUGE).all(axis=1)))
        raise InvalidProblemError(f"{name}[{row}] is {array[row].tolist()}; {FINITE} are allowed.")
    return array


def per_item(name: str, value: Any, count: int) -> FloatArray:
    """Numbers in [0, `HUGE`], one an item, (count,) float64, read-only; one number is that of each."""
    if isinstance(value, float | int):
        array = np.full(count, number_not_negative(name, value))
        array.flags.writeable = False
        return array
    array = real_array(name, value)
    if array.ndim == 0:
        return per_item(name, number_not_negative(name, value), count)
    if array.shape != (count,):
        raise InvalidProblemError(f"{name} has shape {array.shape}; a number or ({count},), one an item, is allowed.")
    if count:
        check_values(name, array, positive=False)
    return array


def special_per_item(
    name: str, value: Any, count: int, fits: Callable[[FloatArray], BoolArray], allowed: str
) -> FloatArray:
    """Numbers that ``fits`` takes, infinite and NaN among them if it does, one an item, (count,) float64, read-only.

    Parameters
    ----------
    name : str
        What an error calls them.
    value : float or (count,) array
        One number is that of each item.
    count : int
    fits : callable
        Says of an array which values are allowed.
    allowed : str
        Which they are, in the plural.

    Raises
    ------
    InvalidProblemError
        For another number of them, or a value that does not fit.

    Examples
    --------
    >>> special_per_item("doors", [0.0, np.inf], 2, lambda given: given >= 0, "widths >= 0 or inf")
    array([ 0., inf])
    """
    array = real_array(name, value, allowed=allowed)
    if array.ndim == 0:
        array = np.full(count, float(array))
        array.flags.writeable = False
    if array.shape != (count,):
        raise InvalidProblemError(f"{name} has shape {array.shape}; a number or ({count},), one an item, is allowed.")
    wrong = ~fits(array)
    if wrong.any():
        raise refusal_at(name, array, wrong, allowed)
    return array


def lattice_places(name: str, value: Any) -> IndexArray:
    """Voxels of a lattice: (n,) flat indices or (n, 2) with one (row, column) a row, int64, read-only; n may be 0.

    Raises
    ------
    InvalidProblemError
        If they are of another shape, or one is no whole number in [0, `MAX_PIXELS`).
    """
    given = real_array(name, value)
    if given.ndim not in (1, 2) or (given.ndim == 2 and given.shape[1] != 2):
        raise InvalidProblemError(
            f"{name} has shape {given.shape}; (n,) flat indices or (n, 2) with one (row, column) a row are allowed."
        )
    wrong = ~((given >= 0) & (given < MAX_PIXELS) & (np.floor(given) == given))
    if wrong.any():
        item = tuple(int(i) for i in np.unravel_index(int(np.argmax(wrong)), given.shape))
        raise InvalidProblemError(
            f"{name}[{item[0]}] is {given[item[0]].tolist()}; whole numbers >= 0 and below {MAX_PIXELS} are allowed."
        )
    places = given.astype(np.int64)
    places.flags.writeable = False
    return places
