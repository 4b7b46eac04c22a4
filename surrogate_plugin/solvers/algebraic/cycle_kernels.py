"""The V-cycle of the algebraic hierarchy, and the vectors of conjugate gradients."""

from __future__ import annotations

from surrogate_plugin import jit
from surrogate_plugin.sharing_kernels import claim, pieces, settle
from surrogate_plugin.solvers.algebraic.coarsening_kernels import WIDTH


@jit.fast
def v_cycle(team, starts, levels, dense, graph, transfer, mesh, pivot, b, x, y, r):
    """``x ~ A^-1 b`` on the finest nodes: a sweep forwards, the coarse levels, a sweep backwards.

    Nodes are swept chunk by chunk, other chunks as they were before; so sweeps back mirror those forth, and neither
    depends on how many threads there are.
    """
    for level in range(levels - 1):
        lo, hi, end = starts[level], starts[level + 1], starts[level + 2]
        _forwards(team, lo, hi, graph, b, x)
        _remainder(team, lo, hi, graph, x, r)
        _restrict(team, hi, end, transfer, r, b)
    lo, hi = starts[levels - 1], starts[levels]
    if dense:
        if claim(team, 1) == 0:
            _solve(lo, hi, mesh, pivot, b, x)
        settle(team, 1)
    else:
        _forwards(team, lo, hi, graph, b, x)
        _follow(team, lo, hi, transfer, x, y, False)
        _backwards(team, lo, hi, graph, b, x, y)
    for level in range(levels - 2, -1, -1):
        lo, hi = starts[level], starts[level + 1]
        _follow(team, lo, hi, transfer, x, y, True)
        _backwards(team, lo, hi, graph, b, x, y)


@jit.fast_inner
def _forwards(team, lo, hi, graph, b, x):
    """A sweep from zero, in which only links to earlier nodes count."""
    first, upper, _, cols, links, _, inverse = graph
    chunks = pieces(4 * (hi - lo))
    chunk = claim(team, chunks)
    while chunk < chunks:
        start, stop = lo + chunk * (hi - lo) // chunks, lo + (chunk + 1) * (hi - lo) // chunks
        for i in range(start, stop):
            value = b[i]
            for k in range(first[i], upper[i]):
                if cols[k] >= start:
                    value += links[k] * x[cols[k]]
            x[i] = value * inverse[i]
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.fast_inner
def _remainder(team, lo, hi, graph, x, r):
    """What is left after a sweep from zero: the links that it left out."""
    first, upper, last, cols, links, apart, _ = graph
    chunks = pieces(4 * (hi - lo))
    chunk = claim(team, chunks)
    while chunk < chunks:
        start, stop = lo + chunk * (hi - lo) // chunks, lo + (chunk + 1) * (hi - lo) // chunks
        for i in range(start, stop):
            value = apart[i] * x[i]
            for k in range(upper[i], last[i]):
                value += links[k] * x[cols[k]]
            for k in range(first[i], upper[i]):
                if cols[k] >= start:
                    break
                value += links[k] * x[cols[k]]
            r[i] = value
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.fast_inner
def _restrict(team, hi, end, transfer, r, b):
    _, _, _, begin, origin, share = transfer
    chunks = pieces(4 * (end - hi))
    chunk = claim(team, chunks)
    while chunk < chunks:
        for node in range(hi + chunk * (end - hi) // chunks, hi + (chunk + 1) * (end - hi) // chunks):
            value = 0.0
            for s in range(begin[node], begin[node + 1]):
                value += share[s] * r[origin[s]]
            b[node] = value
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.fast_inner
def _follow(team, lo, hi, transfer, x, y, corrected):
    """``y = x``, and what the coarse level adds to it."""
    follows, near, weight, _, _, _ = transfer
    chunks = pieces(4 * (hi - lo))
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(lo + chunk * (hi - lo) // chunks, lo + (chunk + 1) * (hi - lo) // chunks):
            value = x[i]
            if corrected:
                for k in range(WIDTH * i, WIDTH * i + follows[i]):
                    value += weight[k] * x[near[k]]
            y[i] = value
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.fast_inner
def _backwards(team, lo, hi, graph, b, x, y):
    """A sweep from ``y``, from the last node to the first."""
    first, upper, last, cols, links, apart, inverse = graph
    chunks = pieces(4 * (hi - lo))
    chunk = claim(team, chunks)
    while chunk < chunks:
        start, stop = lo + chunk * (hi - lo) // chunks, lo + (chunk + 1) * (hi - lo) // chunks
        for i in range(stop - 1, start - 1, -1):
            value = b[i] + apart[i] * y[i]
            for k in range(first[i], upper[i]):
                value += links[k] * y[cols[k]]
            for k in range(upper[i], last[i]):
                j = cols[k]
                value += links[k] * (x[j] if j < stop else y[j])
            x[i] = value * inverse[i]
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.fast_inner
def _solve(lo, hi, mesh, pivot, b, x):
    """The coarsest level, by what `eliminate_all` left."""
    count = hi - lo
    for k in range(count):
        x[lo + k] = b[lo + k]
    for k in range(count - 1, -1, -1):
        share = x[lo + k] * pivot[k]
        for j in range(k):
            x[lo + j] += mesh[k, j] * share
    for k in range(count):
        value = x[lo + k]
        for j in range(k):
            value += mesh[k, j] * x[lo + j]
        x[lo + k] = value * pivot[k]


@jit.exact
def energy_and_peak(team, r, x, q, count, sums):
    """``r x``, ``q x`` and the largest ``|x|``."""
    chunks = pieces(4 * count)
    chunk = claim(team, chunks)
    while chunk < chunks:
        energy = overlap = highest = 0.0
        for i in range(chunk * count // chunks, (chunk + 1) * count // chunks):
            energy += r[i] * x[i]
            overlap += q[i] * x[i]
            highest = max(highest, abs(x[i]))
        sums[0, chunk], sums[1, chunk], sums[2, chunk] = energy, overlap, highest
        chunk = claim(team, chunks)
    settle(team, chunks)
    return sums[0].sum(), sums[1].sum(), sums[2].max()


@jit.exact
def direction(team, x, beta, count, graph, loss, p, q, sums):
    """``p = x + beta p`` and ``q = A p``, differences first; ``p q``."""
    first, _, last, cols, links, _, _ = graph
    chunks = pieces(4 * count)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(chunk * count // chunks, (chunk + 1) * count // chunks):
            p[i] = x[i] + beta * p[i]
        chunk = claim(team, chunks)
    settle(team, chunks)
    chunk = claim(team, chunks)
    while chunk < chunks:
        total = 0.0
        for i in range(chunk * count // chunks, (chunk + 1) * count // chunks):
            value = loss[i] * p[i]
            for k in range(first[i], last[i]):
                value += links[k] * (p[i] - p[cols[k]])
            q[i] = value
            total += value * p[i]
        sums[chunk] = total
        chunk = claim(team, chunks)
    settle(team, chunks)
    return sums.sum()


@jit.exact
def step(team, alpha, count, p, q, x, r, peaks):
    """``x += alpha p`` and ``r -= alpha q``; the largest ``|r|`` then."""
    chunks = pieces(4 * count)
    chunk = claim(team, chunks)
    while chunk < chunks:
        highest = 0.0
        for i in range(chunk * count // chunks, (chunk + 1) * count // chunks):
            x[i] += alpha * p[i]
            r[i] -= alpha * q[i]
            highest = max(highest, abs(r[i]))
        peaks[chunk] = highest
        chunk = claim(team, chunks)
    settle(team, chunks)
    return peaks.max()
