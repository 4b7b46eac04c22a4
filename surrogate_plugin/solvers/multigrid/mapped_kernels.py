"""Compiled set-up and V-cycle of a mapped operator: faces of any conductance.

The first coarse level gathers 2 x 2 pixels, as without a map, where obstacles and tissues are some pixels wide: each
then counts with what is free of it. From the first coarse level on, and from the finest where walls thinner than a
pixel would be lost within such a square, transfers are weighted by the links and the levels below have 9 points. So
there is one 5-point level with weighted transfers, the *head*: the finest or the one below it.

``levels`` is that of `cycle_kernels`; ``wide`` is (rising, falling, weights), flat like it, the last (8, flat).
"""

from __future__ import annotations

import numpy as np

from surrogate_plugin import jit
from surrogate_plugin.sharing_kernels import alone, claim, pieces, settle
from surrogate_plugin.solvers.multigrid import stencil_kernels as stencil
from surrogate_plugin.solvers.multigrid.cycle_kernels import WORTH_THREADS, ascend, descend, level, solve_coarsest
from surrogate_plugin.solvers.multigrid.galerkin_kernels import coarsen
from surrogate_plugin.solvers.multigrid.level_kernels import half_sweep, sweep_from_zero, wrap
from surrogate_plugin.solvers.multigrid.setup_kernels import (
    STRONGEST,
    invert_coarsest,
    invert_finest,
    set_up_finest,
    set_up_level,
)


@jit.fast_inner
def _weights_of(flat, low, high, shape):
    """The eight maps of weights between a level and the one above it."""
    return (
        flat[0, low:high].reshape(shape), flat[1, low:high].reshape(shape), flat[2, low:high].reshape(shape),
        flat[3, low:high].reshape(shape), flat[4, low:high].reshape(shape), flat[5, low:high].reshape(shape),
        flat[6, low:high].reshape(shape), flat[7, low:high].reshape(shape),
    )  # fmt: skip


@jit.fast_inner
def _links_of(number, levels, wide):
    """The links of a 9-point level."""
    dims, offset, _, _, _, north, east, _ = levels
    shape, low, high = level(number, dims, offset)
    rising, falling, _ = wide
    return (
        north[low:high].reshape(shape), east[low:high].reshape(shape), rising[low:high].reshape(shape),
        falling[low:high].reshape(shape),
    )  # fmt: skip


@jit.fast_inner
def _next(number, levels, wide, rate):
    """What set-up fills of a 9-point level: rates, inverse diagonal, links, and the weights towards it."""
    dims, offset, _, _, inverse, _, _, _ = levels
    shape, low, high = level(number, dims, offset)
    weights = _weights_of(wide[2], low, high, shape)
    return (
        rate[low:high].reshape(shape), inverse[low:high].reshape(shape), _links_of(number, levels, wide), weights,
    )  # fmt: skip


@jit.fast_inner
def _head_of(head, x, b, finest, levels):
    """The arrays of the head: solution, right-hand side, inverse diagonal, links."""
    if head == 0:
        return x, b, finest[0], finest[1], finest[2]
    dims, offset, xs, bs, inverse, north, east, _ = levels
    shape, low, high = level(1, dims, offset)
    return (
        xs[low:high].reshape(shape), bs[low:high].reshape(shape), inverse[low:high].reshape(shape),
        north[low:high].reshape(shape), east[low:high].reshape(shape),
    )  # fmt: skip


