"""Compiled kernels of one level: red-black Gauss-Seidel, the residual, and the transfers to the next level.

A level is ``A x = b`` with a 5-point matrix, float32, each array with a halo of one pixel. ``north[i, j]`` links (i, j)
and (i + 1, j), ``east[i, j]`` (i, j) and (i, j + 1); both are None where all links are 1, which the compiler sees.
``inverse`` is the inverse diagonal, 0 on fixed pixels, which keeps ``x`` at 0 there. What lies outside holds 0: a wall
of any conductance, and none, counts in the diagonal alone. Only rings are seen here: their halo repeats the far side.

A row is relaxed as a whole and then blended, bit by bit: that vectorises where a stride of two does not, and takes two
thirds of the time of a blend that asks each pixel for its colour.

``team`` is that of `surrogate_plugin.sharing_kernels`, as in all kernels that are shared out.
"""

from __future__ import annotations

import numpy as np

from surrogate_plugin import jit
from surrogate_plugin.sharing_kernels import claim, pieces, settle


@jit.fast_inner
def row_of(links, i):
    """A row of links, or None."""
    if links is None:
        return None
    return links[i]


@jit.fast_inner
def inflow(below, here, above, south, east, north, j):
    """What the four neighbours of pixel ``j`` of a row bring."""
    if east is None:
        return (below[j] + above[j]) + (here[j - 1] + here[j + 1])
    return (south[j] * below[j] + north[j] * above[j]) + (east[j - 1] * here[j - 1] + east[j] * here[j + 1])


@jit.fast_inner
def relax(below, here, above, south, east, north, rhs, inverse, out):
    """The Gauss-Seidel values of a row, for both colours."""
    for j in range(1, out.shape[0] - 1):
        out[j] = (rhs[j] + inflow(below, here, above, south, east, north, j)) * inverse[j]


@jit.fast_inner
def subtract(below, here, above, south, east, north, rhs, inverse, out):
    """The residual of a row, ``rhs - A x``, 0 on fixed pixels; ``rhs`` None is 0."""
    one, zero = np.float32(1.0), np.float32(0.0)
    for j in range(1, out.shape[0] - 1):
        # Nothing is added to an inverse here: beside 1 that of a strong decay is lost, and 1 / 0 comes out.
        inv = inverse[j]
        held = inv == zero
        value = inflow(below, here, above, south, east, north, j) - here[j] * (one / (one if held else inv))
        if rhs is not None:
            value += rhs[j]
        out[j] = zero if held else value


@jit.fast_inner
def alternating(count):
    """No bit and every bit in turn, one more than ``count``: from its first or its second on, the mask of a colour."""
    mask = np.empty(count + 1, np.int32)
    for j in range(count + 1):
        mask[j] = -(j & 1)
    return mask


@jit.fast_inner
def blend(relaxed, mask, row):
    """``row`` takes the relaxed values where the mask is set; all as int32."""
    for j in range(1, row.shape[0] - 1):
        row[j] = (relaxed[j] & mask[j]) | (row[j] & ~mask[j])


@jit.fast_inner
def wrap(team, x, rings):
    """Let the halo of ``x`` repeat the far side where an axis is a ring; elsewhere it stays as it is, 0."""
    if rings[0] or rings[1]:
        if claim(team, 1) == 0:
            wrap_halo(x, rings)
        settle(team, 1)


@jit.fast_inner
def wrap_halo(x, rings):
    """`wrap` by whoever calls."""
    ny, nx = x.shape[0] - 2, x.shape[1] - 2
    if rings[1]:
        for i in range(1, ny + 1):
            x[i, 0] = x[i, nx]
            x[i, nx + 1] = x[i, 1]
    if rings[0]:
        for j in range(nx + 2):
            x[0, j] = x[ny, j]
            x[ny + 1, j] = x[1, j]


@jit.fast_inner
def around(i, count):
    """The row that row ``i`` is, if a ring of ``count`` rows leads on to it."""
    return count if i == 0 else (1 if i == count + 1 else i)


