"""Compiled V-cycles: the only one there is, for the solver's lattices and for the network's coarse equation.

The finest level lives in arrays of its own. Coarse level ``l`` occupies ``offset[l] : offset[l + 1]`` of flat buffers,
with a halo of one pixel, so that one compiled function serves every depth; the coarsest is solved by its inverse.
"""

from __future__ import annotations

import numpy as np

from surrogate_plugin import jit
from surrogate_plugin.sharing_kernels import alone, claim, settle
from surrogate_plugin.solvers.multigrid import leg_kernels, level_kernels
from surrogate_plugin.solvers.multigrid.level_kernels import half_sweep, prolong_and_sweep, restrict, sweep_from_zero

#: Levels with fewer rows than this are gone through by one thread: on so little, threads cost more than they bring.
WORTH_THREADS = 192


@jit.fast_inner
def descend(team, x, b, inverse, north, east, rings, coarse, sweeps):
    """Sweep from zero, then hand the residual down."""
    _sweep_by_halves(team, x, b, inverse, north, east, rings, sweeps)
    restrict(team, x, b, inverse, north, east, rings, coarse)


@jit.fast_inner
def ascend(team, x, b, inverse, north, east, rings, coarse, sweeps):
    """Take the correction from below, then sweep; the colours in the other order, which makes the cycle symmetric."""
    prolong_and_sweep(team, x, coarse, b, inverse, north, east, rings)
    for half in range(2 * sweeps - 1):
        half_sweep(team, x, b, inverse, north, east, rings, half & 1)


@jit.fast_inner
def cycle(team, x, b, finest, rings, levels, pre, post):
    """One V(pre, post) cycle from zero, ``x ~ A^-1 b``; symmetric if ``pre == post``, and both at least 1.

    ``finest`` is (inverse, north, east, kept), ``kept`` as in `leg_kernels`, or None where there are links; ``levels``
    is (dims, offset, xs, bs, inverse, north, east, coarsest).
    """
    inverse, north, east, kept = finest
    dims, offset, xs, bs, _, _, _, _ = levels
    shape, low, high = level(1, dims, offset)
    _descend_finest(team, x, b, inverse, north, east, kept, rings, bs[low:high].reshape(shape), pre)
    _coarse_cycle(team, rings, levels, pre, post)
    _ascend_finest(team, x, b, inverse, north, east, kept, rings, xs[low:high].reshape(shape), post)


@jit.fast_inner
def _descend_finest(team, x, b, inverse, north, east, kept, rings, coarse, sweeps):
    """`descend`, in one pass where that pays."""
    if kept is None:
        descend(team, x, b, inverse, north, east, rings, coarse, sweeps)
    elif leg_kernels.serves(b, rings):
        leg_kernels.descend(team, kept, b, inverse, rings, coarse, sweeps)
    else:
        descend(team, x, b, inverse, north, east, rings, coarse, sweeps)


@jit.fast_inner
def _ascend_finest(team, x, b, inverse, north, east, kept, rings, coarse, sweeps):
    """`ascend`, in one pass where that pays."""
    if kept is None:
        ascend(team, x, b, inverse, north, east, rings, coarse, sweeps)
    elif leg_kernels.serves(b, rings):
        leg_kernels.ascend(team, x, kept, b, inverse, rings, coarse, sweeps)
    else:
        ascend(team, x, b, inverse, north, east, rings, coarse, sweeps)


@jit.fast_inner
def _coarse_cycle(team, rings, levels, pre, post):
    """The part of a V-cycle below the finest level, from the right-hand side in ``bs`` to ``xs``.

    Down to level ``last`` and up again; from level ``shared`` on one thread goes alone, and the others wait.
    """
    dims, offset, xs, bs, inverse, north, east, coarsest = levels
    last = dims.shape[0] - 1
    shared = 1
    while shared < last and dims[shared, 0] >= WORTH_THREADS:
        shared += 1
    crew, single, mine = team, alone(), True
    for leg in range(1, 2 * last):
        down = leg < last
        here = leg if down else 2 * last - leg
        if leg == shared:
            crew, mine = single, claim(team, 1) == 0
        if leg == 2 * last - shared + 1:
            crew, mine = team, True
            settle(team, 1)
        if not mine:
            continue
        shape, low, high = level(here, dims, offset)
        x, b = xs[low:high].reshape(shape), bs[low:high].reshape(shape)
        if here == last:
            solve_coarsest(x, b, coarsest)
            continue
        inv = inverse[low:high].reshape(shape)
        n, e = north[low:high].reshape(shape), east[low:high].reshape(shape)
        shape, low, high = level(here + 1, dims, offset)
        if down:
            descend(crew, x, b, inv, n, e, rings, bs[low:high].reshape(shape), pre)
        else:
            ascend(crew, x, b, inv, n, e, rings, xs[low:high].reshape(shape), post)
    if shared == 1:
        settle(team, 1)


@jit.fast_inner
def level(number, dims, offset):
    """The shape of a coarse level's arrays and where they lie in the flat buffers."""
    return (dims[number, 0] + 2, dims[number, 1] + 2), offset[number], offset[number + 1]


@jit.fast_inner
def solve_coarsest(x, b, inverse):
    """``x = A^-1 b`` on the coarsest level by its dense inverse."""
    nx = x.shape[1] - 2
    for p in range(inverse.shape[0]):
        total = np.float32(0.0)
        for q in range(inverse.shape[0]):
            total += inverse[p, q] * b[1 + q // nx, 1 + q % nx]
        x[1 + p // nx, 1 + p % nx] = total


@jit.fast
def v_cycle(team, x, b, finest, rings, levels, pre, post):
    """`cycle` for python."""
    cycle(team, x, b, finest, rings, levels, pre, post)


@jit.fast
def sweep(team, x, b, finest, rings, sweeps):
    """Red-black Gauss-Seidel on the finest level from the zero guess."""
    inverse, north, east, kept = finest
    _sweep(team, x, b, inverse, north, east, kept, rings, sweeps)


@jit.fast_inner
def _sweep(team, x, b, inverse, north, east, kept, rings, sweeps):
    """`sweep`, in one pass where that pays."""
    if kept is None:
        _sweep_by_halves(team, x, b, inverse, north, east, rings, sweeps)
    elif leg_kernels.serves(b, rings):
        leg_kernels.sweep(team, x, b, inverse, rings, sweeps)
    else:
        _sweep_by_halves(team, x, b, inverse, north, east, rings, sweeps)


@jit.fast_inner
def _sweep_by_halves(team, x, b, inverse, north, east, rings, sweeps):
    """Sweeps from the zero guess, one half at a time."""
    sweep_from_zero(team, x, b, inverse, north, east, rings)
    for half in range(2 * sweeps - 2):
        half_sweep(team, x, b, inverse, north, east, rings, half & 1)


@jit.fast
def residual(team, x, b, finest, rings, out):
    """``out = b - A x`` on the finest level, 0 on fixed pixels; ``b`` None is 0."""
    inverse, north, east, _ = finest
    level_kernels.residual(team, x, b, inverse, north, east, rings, out)
