"""Compiled solve of ``-div(L grad u) + d u = f`` on a small grid: conjugate gradients, a symmetric V-cycle before."""
# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
# mypy: disable-error-code="assignment"

from __future__ import annotations

import numpy as np

from surrogate_plugin import jit

#: Arrays of each level that a solve works with, and vectors on the finest beside them.
_ARRAYS, _VECTORS = 6, 4


def workspace(rows: int, columns: int) -> np.ndarray:
    """What a solve on a grid needs, to be used again for grids of the same size: memory that is new costs most."""
    depth, h, w = 1, rows, columns
    while h > 2 or w > 2:
        h, w, depth = (h + 1) // 2, (w + 1) // 2, depth + 1
    # Every level has a halo of one cell, where the field is 0 and which no link reaches.
    return np.zeros((_ARRAYS * depth + _VECTORS, rows + 2, columns + 2), np.float32)


@jit.fast
def solve_batch(east, north, extra, rhs, out, tolerance, most, work):
    """Solve each grid of the batch from the guess in ``out``; returns the iterations of the last.

    ``east[i, j]`` links (i, j) and (i, j + 1), ``north[i, j]`` links (i, j) and (i + 1, j); those across the far edges
    are not read. All (N, h, w) float32; ``work`` from `workspace`. Stops at ``tolerance`` of the right-hand side's
    preconditioned norm.
    """
    count, h, w = extra.shape
    levels = (work.shape[0] - _VECTORS) // _ARRAYS
    sizes = np.empty((levels, 2), np.int64)
    u, f, e = work[:levels], work[levels : 2 * levels], work[2 * levels : 3 * levels]
    n, d, inverse = work[3 * levels : 4 * levels], work[4 * levels : 5 * levels], work[5 * levels : 6 * levels]
    p, q, x, r = work[-4], work[-3], work[-2], work[-1]
    spent = 0
    for sample in range(count):
        e[0, 1 : h + 1, 1:w] = east[sample, :, : w - 1]
        n[0, 1:h, 1 : w + 1] = north[sample, : h - 1]
        d[0, 1 : h + 1, 1 : w + 1] = extra[sample]
        _set_up(e, n, d, inverse, sizes, h, w)
        r[1 : h + 1, 1 : w + 1] = rhs[sample]
        x[1 : h + 1, 1 : w + 1] = out[sample]
        p[:] = 0.0
        f[0] = r
        _v_cycle(u, f, e, n, d, inverse, sizes)
        new = scale = _dot(r, u[0], h, w)
        if _dot(x, x, h, w) > 0.0:
            _apply(x, e[0], n[0], d[0], q, h, w)
            r -= q
            f[0] = r
            _v_cycle(u, f, e, n, d, inverse, sizes)
            new = _dot(r, u[0], h, w)
        energy = 0.0
        spent = 0
        while spent < most and new > tolerance * tolerance * scale:
            beta = np.float32(new / energy) if energy > 0.0 else np.float32(0.0)
            energy = new
            for i in range(1, h + 1):
                for j in range(1, w + 1):
                    p[i, j] = u[0, i, j] + beta * p[i, j]
            _apply(p, e[0], n[0], d[0], q, h, w)
            curvature = _dot(p, q, h, w)
            if not curvature > 0.0:
                break
            alpha = np.float32(new / curvature)
            for i in range(1, h + 1):
                for j in range(1, w + 1):
                    x[i, j] += alpha * p[i, j]
                    r[i, j] -= alpha * q[i, j]
            f[0] = r
            _v_cycle(u, f, e, n, d, inverse, sizes)
            new = _dot(r, u[0], h, w)
            spent += 1
        out[sample] = x[1 : h + 1, 1 : w + 1]
    return spent


@jit.fast_inner
def _apply(v, e, n, d, out, h, w):
    """``out = A v``."""
    for i in range(1, h + 1):
        for j in range(1, w + 1):
            total = e[i, j] + e[i, j - 1] + n[i, j] + n[i - 1, j] + d[i, j]
            near = e[i, j] * v[i, j + 1] + e[i, j - 1] * v[i, j - 1] + n[i, j] * v[i + 1, j] + n[i - 1, j] * v[i - 1, j]
            out[i, j] = total * v[i, j] - near


@jit.fast_inner
def _dot(a, b, h, w):
    total = 0.0
    for i in range(1, h + 1):
        line = np.float32(0.0)
        for j in range(1, w + 1):
            line += a[i, j] * b[i, j]
        total += line
    return total


