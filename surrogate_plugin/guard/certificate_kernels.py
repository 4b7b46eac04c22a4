"""Compiled float64 kernels of the certificate. Every result errs on the safe side of rounding.

A sum of fewer than eight rounded terms is off by less than eight times float64's epsilon times the sum of their
magnitudes; `ALLOWANCE` doubles that. Differences of neighbours come first, so the allowance follows the field's
gradient and decay, not its size.

All are `exact` kernels: what is not finite stays so, and shows in the largest value that each returns.
"""

from __future__ import annotations

import numpy as np

from surrogate_plugin import jit
from surrogate_plugin.equation.operator_kernels import inflow, largest_of, peak, set_halo
from surrogate_plugin.equation.uptake_kernels import quotient, rate, slope
from surrogate_plugin.sharing_kernels import claim, pieces, settle

ALLOWANCE = 16 * 2.220446049250313e-16


@jit.exact
def inflated_residual(team, c, source, free, north, east, decay, production, vmax, km, rules, values, out, peaks):
    """``|s + div(G grad c) - k c - v c / (km + c)|`` plus the rounding allowance on free pixels; returns the largest.

    ``c`` is (H + 2, W + 2), its halo is set; ``out`` is (H, W), 0 on fixed pixels; ``vmax`` is None for first-order
    uptake; ``peaks`` (CHUNKS,) int64 is 0 at first. Infinite wherever the theorem does not apply: where ``c`` is not
    finite, differs from ``source`` on a fixed pixel, or is negative although uptake saturates.
    """
    set_halo(team, c, rules, values)
    ny, nx = free.shape
    chunks = pieces(c.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(chunk * ny // chunks, (chunk + 1) * ny // chunks):
            row = out[i]
            for j in range(nx):
                value = c[i + 1, j + 1]
                flow, magnitude = inflow(c, i, j, north, east)
                loss, gain = decay[i, j] * value, production[i, j]
                if vmax is not None:
                    loss += rate(vmax[i, j], km, value)
                size = abs(gain + flow - loss)
                size += ALLOWANCE * (magnitude + (abs(loss) + gain))
                if vmax is not None:
                    size = np.inf if value < 0.0 else size
                row[j] = size if free[i, j] else (0.0 if value == source[i, j] else np.inf)
            peaks[chunk] = max(peaks[chunk], peak(row))
        chunk = claim(team, chunks)
    settle(team, chunks)
    return largest_of(peaks)


@jit.exact
def deficit(team, w, c, free, north, east, decay, vmax, km, target, factor, rules, out, peaks, tops):
    """``max(factor target - A w, 0)`` on free pixels, inflated for rounding, into ``out`` (with a halo).

    ``w`` is float32 or float64, (H + 2, W + 2); ``A w`` is evaluated in float64. Where ``vmax`` is not None, ``A w +
    U(c + w) - U(c)`` takes the place of ``A w``, with ``w / factor`` in the units of ``c``. ``peaks``, ``tops``:
    (CHUNKS,) int64, 0 at first. Returns the largest deficit and the largest ``w``; infinite for NaN and for a negative
    ``w``.
    """
    set_halo(team, w, rules, np.zeros((2, 2), w.dtype))
    ny, nx = free.shape
    unit = 1.0 / factor
    lacks, heights = np.empty(nx), np.empty(nx)
    chunks = pieces(w.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(chunk * ny // chunks, (chunk + 1) * ny // chunks):
            row = out[i + 1]
            for j in range(nx):
                value = np.float64(w[i + 1, j + 1])
                flow, magnitude = inflow(w, i, j, north, east)
                strength = decay[i, j]
                if vmax is not None:
                    strength += quotient(vmax[i, j], km, c[i + 1, j + 1], unit * value)
                loss, wanted = strength * value, factor * target[i, j]
                lack = (wanted - loss) + flow
                lack += ALLOWANCE * (magnitude + (abs(loss) + wanted))
                # Written so that NaN stays NaN: the comparison is false for it.
                lack = 0.0 if lack < 0.0 or not free[i, j] else lack
                # What is wanted is a magnitude; anything else was never computed.
                lack = np.inf if wanted < 0.0 else lack
                row[j + 1] = lack
                lacks[j], heights[j] = lack, value if value >= 0.0 else np.inf
            peaks[chunk] = max(peaks[chunk], peak(lacks))
            tops[chunk] = max(tops[chunk], peak(heights))
        chunk = claim(team, chunks)
    settle(team, chunks)
    return largest_of(peaks), largest_of(tops)


@jit.exact
def least_slope(team, c, decay, vmax, km, out):
    """``k + dU/dc`` at ``c``, rounded down: the least decay felt by anything below ``c``."""
    ny, nx = decay.shape
    chunks = pieces(c.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(chunk * ny // chunks, (chunk + 1) * ny // chunks):
            for j in range(nx):
                out[i, j] = decay[i, j] + slope((1.0 - ALLOWANCE) * (vmax[i, j] / km), km, c[i + 1, j + 1])
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.exact
def scale(team, target, factor, out):
    """``out = factor target`` in float32: ``out`` (H + 2, W + 2), ``target`` (H, W)."""
    ny, nx = target.shape
    chunks = pieces(out.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(chunk * ny // chunks, (chunk + 1) * ny // chunks):
            given, row = target[i], out[i + 1]
            for j in range(nx):
                row[j + 1] = factor * given[j]
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.exact
def add_positive_part(team, w, z, factor):
    """``w += max(factor z, 0)``."""
    rows = w.shape[0] - 2
    chunks = pieces(w.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(1 + chunk * rows // chunks, 1 + (chunk + 1) * rows // chunks):
            a, b = w[i], z[i]
            for j in range(1, w.shape[1] - 1):
                a[j] += max(factor * b[j], np.float32(0.0))
        chunk = claim(team, chunks)
    settle(team, chunks)
