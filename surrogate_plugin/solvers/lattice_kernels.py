"""Compiled float64 kernels for the exact discrete equation: residuals, and the sums the certificate needs.

All fields carry a halo of one pixel. In an *imposed* field the halo holds what the boundary imposes; in a
*correction* it holds 0 there. A reflecting side's halo repeats the pixel beside it, a periodic one the pixel
opposite. With such a halo the 5-point sum needs no case distinction, and every link is 1 (the equation divided by D /
h^2).
"""

from __future__ import annotations

import numba
import numpy as np

_PARALLEL = {"cache": True, "parallel": True, "error_model": "numpy"}
_SERIAL = {"cache": True, "error_model": "numpy"}


@numba.njit(**_SERIAL)
def set_halo(x, sides, values):
    """Fill the halo of ``x``: values at value sides, the mirror image at reflecting ones, wrapped at periodic ones."""
    ny, nx = x.shape[0] - 2, x.shape[1] - 2
    for i in range(1, ny + 1):
        x[i, 0] = values[0] if sides[0] == 0 else (x[i, 1] if sides[0] == 1 else x[i, nx])
        x[i, nx + 1] = values[1] if sides[1] == 0 else (x[i, nx] if sides[1] == 1 else x[i, 1])
    for j in range(1, nx + 1):
        x[0, j] = values[2] if sides[2] == 0 else (x[1, j] if sides[2] == 1 else x[ny, j])
        x[ny + 1, j] = values[3] if sides[3] == 0 else (x[ny, j] if sides[3] == 1 else x[1, j])


@numba.njit(**_SERIAL)
def row_peak(row):
    """The bit pattern of the largest of a row of non-negative float64.

    Non-negative floats order like their bits, with NaN above infinity; a maximum of integers vectorises where one of
    floats does not (six times faster here), and it cannot miss a NaN.
    """
    bits = row.view(np.int64)
    peak = np.int64(0)
    for j in range(bits.shape[0]):
        peak = max(peak, bits[j])
    return peak


@numba.njit(**_SERIAL)
def largest_of(peaks):
    """The float64 behind the largest of the rows' bit patterns, infinite for NaN."""
    peaks[0] = peaks.max()
    value = peaks.view(np.float64)[0]
    return value if value == value else np.inf


@numba.njit(**_PARALLEL)
def residual(c, free, decay, production, factor, out):
    """``out = factor r`` in float32, where ``r = s + lap c - decay c`` on free pixels and 0 on fixed ones.

    Returns the largest ``|r|``, infinite if any residual is not finite.
    """
    ny, nx = free.shape
    peaks = np.zeros(ny, np.int64)
    for i in numba.prange(ny):
        up, here, down, row = c[i], c[i + 1], c[i + 2], out[i + 1]
        size = np.empty(nx)
        for j in range(nx):
            centre = here[j + 1]
            flow = ((up[j + 1] - centre) + (down[j + 1] - centre)) + ((here[j] - centre) + (here[j + 2] - centre))
            value = (production[i, j] + flow - decay[i, j] * centre) if free[i, j] else 0.0
            row[j + 1] = value * factor
            size[j] = abs(value)
        peaks[i] = row_peak(size)
    return largest_of(peaks)


@numba.njit(**_PARALLEL)
def saturating_residual(c, free, decay, production, vmax, km, factor, out):
    """``r = s + lap c - decay c - vmax c / (km + c)`` on free pixels; else as `residual`."""
    ny, nx = free.shape
    peaks = np.zeros(ny, np.int64)
    for i in numba.prange(ny):
        up, here, down, row = c[i], c[i + 1], c[i + 2], out[i + 1]
        size = np.empty(nx)
        for j in range(nx):
            centre = here[j + 1]
            flow = ((up[j + 1] - centre) + (down[j + 1] - centre)) + ((here[j] - centre) + (here[j + 2] - centre))
            uptake = decay[i, j] * centre + vmax[i, j] * (centre / (km + centre))
            value = (production[i, j] + flow - uptake) if free[i, j] else 0.0
            row[j + 1] = value * factor
            size[j] = abs(value)
        peaks[i] = row_peak(size)
    return largest_of(peaks)


@numba.njit(**_PARALLEL)
def tangent_decay(c, decay, vmax, km, out):
    """``decay + dU/dc``, (H, W): the decay of the equation linearised at ``c``."""
    ny, nx = decay.shape
    for i in numba.prange(ny):
        for j in range(nx):
            fraction = km / (km + c[i + 1, j + 1])
            out[i, j] = decay[i, j] + (vmax[i, j] / km) * fraction * fraction
