"""Arrays of numbers and truth values that nobody can change, of a shape and within what can be computed with."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np

from surrogate_plugin.arguments.numbers import (
    FINITE,
    HUGE,
    NOT_NEGATIVE,
    POSITIVE,
    TINY,
    number_not_negative,
    one_number,
    positive_number,
)
from surrogate_plugin.arguments.reading import as_numpy
from surrogate_plugin.arguments.sentences import refusal_at, shown
from surrogate_plugin.arguments.types import BoolArray, Coefficient, FloatArray
from surrogate_plugin.errors import InvalidProblemError

#: No lattice and no list of cells is larger; more is a mistake that would exhaust the memory.
MAX_PIXELS = 2**28


def real_array(
    name: str,
    value: Any,
    *,
    shape: tuple[int, ...] | None = None,
    like: str = "source",
    allowed: str = "real numbers",
    copy: bool = True,
) -> FloatArray:
    """Float64 that nobody can change: a read-only copy, or the array itself if it is its own and read-only already.

    Parameters
    ----------
    name : str
        What an error calls it.
    value : array_like
        Of real numbers or truth values, whatever numpy reads; finite or not.
    shape : tuple of int, optional
        The shape it must have unless it is one number; another is refused before anything is copied.
    like : str
        Whose shape that is.
    allowed : str
        What an error says is allowed, in the plural.
    copy : bool
        False for what is only read in this call: an array of float64 is then taken as it is.

    Raises
    ------
    InvalidProblemError
        If numpy cannot read it, it is ragged, masked, too large, of another shape or not of real numbers.
    """
    given = as_numpy(name, value, allowed)
    if given.dtype.kind not in "fiub":
        what = f"is {shown(value)}" if given.ndim == 0 else f"has dtype {given.dtype}"
        raise InvalidProblemError(f"{name} {what}; {allowed} are allowed.")
    if given.ndim and shape is not None:
        same_shape(name, given.shape, shape, like)
    if given.size > 2 * MAX_PIXELS:
        raise InvalidProblemError(f"{name} has {given.size} values; at most {2 * MAX_PIXELS} are allowed.")
    if given.dtype == np.float64 and not given.flags.writeable and given.base is None and given.flags.c_contiguous:
        return given
    if given.dtype == np.float64:
        array = np.array(given, order="C") if copy else given
    else:
        with np.errstate(over="ignore"):  # what float64 does not hold becomes infinite, and is refused as that
            array = np.array(given, dtype=np.float64, order="C")
    if copy:
        array.flags.writeable = False
    return array


def truth_array(name: str, value: Any, *, shape: tuple[int, ...] | None = None, like: str = "source") -> BoolArray:
    """A read-only copy of an array of truth values, which must have the shape of ``like`` if that is given."""
    given = as_numpy(name, value, "a boolean array")
    if given.dtype != np.bool_:
        raise InvalidProblemError(f"{name} has dtype {given.dtype}; a boolean array is allowed.")
    if shape is not None:
        same_shape(name, given.shape, shape, like)
    if given.size > MAX_PIXELS:
        raise InvalidProblemError(f"{name} has {given.size} values; at most {MAX_PIXELS} are allowed.")
    mask = given.copy()
    mask.flags.writeable = False
    return mask


def same_shape(name: str, given: tuple[int, ...], shape: tuple[int, ...], like: str) -> None:
    """Refuse an array of another shape than that of ``like``."""
    if given != shape:
        raise InvalidProblemError(f"{name} has shape {given}, but {like} has {shape}; they must agree.")


def check_values(name: str, array: FloatArray, *, positive: bool) -> tuple[float, float]:
    """The least and the largest value, all of them in (`TINY`, `HUGE`] if ``positive``, else in [0, `HUGE`]."""
    # Two reductions settle the usual case: NaN spreads through both, infinity shows in one.
    low, high = float(array.min()), float(array.max())
    if not (high <= HUGE and (low > TINY or (not positive and low >= 0))):
        wrong = ~((array > TINY) if positive else (array >= 0)) | ~(array <= HUGE)
        raise refusal_at(name, array, wrong, POSITIVE if positive else NOT_NEGATIVE)
    return low, high


def check_finite(name: str, array: FloatArray, *, of_any_size: bool = False) -> None:
    """Refuse NaN, infinities and, unless ``of_any_size``, what is larger than `HUGE` in size."""
    most, allowed = (np.finfo(np.float64).max, "finite values") if of_any_size else (HUGE, FINITE)
    if not (array.max(initial=0.0) <= most and array.min(initial=0.0) >= -most):
        raise refusal_at(name, array, ~(np.abs(array) <= most), allowed)


def coefficient(
    name: str, value: Any, *, shape: tuple[int, ...] | None = None, like: str = "source", positive: bool = False
) -> Coefficient:
    """A number, or a read-only map of numbers, of the ``shape`` that ``like`` has, if that is known yet."""
    if isinstance(value, Real | Decimal):
        return positive_number(name, value) if positive else number_not_negative(name, value)
    array = real_array(name, value, shape=shape, like=like)
    if array.ndim == 0:
        return coefficient(name, one_number(name, value, "one number"), positive=positive)
    if array.size == 0 or (shape is None and array.ndim != 2):
        raise InvalidProblemError(f"{name} has shape {array.shape}; a number or a 2-D array (H, W) is allowed.")
    low, high = check_values(name, array, positive=positive)
    # The lattice is known once the source is; until then a map of one value still tells which lattice it is for.
    return high + 0.0 if low == high and shape is not None else array


def largest(value: Coefficient) -> float:
    """The largest value of a map, or the number."""
    return float(value.max()) if isinstance(value, np.ndarray) else value


def least(value: Coefficient) -> float:
    """The least value of a map, or the number."""
    return float(value.min()) if isinstance(value, np.ndarray) else value


def whole_sides(name: str, shape: Sequence[int]) -> tuple[int, int]:
    """The rows and columns of a lattice, checked; ``name`` is what the error calls them."""
    allowed = f"two whole numbers (rows, columns) >= 1 and at most {MAX_PIXELS} pixels"
    try:
        rows, columns = shape
    except Exception:  # nothing to unpack, or another number of sides
        raise InvalidProblemError(f"{name} is {shown(shape)}; {allowed} are allowed.") from None
    sides = [one_number(name, side, allowed) for side in (rows, columns)]
    if not all(side >= 1 and side.is_integer() for side in sides) or sides[0] * sides[1] > MAX_PIXELS:
        raise InvalidProblemError(f"{name} is {shown(shape)}; {allowed} are allowed.")
    return int(sides[0]), int(sides[1])
