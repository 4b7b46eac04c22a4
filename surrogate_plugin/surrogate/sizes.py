"""The sizes that a network may have, known before it is built: what a card or a configuration may ask for."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from typing import Any

#: Smallest and largest value of each hyperparameter; networks many times the study's are within them.
SIZES: dict[str, dict[str, tuple[int, int]]] = {
    "compact": {
        "width": (1, 512),
        "mixers": (0, 64),
        "expansion": (1, 16),
        "head": (1, 4096),
        "sweeps": (0, 1000),
        "wider": (0, 512),
    },
    "paper": {"width": (2, 256), "depth": (1, 6)},
}
#: The same of those that are no whole numbers.
NUMBERS: dict[str, dict[str, tuple[float, float]]] = {"compact": {}, "paper": {"slope": (0.0, 1.0)}}


def check(kind: str, hyperparameters: Mapping[str, Any]) -> None:
    """See that the hyperparameters of a known kind of network are its own, and within bounds.

    Raises
    ------
    ValueError
        One sentence that names the hyperparameter, its value and what is allowed.

    Examples
    --------
    >>> check("compact", {"mixers": 10**9})
    Traceback (most recent call last):
    ValueError: mixers is 1000000000; a whole number from 0 to 64 is allowed.
    """
    sizes, numbers = SIZES[kind], NUMBERS[kind]
    for name, value in hyperparameters.items():
        if name in numbers:
            _check_number(name, value, *numbers[name])
            continue
        if name not in sizes:
            raise ValueError(f"a {kind} network has no {reprlib.repr(name)}; it has {', '.join([*sizes, *numbers])}.")
        low, high = sizes[name]
        if type(value) is not int or not low <= value <= high:
            raise ValueError(f"{name} is {reprlib.repr(value)}; a whole number from {low} to {high} is allowed.")
    if kind == "paper" and hyperparameters.get("width", 2) % 2:
        raise ValueError(f"width is {hyperparameters['width']}; an even number is allowed.")


def _check_number(name: str, value: Any, low: float, high: float) -> None:
    if type(value) not in (int, float) or not low <= value <= high:
        raise ValueError(f"{name} is {reprlib.repr(value)}; a number from {low:g} to {high:g} is allowed.")
