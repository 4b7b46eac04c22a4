"""What is wrong with an argument, in one sentence: the value as it is shown, where it stands, what is allowed."""

from __future__ import annotations

import math

import numpy as np

from surrogate_plugin.arguments.types import BoolArray, FloatArray
from surrogate_plugin.errors import InvalidProblemError

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


def refusal_at(name: str, array: FloatArray, wrong: BoolArray, allowed: str) -> InvalidProblemError:
    """The error that names the first value that is wrong, and where it is."""
    index = tuple(int(i) for i in np.unravel_index(int(np.argmax(wrong)), array.shape))
    shown_value = plain(float(array[index]))
    if array.ndim == 2:
        return InvalidProblemError(
            f"{name} is {shown_value} at (row {index[0]}, column {index[1]}); {allowed} are allowed."
        )
    return InvalidProblemError(f"{name}{list(index) if index else ''} is {shown_value}; {allowed} are allowed.")


def plain(number: float) -> str:
    """A number as errors show it."""
    return "NaN" if math.isnan(number) else f"{number:g}"


def are(allowed: str) -> str:
    """The verb of what is allowed: one thing begins with an article."""
    return "is" if allowed.startswith(("a ", "one ")) else "are"
