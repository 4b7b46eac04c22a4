"""Compiled look-ups for the capacitance matrix: where the charges sit and what they do to one another."""

from __future__ import annotations

import numpy as np

from surrogate_plugin import jit
from surrogate_plugin.sharing_kernels import claim, settle


@jit.exact_inner
def _root(parent, i):
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@jit.exact
def charge_pixels(fixed, periodic_y, periodic_x):
    """The fixed pixels that touch a free one, in row order, and a label for each: one a connected rim.

    Returns flat pixel indices and labels, both int64; a label is the position of the rim's first pixel.
    """
    rows, columns = fixed.shape
    found, parent = np.empty(fixed.size, np.int64), np.empty(fixed.size, np.int64)
    # Positions of the charges of the row below and of this row, -1 where there is none, with a margin of one.
    before, row = np.full(columns + 2, -1), np.full(columns + 2, -1)
    count = 0
    for i in range(rows):
        below = i - 1 if i > 0 else (rows - 1 if periodic_y else i)
        above = i + 1 if i + 1 < rows else (0 if periodic_y else i)
        row[:] = -1
        for j in range(columns):
            if not fixed[i, j]:
                continue
            left = j - 1 if j > 0 else (columns - 1 if periodic_x else j)
            right = j + 1 if j + 1 < columns else (0 if periodic_x else j)
            if fixed[below, j] and fixed[above, j] and fixed[i, left] and fixed[i, right]:
                continue
            found[count], parent[count], row[j + 1] = i * columns + j, count, count
            for other in (row[j], before[j], before[j + 1], before[j + 2]):
                if other >= 0:
                    one, two = _root(parent, other), _root(parent, count)
                    parent[max(one, two)] = min(one, two)
            count += 1
        before, row = row, before
    for i in range(count):
        parent[i] = _root(parent, i)
    return found[:count].copy(), parent[:count].copy()


@jit.fast_inner
def _gather_row(out, i, table, y, x, y_images, x_images):
    y_shift, y_period, y_sign, y_mirror = y_images
    x_shift, x_period, x_sign, x_mirror = x_images
    yi, xi = y[i], x[i]
    for j in range(i + 1):
        dy, dx = abs(yi - y[j]), abs(xi - x[j])
        dy, dx = min(dy, y_period - dy), min(dx, x_period - dx)
        value = table[dy, dx]
        sy, sx = yi + y[j] + y_shift, xi + x[j] + x_shift
        fy = y_sign * (y_mirror if 2 * sy > y_period else 1.0)
        fx = x_sign * (x_mirror if 2 * sx > x_period else 1.0)
        sy, sx = min(sy, y_period - sy), min(sx, x_period - sx)
        if x_sign != 0.0:
            value += fx * table[dy, sx]
        if y_sign != 0.0:
            value += fy * table[sy, dx]
            if x_sign != 0.0:
                value += fy * fx * table[sy, sx]
        out[i, j] = value


@jit.fast
def gather(team, out, table, y, x, y_images, x_images):
    """Lower triangle of ``out[i, j] = A0^-1[(y_i, x_i), (y_j, x_j)]``; images are (shift, period, sign, mirror)."""
    count = y.shape[0]
    pairs = (count + 1) // 2
    piece = claim(team, pairs)
    while piece < pairs:
        # A short row and a long one make equal tasks of a triangle.
        short, long = piece, count - 1 - piece
        _gather_row(out, long, table, y, x, y_images, x_images)
        if short != long:
            _gather_row(out, short, table, y, x, y_images, x_images)
        piece = claim(team, pairs)
    settle(team, pairs)


@jit.fast
def multiply_symmetric(lower, vector):
    """The product of a symmetric matrix, of which only the lower triangle is read, with a vector.

    On one core on purpose: at these sizes a threaded library loses more to waiting for busy cores than it gains.
    """
    out = np.zeros_like(vector)
    for i in range(vector.shape[0]):
        row, here, total = lower[i], vector[i], 0.0
        for j in range(i):
            total += row[j] * vector[j]
        for j in range(i):
            out[j] += row[j] * here
        out[i] += total + row[i] * here
    return out


@jit.fast
def factorise_blocks(starts, offsets, packed, table, y, x, y_images, x_images):
    """Cholesky factors of the diagonal blocks, each row by row into ``packed``, its diagonal inverted."""
    for b in range(starts.shape[0] - 1):
        first, size = starts[b], starts[b + 1] - starts[b]
        block = packed[offsets[b] : offsets[b] + size * size].reshape(size, size)
        for i in range(size):
            _gather_row(block, i, table, y[first:], x[first:], y_images, x_images)
        for i in range(size):
            for j in range(i):
                total = block[i, j]
                for k in range(j):
                    total -= block[i, k] * block[j, k]
                block[i, j] = total * block[j, j]
            total = block[i, i]
            for k in range(i):
                total -= block[i, k] * block[i, k]
            block[i, i] = 1.0 / np.sqrt(max(total, 1e-300))


@jit.fast
def solve_blocks(starts, offsets, packed, rhs):
    """Solve with the factors of `factorise_blocks`; a new array."""
    out = rhs.copy()
    for b in range(starts.shape[0] - 1):
        first, size = starts[b], starts[b + 1] - starts[b]
        block = packed[offsets[b] : offsets[b] + size * size].reshape(size, size)
        part = out[first : first + size]
        for i in range(size):
            total = part[i]
            for k in range(i):
                total -= block[i, k] * part[k]
            part[i] = total * block[i, i]
        for i in range(size - 1, -1, -1):
            part[i] *= block[i, i]
            for k in range(i):
                part[k] -= block[i, k] * part[i]
    return out
