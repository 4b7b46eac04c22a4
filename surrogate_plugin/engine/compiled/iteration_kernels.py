"""What `Iteration` does: from the field that a solve begins with, a V-cycle and a conjugate-gradient step at a time."""

from __future__ import annotations

import numpy as np

from surrogate_plugin import jit
from surrogate_plugin.engine.compiled import calls_kernels as calls
from surrogate_plugin.engine.compiled import path_kernels as path
from surrogate_plugin.engine.compiled.linearising_kernels import give_finest, linearise, rebuild, refresh, set_up
from surrogate_plugin.engine.compiled.terms_kernels import (
    CONTRACTION,
    DONE,
    ENERGY,
    ESTIMATE,
    HIGHEST,
    LARGEST,
    LEAST,
    PATH_KM,
    SCALE,
    SMOOTHED,
    UNIT,
)
from surrogate_plugin.equation.uptake_kernels import secant
from surrogate_plugin.sharing_kernels import CHUNKS


@jit.exact_inner
def begin(thread, problem, vmax, started):
    """The residual of the field, and the levels unless there is a path; whether it may be begun with."""
    state = thread.state
    thread.lattice.p[:] = np.float32(0.0)
    state[LEAST] = _least_decay(problem.free, problem.decay, problem.least)
    state[SCALE] = state[UNIT] = 1.0
    state[CONTRACTION] = 0.2
    if vmax is None:
        set_up(thread, problem, problem.free, problem.decay)
    else:
        size = path.size_of_field(state, problem)
        if path.needs_no_path(thread, problem, vmax, size):
            if started:
                linearise(thread, problem, vmax)
            else:
                _halfway(thread, problem, vmax)
            set_up(thread, problem, problem.free, thread.lattice.slope)
        elif started:
            return False
        else:
            path.enter(thread, problem, size)
    refresh(thread, problem)
    state[ESTIMATE] = 0.0 if state[LARGEST] == 0.0 else np.inf
    return state[LARGEST] < np.inf


@jit.exact_inner
def _halfway(thread, problem, vmax):
    """The decay of the chord to half the largest value, where nothing is known of the field."""
    slope, full = thread.lattice.slope, 0.5 * thread.state[HIGHEST]
    for i in range(slope.shape[0]):
        for j in range(slope.shape[1]):
            slope[i, j] = problem.decay[i, j] + secant(vmax[i, j], problem.km, full)


@jit.exact_inner
def _least_decay(free, decay, least):
    """The least decay of a free pixel, infinite where there is none; as a rule it is the least of all."""
    smallest = np.inf
    for i in range(free.shape[0]):
        for j in range(free.shape[1]):
            if free[i, j]:
                smallest = min(smallest, decay[i, j])
                if smallest == least:
                    return smallest
    return smallest


@jit.exact_inner
def advance(thread, problem, vmax):
    """One V-cycle and one conjugate-gradient step."""
    team, rules, code, lattice, state = thread
    if state[SMOOTHED] > 0.0:
        state[SMOOTHED] = 0.0
        refresh(thread, problem)
    if state[LARGEST] == 0.0 or not state[LARGEST] < np.inf:
        return
    if vmax is not None and state[PATH_KM] > 0.0:
        path.follow(thread, problem, vmax)
        return
    r, z, p = lattice.r, lattice.z, lattice.p
    calls.v_cycle(code, (team, z, r, lattice.finest, lattice.rings, lattice.levels, np.int64(2), np.int64(2)))
    energy, peak = calls.dot_and_max(code, (team, r, z, np.zeros(CHUNKS), np.zeros(CHUNKS, np.int32)))
    if not 0.0 < energy < np.inf:
        state[ESTIMATE] = 0.0 if energy == 0.0 else np.inf
        return
    scale = state[SCALE]
    beta = _conjugate(state, energy, rules.restart)
    decay = problem.decay if vmax is None else lattice.slope
    curvature = calls.direction_and_curvature(code, (
        team, p, z, np.float32(beta), decay, None, None, problem.walls, lattice.rings, np.zeros(CHUNKS),
    ))  # fmt: skip
    if not 0.0 < curvature < np.inf:
        state[ESTIMATE] = np.inf
        return
    calls.add_direction(code, (team, lattice.c, p, energy / curvature / scale, _floor(vmax)))
    state[ESTIMATE] = np.float64(peak) / scale * state[CONTRACTION]
    state[DONE] += 1.0
    if vmax is not None:
        _follow_the_field(thread, problem, vmax)
    refresh(thread, problem)


@jit.exact_inner
def _conjugate(state, energy, restart):
    """How much of the last direction the next one keeps, in units of the residual as it is scaled now.

    The ratio of two energies also says how much a cycle leaves of an error.
    """
    scale = state[SCALE]
    in_field_units = energy / (scale * scale)
    beta = in_field_units / state[ENERGY] if state[ENERGY] > 0.0 else 0.0
    state[ENERGY] = in_field_units
    if beta > 0.0:
        state[CONTRACTION] = min(0.7, max(0.05, np.sqrt(beta)))
    if beta > restart:
        beta = 0.0
    beta *= scale / state[UNIT]
    state[UNIT] = scale
    return beta


@jit.exact_inner
def _follow_the_field(thread, problem, vmax):
    """Linearise anew where the field still moves; all levels after the second cycle, or where cycles are slow."""
    rules, state = thread.rules, thread.state
    slow = state[CONTRACTION] > rules.slow
    if slow or not state[ESTIMATE] < rules.near * problem.km:
        linearise(thread, problem, vmax)
        if state[DONE] == 2.0 or slow:
            rebuild(thread, problem)
        else:
            give_finest(thread, problem)


@jit.exact_inner
def smooth(thread, problem, vmax):
    """Sweeps on the finest level, before the field is certified."""
    team, rules, code, lattice, state = thread
    if state[DONE] == 0.0 or state[PATH_KM] > 0.0 or not 0.0 < state[LARGEST] < np.inf:
        return
    calls.sweep(code, (team, lattice.z, lattice.r, lattice.finest, lattice.rings, np.int64(rules.sweeps)))
    calls.add_direction(code, (team, lattice.c, lattice.z, 1.0 / state[SCALE], _floor(vmax)))
    state[SMOOTHED] = 1.0


@jit.exact_inner
def _floor(vmax):
    """What a field is cut off at: saturating uptake is defined from 0 on."""
    return -np.inf if vmax is None else 0.0
