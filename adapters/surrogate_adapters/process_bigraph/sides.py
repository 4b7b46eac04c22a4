"""The sides of a substrate as a document may have them: numbers and words, since the host saves every one as text."""

from __future__ import annotations

from typing import Any

import surrogate_plugin as sp

__all__ = ["side_of"]

_PARTS = {"flux": 1, "exchange": 2}


def side_of(given: float | str) -> Any:
    """What `Problem` takes for a side.

    Raises
    ------
    ValueError
        If it begins as a flux or an exchange and is none.

    Examples
    --------
    >>> side_of("38.0"), side_of("periodic"), side_of("flux:3"), side_of("exchange:2:38")
    (38.0, 'periodic', Flux(inward=3.0), Exchange(rate=2.0, value=38.0))
    """
    try:
        return float(given)
    except ValueError:
        pass
    kind, *parts = str(given).split(":")
    if kind not in _PARTS:
        return given
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        numbers = []
    if len(numbers) != _PARTS[kind]:
        raise ValueError(f"boundary has {given!r}; 'flux:INWARD' and 'exchange:RATE:VALUE' are allowed.")
    return sp.Flux(*numbers) if kind == "flux" else sp.Exchange(*numbers)
