"""A bound on the error of the field that a compiled solve has come to, as `Certifier.bound` has it, to the bit."""

from __future__ import annotations

import numpy as np

from surrogate_plugin import jit
from surrogate_plugin.engine.compiled import calls_kernels as calls
from surrogate_plugin.engine.compiled.terms_kernels import LEAST
from surrogate_plugin.sharing_kernels import CHUNKS


@jit.exact_inner
def error_bound(thread, problem, tolerance):
    """A bound on the field's error; NaN where better proposals or a barrier would be needed."""
    team, rules, code, lattice, state = thread
    c, w, z, lack, target = lattice.c, lattice.w, lattice.z, lattice.lack, lattice.target
    largest = calls.inflated_residual(code, (
        team, c, problem.source, problem.free, None, None, problem.decay, problem.production, problem.vmax, problem.km,
        problem.rules, problem.values, target, np.zeros(CHUNKS, np.int64),
    ))  # fmt: skip
    height = _usual_height(problem.free, state[LEAST], problem.walls)
    if largest == 0.0:
        return _up(0.0) if problem.free.any() else 0.0
    if not 0.0 <= largest < np.inf:
        return np.inf
    largest = max(largest, rules.smallest)
    if largest * height <= tolerance:
        return _up(largest * height)
    factor, best = 1.0 / largest, np.inf
    calls.scale(code, (team, target, factor, lack))
    w[:] = np.float32(0.0)
    left = 0.0
    for cycle in range(1, np.int64(rules.patience) + 1):
        if cycle == rules.look and left > rules.stubborn:
            return np.nan
        calls.v_cycle(code, (team, z, lack, lattice.finest, lattice.rings, lattice.levels, np.int64(2), np.int64(2)))
        calls.add_positive_part(code, (team, w, z, np.float32(1.0 if cycle == 1 else rules.later)))
        left, top = calls.deficit(code, (
            team, w, c, problem.free, None, None, problem.decay, problem.vmax, problem.km, target, factor,
            problem.rules, lack, np.zeros(CHUNKS, np.int64), np.zeros(CHUNKS, np.int64),
        ))  # fmt: skip
        if not (0.0 <= left < np.inf and 0.0 <= top < np.inf):
            return best
        rest = left * height if left > 0.0 else 0.0
        best = min(best, _up((top + rest) * largest))
        if (best <= tolerance and rest <= rules.tight * top) or rest <= rules.settled * top:
            return best
        if tolerance < top * largest and rest <= rules.tight * top:
            return best
    return np.nan


@jit.exact_inner
def _up(value):
    """A little larger, to cover the rounding of the last few operations, and products too small to hold."""
    return value * (1.0 + 1e-12) + 1e-300


@jit.exact_inner
def _usual_height(free, smallest, walls):
    """``1 / min k``, or the parabola between two sides of which one or both impose a value, whichever is less."""
    height = 1.0 / smallest if smallest > 0.0 else np.inf
    for axis in range(2):
        count = np.float64(free.shape[axis])
        held = np.int64(walls[axis, 0] == 1.0) + np.int64(walls[axis, 1] == 1.0)
        if held == 2:
            height = min(height, (count + 1.0) ** 2 / 8.0)
        elif held == 1:
            height = min(height, count * (count + 1.0) / 2.0)
    return height
