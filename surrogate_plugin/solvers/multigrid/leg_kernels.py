"""Compiled legs of a V-cycle on a finest level whose links are all 1: one pass over its rows each.

A half sweep of a row needs the rows beside it after the half sweep before, no more. So half sweep ``s`` follows ``s``
rows behind the first, and all of them work on a *window* of few rows, which a core's nearest cache holds: memory is
gone through once a leg, and not once a half sweep. Rows beside a chunk are computed for it again, by the same
arithmetic, so that nothing depends on how rows are shared out.

In the window a row is *dealt*: its pixels of odd and of even columns, counted from 1, lie apart, each in consecutive
numbers, so that a half sweep touches its own colour alone. Half sweeps take turns at the colours and follow each other
by a row, so at step ``i`` all of them are at columns of one parity: the odd ones where ``i`` is even.

What the last half sweep downwards has relaxed lacks nothing, and is what the first one upwards replaces. So the
residual of the other colour is all there is, and its values are all that is *kept* between the legs, dealt, row by row.
Two neighbours of one colour, where a ring has an odd length, would spoil this: `serves` says so, and a leg is gone
through one half sweep at a time then. Arrays are those of `level_kernels`; ``kept`` is (H + 2, (W + 1) // 2).
"""

from __future__ import annotations

import numpy as np

from surrogate_plugin import jit
from surrogate_plugin.sharing_kernels import CHUNKS, claim, is_alone, settle

#: Where dealt rows begin, on a boundary of the widest registers: off it a row takes half as long again. Before it lies
#: the halo.
_FIRST = 16
#: A chunk has at least so many rows, since some beside it are computed twice.
_ROWS = 64
#: Levels of fewer pixels stay in a core's cache from one half sweep to the next, and dealing costs more than it saves.
_LARGE = 200 * 200
_EVEN, _ODD = 0, 1


@jit.fast_inner
def serves(level, rings):
    """Whether a level, given an array of it, is large enough, and no two neighbours are of one colour."""
    joined = (rings[0] and level.shape[0] & 1) or (rings[1] and level.shape[1] & 1)
    return level.size > _LARGE and not joined


