"""Compiled float32 kernels of the preconditioned conjugate gradients around the V-cycle; sums are in float64 by rows."""

from __future__ import annotations

import numba
import numpy as np

from surrogate_plugin.solvers.multigrid_kernels import _PARALLEL, fill_halo


@numba.njit(**_PARALLEL)
def dot_and_max(r, z):
    """``(r, z)`` and the largest ``|z|``."""
    rows = r.shape[0]
    sums, peaks = np.zeros(rows), np.zeros(rows, np.float32)
    for i in numba.prange(1, rows - 1):
        a, b = r[i], z[i]
        total, peak = np.float32(0.0), np.float32(0.0)
        for j in range(1, r.shape[1] - 1):
            total += a[j] * b[j]
            peak = max(peak, abs(b[j]))
        sums[i], peaks[i] = total, peak
    return sums.sum(), peaks.max()


@numba.njit(**_PARALLEL)
def direction(p, z, beta):
    """``p = z + beta p``."""
    for i in numba.prange(1, p.shape[0] - 1):
        a, b = p[i], z[i]
        for j in range(1, p.shape[1] - 1):
            a[j] = b[j] + beta * a[j]


@numba.njit(**_PARALLEL)
def apply(p, dinv, q, sides):
    """``q = A p`` on the finest level; returns ``(p, q)``."""
    ny, nx = p.shape[0] - 2, p.shape[1] - 2
    fill_halo(p, ny, nx, sides)
    sums = np.zeros(ny + 2)
    one, zero = np.float32(1.0), np.float32(0.0)
    for i in numba.prange(1, ny + 1):
        up, here, down, inverse, out = p[i - 1], p[i], p[i + 1], dinv[i], q[i]
        total = zero
        for j in range(1, nx + 1):
            inv = inverse[j]
            free = one if inv > 0 else zero
            diagonal = one / (inv + (one - free))
            value = free * (diagonal * here[j] - ((up[j] + down[j]) + (here[j - 1] + here[j + 1])))
            out[j] = value
            total += value * here[j]
        sums[i] = total
    return sums.sum()


@numba.njit(**_PARALLEL)
def step(x, p, r, q, alpha):
    """``x += alpha p``, ``r -= alpha q``."""
    for i in numba.prange(1, x.shape[0] - 1):
        xi, pi, ri, qi = x[i], p[i], r[i], q[i]
        for j in range(1, x.shape[1] - 1):
            xi[j] += alpha * pi[j]
            ri[j] -= alpha * qi[j]
