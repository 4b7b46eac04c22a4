"""What agents say of themselves: a rate, a volume or a value, as a number, an attribute or a function, by class."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np
import numpy.typing as npt

import surrogate_plugin as sp
from surrogate_adapters.quantities import has_unit, in_unit
from surrogate_plugin.arguments import HUGE, NOT_NEGATIVE

FloatArray = npt.NDArray[np.float64]

#: A number for every agent, the name of an attribute of each, or a function of the agent.
Reading = float | str | Callable[[Any], float]
#: A reading for each class of agents; subclasses share that of their nearest named ancestor.
ByClass = Mapping[type, Reading]


def of_class(by_class: ByClass, kind: type) -> Reading | None:
    """The reading for a class: its own, or that of its nearest ancestor; None if there is neither.

    Examples
    --------
    >>> of_class({int: 1.0, object: 2.0}, bool), of_class({int: 1.0}, str)
    (1.0, None)
    """
    return next((by_class[base] for base in kind.__mro__ if base in by_class), None)


def read(
    agents: Sequence[Any], reading: Reading, what: str, unit: str | None = None, *, unsaid: float | None = None
) -> FloatArray:
    """One number an agent.

    Parameters
    ----------
    agents : sequence of n mesa.Agent
    reading : float, str or callable
    what : str
        Names the reading in errors.
    unit : str, optional
        That of the numbers, in which quantities of pint are taken; None for field units, which are the user's own.
    unsaid : float, optional
        What it is where an agent says nothing, by None or by this number itself: inf of a membrane that is none, NaN of
        what is as around the agent.

    Returns
    -------
    (n,) float64

    Raises
    ------
    InvalidProblemError
        If an agent lacks the attribute, or a number is not in [0, 1e100].

    Examples
    --------
    >>> read([3 + 4j, 1 + 0j], "real", "size"), read([3 + 4j], abs, "size")
    (array([3., 1.]), array([5.]))
    """
    found = np.array([_one(agent, reading, what, unit, unsaid) for agent in agents] if agents else [], dtype=np.float64)
    said_nothing = np.isnan(found) if unsaid is not None and math.isnan(unsaid) else found == unsaid
    wrong = ~((found >= 0) & (found <= HUGE) | said_nothing)
    if wrong.any():
        item = int(np.argmax(wrong))
        allowed = NOT_NEGATIVE if unsaid is None else f"{NOT_NEGATIVE}, or {unsaid:g} for nothing of its own,"
        raise sp.InvalidProblemError(f"{what} of {name_of(agents[item])} is {found[item]:g}; {allowed} are allowed.")
    return found


def name_of(agent: Any) -> str:
    """What an agent is called in errors."""
    return f"agent {getattr(agent, 'unique_id', '?')} ({type(agent).__name__})"


def _one(agent: Any, reading: Reading, what: str, unit: str | None, unsaid: float | None) -> float:
    if isinstance(reading, str):
        if not hasattr(agent, reading):
            raise sp.InvalidProblemError(
                f"{name_of(agent)} has no attribute {reading!r}, which {what} reads; {_has(agent, reading)}."
            )
        value = getattr(agent, reading)
    else:
        value = reading(agent) if callable(reading) else reading
    if value is None and unsaid is not None:
        return unsaid
    try:
        return float(value)
    except (TypeError, ValueError):  # among them what pint says to a number with a unit
        if has_unit(value):
            return float(in_unit(f"{what} of {name_of(agent)}", value, unit))
        raise sp.InvalidProblemError(f"{what} of {name_of(agent)} is {value!r}; a number is allowed.") from None


def _has(agent: Any, wanted: str) -> str:
    """What an agent has instead: the attribute that may have been meant, or those that are its own."""
    meant = get_close_matches(wanted, [name for name in dir(agent) if not name.startswith("_")], n=1)
    if meant:
        return f"was {meant[0]!r} meant?"
    own = sorted(name for name in getattr(agent, "__dict__", {}) if not name.startswith("_"))
    return f"it has {', '.join(own) or 'none of its own'}"
