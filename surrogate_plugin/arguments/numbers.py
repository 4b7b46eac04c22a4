"""One number: a float of whatever size, or one that can be computed with."""

from __future__ import annotations

from decimal import Decimal
from numbers import Real
from typing import Any

from surrogate_plugin.arguments.reading import as_numpy
from surrogate_plugin.arguments.sentences import are, plain, shown
from surrogate_plugin.errors import InvalidProblemError

#: Magnitudes outside this range overflow or vanish when squared or divided by one another.
TINY, HUGE = 1e-100, 1e100

POSITIVE = f"finite values in ({TINY:g}, {HUGE:g}]"
NOT_NEGATIVE = f"finite values >= 0 and at most {HUGE:g}"
FINITE = f"finite values of at most {HUGE:g} in size"


def one_number(name: str, value: Any, allowed: str) -> float:
    """The float that ``value`` is, of whatever size; ``allowed`` ends the sentence if it is none.

    Integers, fractions, decimals and arrays without axes are numbers; text, truth values and complex numbers are not.

    Raises
    ------
    InvalidProblemError
        If it is not one real number, or larger than float64 holds.

    Examples
    --------
    >>> import numpy as np
    >>> one_number("decay", np.float32(0.25), "a number")
    0.25
    >>> one_number("decay", "0.25", "a number")
    Traceback (most recent call last):
    surrogate_plugin.errors.InvalidProblemError: decay is '0.25'; a number is allowed.
    """
    if isinstance(value, Real | Decimal) and not isinstance(value, bool):
        given: Any = value
    elif isinstance(value, str | bytes | bool | None):
        raise InvalidProblemError(f"{name} is {shown(value)}; {allowed} {are(allowed)} allowed.")
    else:
        given = as_numpy(name, value, allowed)
        if given.ndim:
            raise InvalidProblemError(f"{name} has shape {given.shape}; one number is allowed.")
        if given.dtype.kind not in "fiu":
            raise InvalidProblemError(f"{name} is {shown(value)}; {allowed} {are(allowed)} allowed.")
    try:
        # Adding 0 makes a positive zero of a negative one, which would tell equal operators apart.
        return float(given) + 0.0
    except Exception:  # an integer or fraction beyond float64, a decimal that is a signalling NaN
        raise InvalidProblemError(f"{name} is {shown(value)}; {allowed} {are(allowed)} allowed.") from None


def positive_number(name: str, value: Any) -> float:
    """A float in (`TINY`, `HUGE`]."""
    number = one_number(name, value, POSITIVE)
    if not TINY < number <= HUGE:
        raise InvalidProblemError(f"{name} is {plain(number)}; {POSITIVE} are allowed.")
    return number


def number_not_negative(name: str, value: Any) -> float:
    """A float in [0, `HUGE`]."""
    number = one_number(name, value, NOT_NEGATIVE)
    if not 0 <= number <= HUGE:
        raise InvalidProblemError(f"{name} is {plain(number)}; {NOT_NEGATIVE} are allowed.")
    return number
