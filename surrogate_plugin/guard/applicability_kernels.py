"""Compiled passes that measure a problem for the model's card."""
# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators

from __future__ import annotations

import numpy as np

from surrogate_plugin import jit
from surrogate_plugin.arguments import BoolArray

#: More than any decay a problem may have.
_BEYOND = 1e250
#: The bits of infinity, and less than those of any number >= 0.
_NONE_WEAKER, _NONE_STRONGER = np.int64(0x7FF0000000000000), np.int64(-1)


@jit.exact
def decay_range(decay, vmax, half, fixed):
    """Weakest and strongest ``decay + vmax * half`` over free pixels; (0, 0) where no pixel is free.

    Values >= 0 order like their bits, and a maximum of integers takes several pixels at a time, one of floats does not.
    """
    value, found = np.empty(decay.shape[1]), np.empty(2)
    weakest, strongest = _NONE_WEAKER, _NONE_STRONGER
    for row in range(decay.shape[0]):
        for column in range(value.size):
            value[column] = decay[row, column] + vmax[row, column] * half
        bits = value.view(np.int64)
        for column in range(value.size):
            weakest = min(weakest, _NONE_WEAKER if fixed[row, column] else bits[column])
            strongest = max(strongest, _NONE_STRONGER if fixed[row, column] else bits[column])
    if strongest < 0:
        return 0.0, 0.0
    found.view(np.int64)[:] = weakest, strongest
    return found[0], found[1]


def groups(fixed: BoolArray) -> tuple[int, int]:
    """How many groups of edge-connected fixed pixels there are, and the pixels of the largest."""
    found, largest = _groups(np.flatnonzero(fixed), fixed.shape[1])
    return int(found), int(largest)


@jit.exact
def _groups(places, columns):
    """As `groups`, of the fixed pixels' places in C order.

    Runs of each row are joined to the runs of the row below that they touch (union-find), in one pass.
    """
    parent, size = np.empty(places.size, np.int64), np.empty(places.size, np.int64)
    # The last fixed pixel so far in each column, and the run that it belongs to.
    latest, owner = np.full(columns, -columns - 1), np.empty(columns, np.int64)
    count, run, before = 0, 0, -2
    for place in places:
        column = place % columns
        if place != before + 1 or column == 0:
            run = count
            parent[run], size[run] = run, 0
            count += 1
        size[run] += 1
        if latest[column] == place - columns:
            other = owner[column]
            while parent[other] != other:
                parent[other] = parent[parent[other]]
                other = parent[other]
            if other != run:
                parent[run] = other
                size[other] += size[run]
                run = other
        latest[column], owner[column], before = place, run, place
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