@jit.fast_inner
def _set_up(e, n, d, inverse, sizes, h, w):
    """All levels: a coarse cell's extra diagonal is the sum of its four, its link half the sum of the two it covers.

    Galerkin's coarse link is that whole sum; half of it makes up for the steps of a piecewise constant prolongation.
    """
    half = np.float32(0.5)
    sizes[0, 0], sizes[0, 1] = h, w
    for level in range(sizes.shape[0]):
        rows, columns = sizes[level]
        if level > 0:
            d[level] = 0.0
            e[level] = 0.0
            n[level] = 0.0
            fine_rows, fine_columns = sizes[level - 1]
            for i in range(1, fine_rows + 1):
                for j in range(1, fine_columns + 1):
                    ci, cj = (i + 1) // 2, (j + 1) // 2
                    d[level, ci, cj] += d[level - 1, i, j]
                    if j % 2 == 0:
                        e[level, ci, cj] += half * e[level - 1, i, j]
                    if i % 2 == 0:
                        n[level, ci, cj] += half * n[level - 1, i, j]
        for i in range(1, rows + 1):
            for j in range(1, columns + 1):
                total = e[level, i, j] + e[level, i, j - 1] + n[level, i, j] + n[level, i - 1, j] + d[level, i, j]
                inverse[level, i, j] = np.float32(1.0) / total if total > 0 else np.float32(0.0)
        if level + 1 < sizes.shape[0]:
            sizes[level + 1, 0], sizes[level + 1, 1] = (rows + 1) // 2, (columns + 1) // 2


@jit.fast_inner
def _half_sweep(u, f, e, n, inverse, rows, columns, colour):
    """Gauss-Seidel on one colour; a row is relaxed into a buffer and blended, which vectorises."""
    line = np.empty(columns + 2, np.float32)
    for i in range(1, rows + 1):
        below, here, above, rhs, diagonal = u[i - 1], u[i], u[i + 1], f[i], inverse[i]
        east, north, south = e[i], n[i], n[i - 1]
        for j in range(1, columns + 1):
            near = (east[j] * here[j + 1] + east[j - 1] * here[j - 1]) + (north[j] * above[j] + south[j] * below[j])
            line[j] = (rhs[j] + near) * diagonal[j]
        start = 1 + (i + colour) % 2
        for j in range(1, columns + 1):
            here[j] = line[j] if ((j - start) & 1) == 0 else here[j]


@jit.fast_inner
def _restrict(u, f, e, n, d, coarse, rows, columns):
    """Sum the residual over the four cells of each coarse one."""
    coarse[: (rows + 1) // 2 + 1] = 0.0
    line = np.empty(columns + 2, np.float32)
    for i in range(1, rows + 1):
        below, here, above, rhs, extra = u[i - 1], u[i], u[i + 1], f[i], d[i]
        east, north, south = e[i], n[i], n[i - 1]
        for j in range(1, columns + 1):
            total = east[j] + east[j - 1] + north[j] + south[j] + extra[j]
            near = (east[j] * here[j + 1] + east[j - 1] * here[j - 1]) + (north[j] * above[j] + south[j] * below[j])
            line[j] = rhs[j] + near - total * here[j]
        line[columns + 1] = 0.0
        out = coarse[(i + 1) // 2]
        for j in range(1, (columns + 1) // 2 + 1):
            out[j] += line[2 * j - 1] + line[2 * j]


@jit.fast_inner
def _v_cycle(u, f, e, n, d, inverse, sizes):
    """``u[0]`` from ``f[0]``: one red-black sweep down, the mirrored one up, so that the cycle is symmetric."""
    last = sizes.shape[0] - 1
    for level in range(last):
        rows, columns = sizes[level]
        u[level, : rows + 2] = 0.0
        _half_sweep(u[level], f[level], e[level], n[level], inverse[level], rows, columns, 0)
        _half_sweep(u[level], f[level], e[level], n[level], inverse[level], rows, columns, 1)
        _restrict(u[level], f[level], e[level], n[level], d[level], f[level + 1], rows, columns)
    rows, columns = sizes[last]
    u[last, : rows + 2] = 0.0
    for _ in range(6):
        _half_sweep(u[last], f[last], e[last], n[last], inverse[last], rows, columns, 0)
        _half_sweep(u[last], f[last], e[last], n[last], inverse[last], rows, columns, 1)
        _half_sweep(u[last], f[last], e[last], n[last], inverse[last], rows, columns, 0)
    for level in range(last - 1, -1, -1):
        rows, columns = sizes[level]
        for i in range(1, rows + 1):
            for j in range(1, columns + 1):
                u[level, i, j] += u[level + 1, (i + 1) // 2, (j + 1) // 2]
        _half_sweep(u[level], f[level], e[level], n[level], inverse[level], rows, columns, 1)
        _half_sweep(u[level], f[level], e[level], n[level], inverse[level], rows, columns, 0)
