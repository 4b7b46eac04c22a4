"""Compiled set-up of one level from the next finer one by Galerkin's product, with weights that follow the links.

A fine pixel between two coarse ones holds their mean, weighted by the links to either side; one amid four holds what
its equation gives from its neighbours (Dendy, "Black box multigrid", 1982). So nothing leaks through a weak link, and
``P^T A P`` keeps the right conductance at any contrast. The product is not formed for the diagonal: a level is its
links and ``rate``, the sum of a row, which is gathered from differences, so that a decay of 1e-9 beside links of 1
reaches the coarsest level in float32. Links come out at 0 or above, but for some that are negligible; these are cut.
"""

from __future__ import annotations

import numpy as np

from surrogate_plugin import jit
from surrogate_plugin.sharing_kernels import claim, pieces, settle
from surrogate_plugin.solvers.multigrid.level_kernels import around, wrap


@jit.fast_inner
def _link(links, i, j, di, dj):
    """What joins pixel (i, j) to its neighbour (i + di, j + dj)."""
    north, east, rising, falling = links
    if dj == 0:
        return north[i if di > 0 else i - 1, j]
    if di == 0:
        return east[i, j if dj > 0 else j - 1]
    return _diagonal(rising, falling, i, j, di, dj)


@jit.fast_inner
def _diagonal(rising, falling, i, j, di, dj):
    if rising is None:
        return np.float32(0.0)
    row = i if di > 0 else i - 1
    if di == dj:
        return rising[row, j if dj > 0 else j - 1]
    return falling[row, j if dj < 0 else j + 1]


@jit.fast_inner
def _facing(inverse, links, i, j, di, dj):
    """The three links to one side, where one of ``di`` and ``dj`` is 0; none where the coarse pixel there is held."""
    if inverse[i + di, j + dj] == 0:
        return np.float32(0.0)
    if di == 0:
        return _link(links, i, j, 0, dj) + (_link(links, i, j, 1, dj) + _link(links, i, j, -1, dj))
    return _link(links, i, j, di, 0) + (_link(links, i, j, di, 1) + _link(links, i, j, di, -1))


@jit.fast_inner
def _between(k, count, ring):
    """The fine pixel beside a coarse one, or 0 where none lies between it and another coarse one."""
    if 1 <= k <= count:
        return k
    return around(k, count) if ring and count % 2 == 0 else 0


@jit.fast_inner
def _edge_weight(rate, inverse, links, i, j, di, dj):
    """What fine pixel (i, j) takes of the coarse pixel beside it in the direction (di, dj)."""
    near, far = _facing(inverse, links, i, j, di, dj), _facing(inverse, links, i, j, -di, -dj)
    whole = (near + far) + rate[i, j]
    return near / whole if whole > 0 else np.float32(0.0)


@jit.fast_inner
def _corner_weight(inverse, links, i, j, di, dj, across, along):
    """What fine pixel (i, j) takes of the coarse pixel at (i + di, j + dj).

    ``across`` and ``along`` are what the pixels at (i, j + dj) and (i + di, j) take of it.
    """
    return inverse[i, j] * (
        _link(links, i, j, di, dj) + (_link(links, i, j, 0, dj) * across + _link(links, i, j, di, 0) * along)
    )


