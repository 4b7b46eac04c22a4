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

    ``starts`` (H + 1,) is the number of the first node of each row of the lattice, ``width`` the room of a row. What is
    done for every pixel is written out here, since numba counts references to arrays at each call of a function.
    """
    ny, nx = number.shape
    near, value = np.empty(MOST_LINKS, np.int64), np.empty(MOST_LINKS)
    mesh = np.zeros((USUAL_LINKS + 1, nx + 9))
    chunks = pieces(number.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(chunk * ny // chunks, (chunk + 1) * ny // chunks):
            node = starts[i]
            inner = 2 <= i < ny - 2 and nx > 4
            if inner:
                _fill(i, number, decay, pivot, north, east, mesh)
            for j in range(nx):
                if number[i, j] < 0:
                    continue
                first[node] = at = earlier = node * width
                if inner and 2 <= j < nx - 2:
                    near[0], near[1], near[2] = number[i - 2, j], number[i - 1, j - 1], number[i - 1, j + 1]
                    near[3], near[4], near[5] = number[i, j - 2], number[i, j + 2], number[i + 1, j - 1]
                    near[6], near[7] = number[i + 1, j + 1], number[i + 2, j]
                    lost = mesh[USUAL_LINKS, j]
                    for k in range(USUAL_LINKS):
                        if near[k] == HELD:
                            lost += mesh[k, j]
                        elif mesh[k, j] > 0.0:
                            cols[at], links[at] = near[k], mesh[k, j]
                            earlier += near[k] < node
                            at += 1
                else:
                    count, lost = _row(i, j, number, decay, pivot, north, east, rings, near, value)
                    for k in range(count):
                        cols[at], links[at] = near[k], value[k]
                        earlier += near[k] < node
                        at += 1
                upper[node], last[node], loss[node] = earlier, at, lost
                node += 1
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.exact_inner
def _fill(i, number, decay, pivot, north, east, mesh):
    """Links of a row's pixels, away from the sides, to the eight pixels in order, and the losses in the last row.

    As if none of the eight were held. They lead by way of the pixel below, left, right and above.
    """
    for j in range(2, number.shape[1] - 2):
        g = north[i, j]
        share = g * pivot[i - 1, j]
        mesh[0, j], mesh[1, j], mesh[2, j] = share * north[i - 1, j], share * east[i - 1, j], share * east[i - 1, j + 1]
        mesh[8, j] = decay[i, j] + (g if number[i - 1, j] == HELD else share * decay[i - 1, j])
    for j in range(2, number.shape[1] - 2):
        g = east[i, j]
        share = g * pivot[i, j - 1]
        mesh[1, j] += share * north[i, j - 1]
        mesh[3, j], mesh[5, j] = share * east[i, j - 1], share * north[i + 1, j - 1]
        mesh[8, j] += g if number[i, j - 1] == HELD else share * decay[i, j - 1]
    for j in range(2, number.shape[1] - 2):
        g = east[i, j + 1]
        share = g * pivot[i, j + 1]
        mesh[2, j] += share * north[i, j + 1]
        mesh[4, j], mesh[6, j] = share * east[i, j + 2], share * north[i + 1, j + 1]
        mesh[8, j] += g if number[i, j + 1] == HELD else share * decay[i, j + 1]
    for j in range(2, number.shape[1] - 2):
        g = north[i + 1, j]
        share = g * pivot[i + 1, j]
        mesh[5, j] += share * east[i + 1, j]
        mesh[6, j] += share * east[i + 1, j + 1]
        mesh[7, j] = share * north[i + 2, j]
        mesh[8, j] += g if number[i + 1, j] == HELD else share * decay[i + 1, j]


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