@jit.fast_inner
def _split(team, free, decay, faces, rings, rate, north, east):
    """The finest level as links between free pixels alone, and ``rate``, which holds all else. Sets no halo."""
    ny, nx = free.shape
    across, along = faces
    chunks = pieces(free.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(chunk * ny // chunks, (chunk + 1) * ny // chunks):
            # Beyond a side that is no ring lies what is held.
            above = i + 1 if i < ny - 1 else 0
            below = i - 1 if i > 0 else ny - 1
            up, down = i < ny - 1 or rings[0], i > 0 or rings[0]
            for j in range(nx):
                right = j + 1 if j < nx - 1 else 0
                left = j - 1 if j > 0 else nx - 1
                own = free[i, j]
                n = own and up and free[above, j]
                s = own and down and free[below, j]
                e = own and (j < nx - 1 or rings[1]) and free[i, right]
                w = own and (j > 0 or rings[1]) and free[i, left]
                north[i + 1, j + 1] = np.float32(across[i + 1, j] if n else 0.0)
                east[i + 1, j + 1] = np.float32(along[i, j + 1] if e else 0.0)
                held = (0.0 if n else across[i + 1, j]) + (0.0 if s else across[i, j])
                held += (0.0 if e else along[i, j + 1]) + (0.0 if w else along[i, j])
                rate[i + 1, j + 1] = np.float32(held + min(decay[i, j], STRONGEST) if own else 0.0)
        chunk = claim(team, chunks)
    settle(team, chunks)
    wrap(team, rate, rings)
    wrap(team, north, rings)
    wrap(team, east, rings)


@jit.fast_inner
def _cut_loops(team, north, east, rings):
    """Drop the links that lead from a pixel to itself, around a ring of one."""
    if claim(team, 1) == 0:
        if rings[0] and north.shape[0] == 3:
            north[:] = np.float32(0.0)
        if rings[1] and east.shape[1] == 3:
            east[:] = np.float32(0.0)
    settle(team, 1)


@jit.fast_inner
def _add_walls(team, rate, wall, rings):
    """What stands in ``wall`` into ``rate``."""
    if claim(team, 1) == 0:
        for i in range(rate.shape[0]):
            for j in range(rate.shape[1]):
                rate[i, j] += wall[i, j]
    settle(team, 1)
    wrap(team, rate, rings)


@jit.fast
def set_up(team, free, decay, faces, walls, rings, finest, levels, wide, rate, wall, matrix, head, scratch):
    """Everything of a hierarchy that depends on a mapped operator.

    ``scratch`` is five arrays of the finest level's shape where that is the head.
    """
    dims, offset, xs, bs, inverse, north, east, coarsest = levels
    last = dims.shape[0] - 1
    shape, low, high = level(1, dims, offset)
    n, e, inv = north[low:high].reshape(shape), east[low:high].reshape(shape), inverse[low:high].reshape(shape)
    k, w = rate[low:high].reshape(shape), wall[low:high].reshape(shape)
    x, b = xs[low:high].reshape(shape), bs[low:high].reshape(shape)
    if head == 0:
        invert_finest(team, free, decay, faces, walls, rings, finest[0])
        k, n, e, x, b = scratch
        _split(team, free, decay, faces, rings, k, n, e)
        inv = finest[0]
    else:
        set_up_finest(team, free, decay, faces, walls, rings, finest[0], k, w, n, e)
        _cut_loops(team, n, e, rings)
        set_up_level(team, k, w, n, e, rings, inv, None)
        _add_walls(team, k, w, rings)
    if head < last:
        coarse_rate, coarse_inverse, coarse, weights = _next(head + 1, levels, wide, rate)
        coarsen(team, k, inv, (n, e, None, None), rings, (x, b), weights, coarse_rate, coarse_inverse, coarse)
    for number in range(head + 1, last):
        shape, low, high = level(number, dims, offset)
        k, inv = rate[low:high].reshape(shape), inverse[low:high].reshape(shape)
        scratch_pair = xs[low:high].reshape(shape), bs[low:high].reshape(shape)
        coarse_rate, coarse_inverse, coarse, weights = _next(number + 1, levels, wide, rate)
        links = _links_of(number, levels, wide)
        coarsen(team, k, inv, links, rings, scratch_pair, weights, coarse_rate, coarse_inverse, coarse)
    if claim(team, 1) == 0:
        shape, low, high = level(last, dims, offset)
        north, east, rising, falling = _links_of(last, levels, wide)
        if head == last:  # it has 5 points, whatever lay there before
            rising[:] = np.float32(0.0)
            falling[:] = np.float32(0.0)
        invert_coarsest(inverse[low:high].reshape(shape), north, east, (rising, falling), matrix, coarsest)
    settle(team, 1)


@jit.fast
def v_cycle(team, x, b, finest, rings, levels, wide, head, pre, post):
    """One V(pre, post) cycle from zero, as `cycle_kernels.cycle`."""
    dims, offset, xs, bs, _, _, _, _ = levels
    last = dims.shape[0] - 1
    shape, low, high = level(1, dims, offset)
    if head == 1:
        descend(team, x, b, finest[0], finest[1], finest[2], rings, bs[low:high].reshape(shape), pre)
    hx, hb, inverse, north, east = _head_of(head, x, b, finest, levels)
    if head == last:
        if claim(team, 1) == 0:
            solve_coarsest(hx, hb, levels[7])
        settle(team, 1)
    else:
        weights, below, rhs = _below(head + 1, levels, wide)
        sweep_from_zero(team, hx, hb, inverse, north, east, rings)
        for half in range(2 * pre - 2):
            half_sweep(team, hx, hb, inverse, north, east, rings, half & 1)
        stencil.restrict(team, hx, hb, inverse, (north, east, None, None), rings, weights, rhs)
        _stencil_cycle(team, head + 1, rings, levels, wide, pre, post)
        stencil.prolong(team, hx, below, weights, rings)
        for half in range(2 * post):
            half_sweep(team, hx, hb, inverse, north, east, rings, (half + 1) & 1)
    if head == 1:
        ascend(team, x, b, finest[0], finest[1], finest[2], rings, xs[low:high].reshape(shape), post)


@jit.fast_inner
def _below(number, levels, wide):
    """What a level and the one above it share: weights, and the lower one's solution and right-hand side."""
    dims, offset, xs, bs, _, _, _, _ = levels
    shape, low, high = level(number, dims, offset)
    return _weights_of(wide[2], low, high, shape), xs[low:high].reshape(shape), bs[low:high].reshape(shape)


@jit.fast_inner
def _stencil_cycle(team, first, rings, levels, wide, pre, post):
    """The part of a V-cycle on levels of 9 points, threads as in `cycle_kernels`."""
    dims, offset, xs, bs, inverses, _, _, coarsest = levels
    last = dims.shape[0] - 1
    shared = first
    while shared < last and dims[shared, 0] >= WORTH_THREADS:
        shared += 1
    crew, single, mine = team, alone(), True
    for leg in range(first, 2 * last - first + 1):
        here = min(leg, 2 * last - leg)
        if leg == shared:
            crew, mine = single, claim(team, 1) == 0
        if leg == 2 * last - shared + 1:
            crew, mine = team, True
            settle(team, 1)
        if not mine:
            continue
        shape, low, high = level(here, dims, offset)
        x, b = xs[low:high].reshape(shape), bs[low:high].reshape(shape)
        if here == last:
            solve_coarsest(x, b, coarsest)
            continue
        inverse, links = inverses[low:high].reshape(shape), _links_of(here, levels, wide)
        weights, below, rhs = _below(here + 1, levels, wide)
        if leg < last:
            stencil.clear(crew, x)
            for _ in range(pre):
                stencil.sweep(crew, x, b, inverse, links, rings, False)
            stencil.restrict(crew, x, b, inverse, links, rings, weights, rhs)
        else:
            stencil.prolong(crew, x, below, weights, rings)
            for _ in range(post):
                stencil.sweep(crew, x, b, inverse, links, rings, True)
    if shared == first:
        settle(team, 1)
