"""Which nodes of a level stay on the next, and how the others follow them: Ruge and Stueben's direct interpolation.

A node depends strongly on those to which its links are not much weaker than its strongest. A maximal independent set of
these dependences, in the order of the nodes, stays; then every other node is looked at, and stays as well unless what
it can be interpolated from carries a fixed part of its diagonal. That part bounds the convergence of two levels,
whatever the conductances are (Stueben, section A.4.2).

Source: Stueben, "A review of algebraic multigrid", *J. Comput. Appl. Math.* 128, 2001.
"""

from __future__ import annotations

import numpy as np

from surrogate_plugin import jit
from surrogate_plugin.sharing_kernels import claim, pieces, settle

UNDECIDED, COARSE, FINE = 0, 1, 2
#: Links of at least this part of a node's strongest are strong.
STRONG = 0.1
#: The part of its diagonal that a node's interpolation has to carry. A chequerboard's has a third.
CARRIED = 0.2
#: A node whose losses are so many times its links is settled by sweeps alone.
ANCHORED = 10.0
#: Nodes at most from which one is interpolated.
WIDTH = 4
#: What `coarse` holds for a node that does not stay. Numbers are unsigned, since kernels then index without a branch.
NONE = np.uint32(0xFFFFFFFF)
#: Nodes that more others depend on than this count as if it were so many.
MOST_WORTH = 200


@jit.exact
def diagonals(team, lo, hi, first, last, cols, links, loss, linked, apart, strong, inverse):
    """The sum of a node's links, the part of it to other chunks, what is strong for it, and what sweeps divide by.

    That is the inverse of the diagonal and ``apart`` together, 0 where nothing anchors a node: a pair of nodes that
    are held by each other alone would else swap their errors for ever where it is cut by two chunks.
    """
    chunks = pieces(4 * (hi - lo))
    chunk = claim(team, chunks)
    while chunk < chunks:
        start, stop = lo + chunk * (hi - lo) // chunks, lo + (chunk + 1) * (hi - lo) // chunks
        for i in range(start, stop):
            total = away = highest = 0.0
            for k in range(first[i], last[i]):
                total += links[k]
                highest = max(highest, links[k])
                if not start <= cols[k] < stop:
                    away += abs(links[k])
            linked[i], apart[i] = total, away
            a = total + loss[i]
            inverse[i] = 1.0 / (a + away) if a > 0.0 else 0.0
            # What no other node is needed for depends on none.
            strong[i] = STRONG * highest if highest > 0.0 and loss[i] < ANCHORED * total else np.inf
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.exact
def colour(team, lo, hi, first, last, cols, links, strong, kind):
    """Let stay whom most others depend on, and those go; then whom most that go depend on, and so forth.

    Each chunk of nodes looks at its own alone, so that they need not wait for each other.
    """
    chunks = pieces(4 * (hi - lo))
    room = (hi - lo) // chunks + 1
    worth, before, after = np.empty(room, np.int32), np.empty(room, np.int32), np.empty(room, np.int32)
    heads = np.empty(MOST_WORTH + 1, np.int32)
    chunk = claim(team, chunks)
    while chunk < chunks:
        start, stop = lo + chunk * (hi - lo) // chunks, lo + (chunk + 1) * (hi - lo) // chunks
        _colour_chunk(start, stop, first, last, cols, links, strong, kind, worth, before, after, heads)
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.exact_inner
def _leave(m, worth, before, after, heads):
    """Take a node out of the list of its worth."""
    if before[m] >= 0:
        after[before[m]] = after[m]
    else:
        heads[worth[m]] = after[m]
    if after[m] >= 0:
        before[after[m]] = before[m]


@jit.exact_inner
def _enter(m, worth, before, after, heads):
    """Put a node at the head of the list of its worth."""
    head = heads[worth[m]]
    before[m], after[m] = -1, head
    if head >= 0:
        before[head] = m
    heads[worth[m]] = m


