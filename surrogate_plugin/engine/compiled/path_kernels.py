"""The central path to a small ``km``, as `central_path` follows it: whether there is one, and a step along it."""

from __future__ import annotations

import numpy as np

from surrogate_plugin import jit
from surrogate_plugin.engine.compiled import calls_kernels as calls
from surrogate_plugin.engine.compiled.linearising_kernels import give_finest, linearise, rebuild, residual_for
from surrogate_plugin.engine.compiled.terms_kernels import (
    CONTRACTION,
    DONE,
    ESTIMATE,
    HIGHEST,
    LARGEST,
    LEAST,
    PATH_KM,
    SCALE,
    STEPS,
)
from surrogate_plugin.sharing_kernels import CHUNKS


@jit.exact_inner
def needs_no_path(thread, problem, vmax, size):
    """Whether uptake is nearly linear, or slow, so that Newton's method gets there from anywhere."""
    rules = thread.rules
    return problem.km >= rules.small * size or vmax.max() < rules.steep * problem.km


@jit.exact_inner
def enter(thread, problem, size):
    """The beginning of the path."""
    thread.state[PATH_KM] = max(problem.km, size)
    thread.lattice.unsaturated[:] = 2.0 / 3.0


@jit.exact_inner
def size_of_field(state, problem):
    """About how large the field gets, see `central_path`."""
    size, smallest = max(state[HIGHEST], problem.values.max()), state[LEAST]
    if problem.made > 0.0:
        lifetime = np.float64(max(problem.free.shape[0], problem.free.shape[1])) ** 2
        size += problem.made * (min(lifetime, 1.0 / smallest) if smallest > 0.0 else lifetime)
    return size


@jit.exact_inner
def follow(thread, problem, vmax):
    """One V-cycle along the path."""
    team, rules, code, lattice, state = thread
    c, r, z, p, slope, unsaturated = lattice.c, lattice.r, lattice.z, lattice.p, lattice.slope, lattice.unsaturated
    calls.path_decay(code, (team, c, unsaturated, problem.decay, vmax, state[PATH_KM], slope))
    rebuild(thread, problem)
    size = residual_for(thread, problem, state[PATH_KM])
    calls.v_cycle(code, (team, z, r, lattice.finest, lattice.rings, lattice.levels, np.int64(2), np.int64(2)))
    energy, peak = calls.dot_and_max(code, (team, r, z, np.zeros(CHUNKS), np.zeros(CHUNKS, np.int32)))
    curvature = calls.direction_and_curvature(code, (
        team, p, z, np.float32(0.0), slope, None, None, problem.walls, lattice.rings, np.zeros(CHUNKS),
    ))  # fmt: skip
    usable = 0.0 < energy < np.inf and 0.0 < curvature < np.inf
    alpha, moves = energy / curvature / state[SCALE] if usable else 0.0, np.zeros(CHUNKS)
    calls.path_move(code, (team, c, unsaturated, p, alpha, state[PATH_KM], problem.km, moves))
    state[DONE] += 1.0
    state[STEPS] += 1.0
    state[ESTIMATE] = np.float64(peak) / state[SCALE] * state[CONTRACTION] if usable else np.inf
    if 1e-290 < size < np.inf:
        state[SCALE] = 1.0 / size
    moved, patient = moves.max() <= rules.moved, state[STEPS] < rules.most_steps
    arrived = (state[PATH_KM] <= problem.km and moved) or not patient
    if not arrived:
        state[PATH_KM] = max(problem.km, rules.shrinkage * state[PATH_KM])
        arrived = state[PATH_KM] <= problem.km and moved
    if arrived:
        state[PATH_KM] = 0.0
        linearise(thread, problem, vmax)
        give_finest(thread, problem)
        state[LARGEST] = residual_for(thread, problem, problem.km)
