"""Compiled sweeps for many constant tridiagonal systems at once, one system a column.

System ``m`` is ``(2 + mu_m) x_i - x_(i-1) - x_(i+1) = f_i``; its ends lean on a ghost pixel that holds 0 or on none.
"""

from __future__ import annotations

import numpy as np

from surrogate_plugin import jit

#: Columns a task sweeps together: a slice of the right-hand side and of the pivots then fits the second-level cache.
_BLOCK = 64


@jit.exact
def inverse_pivots(mu, rows, low_value, high_value):
    """``1 / p_i`` of the factorisation ``p_0 = a_0, p_i = a_i - 1 / p_(i-1)``; (rows, modes) float64.

    With ``p = 1 + d`` the recursion is ``d_i = mu + d_(i-1) / (1 + d_(i-1))``: sums of positive numbers, so that even
    a decay far below rounding beside the links keeps its full relative accuracy.
    """
    modes = mu.shape[0]
    inverse = np.empty((rows, modes))
    for m in range(modes):
        d = mu[m] + (1.0 if low_value else 0.0)
        for i in range(rows - 1):
            inverse[i, m] = 1.0 / (1.0 + d)
            d = mu[m] + d / (1.0 + d)
        inverse[rows - 1, m] = 1.0 / (1.0 + d if high_value else d)
    return inverse


@jit.fast
def sweep(f, inverse):
    """Solve every column in place: down with ``y_i = (f_i + y_(i-1)) / p_i``, up with ``x_i = y_i + x_(i+1) / p_i``."""
    rows, modes = f.shape
    for first in range(0, modes, _BLOCK):
        last = min(modes, first + _BLOCK)
        for m in range(first, last):
            f[0, m] *= inverse[0, m]
        for i in range(1, rows):
            for m in range(first, last):
                f[i, m] = (f[i, m] + f[i - 1, m]) * inverse[i, m]
        for i in range(rows - 2, -1, -1):
            for m in range(first, last):
                f[i, m] += f[i + 1, m] * inverse[i, m]
