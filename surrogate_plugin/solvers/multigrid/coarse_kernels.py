"""Compiled kernels for the coarse levels: set-up by rediscretisation, smoothing, and the V-cycle over all of them.

A coarse pixel gathers 2 x 2 finer ones. Its link to a neighbour is half the sum of the finer links that cross
between them, its decay the sum of the finer ones. A wall (a fixed pixel or an outer side) is farther from the coarse
centre than from the fine one, so a finer wall conductance ``g`` passes on as ``g / (1 + WALL g)``: resistances in
series.

Level ``l`` occupies ``offset[l] : offset[l + 1]`` of each flat buffer, with a halo of one pixel.
"""

from __future__ import annotations

import numpy as np

from surrogate_plugin import jit
from surrogate_plugin.sharing_kernels import alone, claim, pieces, settle
from surrogate_plugin.solvers.multigrid.fine_kernels import (
    alternating,
    fill_halo,
    fill_transfer_halo,
    fine_first_half_sweep,
    fine_half_sweep,
    fine_residual,
    prolong_add,
    restrict,
    wrap,
)

#: The added resistance is 1/2 for a straight wall and log(2) / (2 pi) for a lone pixel. Of 0.05, 0.12, 0.25 and 0.5
#: this value had the best worst case: 0.5 diverges on lone pixels at long diffusion lengths, 0.12 is slow on walls.
WALL = 0.25


#: Stronger decay than this looks the same to a cycle, and more would overflow when it is summed over a coarse pixel.
STRONGEST = 1e28


