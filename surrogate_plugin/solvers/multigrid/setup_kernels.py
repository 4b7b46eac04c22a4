"""Compiled set-up of all levels, by rediscretisation.

A coarse pixel gathers 2 x 2 finer ones. Its link to a neighbour is half the sum of the finer links that cross between
them: Galerkin's is the whole sum, and half of it makes up for the steps of a piecewise constant prolongation. Its decay
is the sum of the finer ones. A wall (a fixed pixel or an outer side) is farther from the coarse centre than from the
fine one, so a finer wall conductance ``g`` passes on as ``g / (1 + WALL g)``: resistances in series.

Each pass goes over one level: it inverts the diagonal, and gathers what the next level needs.
"""

from __future__ import annotations

import numpy as np

from surrogate_plugin import jit
from surrogate_plugin.sharing_kernels import claim, pieces, settle
from surrogate_plugin.solvers.multigrid.cycle_kernels import level
from surrogate_plugin.solvers.multigrid.level_kernels import around, row_of, wrap

#: The added resistance is 1/2 for a straight wall and log(2) / (2 pi) for a lone pixel. Of 0.12, 0.18, 0.2, 0.22 and
#: 0.25 tissues of 256 x 256 pixels need 9.1, 9.0, 8.7, 8.8 and 8.7 cycles to 1e-8; small ``km`` needs one less below
#: 0.25, and 0.5 diverges on lone pixels at long diffusion lengths.
WALL = 0.2

#: Stronger decay than this looks the same to a cycle, and more would overflow when it is summed over a coarse pixel.
STRONGEST = 1e28


@jit.fast_inner
def _open_row(i, free, walls, rings, unit, out):
    """1 where a pixel of row ``i`` is free, 0 where it is fixed, with a halo; (W + 2,) float32.

    Outside stands the part of a unit link that a wall does not take, so that the same sums hold there. Where faces are
    given they say what the walls are.
    """
    ny, nx = free.shape
    one, zero = np.float32(1.0), np.float32(0.0)
    if 0 <= i < ny or rings[0]:
        row = free[around(i + 1, ny) - 1]
        for j in range(nx):
            out[j + 1] = one if row[j] else zero
        if rings[1]:
            out[0], out[nx + 1] = out[nx], out[1]
        else:
            out[0] = one - walls[1, 0] if unit else zero
            out[nx + 1] = one - walls[1, 1] if unit else zero
    else:
        out[:] = one - walls[0, 0 if i < 0 else 1] if unit else zero


@jit.fast_inner
def _invert_row(i, free, decay, faces, walls, rings, out):
    """Row ``i`` of the finest inverse diagonal, ``out`` with a halo; 0 on fixed pixels."""
    ny, nx = free.shape
    row, rate = free[i], decay[i]
    if faces is None:
        south = 1.0 if i > 0 or rings[0] else np.float64(walls[0, 0])
        north = 1.0 if i < ny - 1 or rings[0] else np.float64(walls[0, 1])
        for j in range(nx):
            links = south + north + 2.0 + min(rate[j], STRONGEST)
            out[j + 1] = np.float32(1.0 / links) if row[j] else np.float32(0.0)
        if not rings[1]:
            for j in (0, nx - 1):
                west = 1.0 if j > 0 else np.float64(walls[1, 0])
                east = 1.0 if j < nx - 1 else np.float64(walls[1, 1])
                links = south + north + west + east + min(rate[j], STRONGEST)
                out[j + 1] = np.float32(1.0 / links) if row[j] and links > 0.0 else np.float32(0.0)
    else:
        across, along = faces
        for j in range(nx):
            links = across[i, j] + across[i + 1, j] + along[i, j] + along[i, j + 1] + min(rate[j], STRONGEST)
            out[j + 1] = np.float32(1.0 / links) if row[j] and links > 0.0 else np.float32(0.0)


