"""Whether two values hold the same numbers: arrays, numbers, and what is made of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from surrogate_plugin.equation.membranes import Membranes
from surrogate_plugin.equation.per_axis import PerAxis


def same_numbers(mine: Any, theirs: Any, *, nan: bool = False) -> bool:
    """Whether two arrays, numbers, membranes or diffusivities per axis are alike; None is like None alone.

    Parameters
    ----------
    mine, theirs : object
    nan : bool
        Whether a NaN is like a NaN, as those of cells that conduct as what is around them are.

    Examples
    --------
    >>> same_numbers(np.array([1.0, np.nan]), np.array([1.0, np.nan]), nan=True), same_numbers(None, 0.0)
    (True, False)
    """
    if mine is theirs:
        return True
    if mine is None or theirs is None:
        return False
    if isinstance(mine, Membranes | PerAxis) or isinstance(theirs, Membranes | PerAxis):
        return type(mine) is type(theirs) and all(map(same_numbers, vars(mine).values(), vars(theirs).values()))
    return np.array_equal(mine, theirs) or (nan and np.array_equal(mine, theirs, equal_nan=True))
