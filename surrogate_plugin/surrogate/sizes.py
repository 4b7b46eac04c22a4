"""The sizes that a network may have, known before it is built: what a card or a configuration may ask for."""

from __future__ import annotations

import itertools
import reprlib
from collections.abc import Mapping
from typing import Any

#: Smallest, usual and largest value of each hyperparameter; networks many times the study's are within them.
SIZES: dict[str, dict[str, tuple[int, int, int]]] = {
    "compact": {
        "width": (1, 16, 512),
        "mixers": (0, 2, 64),
        "expansion": (1, 2, 16),
        "head": (1, 24, 4096),
        "sweeps": (0, 4, 1000),
    },
    "paper": {"width": (2, 64, 256)},
}


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
    sizes = SIZES[kind]
    for name, value in hyperparameters.items():
        if name not in sizes:
            raise ValueError(f"a {kind} network has no {reprlib.repr(name)}; it has {', '.join(sizes)}.")
        low, _, high = sizes[name]
        if type(value) is not int or not low <= value <= high:
            raise ValueError(f"{name} is {reprlib.repr(value)}; a whole number from {low} to {high} is allowed.")
    if kind == "paper" and hyperparameters.get("width", 2) % 2:
        raise ValueError(f"width is {hyperparameters['width']}; an even number is allowed.")


def numbers(kind: str, hyperparameters: Mapping[str, Any]) -> int:
    """How many numbers the weights of a network hold, the statistics of its normalisation included.

    Examples
    --------
    >>> numbers("compact", {})
    4222
    """
    given: dict[str, int] = {name: usual for name, (_, usual, _) in SIZES[kind].items()} | dict(hyperparameters)
    width = given["width"]
    if kind == "paper":
        channels = [1, *(width << level for level in range(6))]
        down = [32 * width, 16 * width, 8 * width, 4 * width, 2 * width, width, width // 2, 1]
        layers = itertools.chain(itertools.pairwise(channels), itertools.pairwise(down))
        return sum((9 * seen + 1) * made for seen, made in layers) + 4 * width + 1
    hidden, head = given["expansion"] * width, given["head"]
    mixer = 10 * width + (width + 1) * hidden + (hidden + 1) * width
    return 18 * width + given["mixers"] * mixer + 6 * (width + 1) + head * (width + 1) + 34 * head + 144
