"""Compiled kernels of the conjugate gradients around the V-cycle: float32 vectors, sums in float64 by chunks."""

from __future__ import annotations

import numpy as np

from surrogate_plugin import jit
from surrogate_plugin.sharing_kernels import claim, pieces, settle
from surrogate_plugin.solvers.multigrid.level_kernels import row_of
from surrogate_plugin.solvers.multigrid.setup_kernels import STRONGEST


@jit.fast_inner
def _row_dot(a, b):
    total = np.float32(0.0)
    for j in range(1, a.shape[0] - 1):
        total += a[j] * b[j]
    return total


@jit.exact_inner
def _row_peak(row):
    """The bits of the largest magnitude: floats without their sign order like integers, NaN above all."""
    bits = row.view(np.int32)
    peak = np.int32(0)
    for j in range(bits.shape[0]):
        peak = max(peak, bits[j] & np.int32(0x7FFFFFFF))
    return peak


@jit.fast
def dot_and_max(team, r, z, sums, peaks):
    """``(r, z)`` and the largest ``|z|``, NaN if any is.

    ``sums`` and ``peaks`` are (CHUNKS,) float64 and int32, 0 at first.
    """
    rows = r.shape[0] - 2
    chunks = pieces(r.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(1 + chunk * rows // chunks, 1 + (chunk + 1) * rows // chunks):
            sums[chunk] += _row_dot(r[i], z[i])
            peaks[chunk] = max(peaks[chunk], _row_peak(z[i, 1:-1]))
        chunk = claim(team, chunks)
    settle(team, chunks)
    highest = np.empty(1, np.int32)
    highest[0] = peaks.max()
    return sums.sum(), highest.view(np.float32)[0]


@jit.fast
def direction_and_curvature(team, p, z, beta, decay, north, east, walls, rings, sums):
    """``p = z + beta p``, and ``(p, A p)`` as the sum of squared differences over links, walls and decay.

    ``p`` is 0 on fixed pixels. Written as squares the sum is positive whatever the rounding, where ``4 p -
    neighbours`` would lose a small decay. ``north`` and ``east`` are the finest level's links, see `level_kernels`.
    ``sums``: (CHUNKS,) float64, 0 at first.
    """
    ny, nx = p.shape[0] - 2, p.shape[1] - 2
    chunks = pieces(p.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        start, stop = chunk * ny // chunks, (chunk + 1) * ny // chunks
        for i in range(start, stop):
            a, b = p[i + 1], z[i + 1]
            for j in range(1, nx + 1):
                a[j] = b[j] + beta * a[j]
            if rings[1]:
                a[0], a[nx + 1] = a[nx], a[1]
            sums[chunk] += _within(a, decay[i])
            sums[chunk] += _along(a, row_of(east, i + 1), walls, rings)
            if i > start:
                sums[chunk] += _across(p[i], a, row_of(north, i))
        chunk = claim(team, chunks)
    settle(team, chunks)
    # The links between the chunks, and the walls: all rows are there now.
    if claim(team, 1) == 0:
        for chunk in range(chunks):
            i = chunk * ny // chunks
            if i > 0 and i < (chunk + 1) * ny // chunks:
                sums[0] += _across(p[i], p[i + 1], row_of(north, i))
        if rings[0]:
            sums[0] += _across(p[ny], p[1], row_of(north, ny))
        else:
            p[0], p[ny + 1] = 0.0, 0.0
            for end, row in ((0, 1), (1, ny)):
                if north is not None:
                    sums[0] += _across(p[0], p[row], row_of(north, 0 if end == 0 else ny))
                elif walls[0, end] > 0.0:
                    sums[0] += walls[0, end] * _across(p[0], p[row], None)
    settle(team, 1)
    return sums.sum()


@jit.fast_inner
def _within(row, decay):
    """What decay adds to the curvature."""
    total = np.float32(0.0)
    for j in range(decay.shape[0]):
        value = row[j + 1]
        total += np.float32(min(decay[j], STRONGEST)) * (value * value)
    return total


@jit.fast_inner
def _across(below, here, links):
    """What the links between two rows add."""
    total = np.float32(0.0)
    for j in range(here.shape[0] - 2):
        difference = here[j + 1] - below[j + 1]
        if links is None:
            total += difference * difference
        else:
            total += links[j + 1] * (difference * difference)
    return total


@jit.fast_inner
def _along(row, links, walls, rings):
    """What the links and the walls along a row add; a ring's face counts once."""
    nx = row.shape[0] - 2
    total = np.float32(0.0)
    for j in range(1, nx):
        difference = row[j + 1] - row[j]
        if links is None:
            total += difference * difference
        else:
            total += links[j] * (difference * difference)
    first, last = row[1], row[nx]
    if rings[1]:
        seam = (first - last) * (first - last)
        total += seam if links is None else links[nx] * seam
    elif links is None:
        total += walls[1, 0] * (first * first) + walls[1, 1] * (last * last)
    else:
        total += links[0] * (first * first) + links[nx] * (last * last)
    return total


@jit.exact
def add_direction(team, c, p, alpha, floor):
    """``c += alpha p`` (float32 into float64), never below ``floor``; NaN stays NaN."""
    rows = c.shape[0] - 2
    chunks = pieces(c.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(1 + chunk * rows // chunks, 1 + (chunk + 1) * rows // chunks):
            a, b = c[i], p[i]
            for j in range(1, c.shape[1] - 1):
                value = a[j] + alpha * b[j]
                a[j] = floor if value < floor else value
        chunk = claim(team, chunks)
    settle(team, chunks)
