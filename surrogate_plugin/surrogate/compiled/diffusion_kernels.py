"""Compiled solve of ``-div(L grad u) + d u = f`` on a small grid: conjugate gradients around the solver's V-cycle."""

# mypy: disable-error-code="assignment"

from __future__ import annotations

from typing import Any

import numpy as np

from surrogate_plugin import jit
from surrogate_plugin.sharing_kernels import alone
from surrogate_plugin.solvers.multigrid.cycle_kernels import cycle, level
from surrogate_plugin.solvers.multigrid.hierarchy import coarse_buffers, level_shapes
from surrogate_plugin.solvers.multigrid.level_kernels import residual
from surrogate_plugin.solvers.multigrid.setup_kernels import set_up_coarse, set_up_level

#: Lattices of the finest level: links north and east, extra diagonal, inverse diagonal, and five vectors.
_LATTICES = 9
#: Blocks on the coarsest level: so few that its dense inverse costs nothing in each of a batch's set-ups.
_COARSEST = 4


def workspace(rows: int, columns: int) -> tuple[Any, ...]:
    """What a solve on a grid needs, to be used again for grids of the same size: memory that is new costs most."""
    dims = level_shapes((rows, columns), _COARSEST)
    offset, flat = coarse_buffers(dims)
    count = int(dims[-1].prod())
    levels = (dims, offset, *np.zeros((5, flat), np.float32), np.zeros((count, count), np.float32))
    # Every level has a halo of one cell, where the field is 0 and which no link reaches.
    lattices = np.zeros((_LATTICES, rows + 2, columns + 2), np.float32)
    return lattices, levels, np.zeros(flat, np.float32), np.zeros((count, count)), np.zeros(2, np.bool_)


@jit.fast
def solve_batch(east, north, extra, rhs, out, tolerance, most, work):
    """Solve each grid of the batch from the guess in ``out``; returns the iterations of the last.

    ``east[i, j]`` links (i, j) and (i, j + 1), ``north[i, j]`` links (i, j) and (i + 1, j); those of the last column
    and of the last row lead to the first, where one of them is above 0. All (N, h, w) float32; ``work`` from
    `workspace`. Stops at ``tolerance`` of the right-hand side's preconditioned norm.

    The iteration is one of its own beside the solver's: this one runs in float32 on a residual that it updates, and
    compiled as a whole, since calls from python would cost as much as the arithmetic of a grid of 64 x 64 blocks.
    """
    count, h, w = extra.shape
    lattices, levels, rates, matrix, rings = work
    n, e, d, inverse = lattices[0], lattices[1], lattices[2], lattices[3]
    p, q, x, r, z = lattices[4], lattices[5], lattices[6], lattices[7], lattices[8]
    team = alone()
    spent = 0
    for sample in range(count):
        _set_rings(north[sample, h - 1], east[sample, :, w - 1], work)
        n[1 : h + 1, 1 : w + 1] = north[sample]
        e[1 : h + 1, 1 : w + 1] = east[sample]
        d[1 : h + 1, 1 : w + 1] = extra[sample]
        _set_up(team, d, n, e, inverse, levels, rates, matrix, rings)
        r[1 : h + 1, 1 : w + 1] = rhs[sample]
        x[1 : h + 1, 1 : w + 1] = out[sample]
        p[:] = 0.0
        begun, scale, energy, spent = False, 0.0, 0.0, 0
        while True:
            cycle(team, z, r, (inverse, n, e, None), rings, levels, 1, 1)
            new = _dot(r, z)
            if not begun:
                begun, scale = True, new
                if _dot(x, x) > 0.0:
                    residual(team, x, r, inverse, n, e, rings, q)
                    r[:] = q
                    continue
            if spent >= most or not new > tolerance * tolerance * scale:
                break
            beta = np.float32(new / energy) if energy > 0.0 else np.float32(0.0)
            energy = new
            _add_multiple(z, beta, p, p)
            residual(team, p, None, inverse, n, e, rings, q)
            curvature = -_dot(p, q)
            if not curvature > 0.0:
                break
            alpha = np.float32(new / curvature)
            _add_multiple(x, alpha, p, x)
            _add_multiple(r, alpha, q, r)
            spent += 1
        out[sample] = x[1 : h + 1, 1 : w + 1]
    return spent


@jit.fast_inner
def _set_rings(last_row, last_column, work):
    """Which axes are rings; where that is another than before, nothing may be left in the halos."""
    lattices, levels, rates, _, rings = work
    rows, columns = False, False
    for link in last_row:
        rows = rows or link > 0
    for link in last_column:
        columns = columns or link > 0
    if rings[0] == rows and rings[1] == columns:
        return
    rings[0], rings[1] = rows, columns
    lattices[:] = 0.0
    rates[:] = 0.0
    for part in levels[2:7]:
        part[:] = 0.0


@jit.fast_inner
def _set_up(team, d, n, e, inverse, levels, rates, matrix, rings):
    dims, offset, _, _, _, north, east, _ = levels
    shape, low, high = level(1, dims, offset)
    below = rates[low:high].reshape(shape), None, north[low:high].reshape(shape), east[low:high].reshape(shape)
    set_up_level(team, d, None, n, e, rings, inverse, below)
    set_up_coarse(team, rings, levels, rates, None, matrix)


@jit.fast_inner
def _add_multiple(a, factor, b, out):
    """``out = a + factor b``; ``out`` may be either."""
    for i in range(1, out.shape[0] - 1):
        for j in range(1, out.shape[1] - 1):
            out[i, j] = a[i, j] + factor * b[i, j]


@jit.fast_inner
def _dot(a, b):
    total = 0.0
    for i in range(1, a.shape[0] - 1):
        line = np.float32(0.0)
        for j in range(1, a.shape[1] - 1):
            line += a[i, j] * b[i, j]
        total += line
    return total