@jit.fast_inner
def descend(team, kept, b, inverse, rings, coarse, sweeps):
    """Sweep from zero, and hand the residual down: summed over the (up to) four pixels of each coarse one."""
    ny, nx = b.shape[0] - 2, b.shape[1] - 2
    rows, halves = (ny + 1) // 2, 2 * sweeps
    window, rest = _window(halves, nx), np.zeros((2, (nx + 1) // 2), np.float32)
    chunks = _chunks(team, ny)
    chunk = claim(team, chunks)
    while chunk < chunks:
        low, high = 1 + 2 * (chunk * rows // chunks), min(2 * ((chunk + 1) * rows // chunks), ny)
        start = _start(low - halves, rings)
        window[0][:] = np.float32(0.0)
        for i in range(start, high + halves + 1):
            _begin(i, b, inverse, rings, window)
            _follow(i, start, halves - 1, ny, nx, rings, window)
            r = i - halves
            if r >= low:
                _keep(r, nx, window, kept[r])
                _residual(r, nx, window, rest)
                _hand_down(r, ny, rest, coarse)
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.fast_inner
def ascend(team, x, kept, b, inverse, rings, coarse, sweeps):
    """Take what was kept and the correction from below, then sweep; the colours in the other order than downwards."""
    ny, nx = b.shape[0] - 2, b.shape[1] - 2
    halves = 2 * sweeps
    window = _window(halves, nx)
    chunks = _chunks(team, ny)
    chunk = claim(team, chunks)
    while chunk < chunks:
        low, high = 1 + chunk * ny // chunks, (chunk + 1) * ny // chunks
        start = _start(low - halves, rings)
        window[0][:] = np.float32(0.0)
        for i in range(start, high + halves + 1):
            _correct(i, kept, coarse, b, inverse, rings, window)
            _follow(i, start, halves, ny, nx, rings, window)
            if i - halves >= low:
                _gather(i - halves, window, x[i - halves])
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.fast_inner
def sweep(team, x, b, inverse, rings, sweeps):
    """Red-black Gauss-Seidel from the zero guess."""
    ny, nx = b.shape[0] - 2, b.shape[1] - 2
    behind = 2 * sweeps - 1
    window = _window(behind, nx)
    chunks = _chunks(team, ny)
    chunk = claim(team, chunks)
    while chunk < chunks:
        low, high = 1 + chunk * ny // chunks, (chunk + 1) * ny // chunks
        start = _start(low - behind, rings)
        window[0][:] = np.float32(0.0)
        for i in range(start, high + behind + 1):
            _begin(i, b, inverse, rings, window)
            _follow(i, start, behind, ny, nx, rings, window)
            if i - behind >= low:
                _gather(i - behind, window, x[i - behind])
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.fast_inner
def _chunks(team, rows):
    """How many chunks of rows there are; one for a thread by itself, which then computes nothing twice."""
    return 1 if is_alone(team) else max(1, min(CHUNKS, rows // _ROWS))


@jit.fast_inner
def _start(row, rings):
    """The row to begin with: one before the first only around a ring."""
    return row if rings[0] else max(row, 1)


@jit.fast_inner
def _window(behind, nx):
    """Room for the rows that half sweeps up to ``behind`` rows behind the first look at, each dealt.

    Values, right-hand sides and inverse diagonals, (rows, 2, width) float32 each; rows are a power of two.
    """
    rows = 4
    while rows < behind + 2:
        rows *= 2
    width = _FIRST + 16 * (nx // 32 + 1)
    return _aligned(rows, width), _aligned(rows, width), _aligned(rows, width)


@jit.fast_inner
def _aligned(rows, width):
    """(rows, 2, width) float32 of 0, on a boundary of 64 bytes."""
    flat = np.zeros(2 * rows * width + 16, np.float32)
    skip = -(flat.ctypes.data // 4) % 16
    return flat[skip : skip + 2 * rows * width].reshape((rows, 2, width))


@jit.fast_inner
def _at(r, window):
    """Where row ``r`` is in the window."""
    return r & (window[0].shape[0] - 1)


@jit.fast_inner
def _parity(i):
    """The columns that step ``i`` is at, and of row ``i`` those that the last half sweep downwards leaves."""
    return _EVEN if i & 1 else _ODD


@jit.fast_inner
def _count(nx, parity):
    """How many of ``nx`` columns are of a parity."""
    return (nx + 1) // 2 if parity == _ODD else nx // 2


@jit.fast_inner
def _load(i, b, inverse, rings, window):
    """Deal row ``i`` of all but the values; the number of the row that it is, 0 beyond the last, where they are 0."""
    ny, nx = b.shape[0] - 2, b.shape[1] - 2
    x, rhs, inv = window
    if i > ny and not rings[0]:
        x[_at(i, window)] = np.float32(0.0)
        return 0
    row = (i - 1) % ny + 1
    _deal(b[row], nx, rhs[_at(i, window)])
    _deal(inverse[row], nx, inv[_at(i, window)])
    return row


@jit.fast_inner
def _deal(row, nx, out):
    """A row's pixels of odd columns and those of even ones, each in consecutive numbers."""
    odd, even = out[_ODD], out[_EVEN]
    for k in range((nx + 1) // 2):
        odd[_FIRST + k] = row[2 * k + 1]
        even[_FIRST + k] = row[2 * k + 2]


@jit.fast_inner
def _gather(r, window, out):
    """The values of row ``r``, in their order."""
    here, nx = window[0][_at(r, window)], out.shape[0] - 2
    odd, even = here[_ODD], here[_EVEN]
    for k in range(nx // 2):
        out[2 * k + 1] = odd[_FIRST + k]
        out[2 * k + 2] = even[_FIRST + k]
    if nx & 1:
        out[nx] = odd[_FIRST + nx // 2]


@jit.fast_inner
def _begin(i, b, inverse, rings, window):
    """Load row ``i``, and relax it for the first time, from zero."""
    if _load(i, b, inverse, rings, window) > 0:
        nx, parity = b.shape[1] - 2, _parity(i)
        own, rhs, inv = _own(i, parity, window)
        for k in range(_FIRST, _FIRST + _count(nx, parity)):
            own[k] = rhs[k] * inv[k]
        window[0][_at(i, window), 1 - parity] = np.float32(0.0)
        _wrap(i, parity, nx, rings, window)


@jit.fast_inner
def _correct(i, kept, coarse, b, inverse, rings, window):
    """Load row ``i``, with the values that the first half sweep upwards looks at."""
    row = _load(i, b, inverse, rings, window)
    if row > 0:
        nx, parity, zero = b.shape[1] - 2, _parity(i), np.float32(0.0)
        own, _, inv = _own(i, parity, window)
        before, correction = kept[row], coarse[(row + 1) // 2]
        for k in range(_count(nx, parity)):
            own[_FIRST + k] = before[k] + (correction[k + 1] if inv[_FIRST + k] != zero else zero)
        _wrap(i, parity, nx, rings, window)


@jit.fast_inner
def _follow(i, start, halves, ny, nx, rings, window):
    """Step ``i`` of the half sweeps behind the first, each a row behind the one before it."""
    parity = _parity(i)
    for r in range(i - 1, max(i - halves, start) - 1, -1):
        if r <= ny or rings[0]:
            own, rhs, inv = _own(r, parity, window)
            below, above, beside = _neighbours(r, parity, window)
            for k in range(_FIRST, _FIRST + _count(nx, parity)):
                own[k] = (rhs[k] + ((below[k] + above[k]) + (beside[k - parity] + beside[k + 1 - parity]))) * inv[k]
            _wrap(r, parity, nx, rings, window)


@jit.fast_inner
def _residual(r, nx, window, rest):
    """What row ``r`` lacks where it was not relaxed last; 0 on fixed pixels."""
    parity, zero, one = _parity(r), np.float32(0.0), np.float32(1.0)
    own, rhs, inv = _own(r, parity, window)
    below, above, beside = _neighbours(r, parity, window)
    out = rest[parity]
    for k in range(_FIRST, _FIRST + _count(nx, parity)):
        # Nothing is added to an inverse here: beside 1 that of a strong decay is lost, and 1 / 0 comes out.
        held = inv[k] == zero
        inflow = (below[k] + above[k]) + (beside[k - parity] + beside[k + 1 - parity])
        value = rhs[k] + inflow - own[k] * (one / (one if held else inv[k]))
        out[k - _FIRST] = zero if held else value


@jit.fast_inner
def _own(r, parity, window):
    """Values, right-hand sides and inverse diagonals of the pixels of a parity in row ``r``."""
    x, rhs, inv = window
    at = _at(r, window)
    return x[at, parity], rhs[at, parity], inv[at, parity]


@jit.fast_inner
def _neighbours(r, parity, window):
    """The values below and above those pixels, and those of the other parity in their row.

    Entry ``k`` of a parity lies between ``k - parity`` and ``k + 1 - parity`` of the other.
    """
    x = window[0]
    return x[_at(r - 1, window), parity], x[_at(r + 1, window), parity], x[_at(r, window), 1 - parity]


@jit.fast_inner
def _wrap(r, parity, nx, rings, window):
    """The halo of row ``r`` around a ring, after its pixels of a parity have changed."""
    if rings[1]:
        here = window[0][_at(r, window), parity]
        if parity == _ODD:
            here[_FIRST + nx // 2] = here[_FIRST]
        else:
            here[_FIRST - 1] = here[_FIRST + nx // 2 - 1]


@jit.fast_inner
def _keep(r, nx, window, out):
    """Keep of row ``r`` what the leg upwards begins with."""
    parity = _parity(r)
    own, _, _ = _own(r, parity, window)
    for k in range(_count(nx, parity)):
        out[k] = own[_FIRST + k]


@jit.fast_inner
def _hand_down(r, ny, rest, coarse):
    """Give a coarse row the residual of its rows, when row ``r`` is the last of them."""
    if r & 1:
        if r < ny:
            return
        rest[_ODD] = np.float32(0.0)
    out, low, high = coarse[(r + 1) // 2], rest[_EVEN], rest[_ODD]
    for k in range(low.shape[0]):
        out[k + 1] = low[k] + high[k]