@jit.fast_inner
def weigh(team, rate, inverse, links, rings, weights):
    """The weights of all coarse pixels; their halo is not set."""
    e, w, n, s, ne, nw, se, sw = weights
    ny, nx = inverse.shape[0] - 2, inverse.shape[1] - 2
    cy, cx = (ny + 1) // 2, (nx + 1) // 2
    zero = np.float32(0.0)
    chunks = pieces(inverse.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for k in range(1 + chunk * cy // chunks, 1 + (chunk + 1) * cy // chunks):
            i = 2 * k - 1
            above, below = _between(i + 1, ny, rings[0]), _between(i - 1, ny, rings[0])
            for m in range(1, cx + 1):
                j = 2 * m - 1
                right, left = _between(j + 1, nx, rings[1]), _between(j - 1, nx, rings[1])
                to_e = _edge_weight(rate, inverse, links, i, right, 0, -1) if right else zero
                to_w = _edge_weight(rate, inverse, links, i, left, 0, 1) if left else zero
                to_n = _edge_weight(rate, inverse, links, above, j, -1, 0) if above else zero
                to_s = _edge_weight(rate, inverse, links, below, j, 1, 0) if below else zero
                e[k, m], w[k, m], n[k, m], s[k, m] = to_e, to_w, to_n, to_s
                ne[k, m] = _corner_weight(inverse, links, above, right, -1, -1, to_n, to_e) if above and right else zero
                nw[k, m] = _corner_weight(inverse, links, above, left, -1, 1, to_n, to_w) if above and left else zero
                se[k, m] = _corner_weight(inverse, links, below, right, 1, -1, to_s, to_e) if below and right else zero
                sw[k, m] = _corner_weight(inverse, links, below, left, 1, 1, to_s, to_w) if below and left else zero
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.fast_inner
def _edge_lack(rate, inverse, links, i, j, di, dj):
    """What the weights of a fine pixel between two coarse ones lack to 1."""
    sides = _facing(inverse, links, i, j, di, dj) + _facing(inverse, links, i, j, -di, -dj)
    whole = sides + rate[i, j]
    return rate[i, j] / whole if whole > 0 else np.float32(1.0)


@jit.fast_inner
def find_lack(team, rate, inverse, links, rings, lack):
    """What the weights of each fine pixel lack to 1: without decay nothing, to the last bit. Halos are set."""
    ny, nx = inverse.shape[0] - 2, inverse.shape[1] - 2
    chunks = pieces(inverse.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(1 + chunk * ny // chunks, 1 + (chunk + 1) * ny // chunks):
            if i & 1:
                for j in range(1, nx + 1):
                    lack[i, j] = np.float32(0.0) if j & 1 else _edge_lack(rate, inverse, links, i, j, 0, 1)
            else:
                for j in range(1, nx + 1, 2):
                    lack[i, j] = _edge_lack(rate, inverse, links, i, j, 1, 0)
        chunk = claim(team, chunks)
    settle(team, chunks)
    wrap(team, lack, rings)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(1 + chunk * ny // chunks, 1 + (chunk + 1) * ny // chunks):
            if not i & 1:
                for j in range(2, nx + 1, 2):
                    sides = _link(links, i, j, 0, 1) * lack[i, j + 1] + _link(links, i, j, 0, -1) * lack[i, j - 1]
                    sides += _link(links, i, j, 1, 0) * lack[i + 1, j] + _link(links, i, j, -1, 0) * lack[i - 1, j]
                    lack[i, j] = inverse[i, j] * (rate[i, j] + sides)
        chunk = claim(team, chunks)
    settle(team, chunks)
    wrap(team, lack, rings)


@jit.fast_inner
def find_loss(team, rate, links, lack, loss):
    """``A P 1`` at each fine pixel: what a coarse field of 1 loses there."""
    ny, nx = loss.shape[0] - 2, loss.shape[1] - 2
    chunks = pieces(loss.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(1 + chunk * ny // chunks, 1 + (chunk + 1) * ny // chunks):
            for j in range(1, nx + 1):
                own = lack[i, j]
                total = rate[i, j] * (np.float32(1.0) - own)
                total += _link(links, i, j, 0, 1) * (lack[i, j + 1] - own)
                total += _link(links, i, j, 0, -1) * (lack[i, j - 1] - own)
                total += _link(links, i, j, 1, 0) * (lack[i + 1, j] - own)
                total += _link(links, i, j, -1, 0) * (lack[i - 1, j] - own)
                total += _link(links, i, j, 1, 1) * (lack[i + 1, j + 1] - own)
                total += _link(links, i, j, 1, -1) * (lack[i + 1, j - 1] - own)
                total += _link(links, i, j, -1, 1) * (lack[i - 1, j + 1] - own)
                total += _link(links, i, j, -1, -1) * (lack[i - 1, j - 1] - own)
                loss[i, j] = total
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.fast_inner
def _bump(weights, k, m, out):
    """The weights around a coarse pixel as a 3 x 3 patch, rows from the south."""
    e, w, n, s, ne, nw, se, sw = weights
    out[0, 0], out[0, 1], out[0, 2] = sw[k, m], s[k, m], se[k, m]
    out[1, 0], out[1, 1], out[1, 2] = w[k, m], np.float32(1.0), e[k, m]
    out[2, 0], out[2, 1], out[2, 2] = nw[k, m], n[k, m], ne[k, m]


@jit.fast_inner
def _spread(i, j, bump, inverse, links, rings, image):
    """``A`` times a bump around fine pixel (i, j), a 5 x 5 patch."""
    ny, nx = inverse.shape[0] - 2, inverse.shape[1] - 2
    image[:] = np.float32(0.0)
    for a in range(3):
        y = _between(i + a - 1, ny, rings[0]) if a != 1 else i
        for c in range(3):
            x = _between(j + c - 1, nx, rings[1]) if c != 1 else j
            value = bump[a, c]
            if y == 0 or x == 0 or value == 0 or inverse[y, x] == 0:
                continue
            image[a + 1, c + 1] += value / inverse[y, x]
            for di in range(-1, 2):
                for dj in range(-1, 2):
                    if di != 0 or dj != 0:
                        image[a + 1 + di, c + 1 + dj] -= value * _link(links, y, x, di, dj)


@jit.fast_inner
def _overlap(image, bump, rows, columns):
    """The product of an image and a bump that is so many fine pixels away."""
    total = np.float32(0.0)
    for a in range(3):
        for c in range(3):
            y, x = 1 + rows + a, 1 + columns + c
            if 0 <= y < 5 and 0 <= x < 5:
                total += image[y, x] * bump[a, c]
    return total


@jit.fast_inner
def _multiply_anywhere(k, m, inverse, links, loss, rings, weights, c_rate, coarse, scratch):
    """The rate and the links of coarse pixel (k, m), from its image under ``A``."""
    north, east, rising, falling = coarse
    bump, other, image = scratch
    zero = np.float32(0.0)
    ny, nx = inverse.shape[0] - 2, inverse.shape[1] - 2
    cy, cx = (ny + 1) // 2, (nx + 1) // 2
    i, j = 2 * k - 1, 2 * m - 1
    # Over the seam of an odd ring the next coarse pixel is one fine pixel away, elsewhere two.
    up = 1 if k == cy and (ny & 1) == 1 else 2
    right = 1 if m == cx and (nx & 1) == 1 else 2
    left = 1 if m == 1 and (nx & 1) == 1 else 2
    k_next = k + 1 if k < cy else 1
    m_next, m_last = m + 1 if m < cx else 1, m - 1 if m > 1 else cx
    over, beyond, before = k < cy or rings[0], m < cx or rings[1], m > 1 or rings[1]
    _bump(weights, k, m, bump)
    c_rate[k, m] = _gathered(i, j, bump, loss, rings)
    _spread(i, j, bump, inverse, links, rings, image)
    # Around a ring of one a link leads from a pixel to itself and carries nothing.
    east[k, m] = north[k, m] = rising[k, m] = falling[k, m] = zero
    if beyond and cx > 1:
        _bump(weights, k, m_next, other)
        east[k, m] = max(-_overlap(image, other, 0, right), zero)
    if over:
        _bump(weights, k_next, m, other)
        north[k, m] = max(-_overlap(image, other, up, 0), zero) if cy > 1 else zero
        if beyond:
            _bump(weights, k_next, m_next, other)
            rising[k, m] = max(-_overlap(image, other, up, right), zero)
        if before:
            _bump(weights, k_next, m_last, other)
            falling[k, m] = max(-_overlap(image, other, up, -left), zero)


@jit.fast_inner
def _diagonals(inverse, i, j):
    """Those of a pixel and of its neighbours along its row; 0 where one is held."""
    one, zero = np.float32(1.0), np.float32(0.0)
    left, own, right = inverse[i, j - 1], inverse[i, j], inverse[i, j + 1]
    return one / left if left > 0 else zero, one / own if own > 0 else zero, one / right if right > 0 else zero


@jit.fast_inner
def _multiply_inside(k, m, inverse, links, loss, weights, c_rate, coarse):
    """The same of a 5-point level, away from the sides: the products written out, seven times as fast.

    Held pixels weigh 0. ``p`` are the weights around the coarse pixel itself, ``q`` around the one it is linked to.
    """
    north, east, _, _ = links
    c_north, c_east, c_rising, c_falling = coarse
    e, w, n, s, ne, nw, se, sw = weights
    i, j, zero = 2 * k - 1, 2 * m - 1, np.float32(0.0)
    pe, pw, pn, ps = e[k, m], w[k, m], n[k, m], s[k, m]
    pne, pnw, pse, psw = ne[k, m], nw[k, m], se[k, m], sw[k, m]
    dnw, dn, dne = _diagonals(inverse, i + 1, j)
    _, _, de = _diagonals(inverse, i, j)
    _, _, dse = _diagonals(inverse, i - 1, j)
    # Links along the row above the coarse pixel, along its own and along the one below; then those between these rows.
    nl, nr = east[i + 1, j - 1], east[i + 1, j]
    right, sr = east[i, j], east[i - 1, j]
    lu, up, ru = north[i, j - 1], north[i, j], north[i, j + 1]
    rd = north[i - 1, j + 1]
    near, far = loss[i, j], loss[i, j + 1] * pe + loss[i, j - 1] * pw
    far += loss[i + 1, j] * pn + loss[i + 1, j + 1] * pne + loss[i + 1, j - 1] * pnw
    far += loss[i - 1, j] * ps + loss[i - 1, j + 1] * pse + loss[i - 1, j - 1] * psw
    c_rate[k, m] = max(near + far, zero)
    qw, qnw, qsw, qn, qs = w[k, m + 1], nw[k, m + 1], sw[k, m + 1], n[k, m + 1], s[k, m + 1]
    shared = de * pe * qw + dne * pne * qnw + dse * pse * qsw - ru * (pe * qnw + pne * qw) - rd * (pse * qw + pe * qsw)
    joined = right * qw + nr * pn * qnw + sr * ps * qsw
    joined += east[i, j + 1] * pe + east[i + 1, j + 1] * pne * qn + east[i - 1, j + 1] * pse * qs
    c_east[k, m] = max(joined - shared, zero)
    qs, qse, qsw, qe, qw = s[k + 1, m], se[k + 1, m], sw[k + 1, m], e[k + 1, m], w[k + 1, m]
    shared = dn * pn * qs + dne * pne * qse + dnw * pnw * qsw - nr * (pn * qse + pne * qs) - nl * (pnw * qs + pn * qsw)
    joined = up * qs + ru * pe * qse + lu * pw * qsw
    joined += north[i + 1, j] * pn + north[i + 1, j + 1] * pne * qe + north[i + 1, j - 1] * pnw * qw
    c_north[k, m] = max(joined - shared, zero)
    qsw, qs, qw = sw[k + 1, m + 1], s[k + 1, m + 1], w[k + 1, m + 1]
    joined = (nr * pn + ru * pe) * qsw + (east[i + 1, j + 1] * qs + north[i + 1, j + 1] * qw) * pne
    c_rising[k, m] = max(joined - dne * pne * qsw, zero)
    qse, qs, qe = se[k + 1, m - 1], s[k + 1, m - 1], e[k + 1, m - 1]
    joined = (nl * pn + lu * pw) * qse + (east[i + 1, j - 2] * qs + north[i + 1, j - 1] * qe) * pnw
    c_falling[k, m] = max(joined - dnw * pnw * qse, zero)


@jit.fast_inner
def multiply(team, inverse, links, loss, rings, weights, c_rate, coarse):
    """The rates and the links of the coarse level, without their halos."""
    ny, nx = inverse.shape[0] - 2, inverse.shape[1] - 2
    cy, cx = (ny + 1) // 2, (nx + 1) // 2
    scratch = np.empty((3, 3), np.float32), np.empty((3, 3), np.float32), np.empty((5, 5), np.float32)
    chunks = pieces(inverse.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for k in range(1 + chunk * cy // chunks, 1 + (chunk + 1) * cy // chunks):
            first, last = 1, 0  # those inside
            if links[2] is None and 2 <= k < cy and 2 * k + 1 <= ny:
                first, last = 2, min(cx - 1, (nx - 1) // 2)
                for m in range(first, last + 1):
                    _multiply_inside(k, m, inverse, links, loss, weights, c_rate, coarse)
            for m in range(1, cx + 1):
                if m < first or m > last:
                    _multiply_anywhere(k, m, inverse, links, loss, rings, weights, c_rate, coarse, scratch)
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.fast_inner
def _gathered(i, j, bump, loss, rings):
    """The loss around a coarse pixel, by its weights."""
    ny, nx = loss.shape[0] - 2, loss.shape[1] - 2
    total = np.float32(0.0)
    for a in range(3):
        y = _between(i + a - 1, ny, rings[0]) if a != 1 else i
        for c in range(3):
            x = _between(j + c - 1, nx, rings[1]) if c != 1 else j
            if y and x:
                total += bump[a, c] * loss[y, x]
    return max(total, np.float32(0.0))


@jit.fast_inner
def invert(team, rate, links, inverse):
    """The inverse diagonal of a level; 0 where a pixel has neither links nor decay.

    Cutting a link that came out below 0 makes a diagonal larger than the product's own, never smaller.
    """
    north, east, rising, falling = links
    ny, nx = inverse.shape[0] - 2, inverse.shape[1] - 2
    chunks = pieces(inverse.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(1 + chunk * ny // chunks, 1 + (chunk + 1) * ny // chunks):
            for j in range(1, nx + 1):
                joined = (north[i, j] + north[i - 1, j]) + (east[i, j] + east[i, j - 1])
                joined += (rising[i, j] + rising[i - 1, j - 1]) + (falling[i, j] + falling[i - 1, j + 1])
                total = joined + rate[i, j]
                inverse[i, j] = np.float32(1.0) / total if total > 0 else np.float32(0.0)
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.fast_inner
def coarsen(team, rate, inverse, links, rings, scratch, weights, c_rate, c_inverse, coarse):
    """The whole of a coarse level, halos included, from the next finer one, whose halos are set."""
    lack, loss = scratch
    wrap(team, inverse, rings)
    weigh(team, rate, inverse, links, rings, weights)
    for each in weights:
        wrap(team, each, rings)
    find_lack(team, rate, inverse, links, rings, lack)
    find_loss(team, rate, links, lack, loss)
    multiply(team, inverse, links, loss, rings, weights, c_rate, coarse)
    for each in coarse:
        wrap(team, each, rings)
    invert(team, c_rate, coarse, c_inverse)
    wrap(team, c_rate, rings)
