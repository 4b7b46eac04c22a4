"""Compiled kernels of a 9-point level and of weighted transfers: what a mapped operator needs beside `level_kernels`.

Coarse pixel ``K`` sits on fine pixel ``2 K - 1`` (both counted from 1). Those between take their values from it with
weights, eight a coarse pixel, in the order of `EAST` to `SOUTH_WEST`; they are 0 where nothing lies between.

The links of a level are ``(north, east, rising, falling)``: ``rising[i, j]`` joins (i, j) and (i + 1, j + 1),
``falling[i, j]`` (i, j) and (i + 1, j - 1); the last two are None on a 5-point level. Gauss-Seidel needs four colours,
two in the even rows and two in the odd ones, so a sweep goes over the rows of one parity and then of the other.
"""

from __future__ import annotations

import numpy as np

from surrogate_plugin import jit
from surrogate_plugin.sharing_kernels import claim, pieces, settle
from surrogate_plugin.solvers.multigrid.level_kernels import alternating, around, blend, inflow, wrap

#: Where a coarse pixel's weights for the fine pixels around it stand.
EAST, WEST, NORTH, SOUTH, NORTH_EAST, NORTH_WEST, SOUTH_EAST, SOUTH_WEST = range(8)


@jit.fast_inner
def _flow(x, i, links, j):
    """What the neighbours of pixel ``j`` of row ``i`` bring."""
    north, east, rising, falling = links
    straight = inflow(x[i - 1], x[i], x[i + 1], north[i - 1], east[i], north[i], j)
    return straight + _diagonal_flow(x, i, rising, falling, j)


@jit.fast_inner
def _diagonal_flow(x, i, rising, falling, j):
    if rising is None:
        return np.float32(0.0)
    below, above = x[i - 1], x[i + 1]
    return (rising[i, j] * above[j + 1] + rising[i - 1, j - 1] * below[j - 1]) + (
        falling[i, j] * above[j - 1] + falling[i - 1, j + 1] * below[j + 1]
    )


@jit.fast_inner
def _relax_row(x, i, b, inverse, links, out):
    """The Gauss-Seidel values of a row, for both colours."""
    rhs, inv = b[i], inverse[i]
    for j in range(1, out.shape[0] - 1):
        out[j] = (rhs[j] + _flow(x, i, links, j)) * inv[j]


@jit.fast_inner
def clear(team, x):
    """``x = 0``."""
    if claim(team, 1) == 0:
        x[:] = np.float32(0.0)
    settle(team, 1)


