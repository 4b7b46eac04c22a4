"""Compiled multigrid kernels of the finest level and the transfers: float32 cycles for ``A e = r``.

Every lattice array carries a halo of one pixel. The finest level is dimensionless with unit links, so it stores only
the inverse diagonal, which is 0 on fixed pixels and thereby keeps the correction 0 there. Coarser levels store the
links to the east and to the north. All coarse levels live in flat buffers, so that one compiled function
serves every depth.

Side codes: 0 = the correction vanishes outside, 1 = reflecting, 2 = periodic. ``team`` is that of
`surrogate_plugin.sharing_kernels`, as in all kernels that are shared out.
"""

from __future__ import annotations

import numpy as np

from surrogate_plugin import jit
from surrogate_plugin.sharing_kernels import claim, pieces, settle

VANISHING, REFLECTING, PERIODIC = 0, 1, 2


@jit.fast
def fill_halo(x, ny, nx, sides):
    """Wrap the periodic sides of ``x``; the other sides' halo stays as it is (0)."""
    if sides[0] == PERIODIC:
        for i in range(1, ny + 1):
            x[i, 0] = x[i, nx]
            x[i, nx + 1] = x[i, 1]
    if sides[2] == PERIODIC:
        for j in range(nx + 2):
            x[0, j] = x[ny, j]
            x[ny + 1, j] = x[1, j]


@jit.fast_inner
def wrap(team, x, ny, nx, sides):
    """`fill_halo` by one thread, where there is anything to wrap."""
    if sides[0] == PERIODIC or sides[2] == PERIODIC:
        if claim(team, 1) == 0:
            fill_halo(x, ny, nx, sides)
        settle(team, 1)


@jit.fast_inner
def fill_transfer_halo(team, x, ny, nx, sides, residual, odd_y, odd_x):
    """Halo for the transfers: mirrored at reflecting sides, wrapped at periodic ones, else 0.

    ``odd_*`` tells whether the finer lattice has an odd count along that axis: then its last pixel is alone in its
    coarse pixel, a periodic seam is treated as a mirror, and a residual has nothing to fold on the high side.
    """
    if claim(team, 1) == 0:
        for side in range(4):
            along_x = side < 2
            high = side % 2 == 1
            odd = odd_x if along_x else odd_y
            kind = sides[side]
            if kind == PERIODIC and odd:
                kind = REFLECTING
            if high and odd and residual:
                kind = VANISHING
            if along_x:
                to = nx + 1 if high else 0
                mirror = nx if high else 1
                opposite = 1 if high else nx
                for i in range(ny + 2):
                    x[i, to] = 0.0 if kind == VANISHING else (x[i, mirror] if kind == REFLECTING else x[i, opposite])
            else:
                to = ny + 1 if high else 0
                mirror = ny if high else 1
                opposite = 1 if high else ny
                for j in range(nx + 2):
                    x[to, j] = 0.0 if kind == VANISHING else (x[mirror, j] if kind == REFLECTING else x[opposite, j])
    settle(team, 1)


@jit.fast_inner
def alternating(count):
    """No bit and every bit in turn, one more than ``count``: from its first or its second on, the mask of a colour."""
    mask = np.empty(count + 1, np.int32)
    for j in range(count + 1):
        mask[j] = -(j & 1)
    return mask


