"""Compiled passes that measure a problem for the model's card."""
# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators

from __future__ import annotations

import numpy as np

from surrogate_plugin import jit

#: More than any decay a problem may have.
_BEYOND = 1e250


@jit.fast
def decay_range(decay, vmax, half, fixed):
    """Weakest and strongest ``decay + vmax * half`` over free pixels; (0, 0) where no pixel is free."""
    weakest, strongest = _BEYOND, -_BEYOND
    for row in range(decay.shape[0]):
        for column in range(decay.shape[1]):
            value = decay[row, column] + vmax[row, column] * half
            # Chosen without a branch, so that the compiler takes several pixels at a time.
            away = _BEYOND if fixed[row, column] else 0.0
            weakest = value + away if value + away < weakest else weakest
            strongest = value - away if value - away > strongest else strongest
    return (weakest, strongest) if strongest >= 0.0 else (0.0, 0.0)


@jit.exact
def groups(fixed):
    """How many groups of edge-connected fixed pixels there are, and the pixels of the largest.

    Runs of each row are joined to the runs of the row below that they touch (union-find), so that the cost is one scan.
    """
    rows, columns = fixed.shape
    parent = np.empty(16, np.int64)
    size = np.empty(16, np.int64)
    count = 0
    # The run each fixed pixel of a row belongs to; entries of free pixels are stale and never read.
    below = np.empty(columns, np.int64)
    here = np.empty(columns, np.int64)
    for row in range(rows):
        column = 0
        while column < columns:
            if not fixed[row, column]:
                column += 1
                # Free pixels are most of a lattice: four at a time.
                while column + 4 <= columns and not (
                    fixed[row, column] | fixed[row, column + 1] | fixed[row, column + 2] | fixed[row, column + 3]
                ):
                    column += 4
                continue
            if count == parent.size:
                parent = np.concatenate((parent, np.empty(count, np.int64)))
                size = np.concatenate((size, np.empty(count, np.int64)))
            run = count
            parent[run], size[run] = run, 0
            count += 1
            while column < columns and fixed[row, column]:
                size[run] += 1
                if row > 0 and fixed[row - 1, column]:
                    other = below[column]
                    while parent[other] != other:
                        parent[other] = parent[parent[other]]
                        other = parent[other]
                    if other != run:
                        parent[run] = other
                        size[other] += size[run]
                        run = other
                here[column] = run
                column += 1
        below, here = here, below
    found, largest = 0, 0
    for index in range(count):
        if parent[index] == index:
            found += 1
            largest = max(largest, size[index])
    return found, largest


@jit.fast
def face_range(north, east):
    """The best and the worst face that conducts, how many of those between pixels conduct nothing, and their number."""
    best, worst, blocked = 0.0, _BEYOND, 0
    for faces, last in ((north, (north.shape[0] - 1, -1)), (east, (-1, east.shape[1] - 1))):
        for row in range(faces.shape[0]):
            for column in range(faces.shape[1]):
                face = faces[row, column]
                best = face if face > best else best
                worst = face if 0.0 < face < worst else worst
                inside = 0 < row < last[0] if last[0] >= 0 else 0 < column < last[1]
                blocked += 1 if inside and face == 0.0 else 0
    rows, columns = east.shape[0], north.shape[1]
    return best, worst, blocked, (rows - 1) * columns + rows * (columns - 1)