@jit.exact_inner
def _colour_chunk(start, stop, first, last, cols, links, strong, kind, worth, before, after, heads):
    """Nodes of equal worth are lists, ``heads`` their first ones; a node whose worth changes goes to another's head."""
    worth[:] = 0
    heads[:] = -1
    for i in range(start, stop):
        kind[i] = UNDECIDED if strong[i] < np.inf else FINE
        for k in range(first[i], last[i]):
            if start <= cols[k] < stop and links[k] >= strong[i] and worth[cols[k] - start] < MOST_WORTH:
                worth[cols[k] - start] += 1
    for i in range(stop - start - 1, -1, -1):
        if kind[start + i] == UNDECIDED:
            _enter(i, worth, before, after, heads)
    top = MOST_WORTH
    while top >= 0:
        i = heads[top]
        if i < 0:
            top -= 1
            continue
        _leave(i, worth, before, after, heads)
        kind[start + i] = COARSE
        for k in range(first[start + i], last[start + i]):
            j = cols[k]
            if not start <= j < stop or kind[j] != UNDECIDED:
                continue
            goes = links[k] >= strong[j]
            if goes:
                kind[j] = FINE
            elif links[k] < strong[start + i]:
                continue
            # The node leaves its list; if it does not go, it is worth one less.
            m = j - start
            _leave(m, worth, before, after, heads)
            if not goes:
                worth[m] = max(worth[m] - 1, 0)
                _enter(m, worth, before, after, heads)
                continue
            # Those that it depends on are worth one more.
            for q in range(first[j], last[j]):
                n = cols[q]
                if not start <= n < stop or kind[n] != UNDECIDED or links[q] < strong[j]:
                    continue
                m = n - start
                if worth[m] < MOST_WORTH:
                    _leave(m, worth, before, after, heads)
                    worth[m] += 1
                    _enter(m, worth, before, after, heads)
                    top = max(top, worth[m])


@jit.exact
def choose(lo, hi, first, last, cols, links, loss, linked, strong, kind, coarse, fine):
    """Number the nodes that stay from ``hi`` on, in ``coarse``, and list them in ``fine``; how many they are.

    Besides those that `colour` chose, all that can be interpolated from too little.
    """
    count = 0
    for i in range(lo, hi):
        if kind[i] == FINE and strong[i] < np.inf:
            carried = max(loss[i], 0.0)
            for k in range(first[i], last[i]):
                if kind[cols[k]] == COARSE and links[k] >= strong[i]:
                    carried += links[k]
            if carried < CARRIED * (linked[i] + loss[i]):
                kind[i] = COARSE
        coarse[i] = NONE
        if kind[i] == COARSE:
            coarse[i] = hi + count
            fine[hi + count] = i
            count += 1
    return count


@jit.exact
def interpolate(
    team, lo, hi, first, last, cols, links, loss, linked, strong, coarse, follows, near, weight, carried
):  # fmt: skip
    """The ``follows`` nodes ``near`` that each node follows, with weights, at most WIDTH; ``carried`` is their sum."""
    chunks = pieces(4 * (hi - lo))
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(lo + chunk * (hi - lo) // chunks, lo + (chunk + 1) * (hi - lo) // chunks):
            if coarse[i] != NONE:
                near[WIDTH * i], weight[WIDTH * i], carried[i], follows[i] = coarse[i], 1.0, 1.0, 1
                continue
            count, row = 0, WIDTH * i
            for k in range(first[i], last[i]):
                link, to = links[k], coarse[cols[k]]
                if to == NONE or link < strong[i] or (count == WIDTH and link <= weight[row + WIDTH - 1]):
                    continue
                at = min(count, WIDTH - 1)
                while at > 0 and weight[row + at - 1] < link:
                    near[row + at], weight[row + at] = near[row + at - 1], weight[row + at - 1]
                    at -= 1
                near[row + at], weight[row + at] = to, link
                count = min(count + 1, WIDTH)
            total = 0.0
            for k in range(count):
                total += weight[WIDTH * i + k]
            carried[i] = 0.0
            if count > 0 and linked[i] > 0.0:
                carried[i] = linked[i] / (linked[i] + loss[i])
            for k in range(count):
                weight[WIDTH * i + k] *= carried[i] / total
            follows[i] = count
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.exact
def transpose(team, lo, hi, end, first, last, cols, fine, follows, near, weight, begin, origin, share):
    """What follows each coarse node, ``hi`` to ``end``: ``origin`` and ``share`` from ``begin[J]`` to ``begin[J + 1]``.

    A node follows only those it is linked with, so whoever follows is among the links.
    """
    count = end - hi
    chunks = pieces(4 * count)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for node in range(hi + chunk * count // chunks, hi + (chunk + 1) * count // chunks):
            f, number = fine[node], 1
            for k in range(first[f], last[f]):
                j = cols[k]
                for m in range(WIDTH * j, WIDTH * j + follows[j]):
                    number += near[m] == node
            begin[node + 1] = number
        chunk = claim(team, chunks)
    settle(team, chunks)
    if claim(team, 1) == 0:
        for node in range(hi, end):
            begin[node + 1] += begin[node]
    settle(team, 1)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for node in range(hi + chunk * count // chunks, hi + (chunk + 1) * count // chunks):
            f, at = fine[node], np.int64(begin[node])
            origin[at], share[at] = f, 1.0
            for k in range(first[f], last[f]):
                j = cols[k]
                for m in range(WIDTH * j, WIDTH * j + follows[j]):
                    if near[m] == node:
                        at += 1
                        origin[at], share[at] = j, weight[m]
        chunk = claim(team, chunks)
    settle(team, chunks)
