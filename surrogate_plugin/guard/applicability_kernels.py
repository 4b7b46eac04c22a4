"""Compiled passes that measure a problem for the model's card."""
# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def decay_range(decay, vmax, half, fixed):
    """Weakest and strongest ``decay + vmax * half`` over free pixels; (0, 0) where no pixel is free."""
    weakest, strongest = np.inf, 0.0
    for row in range(decay.shape[0]):
        for column in range(decay.shape[1]):
            if not fixed[row, column]:
                value = decay[row, column] + vmax[row, column] * half
                weakest = min(weakest, value)
                strongest = max(strongest, value)
    return (weakest, strongest) if weakest <= strongest else (0.0, 0.0)


@njit(cache=True, nogil=True)
def groups(fixed):
    """How many groups of edge-connected fixed pixels there are, and the pixels of the largest.

    Runs of each row are joined to the runs of the row below that they touch (union-find), so that the cost is one scan.
    """
    rows, columns = fixed.shape
    parent = np.empty(16, np.int64)
    size = np.empty(16, np.int64)
    count = 0
    below = np.full(columns, -1, np.int64)
    here = np.full(columns, -1, np.int64)
    for row in range(rows):
        run = -1
        for column in range(columns):
            if not fixed[row, column]:
                here[column] = -1
                run = -1
                continue
            if run < 0:
                if count == parent.size:
                    parent = np.concatenate((parent, np.empty(count, np.int64)))
                    size = np.concatenate((size, np.empty(count, np.int64)))
                parent[count], size[count] = count, 0
                run = count
                count += 1
            here[column] = run
            size[run] += 1
            other = below[column]
            if other >= 0:
                a, b = run, other
                while parent[a] != a:
                    a = parent[a]
                while parent[b] != b:
                    b = parent[b]
                if a != b:
                    parent[a] = b
                    size[b] += size[a]
                    size[a] = 0
                    # Later pixels of this run count for the joined group directly.
                    run = b
                else:
                    run = a
        below, here = here, below
    found, largest = 0, 0
    for index in range(count):
        if parent[index] == index:
            found += 1
            largest = max(largest, size[index])
    return found, largest
