"""Numbers with a unit, as pint makes them, turned into plain ones; hosts that use pint hand them over anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import surrogate_plugin as sp

__all__ = ["has_unit", "in_unit"]

#: A mapping of lists of places is the deepest that is asked for; a list may hold itself, and has no end.
_DEEPEST = 4


def has_unit(value: Any) -> bool:
    """Whether a value is a quantity of pint, of any registry."""
    return hasattr(value, "magnitude") and hasattr(value, "to")


def in_unit(name: str, value: Any, unit: str | None) -> Any:
    """The value as a plain number of a unit, if it has one of its own; what has none is in that unit already.

    Parameters
    ----------
    name : str
        What it is, for the error.
    value : number, array, quantity, or a mapping, list or tuple of them
    unit : str, optional
        As pint reads it, ``"um**2/s"``; None where no unit can be known, as of a field's values in the user's own.

    Returns
    -------
    The same without units.

    Raises
    ------
    InvalidProblemError
        If the unit is of another dimension, or none can be known.

    Examples
    --------
    >>> from vivarium.library.units import units
    >>> in_unit("decay_per_s", {"oxygen": 6.0 / units.min, "glucose": 0.1}, "1/s")
    {'oxygen': 0.1, 'glucose': 0.1}
    >>> in_unit("depth", 2.0 * units.s, "um")
    Traceback (most recent call last):
    surrogate_plugin.errors.InvalidProblemError: depth is 2.0 second; a number, or a quantity in um, is allowed.
    """
    return _plain(name, value, unit, _DEEPEST)


def _plain(name: str, value: Any, unit: str | None, levels: int) -> Any:
    if levels and isinstance(value, Mapping):
        return {key: _plain(f"{name}[{key!r}]", one, unit, levels - 1) for key, one in value.items()}
    if levels and isinstance(value, list | tuple):
        return type(value)(_plain(name, one, unit, levels - 1) for one in value)
    if not has_unit(value):
        return value
    if unit is None:
        raise sp.InvalidProblemError(f"{name} is {value}; a number in the unit of the field is allowed.")
    try:
        return value.to(unit).magnitude
    except (TypeError, ValueError, AttributeError):  # as pint tells other dimensions and unknown units
        raise sp.InvalidProblemError(f"{name} is {value}; a number, or a quantity in {unit}, is allowed.") from None
