"""Quantities of pint, where a host uses them: read in the unit that a name ends with, or refused in a sentence.

The package pint is never imported. Whoever hands over one of its quantities has imported it.
"""

from __future__ import annotations

import sys
from typing import Any

from surrogate_plugin.errors import InvalidProblemError

#: What the names of this package end with, the longest first, and what is meant in pint's words.
_ENDINGS = {"_um2_per_min": "um**2/min", "_um_per_min": "um/min", "_per_min": "1/min", "_um3": "um**3", "_um": "um"}
#: Names of `Problem`, which takes any units that agree; quantities are brought to those of hosts.
_BARE = {"spacing": "um", "diffusivity": "um**2/min", "decay": "1/min"}
#: No array that is asked for has more axes; a list may hold itself, and has no end.
_DEEPEST = 3


def numbers_of(name: str, value: Any) -> Any:
    """``value`` with every quantity in it replaced by its number in the unit of ``name``; anything else as it is.

    Parameters
    ----------
    name : str
        As errors call it: ``cells.radius_um`` is a length in um. The unit of a field is the user's own, so values,
        productions and half-saturation constants take quantities without a dimension only.
    value : object
        A quantity of a number or an array, a list of such, or anything else.

    Raises
    ------
    InvalidProblemError
        If a quantity has another dimension.
    """
    return _plain(name, value, _DEEPEST) if "pint" in sys.modules else value


def _plain(name: str, value: Any, levels: int) -> Any:
    if _is_quantity(value):
        return _converted(name, value)
    if isinstance(value, list | tuple) and _holds_quantities(value, levels):
        return [_plain(name, item, levels - 1) for item in value]
    return value


def _holds_quantities(items: list[Any] | tuple[Any, ...], levels: int) -> bool:
    """Whether there is a quantity in a list, or so many levels down in its lists."""
    return levels > 0 and any(
        _is_quantity(item) or (isinstance(item, list | tuple) and _holds_quantities(item, levels - 1)) for item in items
    )


def _is_quantity(value: Any) -> bool:
    return hasattr(type(value), "magnitude") and hasattr(type(value), "dimensionality")


def _converted(name: str, quantity: Any) -> Any:
    unit = _unit_of(name)
    try:
        return quantity.to(unit or "dimensionless").magnitude
    except Exception:  # of another dimension, or of a registry that does not know the unit
        allowed = f"a number, or a quantity in {unit}," if unit else "a number in the unit of the field"
        given = f"a quantity in {quantity.units}" if getattr(quantity, "ndim", 0) else " ".join(str(quantity).split())
        raise InvalidProblemError(f"{name} is {given}; {allowed} is allowed.") from None


def _unit_of(name: str) -> str | None:
    """The unit that a name says; None where it is the field's, alone or over a time."""
    last = name.rpartition(".")[2]
    if last.startswith(("production", "max_uptake")):
        return None
    found = next((unit for ending, unit in _ENDINGS.items() if last.endswith(ending)), None)
    return found or _BARE.get(last)
