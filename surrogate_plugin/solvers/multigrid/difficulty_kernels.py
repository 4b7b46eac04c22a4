"""Compiled look at how unevenly a lattice conducts."""

from __future__ import annotations

import numpy as np

from surrogate_plugin import jit

#: A face that passes less than this part of what both its neighbours in a row pass is a wall thinner than a pixel.
WALL = 0.3
#: Two neighbouring faces of a row of which one passes less than this part of the other are a jump.
JUMP = 0.03

#: What is counted, see `look`.
PAIRS, JUMPS, WALLS, WEAKNESS, CLOSED = range(5)


@jit.exact_inner
def _compare(a, b, c, counts):
    """Three neighbouring faces of a row."""
    counts[PAIRS] += 1.0
    if b == 0.0:
        counts[CLOSED] += 1.0
    if min(b, c) < JUMP * max(b, c):
        counts[JUMPS] += 1.0
    least = min(a, c)
    if b < WALL * least:
        counts[WALLS] += 1.0
        counts[WEAKNESS] += np.log10(max(b / least, 1e-12))


@jit.exact
def look(team, across, along, stride, counts):
    """Go over every ``stride``-th row; ``counts`` (2, 5) float64, 0 at first, one row an axis.

    Counted are triples of neighbouring faces, jumps, thin walls, the decimal logarithms of these walls' share of what
    their neighbours pass, and faces that nothing passes.
    """
    rows, columns = along.shape[0], across.shape[1]
    for i in range(2, rows - 1, stride):
        for j in range(columns):
            _compare(across[i - 1, j], across[i, j], across[i + 1, j], counts[0])
    for i in range(0, rows, stride):
        for j in range(2, columns - 1):
            _compare(along[i, j - 1], along[i, j], along[i, j + 1], counts[1])
