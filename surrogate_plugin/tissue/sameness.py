"""Whether two values hold the same numbers: arrays, numbers, and what is made of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from surrogate_plugin.equation.membranes import Membranes
from surrogate_plugin.equation.per_axis import PerAxis

#: How far apart the numbers are that are compared before all of them are.
_EVERY = 61


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
    if not nan and _differ_at_a_glance(mine, theirs):
        return False
    return np.array_equal(mine, theirs) or (nan and np.array_equal(mine, theirs, equal_nan=True))


def _differ_at_a_glance(mine: Any, theirs: Any) -> bool:
    """Whether two maps differ where they are looked at first, in one number of so many: most do that do at all."""
    maps = isinstance(mine, np.ndarray) and isinstance(theirs, np.ndarray) and mine.shape == theirs.shape
    return maps and not np.array_equal(mine.ravel()[::_EVERY], theirs.ravel()[::_EVERY])
