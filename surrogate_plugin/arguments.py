"""What callers hand over, read once: made into the floats, arrays and names computed with, or refused in a sentence.

Nothing else in the package asks numpy to make something of a stranger's object, so no error of numpy's inside reaches
a caller, and nothing is taken for what it is not: text is no number, nor is a truth value where one number is wanted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.quantities import numbers_of

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]
IndexArray = npt.NDArray[np.int64]
Coefficient = float | FloatArray

#: Magnitudes outside this range overflow or vanish when squared or divided by one another.
TINY, HUGE = 1e-100, 1e100
#: No lattice and no list of cells is larger; more is a mistake that would exhaust the memory.
MAX_PIXELS = 2**28

POSITIVE = f"finite values in ({TINY:g}, {HUGE:g}]"
NOT_NEGATIVE = f"finite values >= 0 and at most {HUGE:g}"
FINITE = f"finite values of at most {HUGE:g} in size"

_LONGEST = 60


def shown(value: object) -> str:
    """A value as an error shows it: on one line, cut where it is long, and never itself the cause of an error.

    Examples
    --------
    >>> shown("open"), shown(10**400), shown(np.zeros((8, 9)))
    ("'open'", 'an integer of about 10**400', 'a ndarray of shape (8, 9)')
    """
    if isinstance(value, int) and value.bit_length() > 200:
        return f"an integer of about {'-' if value < 0 else ''}10**{round(value.bit_length() * math.log10(2))}"
    if isinstance(value, np.ndarray) and value.ndim:
        return f"a {type(value).__name__} of shape {value.shape}"
    try:
        text = " ".join(repr(value).split())
    except Exception:  # a repr may fail in ways of its own
        return f"a {type(value).__name__}"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def one_number(name: str, value: Any, allowed: str) -> float:
    """The float that ``value`` is, of whatever size; ``allowed`` ends the sentence if it is none.

    Integers, fractions, decimals and arrays without axes are numbers; text, truth values and complex numbers are not.

    Raises
    ------
    InvalidProblemError
        If it is not one real number, or larger than float64 holds.

    Examples
    --------
    >>> one_number("decay", np.float32(0.25), "a number")
    0.25
    >>> one_number("decay", "0.25", "a number")
    Traceback (most recent call last):
    surrogate_plugin.errors.InvalidProblemError: decay is '0.25'; a number is allowed.
    """
    if isinstance(value, Real | Decimal) and not isinstance(value, bool):
        given: Any = value
    elif isinstance(value, str | bytes | bool | None):
        raise InvalidProblemError(f"{name} is {shown(value)}; {allowed} {_are(allowed)} allowed.")
    else:
        given = _as_numpy(name, value, allowed)
        if given.ndim:
            raise InvalidProblemError(f"{name} has shape {given.shape}; one number is allowed.")
        if given.dtype.kind not in "fiu":
            raise InvalidProblemError(f"{name} is {shown(value)}; {allowed} {_are(allowed)} allowed.")
    try:
        # Adding 0 makes a positive zero of a negative one, which would tell equal operators apart.
        return float(given) + 0.0
    except Exception:  # an integer or fraction beyond float64, a decimal that is a signalling NaN
        raise InvalidProblemError(f"{name} is {shown(value)}; {allowed} {_are(allowed)} allowed.") from None


def positive_number(name: str, value: Any) -> float:
    """A float in (`TINY`, `HUGE`]."""
    number = one_number(name, value, POSITIVE)
    if not TINY < number <= HUGE:
        raise InvalidProblemError(f"{name} is {_plain(number)}; {POSITIVE} are allowed.")
    return number


def number_not_negative(name: str, value: Any) -> float:
    """A float in [0, `HUGE`]."""
    number = one_number(name, value, NOT_NEGATIVE)
    if not 0 <= number <= HUGE:
        raise InvalidProblemError(f"{name} is {_plain(number)}; {NOT_NEGATIVE} are allowed.")
    return number


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
    given = _as_numpy(name, value, allowed)
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
    given = _as_numpy(name, value, "a boolean array")
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
        raise _refusal_at(name, array, wrong, POSITIVE if positive else NOT_NEGATIVE)
    return low, high


def check_finite(name: str, array: FloatArray) -> None:
    """Refuse NaN, infinities and what is larger than `HUGE` in size."""
    if not (array.max(initial=0.0) <= HUGE and array.min(initial=0.0) >= -HUGE):
        raise _refusal_at(name, array, ~(np.abs(array) <= HUGE), FINITE)


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
        raise _refusal_at(name, array, wrong, allowed)
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


def one_of(name: str, value: Any, allowed: Iterable[str]) -> str:
    """A name that is among ``allowed``."""
    names = tuple(allowed)
    if not isinstance(value, str) or value not in names:
        listed = ", ".join(repr(each) for each in names)
        raise InvalidProblemError(f"{name} is {shown(value)}; allowed are {listed}.")
    return value


def instance_of(name: str, value: Any, kind: type | tuple[type, ...], allowed: str) -> None:
    """Refuse what is not of a type, which ``allowed`` names in words."""
    try:
        belongs = isinstance(value, kind)
    except Exception:  # a type may look at a stranger's attributes, which may fail in ways of their own
        belongs = False
    if not belongs:
        raise InvalidProblemError(f"{name} is {shown(value)}; {allowed} is allowed.")


def is_able(value: object, *methods: str) -> bool:
    """Whether an object has all these methods; one that fails when it is asked for them has not."""
    try:
        return all(callable(getattr(value, method, None)) for method in methods)
    except Exception:  # a stranger's attributes may fail in ways of their own
        return False


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


def _as_numpy(name: str, value: Any, allowed: str) -> npt.NDArray[Any]:
    """Whatever numpy makes of a value, but neither what a mask hides nor a tensor torn from its gradients."""
    if type(value) is np.ndarray:  # no subclass, so that it has no unit, no mask and no gradients
        return value
    value = numbers_of(name, value)
    try:
        refusal = _not_as_it_seems(value)
        if refusal is None:
            return np.asarray(value)
    except Exception as error:  # ragged, nested without end, or an object that fails in a way of its own
        raise InvalidProblemError(
            f"{name} is a {type(value).__name__} that numpy cannot make an array of ({type(error).__name__}); "
            f"{allowed} {_are(allowed)} allowed."
        ) from error
    raise InvalidProblemError(f"{name} is a {refusal}.")


def _not_as_it_seems(value: Any) -> str | None:
    """Why numbers that numpy would read are not those that are meant."""
    if getattr(value, "requires_grad", False) is True:
        return "tensor that requires grad, and no gradient passes through a solve; hand over its .detach()"
    rows = value if isinstance(value, list | tuple) else (value,)
    # A plain array has no mask; asking about it all the same would import numpy.ma for nothing.
    if any(isinstance(row, np.ndarray) and type(row) is not np.ndarray and np.ma.is_masked(row) for row in rows):
        return "masked array; fill what is masked with the values that are meant"
    return None


def _refusal_at(name: str, array: FloatArray, wrong: BoolArray, allowed: str) -> InvalidProblemError:
    """Names the first value that is wrong, and where it is."""
    index = tuple(int(i) for i in np.unravel_index(int(np.argmax(wrong)), array.shape))
    shown_value = _plain(float(array[index]))
    if array.ndim == 2:
        return InvalidProblemError(
            f"{name} is {shown_value} at (row {index[0]}, column {index[1]}); {allowed} are allowed."
        )
    return InvalidProblemError(f"{name}{list(index) if index else ''} is {shown_value}; {allowed} are allowed.")


def _plain(number: float) -> str:
    return "NaN" if math.isnan(number) else f"{number:g}"


def _are(allowed: str) -> str:
    return "is" if allowed.startswith(("a ", "one ")) else "are"
