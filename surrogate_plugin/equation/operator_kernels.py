"""Compiled float64 kernels for the exact discrete equation: residuals, and what proofs need of them.

All fields carry a halo of one pixel. In an *imposed* field the halo holds what the boundary imposes; in a
*correction* it holds 0 there. A reflecting side's halo repeats the pixel beside it, a periodic one the pixel
opposite. With such a halo the 5-point sum needs no case distinction, and every link is 1 (the equation divided by D /
h^2).
"""

from __future__ import annotations

import numpy as np

from surrogate_plugin import jit
from surrogate_plugin.equation.uptake_kernels import rate, slope
from surrogate_plugin.sharing_kernels import claim, pieces, settle


@jit.exact_inner
def set_halo(team, x, sides, values):
    """Fill the halo of ``x``: values at value sides, the mirror image at reflecting ones, wrapped at periodic ones."""
    ny, nx = x.shape[0] - 2, x.shape[1] - 2
    if claim(team, 1) == 0:
        for i in range(1, ny + 1):
            x[i, 0] = values[0] if sides[0] == 0 else (x[i, 1] if sides[0] == 1 else x[i, nx])
            x[i, nx + 1] = values[1] if sides[1] == 0 else (x[i, nx] if sides[1] == 1 else x[i, 1])
        for j in range(1, nx + 1):
            x[0, j] = values[2] if sides[2] == 0 else (x[1, j] if sides[2] == 1 else x[ny, j])
            x[ny + 1, j] = values[3] if sides[3] == 0 else (x[ny, j] if sides[3] == 1 else x[1, j])
    settle(team, 1)


@jit.exact_inner
def peak(row):
    """The bit pattern of the largest magnitude in a row of float64, without its sign.

    Magnitudes order like their bits, with NaN above infinity whatever its sign; a maximum of integers vectorises where
    one of floats does not (six times faster here), and it cannot miss a NaN.
    """
    bits = row.view(np.int64)
    highest = np.int64(0)
    for j in range(bits.shape[0]):
        highest = max(highest, bits[j] & np.int64(0x7FFFFFFFFFFFFFFF))
    return highest


@jit.exact_inner
def largest_of(peaks):
    """The float64 behind the largest of several bit patterns; infinite for NaN."""
    highest = np.empty(1, np.int64)
    highest[0] = peaks.max()
    value = highest.view(np.float64)[0]
    return value if value == value else np.inf


@jit.exact
def residual(team, c, free, decay, production, vmax, km, sides, values, factor, out, peaks):
    """``out = factor r`` in float32, where ``r = s + lap c - k c - v c / (km + c)`` on free pixels and 0 on fixed ones.

    ``vmax`` is None for first-order uptake. Sets the halo of ``c``; ``peaks`` (CHUNKS,) int64 is 0 at first. Returns
    the largest ``|r|``, infinite if any residual is not finite.
    """
    set_halo(team, c, sides, values)
    ny, nx = free.shape
    size = np.empty(nx)
    chunks = pieces(c.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(chunk * ny // chunks, (chunk + 1) * ny // chunks):
            up, here, down, row = c[i], c[i + 1], c[i + 2], out[i + 1]
            for j in range(nx):
                centre = here[j + 1]
                flow = ((up[j + 1] - centre) + (down[j + 1] - centre)) + ((here[j] - centre) + (here[j + 2] - centre))
                loss = decay[i, j] * centre
                if vmax is not None:
                    loss += rate(vmax[i, j], km, centre)
                value = (production[i, j] + flow - loss) if free[i, j] else 0.0
                row[j + 1] = value * factor
                size[j] = abs(value)
            peaks[chunk] = max(peaks[chunk], peak(size))
        chunk = claim(team, chunks)
    settle(team, chunks)
    return largest_of(peaks)


@jit.exact
def tangent_decay(team, c, decay, vmax, km, out):
    """``decay + dU/dc``, (H, W): the decay of the equation linearised at ``c``."""
    ny, nx = decay.shape
    chunks = pieces(c.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(chunk * ny // chunks, (chunk + 1) * ny // chunks):
            for j in range(nx):
                out[i, j] = decay[i, j] + slope(vmax[i, j] / km, km, c[i + 1, j + 1])
        chunk = claim(team, chunks)
    settle(team, chunks)