@jit.fast
def fine_setup(team, free, decay, sides, dinv):
    """Inverse diagonal of the finest level, 0 on fixed pixels (and in the halo)."""
    ny, nx = free.shape
    chunks = pieces(free.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(chunk * ny // chunks, (chunk + 1) * ny // chunks):
            links_y = 4
            if i == 0 and sides[2] == 1:
                links_y -= 1
            if i == ny - 1 and sides[3] == 1:
                links_y -= 1
            row, out = free[i], dinv[i + 1]
            rate = decay[i]
            for j in range(nx):
                out[j + 1] = np.float32(1.0 / (links_y + min(rate[j], STRONGEST))) if row[j] else np.float32(0.0)
            if sides[0] == 1 and row[0]:
                out[1] = np.float32(1.0 / (links_y - 1 + min(rate[0], STRONGEST)))
            if sides[1] == 1 and row[nx - 1]:
                lost = 2 if nx == 1 and sides[0] == 1 else 1
                out[nx] = np.float32(1.0 / (links_y - lost + min(rate[nx - 1], STRONGEST)))
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.fast_inner
def _gather_fine_row(i, free, decay, sides, rate, wall, link_e, link_n):
    """Add fine row ``i`` to a coarse row's sums by column: decay, wall conductance, links east and north."""
    ny, nx = free.shape
    one, zero, half = np.float32(1.0), np.float32(0.0), np.float32(0.5)
    here = free[i]
    outer_s = 0 if sides[2] == 0 else 1  # a reflecting side is no wall, a value side is one
    outer_n = 0 if sides[3] == 0 else 1
    periodic = sides[2] == 2
    south = free[i - 1] if i > 0 or periodic else here
    north = free[i + 1] if i < ny - 1 else (free[0] if periodic else here)
    s_known = i > 0 or periodic
    n_known = i < ny - 1 or periodic
    takes_north = ((i & 1) == 1 or i == ny - 1) and n_known
    for j in range(nx):
        west = here[j - 1] if j > 0 else (here[nx - 1] if sides[0] == 2 else sides[0] != 0)
        east = here[j + 1] if j < nx - 1 else (here[0] if sides[0] == 2 else sides[1] != 0)
        open_s = south[j] if s_known else outer_s
        open_n = north[j] if n_known else outer_n
        f = one if here[j] else zero
        walls = np.float32(4 - (west + east + open_s + open_n))
        rate[j] += f * np.float32(min(decay[i, j], STRONGEST))
        wall[j] += f * walls / (one + np.float32(WALL) * walls)
        if j < nx - 1 or sides[0] == 2:
            link_e[j] += half * f * np.float32(east)
        if takes_north:
            link_n[j] += half * f * np.float32(open_n)


@jit.fast_inner
def first_coarsening(team, free, decay, sides, east, north, rate, wall):
    """Links, decay and wall conductance of the first coarse level, straight from the mask and the decay map."""
    ny, nx = free.shape
    cy, cx = (ny + 1) // 2, (nx + 1) // 2
    sums = np.empty((4, 2 * cx), np.float32)
    k, g, e, n = sums[0], sums[1], sums[2], sums[3]
    chunks = pieces(free.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for ci in range(chunk * cy // chunks, (chunk + 1) * cy // chunks):
            sums[:] = 0.0
            for i in range(2 * ci, min(2 * ci + 2, ny)):
                _gather_fine_row(i, free, decay, sides, k, g, e, n)
            if nx & 1:
                e[nx] = e[nx - 1]  # the last pixel is alone in its coarse pixel, so its east link crosses
            for cj in range(cx):
                rate[ci + 1, cj + 1] = k[2 * cj] + k[2 * cj + 1]
                wall[ci + 1, cj + 1] = g[2 * cj] + g[2 * cj + 1]
                east[ci + 1, cj + 1] = e[2 * cj + 1]
                north[ci + 1, cj + 1] = n[2 * cj] + n[2 * cj + 1]
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.fast_inner
def coarsen(east, north, rate, wall, ny, nx, c_east, c_north, c_rate, c_wall):
    """The same from one coarse level to the next (a pixel's walls taken together)."""
    half = np.float32(0.5)
    for ci in range((ny + 1) // 2):
        for cj in range((nx + 1) // 2):
            total = np.float32(0.0)
            g_total = np.float32(0.0)
            link_e = np.float32(0.0)
            link_n = np.float32(0.0)
            for i in range(2 * ci, min(2 * ci + 2, ny)):
                for j in range(2 * cj, min(2 * cj + 2, nx)):
                    total += rate[i + 1, j + 1]
                    g = wall[i + 1, j + 1]
                    g_total += g / (np.float32(1.0) + np.float32(WALL) * g)
                    if (j & 1) == 1 or j == nx - 1:
                        link_e += half * east[i + 1, j + 1]
                    if (i & 1) == 1 or i == ny - 1:
                        link_n += half * north[i + 1, j + 1]
            c_rate[ci + 1, cj + 1] = total
            c_wall[ci + 1, cj + 1] = g_total
            c_east[ci + 1, cj + 1] = link_e
            c_north[ci + 1, cj + 1] = link_n


@jit.fast_inner
def finish_level(east, north, rate, wall, ny, nx, sides, dinv):
    """Put the wrapped links into the halo and invert the diagonal (0 where a pixel has no link at all)."""
    fill_halo(east, ny, nx, sides)
    fill_halo(north, ny, nx, sides)
    for i in range(1, ny + 1):
        for j in range(1, nx + 1):
            d = east[i, j] + east[i, j - 1] + north[i, j] + north[i - 1, j] + rate[i, j] + wall[i, j]
            dinv[i, j] = np.float32(1.0) / d if d > 0 else np.float32(0.0)


@jit.fast
def setup_levels(team, free, decay, sides, dims, offset, dinv0, east, north, rate, wall, dinv):
    """Everything of a hierarchy that depends on the operator, but for the coarsest inverse."""
    fine_setup(team, free, decay, sides, dinv0)
    shape, lo, hi = _level(1, dims, offset)
    first_coarsening(
        team, free, decay, sides, east[lo:hi].reshape(shape), north[lo:hi].reshape(shape),
        rate[lo:hi].reshape(shape), wall[lo:hi].reshape(shape),
    )  # fmt: skip
    if claim(team, 1) == 0:
        for level in range(1, dims.shape[0]):
            ny, nx = dims[level]
            shape, lo, hi = _level(level, dims, offset)
            e, n = east[lo:hi].reshape(shape), north[lo:hi].reshape(shape)
            k, w, d = rate[lo:hi].reshape(shape), wall[lo:hi].reshape(shape), dinv[lo:hi].reshape(shape)
            if level > 1:
                fy, fx = dims[level - 1]
                fine, flo, fhi = _level(level - 1, dims, offset)
                coarsen(
                    east[flo:fhi].reshape(fine), north[flo:fhi].reshape(fine), rate[flo:fhi].reshape(fine),
                    wall[flo:fhi].reshape(fine), fy, fx, e, n, k, w,
                )  # fmt: skip
            finish_level(e, n, k, w, ny, nx, sides, d)
    settle(team, 1)


@jit.fast_inner
def _level(level, dims, offset):
    """The shape of a coarse level's arrays and where they lie in the flat buffers."""
    return (dims[level, 0] + 2, dims[level, 1] + 2), offset[level], offset[level + 1]


@jit.fast_inner
def half_sweep(team, x, b, dinv, east, north, ny, nx, sides, colour):
    """Gauss-Seidel on one colour of a coarse level, as `fine_half_sweep`."""
    wrap(team, x, ny, nx, sides)
    buffer, chosen = np.empty(nx + 2, np.float32), alternating(nx + 2)
    relaxed, bits = buffer.view(np.int32), x.view(np.int32)
    chunks = pieces(x.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(1 + chunk * ny // chunks, 1 + (chunk + 1) * ny // chunks):
            up, here, down = x[i - 1], x[i], x[i + 1]
            e, n, s, rhs, inverse = east[i], north[i], north[i - 1], b[i], dinv[i]
            for j in range(1, nx + 1):
                flow = (s[j] * up[j] + n[j] * down[j]) + (e[j - 1] * here[j - 1] + e[j] * here[j + 1])
                buffer[j] = (rhs[j] + flow) * inverse[j]
            mine, kept = chosen[(i + 1 + colour) & 1 :], bits[i]
            for j in range(1, nx + 1):
                kept[j] = (relaxed[j] & mine[j]) | (kept[j] & ~mine[j])
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.fast_inner
def coarse_residual(team, x, b, dinv, east, north, r, ny, nx, sides):
    """``r = b - A x`` on a coarse level, 0 on pixels without any link."""
    wrap(team, x, ny, nx, sides)
    one, zero = np.float32(1.0), np.float32(0.0)
    chunks = pieces(x.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(1 + chunk * ny // chunks, 1 + (chunk + 1) * ny // chunks):
            up, here, down = x[i - 1], x[i], x[i + 1]
            e, n, s, rhs, inverse, out = east[i], north[i], north[i - 1], b[i], dinv[i], r[i]
            for j in range(1, nx + 1):
                # As in `fine_residual`: nothing is added to an inverse, which may be far below rounding beside 1.
                inv = inverse[j]
                held = inv == zero
                diagonal = one / (one if held else inv)
                flow = (s[j] * up[j] + n[j] * down[j]) + (e[j - 1] * here[j - 1] + e[j] * here[j + 1])
                out[j] = zero if held else rhs[j] + flow - diagonal * here[j]
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.fast_inner
def solve_coarsest(x, b, inverse, ny, nx):
    """``x = A^-1 b`` on the coarsest level by its dense inverse."""
    for p in range(ny * nx):
        total = np.float32(0.0)
        for q in range(ny * nx):
            total += inverse[p, q] * b[1 + q // nx, 1 + q % nx]
        x[1 + p // nx, 1 + p % nx] = total


@jit.fast
def sweep_from_zero(team, z, b, dinv0, sides, ny, nx, sweeps):
    """Red-black Gauss-Seidel on the finest level from the zero guess."""
    fine_first_half_sweep(team, z, b, dinv0, ny, nx, 0)
    wrap(team, z, ny, nx, sides)
    fine_half_sweep(team, z, b, dinv0, ny, nx, 1)
    for _ in range(sweeps - 1):
        wrap(team, z, ny, nx, sides)
        fine_half_sweep(team, z, b, dinv0, ny, nx, 0)
        wrap(team, z, ny, nx, sides)
        fine_half_sweep(team, z, b, dinv0, ny, nx, 1)


#: Levels with fewer rows than this are gone through by one thread: on so little, threads cost more than they bring.
_WORTH_THREADS = 192


@jit.fast
def v_cycle(team, z, b, r, dinv0, sides, dims, offset, xs, bs, rs, east, north, dinv, coarsest, pre, post):
    """One V(pre, post) cycle from zero: ``z ~ A^-1 b``; symmetric if ``pre == post``.

    ``z``, ``b``, ``r`` are (H + 2, W + 2) float32; ``xs``, ``bs``, ``rs`` the flat buffers of the coarse levels.
    """
    ny, nx = dims[0]
    sweep_from_zero(team, z, b, dinv0, sides, ny, nx, pre)
    wrap(team, z, ny, nx, sides)
    fine_residual(team, z, b, dinv0, r, ny, nx)
    fill_transfer_halo(team, r, ny, nx, sides, True, ny & 1, nx & 1)
    cy, cx = dims[1]
    shape, lo, hi = _level(1, dims, offset)
    x = xs[lo:hi].reshape(shape)
    restrict(team, r, bs[lo:hi].reshape(shape), cy, cx)
    _coarse_cycle(team, sides, dims, offset, xs, bs, rs, east, north, dinv, coarsest, pre, post)
    fill_transfer_halo(team, x, cy, cx, sides, False, ny & 1, nx & 1)
    prolong_add(team, x, z, dinv0, ny, nx)
    for _ in range(post):
        wrap(team, z, ny, nx, sides)
        fine_half_sweep(team, z, b, dinv0, ny, nx, 1)
        wrap(team, z, ny, nx, sides)
        fine_half_sweep(team, z, b, dinv0, ny, nx, 0)


@jit.fast_inner
def _coarse_cycle(team, sides, dims, offset, xs, bs, rs, east, north, dinv, coarsest, pre, post):
    """The part of a V-cycle below the finest level, from the right-hand side in ``bs`` to ``xs``.

    Down to level ``last`` and up again; from level ``shared`` on one thread goes alone, and the others wait.
    """
    last = dims.shape[0] - 1
    shared = 1
    while shared < last and dims[shared, 0] >= _WORTH_THREADS:
        shared += 1
    crew, single, mine = team, alone(), True
    for leg in range(1, 2 * last):
        down = leg < last
        level = leg if down else 2 * last - leg
        if leg == shared:
            crew, mine = single, claim(team, 1) == 0
        if leg == 2 * last - shared + 1:
            crew, mine = team, True
            settle(team, 1)
        if not mine:
            continue
        ny, nx = dims[level]
        shape, lo, hi = _level(level, dims, offset)
        x, b, r = xs[lo:hi].reshape(shape), bs[lo:hi].reshape(shape), rs[lo:hi].reshape(shape)
        e, n, d = east[lo:hi].reshape(shape), north[lo:hi].reshape(shape), dinv[lo:hi].reshape(shape)
        if level == last:
            solve_coarsest(x, b, coarsest, ny, nx)
            continue
        cy, cx = dims[level + 1]
        below, blo, bhi = _level(level + 1, dims, offset)
        odd_y, odd_x = ny & 1, nx & 1
        if down:
            clear(crew, x)
        else:
            coarse = xs[blo:bhi].reshape(below)
            fill_transfer_halo(crew, coarse, cy, cx, sides, False, odd_y, odd_x)
            prolong_add(crew, coarse, x, d, ny, nx)
        # Down the colours are swept in one order, up in the other, which keeps the cycle symmetric.
        colour = 0 if down else 1
        for _ in range(pre if down else post):
            half_sweep(crew, x, b, d, e, n, ny, nx, sides, colour)
            half_sweep(crew, x, b, d, e, n, ny, nx, sides, 1 - colour)
        if down:
            coarse_residual(crew, x, b, d, e, n, r, ny, nx, sides)
            fill_transfer_halo(crew, r, ny, nx, sides, True, odd_y, odd_x)
            restrict(crew, r, bs[blo:bhi].reshape(below), cy, cx)
    if shared == 1:
        settle(team, 1)


@jit.fast_inner
def clear(team, x):
    """``x = 0``."""
    if claim(team, 1) == 0:
        x[:] = 0.0
    settle(team, 1)
