"""Compiled passes over the parts of a tissue: what faces that conduct connect, and what feeds each part."""
# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators

from __future__ import annotations

import numpy as np

from surrogate_plugin import jit


@jit.exact_inner
def _root(parent, pixel):
    """The first pixel of a part; what lies on the way is brought nearer to it."""
    while parent[pixel] != pixel:
        parent[pixel] = parent[parent[pixel]]
        pixel = parent[pixel]
    return pixel


@jit.exact_inner
def _join(parent, one, other):
    one, other = _root(parent, one), _root(parent, other)
    if one < other:
        parent[other] = one
    else:
        parent[one] = other


@jit.exact
def number_parts(free, north, east, rings, part):
    """Fill ``part``, (H, W) int64, with the number of each free pixel's part, 0 elsewhere; how many there are.

    ``north`` (H + 1, W) and ``east`` (H, W + 1) are faces; fixed pixels connect nothing.
    """
    rows, columns = free.shape
    parent = np.arange(free.size)
    for i in range(rows):
        for j in range(columns):
            if not free[i, j]:
                continue
            here = i * columns + j
            if j > 0 and free[i, j - 1] and east[i, j] > 0:
                _join(parent, here - 1, here)
            if i > 0 and free[i - 1, j] and north[i, j] > 0:
                _join(parent, here - columns, here)
            if rings[1] and j == columns - 1 and free[i, 0] and east[i, 0] > 0:
                _join(parent, i * columns, here)
            if rings[0] and i == rows - 1 and free[0, j] and north[0, j] > 0:
                _join(parent, j, here)
    count = 0
    for i in range(rows):
        for j in range(columns):
            part[i, j] = 0
            if not free[i, j]:
                continue
            first = _root(parent, i * columns + j)
            if first == i * columns + j:  # it comes before all others of its part
                part[i, j] = count
                count += 1
            else:
                part[i, j] = part[first // columns, first % columns]
    return count


@jit.exact
def find_held(free, north, east, rings, held):
    """Which free pixels a face that conducts joins to a fixed pixel, or to a side that is no ring, (H, W) bool."""
    rows, columns = free.shape
    for i in range(rows):
        below, above = i - 1 if i > 0 else rows - 1, i + 1 if i < rows - 1 else 0
        for j in range(columns):
            before, after = j - 1 if j > 0 else columns - 1, j + 1 if j < columns - 1 else 0
            outer_row, outer_column = not rings[0], not rings[1]
            held[i, j] = free[i, j] and (
                (north[i, j] > 0 and ((i == 0 and outer_row) or not free[below, j]))
                or (north[i + 1, j] > 0 and ((i == rows - 1 and outer_row) or not free[above, j]))
                or (east[i, j] > 0 and ((j == 0 and outer_column) or not free[i, before]))
                or (east[i, j + 1] > 0 and ((j == columns - 1 and outer_column) or not free[i, after]))
            )
