"""Slopes of a field for hosts whose cells climb it, and how far they may be off."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

import surrogate_plugin as sp

__all__ = ["slopes_of"]

FloatArray = npt.NDArray[np.float64]


def slopes_of(solution: sp.Solution, field: npt.ArrayLike | None = None) -> tuple[FloatArray, float]:
    """Centred differences with what the sides impose outside, along x and along y, and the most that one is off.

    Parameters
    ----------
    solution : Solution
        Of an engine, in um.
    field : (H, W) array, optional
        The one that is read, if the host holds another one by now; what the bound says is of the solution's.

    Returns
    -------
    gradient : (2, H, W) float64, field units / um
    bound : float, field units / um
        At least the largest distance to the gradient of the exact field, for values that are all within their bound.

    Examples
    --------
    >>> sides = {"left": 9.0, "right": 0.0, "top": "reflecting", "bottom": "reflecting"}
    >>> ramp = sp.solve(sp.Problem(np.zeros((4, 8)), decay=0.0, spacing=2.0, boundary=sides), method="exact")
    >>> gradient, bound = slopes_of(ramp)
    >>> np.round(gradient[0, 1], 6).tolist(), bound < 1e-8
    ([-0.5, -0.5, -0.5, -0.5, -0.5, -0.5, -0.5, -0.5], True)
    """
    there = solution.field if field is None else np.asarray(field, dtype=np.float64)
    errors = np.full(there.shape, solution.error_bound)
    read = dataclasses.replace(solution, field=there, error_map=errors)
    bounds = read.gradient_bound
    assert bounds is not None, "there is an error map"
    return read.gradient()[::-1], float(bounds.max())
