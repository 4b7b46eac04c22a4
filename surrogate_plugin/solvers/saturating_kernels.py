"""Compiled kernels of the path to a small half-saturation constant; plain loops over rows, IEEE float64."""

from __future__ import annotations

import numpy as np

from surrogate_plugin import jit

#: What one step leaves at least of a pixel's unsaturated share, so that no linear step overshoots a free boundary.
_KEPT = 0.05


@jit.exact
def path_decay(c, unsaturated, decay, vmax, km, out):
    """``decay + vmax s / (km + c)``, (H, W), with ``s`` the unsaturated share as it is known."""
    ny, nx = decay.shape
    for i in range(ny):
        here = c[i + 1]
        for j in range(nx):
            out[i, j] = decay[i, j] + vmax[i, j] * unsaturated[i, j] / (km + here[j + 1])


@jit.exact
def path_move(c, unsaturated, z, alpha, km, goal):
    """``c += alpha z``, never below 0, and ``s`` along the linearised ``s (km + c) = km``.

    ``z`` is float32 with a halo, 0 on fixed pixels. Returns the largest change of ``c`` beside ``goal + c``, NaN left
    out: `goal` is the half-saturation constant in the end.
    """
    ny, nx = unsaturated.shape
    largest = 0.0
    for i in range(ny):
        here, step, row = c[i + 1], z[i + 1], unsaturated[i]
        for j in range(nx):
            before, s = here[j + 1], row[j]
            change = alpha * np.float64(step[j + 1])
            after = max(before + change, 0.0)
            here[j + 1] = after
            row[j] = min(max((km - s * change) / (km + before), _KEPT * s), 1.0)
            largest = max(largest, abs(after - before) / (goal + after))
    return largest
