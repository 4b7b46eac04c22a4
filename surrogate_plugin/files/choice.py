"""How a file is to be read, as its reader chooses."""

from __future__ import annotations

import math
from dataclasses import dataclass

from surrogate_plugin.errors import InvalidProblemError


@dataclass(frozen=True)
class Choice:
    """How a file is to be read.

    Parameters
    ----------
    white : float, field units, optional
        What the held pixels of a mask are held at, and what white is with ``values``; 1 if not given.
    threshold : float, optional
        Hold the pixels that are at least this bright: a part of white in a picture; the number itself in a file of
        numbers. A mask is cut half way between its two shades if this is not given.
    values : bool
        Hold every pixel above black (or above ``threshold``) at its own shade times ``white``, or its own number.
    invert : bool
        Dark is held instead of bright; before ``threshold`` is applied.
    page : int, optional
        Of a picture with several, from 1.
    channel : str, optional
        ``luminance``, ``red``, ``green``, ``blue`` or ``alpha``.
    array : str, optional
        Of a .npz or .vti file with several arrays.
    """

    white: float | None = None
    threshold: float | None = None
    values: bool = False
    invert: bool = False
    page: int | None = None
    channel: str | None = None
    array: str | None = None

    def __post_init__(self) -> None:
        if self.white is not None and not 0 <= self.white < math.inf:
            raise InvalidProblemError(f"white is {self.white:g}; a finite value >= 0 is allowed.")
        if self.threshold is not None and not 0 < self.threshold < math.inf:
            raise InvalidProblemError(f"threshold is {self.threshold:g}; a finite number above 0 is allowed.")
