"""Every other pixel eliminated exactly: the graph that is left has half the pixels and the same solution.

The four faces of a pixel lead to pixels of the other colour of a chequerboard, so pixels of one colour can be
eliminated one by one. Eliminating a pixel with faces ``g_i`` and losses ``d`` (decay, and faces to what is held) leaves
links ``g_i g_j / a`` between its neighbours and losses ``g_i d / a`` at them, where ``a = sum g_i + d``: the star-mesh
transform of circuits. Nothing is subtracted, so every link and every loss is right to its last bits at any contrast.
"""

from __future__ import annotations

import numpy as np

from surrogate_plugin import jit
from surrogate_plugin.sharing_kernels import claim, pieces, settle

#: What `number` holds besides the nodes' numbers: pixels that are eliminated, and those that are not solved for.
ELIMINATED, HELD = -1, -2
#: Links of a node at most: three by way of each neighbour. They lead to eight pixels but for the seam of an odd ring.
MOST_LINKS, USUAL_LINKS = 12, 8


@jit.exact_inner
def beside(i, j, way, ny, nx, rings):
    """The pixel below, left, right or above; (-1, -1) where there is none."""
    if way == 0:
        i = i - 1 if i > 0 else (ny - 1 if rings[0] else -1)
    elif way == 1:
        j = j - 1 if j > 0 else (nx - 1 if rings[1] else -1)
    elif way == 2:
        j = j + 1 if j < nx - 1 else (0 if rings[1] else -1)
    else:
        i = i + 1 if i < ny - 1 else (0 if rings[0] else -1)
    return (i, j) if i >= 0 and j >= 0 else (-1, -1)


@jit.exact_inner
def face(i, j, way, north, east):
    """The conductance of a pixel's face that way."""
    if way == 0:
        return north[i, j]
    if way == 1:
        return east[i, j]
    return east[i, j + 1] if way == 2 else north[i + 1, j]


