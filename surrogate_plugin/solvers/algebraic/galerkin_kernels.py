"""The links and losses of a coarse level, ``P^T A P``, and the elimination of the coarsest."""

from __future__ import annotations

import numpy as np

from surrogate_plugin import jit
from surrogate_plugin.sharing_kernels import claim, pieces, settle
from surrogate_plugin.solvers.algebraic.coarsening_kernels import WIDTH


@jit.exact
def coarse_level(
    team, lo, hi, end, first, upper, last, cols, links, loss, linked, follows, near, weight, carried, begin, origin,
    share, missing, base, width, full,
):  # fmt: skip
    """The rows ``hi`` to ``end``, from ``base`` on; each chunk has ``width`` places a row, ``full`` if that is too few.

    Losses are what ``A`` makes of the coarse 1, differences first: where nothing is lost they are 0, not rounding.
    """
    chunks = pieces(4 * (hi - lo))
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(lo + chunk * (hi - lo) // chunks, lo + (chunk + 1) * (hi - lo) // chunks):
            value = loss[i] * carried[i]
            for k in range(first[i], last[i]):
                value += links[k] * (carried[i] - carried[cols[k]])
            missing[i] = value
        chunk = claim(team, chunks)
    settle(team, chunks)
    count = end - hi
    # What a node stands for, and what is on it: its image under A, then its links to others.
    image, touched, seen = np.zeros(end), np.empty(end, np.uint32), np.zeros(end, np.uint8)
    chunks = pieces(4 * count)
    chunk = claim(team, chunks)
    while chunk < chunks:
        start, stop = hi + chunk * count // chunks, hi + (chunk + 1) * count // chunks
        at, limit = base + width * (start - hi), base + width * (stop - hi)
        for node in range(start, stop):
            # What flows to each node from those that follow this one, and how many are reached.
            reached, value = 0, 0.0
            for s in range(begin[node], begin[node + 1]):
                i, part = origin[s], share[s]
                value += part * missing[i]
                if seen[i] == 0:
                    seen[i] = 1
                    touched[reached] = i
                    reached += 1
                image[i] -= part * (linked[i] + loss[i])
                for k in range(first[i], last[i]):
                    j = cols[k]
                    if seen[j] == 0:
                        seen[j] = 1
                        touched[reached] = j
                        reached += 1
                    image[j] += part * links[k]
            loss[node] = value
            # And from there to those that these follow, in the order of nodes.
            row = at
            for t in range(reached):
                i = touched[t]
                flow = image[i]
                image[i], seen[i] = 0.0, 0
                for k in range(WIDTH * i, WIDTH * i + follows[i]):
                    to = near[k]
                    image[to] += weight[k] * flow
                    if seen[to] == 0:
                        seen[to] = 1
                        if at < limit:
                            place = at
                            while place > row and cols[place - 1] > to:
                                cols[place] = cols[place - 1]
                                place -= 1
                            cols[place] = to
                        at += 1
            if at > limit:
                full[chunk] = 1
                break
            put = earlier = row
            for k in range(row, at):
                to = cols[k]
                if to != node:
                    cols[put], links[put] = to, image[to]
                    put += 1
                    earlier += to < node
                image[to], seen[to] = 0.0, 0
            first[node], upper[node], last[node] = row, earlier, put
            at = put
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.exact
def eliminate_all(lo, hi, first, last, cols, links, loss, mesh, pivot):
    """Eliminate the nodes of the coarsest level, the last first: ``mesh[k, j]``, ``j < k``, is a link when ``k`` goes.

    ``pivot`` is the inverse of the diagonal then, 0 where nothing anchors what is left.
    """
    count = hi - lo
    rest = np.empty(count)
    mesh[:count, :count] = 0.0
    for i in range(count):
        rest[i] = loss[lo + i]
        for k in range(first[lo + i], last[lo + i]):
            mesh[i, cols[k] - lo] = links[k]
    for k in range(count - 1, -1, -1):
        a = rest[k]
        for j in range(k):
            a += mesh[k, j]
        pivot[k] = 1.0 / a if a > 0.0 else 0.0
        for i in range(k):
            share = mesh[k, i] * pivot[k]
            rest[i] += share * rest[k]
            for j in range(k):
                if j != i:
                    mesh[i, j] += share * mesh[k, j]