@jit.fast_inner
def half_sweep(team, x, b, inverse, north, east, rings, colour):
    """Gauss-Seidel on the pixels of one colour."""
    wrap(team, x, rings)
    ny, nx = x.shape[0] - 2, x.shape[1] - 2
    line, mask = np.empty(nx + 2, np.float32), alternating(nx + 2)
    relaxed, bits = line.view(np.int32), x.view(np.int32)
    chunks = pieces(x.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(1 + chunk * ny // chunks, 1 + (chunk + 1) * ny // chunks):
            relax(
                x[i - 1], x[i], x[i + 1], row_of(north, i - 1), row_of(east, i), row_of(north, i), b[i], inverse[i],
                line,
            )  # fmt: skip
            blend(relaxed, mask[(i + colour) & 1 :], bits[i])
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.fast_inner
def _first_row(i, b, inverse, rings, share, out):
    """Row ``i`` after the first half sweep from 0, with its halo."""
    ny, nx = b.shape[0] - 2, b.shape[1] - 2
    if 1 <= i <= ny or rings[0]:
        k = around(i, ny)
        rhs, inv, mine = b[k], inverse[k], share[k & 1 :]
        for j in range(1, nx + 1):
            out[j] = (rhs[j] * inv[j]) * mine[j]
        if rings[1]:
            out[0], out[nx + 1] = out[nx], out[1]
    else:
        out[:] = 0.0


@jit.fast_inner
def sweep_from_zero(team, x, b, inverse, north, east, rings):
    """One sweep from the zero guess, the first colour and then the other, in one pass."""
    ny, nx = x.shape[0] - 2, x.shape[1] - 2
    rows, mask = np.zeros((3, nx + 2), np.float32), alternating(nx + 2)
    share, bits = mask.astype(np.float32) * np.float32(-1.0), x.view(np.int32)
    chunks = pieces(x.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        start, stop = 1 + chunk * ny // chunks, 1 + (chunk + 1) * ny // chunks
        below, here, above = rows[0], rows[1], rows[2]
        _first_row(start - 1, b, inverse, rings, share, below)
        _first_row(start, b, inverse, rings, share, here)
        for i in range(start, stop):
            _first_row(i + 1, b, inverse, rings, share, above)
            relax(
                below, here, above, row_of(north, i - 1), row_of(east, i), row_of(north, i), b[i], inverse[i], x[i]
            )  # fmt: skip
            blend(here.view(np.int32), mask[i & 1 :], bits[i])
            below, here, above = here, above, below
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.fast_inner
def residual(team, x, b, inverse, north, east, rings, out):
    """``out = b - A x``, 0 on fixed pixels; ``b`` None is 0."""
    wrap(team, x, rings)
    ny = x.shape[0] - 2
    chunks = pieces(x.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(1 + chunk * ny // chunks, 1 + (chunk + 1) * ny // chunks):
            subtract(
                x[i - 1], x[i], x[i + 1], row_of(north, i - 1), row_of(east, i), row_of(north, i), row_of(b, i),
                inverse[i], out[i],
            )  # fmt: skip
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.fast_inner
def restrict(team, x, b, inverse, north, east, rings, coarse):
    """The residual summed over the (up to) four pixels of each coarse one."""
    wrap(team, x, rings)
    ny, nx = x.shape[0] - 2, x.shape[1] - 2
    cy, cx = (ny + 1) // 2, (nx + 1) // 2
    lines = np.zeros((2, nx + 2), np.float32)
    low, high = lines[0], lines[1]
    chunks = pieces(x.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for k in range(1 + chunk * cy // chunks, 1 + (chunk + 1) * cy // chunks):
            for i in (2 * k - 1, 2 * k):
                if i <= ny:
                    subtract(
                        x[i - 1], x[i], x[i + 1], row_of(north, i - 1), row_of(east, i), row_of(north, i), b[i],
                        inverse[i], lines[(i + 1) & 1],
                    )  # fmt: skip
                else:
                    high[:] = 0.0
            out = coarse[k]
            for j in range(1, cx + 1):
                out[j] = (low[2 * j - 1] + high[2 * j - 1]) + (low[2 * j] + high[2 * j])
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.fast_inner
def _corrected_row(i, x, coarse, inverse, rings, out):
    """Row ``i`` with the coarse pixels' corrections added, and its halo."""
    ny, nx = x.shape[0] - 2, x.shape[1] - 2
    zero = np.float32(0.0)
    if 1 <= i <= ny or rings[0]:
        k = around(i, ny)
        # The halo's row, not the one that it repeats, which another thread may have changed.
        here, inv, correction = x[i], inverse[k], coarse[(k + 1) // 2]
        for j in range(1, nx // 2 + 1):
            out[2 * j - 1] = correction[j]
            out[2 * j] = correction[j]
        if nx & 1:
            out[nx] = correction[(nx + 1) // 2]
        for j in range(1, nx + 1):
            out[j] = here[j] + (out[j] if inv[j] != zero else zero)
        if rings[1]:
            out[0], out[nx + 1] = out[nx], out[1]
    else:
        out[:] = 0.0


@jit.fast_inner
def prolong_and_sweep(team, x, coarse, b, inverse, north, east, rings):
    """Add each coarse pixel's correction to its fine ones, and relax the second colour, in one pass.

    What the first colour holds in between need not be stored, since the next half sweep replaces it. Only where a ring
    of an odd number of pixels joins two of one colour it is looked at; one thread stores it then.
    """
    wrap(team, x, rings)
    ny, nx = x.shape[0] - 2, x.shape[1] - 2
    rows, line, mask = np.zeros((3, nx + 2), np.float32), np.empty(nx + 2, np.float32), alternating(nx + 2)
    relaxed, bits = line.view(np.int32), x.view(np.int32)
    joined = (rings[0] and (ny & 1) == 1) or (rings[1] and (nx & 1) == 1)
    chunks = 1 if joined else pieces(x.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        start, stop = 1 + chunk * ny // chunks, 1 + (chunk + 1) * ny // chunks
        below, here, above = rows[0], rows[1], rows[2]
        _corrected_row(start - 1, x, coarse, inverse, rings, below)
        _corrected_row(start, x, coarse, inverse, rings, here)
        for i in range(start, stop):
            _corrected_row(i + 1, x, coarse, inverse, rings, above)
            relax(
                below, here, above, row_of(north, i - 1), row_of(east, i), row_of(north, i), b[i], inverse[i], line
            )  # fmt: skip
            if joined:
                x[i, 1:-1] = here[1:-1]
            blend(relaxed, mask[(i + 1) & 1 :], bits[i])
            below, here, above = here, above, below
        chunk = claim(team, chunks)
    settle(team, chunks)