@jit.fast_inner
def fine_first_half_sweep(team, x, b, dinv, ny, nx, colour):
    """One half sweep from the zero guess: every pixel of ``colour`` gets ``b / diagonal``, the others 0."""
    buffer, chosen = np.empty(nx + 2, np.float32), alternating(nx + 2)
    relaxed, bits = buffer.view(np.int32), x.view(np.int32)
    chunks = pieces(x.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(1 + chunk * ny // chunks, 1 + (chunk + 1) * ny // chunks):
            here, rhs, inverse = bits[i], b[i], dinv[i]
            for j in range(1, nx + 1):
                buffer[j] = rhs[j] * inverse[j]
            mine = chosen[(i + 1 + colour) & 1 :]
            for j in range(1, nx + 1):
                here[j] = relaxed[j] & mine[j]
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.fast_inner
def fine_half_sweep(team, x, b, dinv, ny, nx, colour):
    """Gauss-Seidel on one colour of the finest level.

    Each row is relaxed as a whole into a buffer and then blended, bit by bit: that vectorises where a stride of two
    does not, and takes two thirds of the time of a blend that asks each pixel for its colour.
    """
    buffer, chosen = np.empty(nx + 2, np.float32), alternating(nx + 2)
    relaxed, bits = buffer.view(np.int32), x.view(np.int32)
    chunks = pieces(x.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(1 + chunk * ny // chunks, 1 + (chunk + 1) * ny // chunks):
            up, here, down = x[i - 1], x[i], x[i + 1]
            rhs, inverse = b[i], dinv[i]
            for j in range(1, nx + 1):
                buffer[j] = (rhs[j] + ((up[j] + down[j]) + (here[j - 1] + here[j + 1]))) * inverse[j]
            mine, kept = chosen[(i + 1 + colour) & 1 :], bits[i]
            for j in range(1, nx + 1):
                kept[j] = (relaxed[j] & mine[j]) | (kept[j] & ~mine[j])
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.fast
def fine_residual(team, x, b, dinv, r, ny, nx):
    """``r = b - A x`` on free pixels of the finest level, 0 on fixed ones."""
    one, zero = np.float32(1.0), np.float32(0.0)
    chunks = pieces(x.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(1 + chunk * ny // chunks, 1 + (chunk + 1) * ny // chunks):
            up, here, down = x[i - 1], x[i], x[i + 1]
            rhs, inverse, out = b[i], dinv[i], r[i]
            for j in range(1, nx + 1):
                # Nothing is added to an inverse here: beside 1 that of a strong decay is lost, and 1 / 0 comes out.
                inv = inverse[j]
                held = inv == zero
                diagonal = one / (one if held else inv)
                value = rhs[j] + ((up[j] + down[j]) + (here[j - 1] + here[j + 1])) - diagonal * here[j]
                out[j] = zero if held else value
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.fast_inner
def restrict(team, r, b, cy, cx):
    """Full weighting, the transpose of bilinear interpolation: ``b = P^T r`` on the coarse lattice."""
    quarter, three = np.float32(0.25), np.float32(0.75)
    line = np.empty(r.shape[1], np.float32)
    chunks = pieces(r.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(1 + chunk * cy // chunks, 1 + (chunk + 1) * cy // chunks):
            k = 2 * i - 1
            above = min(k + 2, r.shape[0] - 1)
            mine = min(k + 1, r.shape[0] - 1)
            has_mine = np.float32(1.0) if k + 1 < r.shape[0] else np.float32(0.0)
            has_above = np.float32(1.0) if k + 2 < r.shape[0] else np.float32(0.0)
            low, first, second, high = r[k - 1], r[k], r[mine], r[above]
            for j in range(r.shape[1]):
                line[j] = quarter * (low[j] + has_above * high[j]) + three * (first[j] + has_mine * second[j])
            last = r.shape[1] - 1
            for j in range(1, cx):
                m = 2 * j - 1
                b[i, j] = quarter * (line[m - 1] + line[m + 2]) + three * (line[m] + line[m + 1])
            m = 2 * cx - 1
            total = quarter * line[m - 1] + three * line[m]
            if m + 1 <= last:
                total += three * line[m + 1]
            if m + 2 <= last:
                total += quarter * line[m + 2]
            b[i, cx] = total
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.fast_inner
def prolong_add(team, c, x, mask, ny, nx):
    """``x += P c`` by bilinear interpolation, where ``mask`` is not 0."""
    half = (ny + 1) // 2
    line, fine = np.empty(c.shape[1], np.float32), np.empty(nx + 2, np.float32)
    chunks = pieces(x.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(1 + 2 * (chunk * half // chunks), min(ny, 2 * ((chunk + 1) * half // chunks)) + 1):
            k = (i + 1) // 2
            other = k - 1 if (i & 1) == 1 else k + 1
            near, far = c[k], c[other]
            for j in range(c.shape[1]):
                line[j] = np.float32(0.75) * near[j] + np.float32(0.25) * far[j]
            for m in range(1, nx // 2 + 1):
                centre = np.float32(0.75) * line[m]
                fine[2 * m - 1] = centre + np.float32(0.25) * line[m - 1]
                fine[2 * m] = centre + np.float32(0.25) * line[m + 1]
            if nx & 1:
                m = (nx + 1) // 2
                fine[nx] = np.float32(0.75) * line[m] + np.float32(0.25) * line[m - 1]
            here, free = x[i], mask[i]
            for j in range(1, nx + 1):
                here[j] += fine[j] if free[j] != 0 else np.float32(0.0)
        chunk = claim(team, chunks)
    settle(team, chunks)
