"""Compiled solve of ``-lap u + d u = f`` on a small grid: conjugate gradients preconditioned by a symmetric V-cycle."""
# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
# mypy: disable-error-code="assignment"

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def solve_batch(extra, rhs, out, tolerance, most):
    """Solve each grid of the batch; links of 1 to the four neighbours, none beyond the edges.

    ``extra``, ``rhs``, ``out``: (N, h, w) float32. Stops at ``tolerance`` of the right-hand side's preconditioned norm.
    """
    count, h, w = extra.shape
    levels = 1
    rows, columns = h, w
    while rows > 2 or columns > 2:
        rows, columns = (rows + 1) // 2, (columns + 1) // 2
        levels += 1
    # Every level has a halo of one cell, where the field is 0 and which no link reaches.
    u = np.zeros((levels, h + 2, w + 2), np.float32)
    f = np.zeros((levels, h + 2, w + 2), np.float32)
    d = np.zeros((levels, h + 2, w + 2), np.float32)
    inverse = np.zeros((levels, h + 2, w + 2), np.float32)
    sizes = np.empty((levels, 2), np.int64)
    p = np.zeros((h + 2, w + 2), np.float32)
    x = np.zeros((h + 2, w + 2), np.float32)
    r = np.zeros((h + 2, w + 2), np.float32)
    for sample in range(count):
        d[0, 1 : h + 1, 1 : w + 1] = extra[sample]
        _set_up(d, inverse, sizes, h, w)
        x[:] = 0.0
        p[:] = 0.0
        r[1 : h + 1, 1 : w + 1] = rhs[sample]
        energy, first = 0.0, -1.0
        for _ in range(most):
            f[0] = r
            _v_cycle(u, f, d, inverse, sizes)
            new = _dot(r, u[0], h, w)
            if first < 0.0:
                first = new
            if not new > tolerance * tolerance * first:
                break
            beta = np.float32(new / energy) if energy > 0.0 else np.float32(0.0)
            energy = new
            curvature = 0.0
            for i in range(1, h + 1):
                for j in range(1, w + 1):
                    p[i, j] = u[0, i, j] + beta * p[i, j]
            for i in range(1, h + 1):
                line = np.float32(0.0)
                for j in range(1, w + 1):
                    line += p[i, j] * _apply(p, d[0], i, j, h, w)
                curvature += line
            if not curvature > 0.0:
                break
            alpha = np.float32(new / curvature)
            for i in range(1, h + 1):
                for j in range(1, w + 1):
                    x[i, j] += alpha * p[i, j]
                    r[i, j] -= alpha * _apply(p, d[0], i, j, h, w)
        out[sample] = x[1 : h + 1, 1 : w + 1]


@njit(cache=True, nogil=True, inline="always")
def _links(i, j, h, w):
    return np.float32(4 - (i == 1) - (i == h) - (j == 1) - (j == w))


@njit(cache=True, nogil=True, inline="always")
def _apply(v, d, i, j, h, w):
    near = v[i - 1, j] + v[i + 1, j] + v[i, j - 1] + v[i, j + 1]
    return (_links(i, j, h, w) + d[i, j]) * v[i, j] - near


@njit(cache=True, nogil=True)
def _dot(a, b, h, w):
    total = 0.0
    for i in range(1, h + 1):
        line = np.float32(0.0)
        for j in range(1, w + 1):
            line += a[i, j] * b[i, j]
        total += line
    return total


@njit(cache=True, nogil=True)
def _set_up(d, inverse, sizes, h, w):
    """Diagonals of all levels: the coarse extra diagonal is the sum of the four fine ones, links stay 1.

    Galerkin's coarse link is 2; half of it makes up for the steps of a piecewise constant prolongation.
    """
    sizes[0, 0], sizes[0, 1] = h, w
    for level in range(sizes.shape[0]):
        rows, columns = sizes[level]
        if level > 0:
            d[level] = 0.0
            fine_rows, fine_columns = sizes[level - 1]
            for i in range(fine_rows):
                for j in range(fine_columns):
                    d[level, i // 2 + 1, j // 2 + 1] += d[level - 1, i + 1, j + 1]
        for i in range(1, rows + 1):
            for j in range(1, columns + 1):
                inverse[level, i, j] = 1.0 / (_links(i, j, rows, columns) + d[level, i, j])
        if level + 1 < sizes.shape[0]:
            sizes[level + 1, 0], sizes[level + 1, 1] = (rows + 1) // 2, (columns + 1) // 2


@njit(cache=True, nogil=True)
def _half_sweep(u, f, inverse, rows, columns, colour):
    for i in range(1, rows + 1):
        for j in range(1 + (i + colour) % 2, columns + 1, 2):
            near = u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1]
            u[i, j] = (f[i, j] + near) * inverse[i, j]


@njit(cache=True, nogil=True)
def _v_cycle(u, f, d, inverse, sizes):
    """``u[0]`` from ``f[0]``: one red-black sweep down, the mirrored one up, so that the cycle is symmetric."""
    last = sizes.shape[0] - 1
    for level in range(last):
        rows, columns = sizes[level]
        u[level] = 0.0
        _half_sweep(u[level], f[level], inverse[level], rows, columns, 0)
        _half_sweep(u[level], f[level], inverse[level], rows, columns, 1)
        f[level + 1] = 0.0
        for i in range(1, rows + 1):
            for j in range(1, columns + 1):
                residual = f[level, i, j] - _apply(u[level], d[level], i, j, rows, columns)
                f[level + 1, (i + 1) // 2, (j + 1) // 2] += residual
    rows, columns = sizes[last]
    u[last] = 0.0
    for _ in range(6):
        _half_sweep(u[last], f[last], inverse[last], rows, columns, 0)
        _half_sweep(u[last], f[last], inverse[last], rows, columns, 1)
        _half_sweep(u[last], f[last], inverse[last], rows, columns, 0)
    for level in range(last - 1, -1, -1):
        rows, columns = sizes[level]
        for i in range(1, rows + 1):
            for j in range(1, columns + 1):
                u[level, i, j] += u[level + 1, (i + 1) // 2, (j + 1) // 2]
        _half_sweep(u[level], f[level], inverse[level], rows, columns, 1)
        _half_sweep(u[level], f[level], inverse[level], rows, columns, 0)
