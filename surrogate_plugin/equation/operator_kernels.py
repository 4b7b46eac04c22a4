"""Compiled float64 kernels for the exact discrete equation: what its faces carry, residuals, tangents.

All fields carry a halo of one pixel. In an *imposed* field the halo holds what the sides impose; in a *correction* it
holds 0 there. Where nothing passes it repeats the pixel beside it, on a ring it holds the pixel opposite. With such a
halo the sum over faces needs no case distinction. ``north`` (H + 1, W) and ``east`` (H, W + 1) are the faces'
conductances, face ``k`` below pixel ``k``, or None where every face that conducts has 1.
"""

from __future__ import annotations

import numpy as np

from surrogate_plugin import jit
from surrogate_plugin.equation.uptake_kernels import rate, slope
from surrogate_plugin.sharing_kernels import claim, pieces, settle

#: What a side's halo holds: its value, the pixel beside it, or the pixel opposite.
HELD, MIRRORED, WRAPPED = 0, 1, 2


@jit.exact_inner
def set_halo(team, x, rules, values):
    """Fill the halo of ``x`` by ``rules`` and ``values``, (2, 2): rows first, the low side first."""
    ny, nx = x.shape[0] - 2, x.shape[1] - 2
    if claim(team, 1) == 0:
        for i in range(1, ny + 1):
            x[i, 0] = ghost(rules[1, 0], values[1, 0], x[i, 1], x[i, nx])
            x[i, nx + 1] = ghost(rules[1, 1], values[1, 1], x[i, nx], x[i, 1])
        for j in range(1, nx + 1):
            x[0, j] = ghost(rules[0, 0], values[0, 0], x[1, j], x[ny, j])
            x[ny + 1, j] = ghost(rules[0, 1], values[0, 1], x[ny, j], x[1, j])
    settle(team, 1)


@jit.exact_inner
def ghost(rule, value, beside, opposite):
    """What a ghost pixel holds."""
    return value if rule == HELD else (beside if rule == MIRRORED else opposite)


@jit.exact_inner
def inflow(x, i, j, north, east):
    """What the four faces of pixel (i, j) carry into it, and the sum of the magnitudes.

    ``x``, float32 or float64, has its halo set. Differences of neighbours come first, which are exact where they are
    close, so that a weak decay is not lost beside the faces.
    """
    here = np.float64(x[i + 1, j + 1])
    below, above = np.float64(x[i, j + 1]) - here, np.float64(x[i + 2, j + 1]) - here
    left, right = np.float64(x[i + 1, j]) - here, np.float64(x[i + 1, j + 2]) - here
    if north is not None:
        below, above = north[i, j] * below, north[i + 1, j] * above
        left, right = east[i, j] * left, east[i, j + 1] * right
    return (below + above) + (left + right), (abs(below) + abs(above)) + (abs(left) + abs(right))


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
def residual(team, c, free, north, east, decay, production, vmax, km, rules, values, factor, out, peaks):
    """``out = factor r`` in float32, where ``r = s + div(G grad c) - k c - v c / (km + c)``, and 0 on fixed pixels.

    ``vmax`` is None for first-order uptake. Sets the halo of ``c``; ``peaks`` (CHUNKS,) int64 is 0 at first. Returns
    the largest ``|r|``, infinite if any residual is not finite.
    """
    set_halo(team, c, rules, values)
    ny, nx = free.shape
    size = np.empty(nx)
    chunks = pieces(c.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(chunk * ny // chunks, (chunk + 1) * ny // chunks):
            row = out[i + 1]
            for j in range(nx):
                centre = c[i + 1, j + 1]
                flow, _ = inflow(c, i, j, north, east)
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
