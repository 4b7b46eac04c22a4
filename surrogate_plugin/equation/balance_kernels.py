"""Compiled sums of what comes and goes, in one pass over a lattice; a coefficient that does not vary is (1, 1)."""

from __future__ import annotations

import numpy as np

from surrogate_plugin import jit
from surrogate_plugin.equation.uptake_kernels import rate
from surrogate_plugin.sharing_kernels import claim, pieces, settle

#: What is summed: produced, taken away by first order, the part of that which is cells' doing, taken up by saturation,
#: what pixels that are not free send, what there is before and after.
SOURCES, REMOVED, BY_CELLS, SATURATING, SENT, BEFORE, AFTER = range(7)


@jit.exact_inner
def at(array, i, j):
    """A coefficient at pixel (i, j)."""
    return array[i, j] if array.size > 1 else array[0, 0]


@jit.exact_inner
def carried(faces, i, j):
    """The conductance of a face, 1 where there is no map of them."""
    return 1.0 if faces is None else faces[i, j]


@jit.exact
def add_up(team, free, before, after, production, decay, by_cells, vmax, km, north, east, sums):
    """Add up into ``sums`` (CHUNKS, 7), 0 at first, over the free pixels of (H, W).

    ``north`` (H + 1, W) and ``east`` (H, W + 1) are the faces' conductances, face ``k`` below pixel ``k``, or None
    where each between two pixels is 1. What comes through the sides of the lattice is not in it.
    """
    ny, nx = free.shape
    row = np.empty(7)
    chunks = pieces(after.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(chunk * ny // chunks, (chunk + 1) * ny // chunks):
            row[:] = 0.0
            for j in range(nx):
                if not free[i, j]:
                    continue
                c = after[i, j]
                row[SOURCES] += at(production, i, j)
                row[REMOVED] += at(decay, i, j) * c
                row[BY_CELLS] += at(by_cells, i, j) * c
                row[SATURATING] += rate(at(vmax, i, j), km, c)
                row[BEFORE] += before[i, j]
                row[AFTER] += c
                if i > 0 and not free[i - 1, j]:
                    row[SENT] += carried(north, i, j) * (after[i - 1, j] - c)
                if i < ny - 1 and not free[i + 1, j]:
                    row[SENT] += carried(north, i + 1, j) * (after[i + 1, j] - c)
                if j > 0 and not free[i, j - 1]:
                    row[SENT] += carried(east, i, j) * (after[i, j - 1] - c)
                if j < nx - 1 and not free[i, j + 1]:
                    row[SENT] += carried(east, i, j + 1) * (after[i, j + 1] - c)
            for k in range(7):
                sums[chunk, k] += row[k]
        chunk = claim(team, chunks)
    settle(team, chunks)