@jit.fast_inner
def sweep(team, x, b, inverse, links, rings, backwards):
    """Gauss-Seidel on all four colours, from the coarse pixels' own on or back to it."""
    ny, nx = x.shape[0] - 2, x.shape[1] - 2
    line, mask = np.empty(nx + 2, np.float32), alternating(nx + 2)
    relaxed, bits = line.view(np.int32), x.view(np.int32)
    chunks = pieces(x.size)
    for turn in range(2):
        wrap(team, x, rings)
        parity = 1 - turn if backwards else turn
        rows = (ny + 1 - parity) // 2
        chunk = claim(team, chunks)
        while chunk < chunks:
            for k in range(chunk * rows // chunks, (chunk + 1) * rows // chunks):
                i = 1 + parity + 2 * k
                for half in range(2):
                    colour = 1 - half if backwards else half
                    _relax_row(x, i, b, inverse, links, line)
                    blend(relaxed, mask[colour:], bits[i])
                    if rings[1]:
                        x[i, 0], x[i, nx + 1] = x[i, nx], x[i, 1]
            chunk = claim(team, chunks)
        settle(team, chunks)


@jit.fast_inner
def _residual_row(i, x, b, inverse, links, rings, out):
    """The residual of row ``i`` with its halo; 0 outside and on fixed pixels."""
    ny, nx = x.shape[0] - 2, x.shape[1] - 2
    one, zero = np.float32(1.0), np.float32(0.0)
    if 1 <= i <= ny or rings[0]:
        k = around(i, ny)
        here, rhs, inv = x[k], b[k], inverse[k]
        for j in range(1, nx + 1):
            held = inv[j] == zero
            value = rhs[j] + _flow(x, k, links, j) - here[j] * (one / (one if held else inv[j]))
            out[j] = zero if held else value
        out[0] = out[nx] if rings[1] else zero
        out[nx + 1] = out[1] if rings[1] else zero
    else:
        out[:] = zero


@jit.fast_inner
def restrict(team, x, b, inverse, links, rings, weights, coarse):
    """The residual, gathered by the weights of each coarse pixel."""
    wrap(team, x, rings)
    ny, nx = x.shape[0] - 2, x.shape[1] - 2
    cy, cx = (ny + 1) // 2, (nx + 1) // 2
    lines = np.zeros((3, nx + 2), np.float32)
    chunks = pieces(x.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        start, stop = 1 + chunk * cy // chunks, 1 + (chunk + 1) * cy // chunks
        below, here, above = lines[0], lines[1], lines[2]
        _residual_row(2 * start - 2, x, b, inverse, links, rings, below)
        for k in range(start, stop):
            _residual_row(2 * k - 1, x, b, inverse, links, rings, here)
            _residual_row(2 * k, x, b, inverse, links, rings, above)
            _gather(below, here, above, weights, k, coarse[k], cx)
            below, above = above, below
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.fast_inner
def _gather(below, here, above, weights, k, out, count):
    e, w, n, s = weights[EAST][k], weights[WEST][k], weights[NORTH][k], weights[SOUTH][k]
    ne, nw = weights[NORTH_EAST][k], weights[NORTH_WEST][k]
    se, sw = weights[SOUTH_EAST][k], weights[SOUTH_WEST][k]
    for j in range(1, count + 1):
        at = 2 * j - 1
        out[j] = (
            (here[at] + (e[j] * here[at + 1] + w[j] * here[at - 1]))
            + (n[j] * above[at] + (ne[j] * above[at + 1] + nw[j] * above[at - 1]))
            + (s[j] * below[at] + (se[j] * below[at + 1] + sw[j] * below[at - 1]))
        )


@jit.fast_inner
def prolong(team, x, coarse, weights, rings):
    """Add to each fine pixel what the coarse ones around it give; sets the halo of ``coarse``."""
    wrap(team, coarse, rings)
    ny = x.shape[0] - 2
    cy = (ny + 1) // 2
    chunks = pieces(x.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for k in range(1 + chunk * cy // chunks, 1 + (chunk + 1) * cy // chunks):
            _add_on(x[2 * k - 1], coarse[k], weights[EAST][k], weights[WEST][k])
            if 2 * k <= ny:
                _add_between(x[2 * k], coarse, weights, k)
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.fast_inner
def _add_on(row, values, east, west):
    """A row of fine pixels that holds coarse ones."""
    nx = row.shape[0] - 2
    for j in range(1, (nx + 1) // 2 + 1):
        row[2 * j - 1] += values[j]
    for j in range(1, nx // 2 + 1):
        row[2 * j] += east[j] * values[j] + west[j + 1] * values[j + 1]


@jit.fast_inner
def _add_between(row, coarse, weights, k):
    """A row of fine pixels between the coarse rows ``k`` and ``k + 1``."""
    nx = row.shape[0] - 2
    low, high = coarse[k], coarse[k + 1]
    n, s = weights[NORTH][k], weights[SOUTH][k + 1]
    ne, nw = weights[NORTH_EAST][k], weights[NORTH_WEST][k]
    se, sw = weights[SOUTH_EAST][k + 1], weights[SOUTH_WEST][k + 1]
    for j in range(1, (nx + 1) // 2 + 1):
        row[2 * j - 1] += n[j] * low[j] + s[j] * high[j]
    for j in range(1, nx // 2 + 1):
        row[2 * j] += (ne[j] * low[j] + nw[j + 1] * low[j + 1]) + (se[j] * high[j] + sw[j + 1] * high[j + 1])
