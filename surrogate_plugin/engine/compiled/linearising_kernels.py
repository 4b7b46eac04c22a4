"""The residual of the field, and the levels for the equation as it is linearised there."""

from __future__ import annotations

import numpy as np

from surrogate_plugin import jit
from surrogate_plugin.engine.compiled import calls_kernels as calls
from surrogate_plugin.engine.compiled.terms_kernels import DONE, HIGHEST, LARGEST, SCALE
from surrogate_plugin.sharing_kernels import CHUNKS


@jit.exact_inner
def refresh(thread, problem):
    """The residual in float32, scaled so that its largest entry is of order 1."""
    state = thread.state
    if state[DONE] > 0.0:
        state[SCALE] = 1.0 / state[LARGEST]
    else:
        size = state[HIGHEST] + problem.values.max() + problem.made
        state[SCALE] = 1.0 / size if size > 0.0 else 1.0
    state[LARGEST] = residual_for(thread, problem, problem.km)


@jit.exact_inner
def residual_for(thread, problem, km):
    """The residual of the problem with another ``km``, into ``r``, scaled; its largest entry as it is."""
    lattice = thread.lattice
    return calls.residual(thread.code, (
        thread.team, lattice.c, problem.free, None, None, problem.decay, problem.production, problem.vmax, km,
        problem.rules, problem.values, thread.state[SCALE], lattice.r, np.zeros(CHUNKS, np.int64),
    ))  # fmt: skip


@jit.exact_inner
def set_up(thread, problem, free, decay):
    """All levels anew, for a decay and what of the pixels is free."""
    _, _, _, _, _, _, _, _, _, _, rings, finest, levels, rate, wall, matrix = thread.lattice
    calls.set_up(thread.code, (
        thread.team, free, decay, None, problem.walls, rings, finest, levels, rate, wall, matrix,
    ))  # fmt: skip


@jit.exact_inner
def linearise(thread, problem, vmax):
    """The decay of the equation that is tangent to the problem's at the field, into ``slope``."""
    lattice = thread.lattice
    calls.tangent_decay(thread.code, (thread.team, lattice.c, problem.decay, vmax, problem.km, lattice.slope))


@jit.exact_inner
def give_finest(thread, problem):
    """Give the finest level its new slope."""
    lattice = thread.lattice
    calls.invert_finest(thread.code, (
        thread.team, problem.free, lattice.slope, None, problem.walls, lattice.rings, lattice.finest[0],
    ))  # fmt: skip


@jit.exact_inner
def rebuild(thread, problem):
    """All levels for a new slope; where uptake is so stiff that a pixel has its way coarse levels see a fixed one."""
    free, slope, loose, steepest = problem.free, thread.lattice.slope, thread.lattice.loose, thread.rules.stiff
    stiff = False
    for i in range(free.shape[0]):
        for j in range(free.shape[1]):
            steep = slope[i, j] > steepest
            stiff |= steep
            loose[i, j] = free[i, j] and not steep
    if stiff:
        set_up(thread, problem, loose, slope)
        give_finest(thread, problem)
    else:
        set_up(thread, problem, free, slope)
