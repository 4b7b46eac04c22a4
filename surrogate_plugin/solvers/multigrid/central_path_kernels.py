"""Compiled kernels of the path to a small half-saturation constant; IEEE float64."""

from __future__ import annotations

import numpy as np

from surrogate_plugin import jit
from surrogate_plugin.equation.uptake_kernels import secant
from surrogate_plugin.sharing_kernels import claim, pieces, settle

#: What one step leaves at least of a pixel's unsaturated share, so that no linear step overshoots a free boundary.
_KEPT = 0.05


@jit.exact
def path_decay(team, c, unsaturated, decay, vmax, km, out):
    """``decay + vmax s / (km + c)``, (H, W), with ``s`` the unsaturated share as it is known."""
    ny, nx = decay.shape
    chunks = pieces(c.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(chunk * ny // chunks, (chunk + 1) * ny // chunks):
            here = c[i + 1]
            for j in range(nx):
                out[i, j] = decay[i, j] + secant(vmax[i, j] * unsaturated[i, j], km, here[j + 1])
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.exact
def path_move(team, c, unsaturated, z, alpha, km, goal, moves):
    """``c += alpha z``, never below 0, and ``s`` along the linearised ``s (km + c) = km``.

    ``z`` is float32 with a halo, 0 on fixed pixels. ``moves``, (CHUNKS,) and 0 at first, takes each chunk's largest
    change of ``c`` beside ``goal + c``, NaN left out: `goal` is the half-saturation constant in the end.
    """
    ny, nx = unsaturated.shape
    chunks = pieces(c.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        largest = 0.0
        for i in range(chunk * ny // chunks, (chunk + 1) * ny // chunks):
            here, step, row = c[i + 1], z[i + 1], unsaturated[i]
            for j in range(nx):
                before, s = here[j + 1], row[j]
                change = alpha * np.float64(step[j + 1])
                after = max(before + change, 0.0)
                here[j + 1] = after
                row[j] = min(max((km - s * change) / (km + before), _KEPT * s), 1.0)
                largest = max(largest, abs(after - before) / (goal + after))
        moves[chunk] = largest
        chunk = claim(team, chunks)
    settle(team, chunks)
