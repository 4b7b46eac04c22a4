"""Compiled red-black half sweeps on the padded lattice, and their transposes."""
# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators

from __future__ import annotations

import numpy as np
from numba import njit, prange

_PARALLEL = {"cache": True, "nogil": True, "parallel": True, "fastmath": {"contract", "reassoc", "nsz"}}
_SERIAL = {"cache": True, "nogil": True, "fastmath": {"contract", "reassoc", "nsz"}}
_CHUNKS = 8


@njit(**_SERIAL)
def forward(field, inverse, image, saturation, sweeps):
    """Impose, then sweep; all (N, H', W') float32, ``image`` (N, 4, H', W')."""
    for sample in range(field.shape[0]):
        _start(field[sample], inverse[sample], image[sample], saturation[sample])
        for _ in range(sweeps):
            _half_sweep(field[sample], inverse[sample], 0)
            _half_sweep(field[sample], inverse[sample], 1)


@njit(**_SERIAL)
def backward(gradient, inverse, sweeps):
    """The transposed half sweeps in reverse order; fixed pixels get no gradient."""
    for sample in range(gradient.shape[0]):
        passed = np.empty_like(gradient[sample])
        for _ in range(sweeps):
            _transposed_half_sweep(gradient[sample], inverse[sample], passed, 1)
            _transposed_half_sweep(gradient[sample], inverse[sample], passed, 0)
        for i in range(gradient.shape[1]):
            for j in range(gradient.shape[2]):
                if inverse[sample, i, j] == 0.0:
                    gradient[sample, i, j] = 0.0


@njit(**_PARALLEL)
def _start(field, inverse, image, saturation):
    rows, columns = field.shape
    one = np.float32(1.0)
    for i in prange(rows):
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


@njit(**_PARALLEL)
def _half_sweep(u, inverse, colour):
    rows, columns = u.shape
    for chunk in prange(_CHUNKS):
        line = np.empty(columns, np.float32)
        for i in range(chunk * rows // _CHUNKS, (chunk + 1) * rows // _CHUNKS):
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


@njit(**_PARALLEL)
def _transposed_half_sweep(g, inverse, passed, colour):
    """``g_b += N_br D_r^-1 g_r``, then ``g_r = 0``, for the pixels r of the colour and b of the other."""
    rows, columns = g.shape
    for i in prange(rows):
        start = (i + colour) & 1
        for j in range(columns):
            chosen = ((j & 1) == start) and inverse[i, j] > 0.0
            passed[i, j] = g[i, j] * inverse[i, j] if chosen else np.float32(0.0)
            g[i, j] = np.float32(0.0) if chosen else g[i, j]
    for i in prange(rows):
        for j in range(columns):
            if i > 0:
                g[i, j] += passed[i - 1, j]
            if i < rows - 1:
                g[i, j] += passed[i + 1, j]
            if j > 0:
                g[i, j] += passed[i, j - 1]
            if j < columns - 1:
                g[i, j] += passed[i, j + 1]
