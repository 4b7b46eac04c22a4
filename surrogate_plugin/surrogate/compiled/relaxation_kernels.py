"""Compiled red-black half sweeps on the padded lattice, and their transposes.

Not those of multigrid: here values are imposed in place, on a lattice without a halo, and training needs the transpose
of exactly these sweeps.
"""
# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators

from __future__ import annotations

import numpy as np

from surrogate_plugin import jit
from surrogate_plugin.sharing_kernels import claim, pieces, settle


@jit.fast
def forward(team, field, inverse, image, saturation, sweeps):
    """Impose, then sweep; all (H', W') float32, ``image`` (4, H', W')."""
    _start(team, field, inverse, image, saturation)
    for _ in range(sweeps):
        _half_sweep(team, field, inverse, 0)
        _half_sweep(team, field, inverse, 1)


@jit.fast
def backward(team, gradient, inverse, passed, sweeps):
    """The transposed half sweeps in reverse order; fixed pixels get no gradient. ``passed`` (H', W') is overwritten."""
    for _ in range(sweeps):
        _transposed_half_sweep(team, gradient, inverse, passed, 1)
        _transposed_half_sweep(team, gradient, inverse, passed, 0)
    if claim(team, 1) == 0:
        for i in range(gradient.shape[0]):
            for j in range(gradient.shape[1]):
                if inverse[i, j] == 0.0:
                    gradient[i, j] = 0.0
    settle(team, 1)


@jit.fast_inner
def _start(team, field, inverse, image, saturation):
    rows, columns = field.shape
    one = np.float32(1.0)
    chunks = pieces(field.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(chunk * rows // chunks, (chunk + 1) * rows // chunks):
            u, d, value, mask = field[i], inverse[i], image[0, i], image[1, i]
            first_order, rate = image[2, i], image[3, i]
            base = np.float32(4 - (i == 0) - (i == rows - 1))
            for j in range(columns):
                free = one - mask[j]
                secant = rate[j] / (one + saturation * max(u[j], np.float32(0.0)))
                d[j] = free / (base + first_order[j] + secant)
                u[j] = mask[j] * value[j] + free * u[j]
            for j in (0, columns - 1):
                if mask[j] == 0.0:
                    d[j] = one / (one / d[j] - one)
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.fast_inner
def _half_sweep(team, u, inverse, colour):
    rows, columns = u.shape
    line = np.empty(columns, np.float32)
    chunks = pieces(u.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(chunk * rows // chunks, (chunk + 1) * rows // chunks):
            here, d = u[i], inverse[i]
            line[0], line[columns - 1] = here[1], here[columns - 2]
            for j in range(1, columns - 1):
                line[j] = here[j - 1] + here[j + 1]
            if i > 0:
                below = u[i - 1]
                for j in range(columns):
                    line[j] += below[j]
            if i < rows - 1:
                above = u[i + 1]
                for j in range(columns):
                    line[j] += above[j]
            start = (i + colour) & 1
            for j in range(columns):
                chosen = ((j & 1) == start) and d[j] > 0.0
                here[j] = line[j] * d[j] if chosen else here[j]
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.fast_inner
def _transposed_half_sweep(team, g, inverse, passed, colour):
    """``g_b += N_br D_r^-1 g_r``, then ``g_r = 0``, for the pixels r of the colour and b of the other."""
    rows, columns = g.shape
    chunks = pieces(g.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(chunk * rows // chunks, (chunk + 1) * rows // chunks):
            start = (i + colour) & 1
            for j in range(columns):
                chosen = ((j & 1) == start) and inverse[i, j] > 0.0
                passed[i, j] = g[i, j] * inverse[i, j] if chosen else np.float32(0.0)
                g[i, j] = np.float32(0.0) if chosen else g[i, j]
        chunk = claim(team, chunks)
    settle(team, chunks)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(chunk * rows // chunks, (chunk + 1) * rows // chunks):
            for j in range(columns):
                if i > 0:
                    g[i, j] += passed[i - 1, j]
                if i < rows - 1:
                    g[i, j] += passed[i + 1, j]
                if j > 0:
                    g[i, j] += passed[i, j - 1]
                if j < columns - 1:
                    g[i, j] += passed[i, j + 1]
        chunk = claim(team, chunks)
    settle(team, chunks)
