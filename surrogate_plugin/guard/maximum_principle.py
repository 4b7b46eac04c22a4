"""What the exact field can be at most and at least, known before anything is solved, and what follows for an answer.

The operator is an M-matrix, so a constant ``K >= 0`` with ``k K + U(K) >= s`` on every free pixel, at least as large as
everything imposed, is a supersolution: the exact field ``c`` lies within ``[0, K]``. Without production ``K`` is the
largest imposed value; with production it is ``max s / min k`` as well, which is infinite where nothing decays.

Whatever an answer ``a`` says outside ``[0, K]`` is wrong by at least its distance from there: clipping never adds
error, pixel by pixel. A field within ``[0, K]`` is wrong by at most ``max(a, K - a)``, whatever else is known of it.
"""

from __future__ import annotations

import math

import numpy as np

from surrogate_plugin.equation.problem import FloatArray, Problem


def ceiling(problem: Problem) -> float:
    """The least constant known to be at least the exact field, field units; infinite if there is none.

    Examples
    --------
    >>> source = np.zeros((16, 16)); source[3, 3] = 38.0
    >>> ceiling(Problem(source)), ceiling(Problem(source, production=1.0, decay=0.01))
    (38.0, 100.0...)
    """
    made = problem.largest_supply
    if made == 0.0:
        return problem.largest_imposed
    # The largest production over the smallest decay, wherever they are: pixel by pixel costs a third of a solve.
    smallest = problem.least_decay
    level = made / smallest if smallest > 0.0 else math.inf
    # Rounded up: the equation holds both divided by its links, which is a few roundings off.
    return max(problem.largest_imposed, level * (1.0 + 1e-14))


def farthest(problem: Problem, field: FloatArray) -> FloatArray:
    """At least how far the exact field is from a field >= 0 at each pixel, (H, W), by the principle alone.

    Infinite where there is no ceiling, and 0 on fixed pixels, whose values the field is to hold.

    Examples
    --------
    >>> source = np.zeros((1, 3)); source[0, 0] = 38.0
    >>> farthest(Problem(source), np.array([[38.0, 30.0, 50.0]]))
    array([[ 0., 30., 50.]])
    """
    away = np.maximum(field, (ceiling(problem) - field) * (1.0 + 1e-15))
    return np.where(problem.unknown, away, 0.0)


def settle(problem: Problem, field: FloatArray, bound: float) -> tuple[FloatArray, float]:
    """An answer and its bound, with what the maximum principle knows.

    Parameters
    ----------
    problem : Problem
    field : (H, W) float64, field units
        Fixed values imposed. Where it is not finite, nothing is known but the principle.
    bound : float, field units
        At least its largest pointwise error.

    Returns
    -------
    field : (H, W) float64
        A new array, within ``[0, ceiling]`` and without NaN.
    bound : float
        At least its largest pointwise error; at most ``bound``.
    """
    highest = ceiling(problem)
    if not bound < math.inf:
        field, bound = np.where(np.isnan(field), 0.0, field), math.inf
        field = np.minimum(field, np.finfo(float).max)
    answer = np.ascontiguousarray(np.clip(field, 0.0, highest))
    # At least half the ceiling is possible wherever the field is, so smaller bounds need no look.
    if bound > 0.5 * highest:
        free = problem.unknown
        low = float(np.min(answer, where=free, initial=highest))
        high = float(np.max(answer, where=free, initial=0.0))
        bound = min(bound, max(high, (highest - low) * (1.0 + 1e-15)))
    return answer, bound
