"""Compiled red-black half sweeps on the padded lattice, and their transposes.

An image of seven channels has a supply, and faces of its own between rows and between columns, whose last lead to the
first; in one of four all faces conduct 1 and nothing crosses the edges.

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
    """Impose, then sweep; all (H', W') float32, ``image`` (4 or 7, H', W')."""
    _start(team, field, inverse, image, saturation)
    for half in range(2 * sweeps):
        if image.shape[0] > 4:
            _half_sweep_of_faces(team, field, inverse, image, half & 1)
        else:
            _half_sweep(team, field, inverse, half & 1)


@jit.fast
def backward(team, gradient, inverse, image, passed, sweeps):
    """The transposed half sweeps in reverse order; fixed pixels get no gradient. ``passed`` (H', W') is overwritten."""
    for _ in range(sweeps):
        for colour in (1, 0):
            _pass_on(team, gradient, inverse, passed, colour)
            if image.shape[0] > 4:
                _receive_through_faces(team, gradient, image, passed)
            else:
                _receive(team, gradient, passed)
    if claim(team, 1) == 0:
        for i in range(gradient.shape[0]):
            for j in range(gradient.shape[1]):
                if inverse[i, j] == 0.0:
                    gradient[i, j] = 0.0
    settle(team, 1)


@jit.fast_inner
def _start(team, field, inverse, image, saturation):
    """Impose fixed values, and invert the diagonal; 0 on fixed pixels, and where there is none."""
    rows, columns = field.shape
    one, zero = np.float32(1.0), np.float32(0.0)
    chunks = pieces(field.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(chunk * rows // chunks, (chunk + 1) * rows // chunks):
            u, d, value, mask = field[i], inverse[i], image[0, i], image[1, i]
            first_order, rate = image[2, i], image[3, i]
            if image.shape[0] > 4:
                north, south, east = image[5, i], image[5, i - 1 if i > 0 else rows - 1], image[6, i]
                for j in range(columns):
                    secant = rate[j] / (one + saturation * max(u[j], zero))
                    west = east[j - 1 if j > 0 else columns - 1]
                    total = ((north[j] + south[j]) + (east[j] + west)) + (first_order[j] + secant)
                    d[j] = (one - mask[j]) / total if total > zero else zero
                    u[j] = value[j] if mask[j] > zero else u[j]
                continue
            base = np.float32(4 - (i == 0) - (i == rows - 1))
            for j in range(columns):
                free = one - mask[j]
                secant = rate[j] / (one + saturation * max(u[j], zero))
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
def _half_sweep_of_faces(team, u, inverse, image, colour):
    rows, columns = u.shape
    line = np.empty(columns, np.float32)
    chunks = pieces(u.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(chunk * rows // chunks, (chunk + 1) * rows // chunks):
            previous = i - 1 if i > 0 else rows - 1
            here, d, supply, east = u[i], inverse[i], image[4, i], image[6, i]
            below, above = u[previous], u[i + 1 if i < rows - 1 else 0]
            south, north = image[5, previous], image[5, i]
            for j in range(1, columns - 1):
                line[j] = supply[j] + (east[j - 1] * here[j - 1] + east[j] * here[j + 1])
            last = columns - 1
            line[0] = supply[0] + (east[last] * here[last] + east[0] * here[1])
            line[last] = supply[last] + (east[last - 1] * here[last - 1] + east[last] * here[0])
            for j in range(columns):
                line[j] += south[j] * below[j] + north[j] * above[j]
            start = (i + colour) & 1
            for j in range(columns):
                chosen = ((j & 1) == start) and d[j] > 0.0
                here[j] = line[j] * d[j] if chosen else here[j]
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.fast_inner
def _pass_on(team, g, inverse, passed, colour):
    """``passed = D_r^-1 g_r``, then ``g_r = 0``, for the pixels r of the colour; a half sweep transposed adds
    ``N_br passed_r`` to those of the other."""
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


@jit.fast_inner
def _receive(team, g, passed):
    """Add what the four neighbours pass on."""
    rows, columns = g.shape
    chunks = pieces(g.size)
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


@jit.fast_inner
def _receive_through_faces(team, g, image, passed):
    rows, columns = g.shape
    chunks = pieces(g.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(chunk * rows // chunks, (chunk + 1) * rows // chunks):
            previous, following = i - 1 if i > 0 else rows - 1, i + 1 if i < rows - 1 else 0
            south, north, east = image[5, previous], image[5, i], image[6, i]
            for j in range(columns):
                before, after = j - 1 if j > 0 else columns - 1, j + 1 if j < columns - 1 else 0
                along = east[before] * passed[i, before] + east[j] * passed[i, after]
                g[i, j] += along + (south[j] * passed[previous, j] + north[j] * passed[following, j])
        chunk = claim(team, chunks)
    settle(team, chunks)
