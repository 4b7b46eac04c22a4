"""Compiled kernels of the conjugate gradients around the V-cycle: float32 vectors, sums in float64 by chunks."""

from __future__ import annotations

import numpy as np

from surrogate_plugin import jit
from surrogate_plugin.sharing_kernels import claim, pieces, settle
from surrogate_plugin.solvers.multigrid.coarse_kernels import STRONGEST
from surrogate_plugin.solvers.multigrid.fine_kernels import wrap


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
def direction_and_curvature(team, p, z, beta, decay, sides, sums):
    """``p = z + beta p``, and ``(p, A p)`` as the sum of squared differences over links and decay.

    ``p`` is 0 on fixed pixels. Written as squares the sum is positive whatever the rounding, where ``4 p -
    neighbours`` would lose a small decay. ``sums``: (CHUNKS,) float64, 0 at first.
    """
    ny, nx = p.shape[0] - 2, p.shape[1] - 2
    chunks = pieces(p.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(1 + chunk * ny // chunks, 1 + (chunk + 1) * ny // chunks):
            a, b = p[i], z[i]
            for j in range(1, nx + 1):
                a[j] = b[j] + beta * a[j]
        chunk = claim(team, chunks)
    settle(team, chunks)
    wrap(team, p, ny, nx, sides)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(chunk * ny // chunks, (chunk + 1) * ny // chunks):
            sums[chunk] += _row_curvature(i, p, decay[i], sides)
        chunk = claim(team, chunks)
    settle(team, chunks)
    return sums.sum()


@jit.fast_inner
def _row_curvature(i, p, rate, sides):
    ny, nx = p.shape[0] - 2, p.shape[1] - 2
    here = p[i + 1]
    # A reflecting top side has no link: comparing the last row with itself adds nothing.
    up = here if i == ny - 1 and sides[3] == 1 else p[i + 2]
    total = np.float32(0.0)
    for j in range(nx - 1):
        value = here[j + 1]
        east, north = here[j + 2] - value, up[j + 1] - value
        total += east * east + north * north + np.float32(min(rate[j], STRONGEST)) * (value * value)
    last = here[nx]
    north = up[nx] - last
    total += north * north + np.float32(min(rate[nx - 1], STRONGEST)) * (last * last)
    if sides[1] != 1:
        east = here[nx + 1] - last
        total += east * east
    if sides[0] == 0:
        total += here[1] * here[1]
    if i == 0 and sides[2] == 0:
        for j in range(1, nx + 1):
            total += here[j] * here[j]
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
