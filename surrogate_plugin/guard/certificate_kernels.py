"""Compiled float64 kernels of the certificate. Every result errs on the safe side of rounding.

A sum of fewer than eight rounded terms is off by less than eight times float64's epsilon times the sum of their
magnitudes; `ALLOWANCE` doubles that. Differences of neighbours come first, so the allowance follows the field's
gradient and decay, not its size.
"""

from __future__ import annotations

import numba
import numpy as np

from surrogate_plugin.solvers.lattice_kernels import _PARALLEL, largest_of, row_peak, set_halo

ALLOWANCE = 16 * 2.220446049250313e-16


@numba.njit(**_PARALLEL)
def inflated_residual(c, free, decay, production, out):
    """``|s + lap c - k c|`` plus the rounding allowance on free pixels, 0 on fixed ones; returns the largest.

    ``c`` is an imposed field with its halo filled, (H + 2, W + 2); ``out`` is (H, W). NaN gives infinity.
    """
    ny, nx = free.shape
    peaks = np.zeros(ny, np.int64)
    for i in numba.prange(ny):
        up, here, down = c[i], c[i + 1], c[i + 2]
        row = out[i]
        for j in range(nx):
            value = here[j + 1]
            a, b, d, e = up[j + 1] - value, down[j + 1] - value, here[j] - value, here[j + 2] - value
            loss, gain = decay[i, j] * value, production[i, j]
            size = abs(gain + ((a + b) + (d + e)) - loss)
            size += ALLOWANCE * (((abs(a) + abs(b)) + (abs(d) + abs(e))) + (abs(loss) + gain))
            row[j] = size if free[i, j] else 0.0
        peaks[i] = row_peak(row)
    return largest_of(peaks)


@numba.njit(**_PARALLEL)
def inflated_saturating_residual(c, free, decay, production, vmax, km, out):
    """The same with ``- vmax c / (km + c)``."""
    ny, nx = free.shape
    peaks = np.zeros(ny, np.int64)
    for i in numba.prange(ny):
        up, here, down = c[i], c[i + 1], c[i + 2]
        row = out[i]
        for j in range(nx):
            value = here[j + 1]
            a, b, d, e = up[j + 1] - value, down[j + 1] - value, here[j] - value, here[j + 2] - value
            loss, gain = decay[i, j] * value + vmax[i, j] * (value / (km + value)), production[i, j]
            size = abs(gain + ((a + b) + (d + e)) - loss)
            size += ALLOWANCE * (((abs(a) + abs(b)) + (abs(d) + abs(e))) + (abs(loss) + gain))
            row[j] = size if free[i, j] else 0.0
        peaks[i] = row_peak(row)
    return largest_of(peaks)


@numba.njit(**_PARALLEL)
def deficit(w, free, decay, target, factor, sides, out):
    """``max(factor target - A w, 0)`` on free pixels, inflated for rounding, into ``out`` (float32, with a halo).

    ``w`` is float32 (H + 2, W + 2), at least 0, and 0 on fixed pixels; ``A w`` is evaluated in float64. Returns the
    largest deficit (infinite for NaN) and the largest ``w``.
    """
    ny, nx = free.shape
    set_halo(w, sides, np.zeros(4, np.float32))
    peaks, tops = np.zeros(ny, np.int64), np.zeros(ny, np.int64)
    for i in numba.prange(ny):
        up, here, down, row = w[i], w[i + 1], w[i + 2], out[i + 1]
        lacks, tops_here = np.empty(nx), np.empty(nx)
        for j in range(nx):
            value = np.float64(here[j + 1])
            a, b = np.float64(up[j + 1]) - value, np.float64(down[j + 1]) - value
            d, e = np.float64(here[j]) - value, np.float64(here[j + 2]) - value
            loss, wanted = decay[i, j] * value, factor * target[i, j]
            lack = (wanted - loss) + ((a + b) + (d + e))
            lack += ALLOWANCE * (((abs(a) + abs(b)) + (abs(d) + abs(e))) + (abs(loss) + wanted))
            # Written so that NaN stays NaN: the comparison is false for it.
            lack = 0.0 if lack < 0.0 or not free[i, j] else lack
            row[j + 1] = lack
            lacks[j], tops_here[j] = lack, value
        peaks[i], tops[i] = row_peak(lacks), row_peak(tops_here)
    return largest_of(peaks), largest_of(tops)


@numba.njit(**_PARALLEL)
def saturating_deficit(w, c, free, decay, vmax, km, target, factor, sides, out):
    """The same for ``A w + U(c + w) - U(c)`` in place of ``A w``, with ``w / factor`` in the units of ``c``."""
    ny, nx = free.shape
    set_halo(w, sides, np.zeros(4, np.float32))
    unit = 1.0 / factor
    peaks, tops = np.zeros(ny, np.int64), np.zeros(ny, np.int64)
    for i in numba.prange(ny):
        up, here, down, row = w[i], w[i + 1], w[i + 2], out[i + 1]
        lacks, tops_here = np.empty(nx), np.empty(nx)
        for j in range(nx):
            value = np.float64(here[j + 1])
            a, b = np.float64(up[j + 1]) - value, np.float64(down[j + 1]) - value
            d, e = np.float64(here[j]) - value, np.float64(here[j + 2]) - value
            here_c = km + c[i + 1, j + 1]
            slope = vmax[i, j] * (km / here_c) / (here_c + unit * value)
            loss, wanted = (decay[i, j] + slope) * value, factor * target[i, j]
            lack = (wanted - loss) + ((a + b) + (d + e))
            lack += ALLOWANCE * (((abs(a) + abs(b)) + (abs(d) + abs(e))) + (abs(loss) + wanted))
            # Written so that NaN stays NaN: the comparison is false for it.
            lack = 0.0 if lack < 0.0 or not free[i, j] else lack
            row[j + 1] = lack
            lacks[j], tops_here[j] = lack, value
        peaks[i], tops[i] = row_peak(lacks), row_peak(tops_here)
    return largest_of(peaks), largest_of(tops)


@numba.njit(**_PARALLEL)
def least_slope(c, decay, vmax, km, reach, out):
    """``k + dU/dc`` at ``c + reach``, rounded down: the least decay felt by anything between ``c`` and there."""
    ny, nx = decay.shape
    for i in numba.prange(ny):
        for j in range(nx):
            fraction = km / (km + c[i + 1, j + 1] + reach)
            out[i, j] = decay[i, j] + (1.0 - ALLOWANCE) * (vmax[i, j] / km) * fraction * fraction


@numba.njit(**_PARALLEL)
def add_positive_part(w, z, factor):
    """``w += max(factor z, 0)``."""
    for i in numba.prange(1, w.shape[0] - 1):
        a, b = w[i], z[i]
        for j in range(1, w.shape[1] - 1):
            a[j] += max(factor * b[j], np.float32(0.0))