@jit.fast
def invert_finest(team, free, decay, faces, walls, rings, inverse):
    """The inverse diagonal of the finest level alone."""
    ny = free.shape[0]
    chunks = pieces(free.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(chunk * ny // chunks, (chunk + 1) * ny // chunks):
            _invert_row(i, free, decay, faces, walls, rings, inverse[i + 1])
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.fast
def take_faces(team, faces, north, east):
    """The finest level's links from its faces; both with a halo."""
    across, along = faces
    ny, nx = along.shape[0], across.shape[1]
    chunks = pieces(along.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(chunk * ny // chunks, (chunk + 1) * ny // chunks):
            for j in range(nx):
                north[i + 1, j + 1] = np.float32(across[i + 1, j])
            for j in range(nx + 1):
                east[i + 1, j] = np.float32(along[i, j])
        chunk = claim(team, chunks)
    settle(team, chunks)
    if claim(team, 1) == 0:
        for j in range(nx):
            north[0, j + 1] = np.float32(across[0, j])
    settle(team, 1)


@jit.fast_inner
def _gather_finest(i, free, decay, faces, rings, south, here, north, sums):
    """Add row ``i`` to a coarse row's sums by column: decay, wall conductance, links north and east."""
    ny, nx = free.shape
    one, half, weight = np.float32(1.0), np.float32(0.5), np.float32(WALL)
    rate, wall, links_n, links_e = sums[0], sums[1], sums[2], sums[3]
    strength = decay[i]
    crosses = ((i & 1) == 1 or i == ny - 1) and (i < ny - 1 or rings[0])
    for j in range(nx):
        f = here[j + 1]
        if faces is None:
            walls = np.float32(4.0) - ((here[j] + here[j + 2]) + (south[j + 1] + north[j + 1]))
            link_n, link_e = north[j + 1], here[j + 2]
        else:
            across, along = faces
            g_s, g_n = np.float32(across[i, j]), np.float32(across[i + 1, j])
            g_w, g_e = np.float32(along[i, j]), np.float32(along[i, j + 1])
            link_n, link_e = g_n * north[j + 1], g_e * here[j + 2]
            walls = (g_s * (one - south[j + 1]) + g_n * (one - north[j + 1])) + (
                g_w * (one - here[j]) + g_e * (one - here[j + 2])
            )
        rate[j] += f * np.float32(min(strength[j], STRONGEST))
        wall[j] += f * (walls / (one + weight * walls))
        links_e[j] += half * (f * link_e)
        if crosses:
            links_n[j] += half * (f * link_n)


@jit.fast_inner
def _gather_coarse(i, rate, wall, north, east, ny, sums):
    """The same from row ``i`` (from 1) of a coarse level; ``wall`` may be None."""
    one, half, weight = np.float32(1.0), np.float32(0.5), np.float32(WALL)
    crosses = (i & 1) == 0 or i == ny
    k, n, e = rate[i], north[i], east[i]
    for j in range(rate.shape[1] - 2):
        sums[0, j] += k[j + 1]
        sums[3, j] += half * e[j + 1]
        if crosses:
            sums[2, j] += half * n[j + 1]
        if wall is not None:
            g = wall[i, j + 1]
            sums[1, j] += g / (one + weight * g)


@jit.fast_inner
def _pair(sums, nx, rate, wall, north, east):
    """A coarse row from the sums by column; what crosses to the east lies at each pair's second column."""
    for j in range(nx // 2):
        rate[j + 1] = sums[0, 2 * j] + sums[0, 2 * j + 1]
        north[j + 1] = sums[2, 2 * j] + sums[2, 2 * j + 1]
        east[j + 1] = sums[3, 2 * j + 1]
        if wall is not None:
            wall[j + 1] = sums[1, 2 * j] + sums[1, 2 * j + 1]
    if nx & 1:
        j = nx // 2
        rate[j + 1], north[j + 1], east[j + 1] = sums[0, 2 * j], sums[2, 2 * j], sums[3, 2 * j]
        if wall is not None:
            wall[j + 1] = sums[1, 2 * j]


@jit.fast_inner
def set_up_finest(team, free, decay, faces, walls, rings, inverse, rate, wall, north, east):
    """The finest inverse diagonal, and the coefficients of the first coarse level."""
    ny, nx = free.shape
    cy = (ny + 1) // 2
    opened, sums = np.empty((3, nx + 2), np.float32), np.empty((4, nx), np.float32)
    chunks = pieces(free.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        start, stop = chunk * cy // chunks, (chunk + 1) * cy // chunks
        for i in (2 * start - 1, 2 * start):
            _open_row(i, free, walls, rings, faces is None, opened[(i + 3) % 3])
        for k in range(start, stop):
            sums[:] = 0.0
            for i in range(2 * k, min(2 * k + 2, ny)):
                _open_row(i + 1, free, walls, rings, faces is None, opened[(i + 1) % 3])
                _invert_row(i, free, decay, faces, walls, rings, inverse[i + 1])
                _gather_finest(
                    i, free, decay, faces, rings, opened[(i + 2) % 3], opened[i % 3], opened[(i + 1) % 3], sums
                )  # fmt: skip
            if not rings[1]:
                sums[3, nx - 1] = 0.0
            _pair(sums, nx, rate[k + 1], wall[k + 1], north[k + 1], east[k + 1])
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.fast_inner
def set_up_level(team, rate, wall, north, east, rings, inverse, below):
    """The inverse diagonal of a coarse level, and the coefficients of the next one, ``below`` (None: no next one)."""
    wrap(team, north, rings)
    wrap(team, east, rings)
    ny, nx = inverse.shape[0] - 2, inverse.shape[1] - 2
    cy = (ny + 1) // 2
    sums = np.empty((4, nx), np.float32)
    chunks = pieces(inverse.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for k in range(chunk * cy // chunks, (chunk + 1) * cy // chunks):
            sums[:] = 0.0
            for i in range(2 * k + 1, min(2 * k + 2, ny) + 1):
                _invert_coarse_row(rate[i], row_of(wall, i), north[i - 1], north[i], east[i], inverse[i])
                if below is not None:
                    _gather_coarse(i, rate, wall, north, east, ny, sums)
            if below is not None:
                c_rate, c_wall, c_north, c_east = below
                _pair(sums, nx, c_rate[k + 1], row_of(c_wall, k + 1), c_north[k + 1], c_east[k + 1])
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.fast_inner
def _invert_coarse_row(rate, wall, south, north, east, out):
    """A row of a coarse level's inverse diagonal; 0 where a pixel has no link at all."""
    for j in range(1, rate.shape[0] - 1):
        diagonal = (east[j] + east[j - 1]) + (north[j] + south[j]) + rate[j]
        if wall is not None:
            diagonal += wall[j]
        out[j] = np.float32(1.0) / diagonal if diagonal > 0 else np.float32(0.0)


@jit.fast_inner
def invert_coarsest(inverse, north, east, diagonals, matrix, out):
    """The dense inverse of the coarsest level, float32; ``matrix``, float64 of the same size, is overwritten.

    ``diagonals`` are its rising and falling links, or None where it has 5 points.

    Gauss-Jordan elimination, which needs no pivots in a symmetric, diagonally dominant matrix. Rows of pixels without
    any link are 0. Where nothing is left that anchors the level a pivot comes to rounding, or to 0: a closed box that
    saturating uptake alone anchors does so around a field far too large, where its slope is lost beside the links. A
    cycle only preconditions, so a pivot of float32's rounding does.
    """
    ny, nx = inverse.shape[0] - 2, inverse.shape[1] - 2
    count = ny * nx
    matrix[:] = 0.0
    for p in range(count):
        i, j = p // nx, p % nx
        inv = inverse[i + 1, j + 1]
        matrix[p, p] += 1.0 / np.float64(inv) if inv > 0 else 1.0
        for q, link in ((((i + 1) % ny) * nx + j, north[i + 1, j + 1]), (i * nx + (j + 1) % nx, east[i + 1, j + 1])):
            matrix[p, q] -= link
            matrix[q, p] -= link
        if diagonals is not None:
            up, right, left = ((i + 1) % ny) * nx, (j + 1) % nx, (j - 1) % nx
            for q, link in ((up + right, diagonals[0][i + 1, j + 1]), (up + left, diagonals[1][i + 1, j + 1])):
                matrix[p, q] -= link
                matrix[q, p] -= link
    for p in range(count):
        inv = inverse[p // nx + 1, p % nx + 1]
        least = np.float64(1.1920929e-07) / np.float64(inv) if inv > 0 else 0.0
        pivot = 1.0 / max(matrix[p, p], least)
        matrix[p, p] = 1.0
        for q in range(count):
            matrix[p, q] *= pivot
        for i in range(count):
            if i != p and matrix[i, p] != 0.0:
                factor = matrix[i, p]
                matrix[i, p] = 0.0
                for q in range(count):
                    matrix[i, q] -= factor * matrix[p, q]
    for p in range(count):
        for q in range(count):
            held = inverse[p // nx + 1, p % nx + 1] == 0.0 or inverse[q // nx + 1, q % nx + 1] == 0.0
            out[p, q] = np.float32(0.0 if held else matrix[p, q])


@jit.fast_inner
def set_up_coarse(team, rings, levels, rate, wall, matrix):
    """All coarse levels below the coefficients of the first; ``wall`` is None where every wall is in ``rate``."""
    dims, offset, _, _, inverse, north, east, coarsest = levels
    last = dims.shape[0] - 1
    for number in range(1, last):
        shape, low, high = level(number, dims, offset)
        k, w = rate[low:high].reshape(shape), part(wall, low, high, shape)
        n, e, inv = north[low:high].reshape(shape), east[low:high].reshape(shape), inverse[low:high].reshape(shape)
        shape, low, high = level(number + 1, dims, offset)
        below = (
            rate[low:high].reshape(shape), part(wall, low, high, shape), north[low:high].reshape(shape),
            east[low:high].reshape(shape),
        )  # fmt: skip
        set_up_level(team, k, w, n, e, rings, inv, below)
    shape, low, high = level(last, dims, offset)
    n, e, inv = north[low:high].reshape(shape), east[low:high].reshape(shape), inverse[low:high].reshape(shape)
    set_up_level(team, rate[low:high].reshape(shape), part(wall, low, high, shape), n, e, rings, inv, None)
    if claim(team, 1) == 0:
        invert_coarsest(inv, n, e, None, matrix, coarsest)
    settle(team, 1)


@jit.fast_inner
def part(flat, low, high, shape):
    """A level's part of a flat buffer, or None."""
    if flat is None:
        return None
    return flat[low:high].reshape(shape)


@jit.fast
def set_up(team, free, decay, faces, walls, rings, finest, levels, rate, wall, matrix):
    """Everything of a hierarchy that depends on the operator."""
    dims, offset, _, _, _, north, east, _ = levels
    shape, low, high = level(1, dims, offset)
    set_up_finest(
        team, free, decay, faces, walls, rings, finest[0], rate[low:high].reshape(shape),
        wall[low:high].reshape(shape), north[low:high].reshape(shape), east[low:high].reshape(shape),
    )  # fmt: skip
    set_up_coarse(team, rings, levels, rate, wall, matrix)
