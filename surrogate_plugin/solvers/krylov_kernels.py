"""Compiled kernels of the conjugate gradients around the V-cycle: float32 vectors, sums in float64 by rows."""

from __future__ import annotations

import numba
import numpy as np

from surrogate_plugin.solvers.multigrid_kernels import _PARALLEL, fill_halo


@numba.njit(cache=True, fastmath={"reassoc", "contract"})
def _row_dot(a, b):
    total = np.float32(0.0)
    for j in range(1, a.shape[0] - 1):
        total += a[j] * b[j]
    return total


@numba.njit(cache=True)
def _row_peak(row):
    """The bits of the largest magnitude: floats without their sign order like integers (see `row_peak`)."""
    bits = row.view(np.int32)
    peak = np.int32(0)
    for j in range(bits.shape[0]):
        peak = max(peak, bits[j] & np.int32(0x7FFFFFFF))
    return peak


@numba.njit(**_PARALLEL)
def dot_and_max(r, z):
    """``(r, z)`` and the largest ``|z|`` (NaN if any is)."""
    rows = r.shape[0]
    sums, peaks = np.zeros(rows), np.zeros(rows, np.int32)
    for i in numba.prange(1, rows - 1):
        sums[i], peaks[i] = _row_dot(r[i], z[i]), _row_peak(z[i, 1:-1])
    peaks[0] = peaks.max()
    return sums.sum(), peaks.view(np.float32)[0]


@numba.njit(**_PARALLEL)
def direction(p, z, beta):
    """``p = z + beta p``."""
    for i in numba.prange(1, p.shape[0] - 1):
        a, b = p[i], z[i]
        for j in range(1, p.shape[1] - 1):
            a[j] = b[j] + beta * a[j]


@numba.njit(**_PARALLEL)
def curvature(p, decay, sides):
    """``(p, A p)`` for a ``p`` that is 0 on fixed pixels, as the sum of squared differences over links and decay.

    Written as squares it is positive whatever the rounding, where ``4 p - neighbours`` would lose a small decay.
    """
    ny, nx = p.shape[0] - 2, p.shape[1] - 2
    fill_halo(p, ny, nx, sides)
    sums = np.zeros(ny)
    for i in numba.prange(ny):
        here, rate = p[i + 1], decay[i]
        # A reflecting top side has no link: comparing the last row with itself adds nothing.
        up = here if i == ny - 1 and sides[3] == 1 else p[i + 2]
        total = np.float32(0.0)
        for j in range(nx - 1):
            value = here[j + 1]
            east, north = here[j + 2] - value, up[j + 1] - value
            total += east * east + north * north + np.float32(rate[j]) * (value * value)
        last = here[nx]
        north = up[nx] - last
        total += north * north + np.float32(rate[nx - 1]) * (last * last)
        if sides[1] != 1:
            east = here[nx + 1] - last
            total += east * east
        if sides[0] == 0:
            total += here[1] * here[1]
        if i == 0 and sides[2] == 0:
            for j in range(1, nx + 1):
                total += here[j] * here[j]
        sums[i] = total
    return sums.sum()


@numba.njit(**_PARALLEL)
def add_direction(c, p, alpha, floor):
    """``c += alpha p`` (float32 into float64), never below ``floor``."""
    for i in numba.prange(1, c.shape[0] - 1):
        a, b = c[i], p[i]
        for j in range(1, c.shape[1] - 1):
            a[j] = max(a[j] + alpha * b[j], floor)