@jit.exact
def pivots(team, number, decay, north, east, rings, out):
    """``out = 1 / a`` at the pixels to be eliminated, 0 at the others and where nothing anchors one."""
    ny, nx = number.shape
    chunks = pieces(number.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(chunk * ny // chunks, (chunk + 1) * ny // chunks):
            for j in range(nx):
                out[i, j] = 0.0
                if number[i, j] == ELIMINATED:
                    a = decay[i, j] + ((north[i, j] + north[i + 1, j]) + (east[i, j] + east[i, j + 1]))
                    if a > 0.0:
                        out[i, j] = 1.0 / a
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.exact
def eliminate(team, number, starts, decay, pivot, north, east, rings, width, first, upper, last, cols, links, loss):
    """The rows of the graph that is left, each with its columns in order; see `levels` for the arrays.

    ``starts`` (H + 1,) is the number of the first node of each row of the lattice, ``width`` the room of a row.
    """
    ny, nx = number.shape
    near, value = np.empty(MOST_LINKS, np.int64), np.empty(MOST_LINKS)
    chunks = pieces(number.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(chunk * ny // chunks, (chunk + 1) * ny // chunks):
            node = starts[i]
            for j in range(nx):
                if number[i, j] < 0:
                    continue
                if 2 <= i < ny - 2 and 2 <= j < nx - 2:
                    count, lost = _inner_row(i, j, number, decay, pivot, north, east, near, value)
                else:
                    count, lost = _row(i, j, number, decay, pivot, north, east, rings, near, value)
                at = node * width
                first[node] = upper[node] = at
                for k in range(count):
                    cols[at + k], links[at + k] = near[k], value[k]
                    upper[node] += near[k] < node
                last[node] = at + count
                loss[node] = lost
                node += 1
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.exact_inner
def _inner_row(i, j, number, decay, pivot, north, east, near, value):
    """As `_row`, away from the sides, where neighbours' neighbours are eight pixels in order."""
    below, left = north[i, j] * pivot[i - 1, j], east[i, j] * pivot[i, j - 1]
    right, above = east[i, j + 1] * pivot[i, j + 1], north[i + 1, j] * pivot[i + 1, j]
    lost = decay[i, j]
    lost += below * decay[i - 1, j] if number[i - 1, j] != HELD else north[i, j]
    lost += left * decay[i, j - 1] if number[i, j - 1] != HELD else east[i, j]
    lost += right * decay[i, j + 1] if number[i, j + 1] != HELD else east[i, j + 1]
    lost += above * decay[i + 1, j] if number[i + 1, j] != HELD else north[i + 1, j]
    count = 0
    count, lost = _put(number[i - 2, j], below * north[i - 1, j], count, lost, near, value)
    link = below * east[i - 1, j] + left * north[i, j - 1]
    count, lost = _put(number[i - 1, j - 1], link, count, lost, near, value)
    link = below * east[i - 1, j + 1] + right * north[i, j + 1]
    count, lost = _put(number[i - 1, j + 1], link, count, lost, near, value)
    count, lost = _put(number[i, j - 2], left * east[i, j - 1], count, lost, near, value)
    count, lost = _put(number[i, j + 2], right * east[i, j + 2], count, lost, near, value)
    link = left * north[i + 1, j - 1] + above * east[i + 1, j]
    count, lost = _put(number[i + 1, j - 1], link, count, lost, near, value)
    link = right * north[i + 1, j + 1] + above * east[i + 1, j + 1]
    count, lost = _put(number[i + 1, j + 1], link, count, lost, near, value)
    return _put(number[i + 2, j], above * north[i + 2, j], count, lost, near, value)


@jit.exact_inner
def _put(node, link, count, lost, near, value):
    """A link to the next node in order, or a loss where that is held."""
    if node == HELD:
        return count, lost + link
    if link > 0.0:
        near[count], value[count] = node, link
        count += 1
    return count, lost


@jit.exact_inner
def _row(i, j, number, decay, pivot, north, east, rings, near, value):
    """A node's links in ``near`` and ``value``: how many they are, and its loss."""
    ny, nx = number.shape
    node = number[i, j]
    count, lost = 0, decay[i, j]
    for way in range(4):
        g = face(i, j, way, north, east)
        if g == 0.0:
            continue
        k, m = beside(i, j, way, ny, nx, rings)
        kind = HELD if k < 0 else number[k, m]
        if kind == HELD:
            lost += g
        elif kind != ELIMINATED:
            if kind != node:
                count = _add(near, value, count, kind, g)
        else:
            share, its_loss = g * pivot[k, m], decay[k, m]
            for onward in range(4):
                h = face(k, m, onward, north, east)
                if h == 0.0:
                    continue
                p, q = beside(k, m, onward, ny, nx, rings)
                end = HELD if p < 0 else number[p, q]
                if end == HELD:
                    its_loss += h
                elif end != node:
                    count = _add(near, value, count, end, share * h)
            lost += share * its_loss
    return count, lost


@jit.exact_inner
def _add(near, value, count, node, link):
    """Add a link in the order of nodes, or to the one there is; how many there are now."""
    if link == 0.0:
        return count
    at = count
    while at > 0 and near[at - 1] >= node:
        at -= 1
    if at < count and near[at] == node:
        value[at] += link
        return count
    for k in range(count, at, -1):
        near[k], value[k] = near[k - 1], value[k - 1]
    near[at], value[at] = node, link
    return count + 1


@jit.exact
def gather(team, starts, number, pivot, north, east, rings, r, out):
    """The nodes' right-hand side from the pixels' ``r``, (H + 2, W + 2): what is eliminated hands its share on."""
    ny, nx = number.shape
    chunks = pieces(number.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(chunk * ny // chunks, (chunk + 1) * ny // chunks):
            node = starts[i]
            for j in range(nx):
                if number[i, j] < 0:
                    continue
                value = np.float64(r[i + 1, j + 1])
                for way in range(4):
                    k, m = beside(i, j, way, ny, nx, rings)
                    if k >= 0 and number[k, m] == ELIMINATED:
                        value += face(i, j, way, north, east) * pivot[k, m] * r[k + 1, m + 1]
                out[node] = value
                node += 1
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.exact
def scatter(team, number, pivot, north, east, rings, r, x, z):
    """The pixels' ``z``, (H + 2, W + 2), from the nodes' ``x``; what was eliminated follows from ``r`` and ``x``."""
    ny, nx = number.shape
    chunks = pieces(number.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(chunk * ny // chunks, (chunk + 1) * ny // chunks):
            for j in range(nx):
                value = 0.0
                if number[i, j] >= 0:
                    value = x[number[i, j]]
                elif number[i, j] == ELIMINATED:
                    value = np.float64(r[i + 1, j + 1])
                    for way in range(4):
                        k, m = beside(i, j, way, ny, nx, rings)
                        if k >= 0 and number[k, m] >= 0:
                            value += face(i, j, way, north, east) * x[number[k, m]]
                    value *= pivot[i, j]
                z[i + 1, j + 1] = value
        chunk = claim(team, chunks)
    settle(team, chunks)
