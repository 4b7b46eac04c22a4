"""Whole solves in compiled code: from set-up through cycles to the certificate, one problem of a group after another.

What `surrogate_plugin.engine.polish` does with `Iteration` and `Certifier`, for problems whose faces are all alike, by
the same kernels in the same order, so that fields and bounds are the same. A thread goes through its problems without
the interpreter, which at 64 x 64 pixels is two thirds of a solve. What is rare is not done again here: a certificate
that needs better proposals or a computed barrier, and a start that turns out to be a poor one or needs a path, leave
their problem unsettled, for an engine to answer.
"""

from __future__ import annotations

import numpy as np
from numba import types
from numba.extending import overload

from surrogate_plugin import jit
from surrogate_plugin.engine.compiled.certificate_kernels import error_bound
from surrogate_plugin.engine.compiled.iteration_kernels import advance, begin, smooth
from surrogate_plugin.engine.compiled.terms_kernels import (
    DONE,
    ESTIMATE,
    HIGHEST,
    LARGEST,
    PATH_KM,
    STATES,
    Posed,
    Thread,
)
from surrogate_plugin.sharing_kernels import alone


@jit.exact
def solve_group(count, posed, asked, rules, code, lattice, found):
    """Solve the first ``count`` problems of a group, each to its tolerance or its share of the field's largest value.

    ``posed`` is a `Posed` of (B, ...) arrays, whose ``vmax`` is None for first-order uptake. ``asked`` holds the
    ``tolerance`` of each, field units, and its ``share``, one of which is 0, with the field that it starts from and the
    size of that, or (0, H, W) where all start from nothing. ``found`` takes field, (B, H, W), bound, cycles and whether
    that is an answer.
    """
    tolerance, share, start, size = asked
    fields, bounds, counts, settled = found
    thread = Thread(alone(), rules, code, lattice, np.zeros(STATES))
    started = start.shape[0] > 0
    for k in range(count):
        vmax = _of(posed.vmax, k)
        problem = Posed(
            posed.free[k], posed.source[k], posed.decay[k], posed.production[k], vmax, posed.km[k], posed.rules[k],
            posed.values[k], posed.walls[k], posed.least[k], posed.made[k],
        )  # fmt: skip
        _embed(thread, problem, start, k)
        worst = rules.worse * size[k] if started else np.inf
        bound, allowed = _solve(thread, problem, vmax, worst, tolerance[k], share[k])
        bounds[k], counts[k], settled[k] = bound, np.int64(thread.state[DONE]), bound <= allowed
        fields[k] = lattice.c[1:-1, 1:-1]


def _of(maps, k):
    """Map ``k``, or None where there are none."""
    return None if maps is None else maps[k]


@overload(_of)
def _typed_of(maps, k):
    # Written so that the type does not depend on a value: one function would return an optional array.
    return (lambda maps, k: None) if isinstance(maps, types.NoneType) else (lambda maps, k: maps[k])


@jit.exact_inner
def _embed(thread, problem, start, k):
    """The field to begin with: 0, or one that is nowhere below it, and what is held."""
    c, state, free, source = thread.lattice.c, thread.state, problem.free, problem.source
    c[:] = 0.0
    state[:] = 0.0
    if start.shape[0] > 0:
        c[1:-1, 1:-1] = start[k]
    for i in range(free.shape[0]):
        for j in range(free.shape[1]):
            if not free[i, j]:
                c[i + 1, j + 1] = source[i, j]
                state[HIGHEST] = max(state[HIGHEST], source[i, j])
    if start.shape[0] > 0:
        state[HIGHEST] = c.max()


@jit.exact_inner
def _solve(thread, problem, vmax, worst, tolerance, share):
    """From the field that has been embedded to one with a bound; that, or NaN where an engine has to answer.

    With it comes what is allowed: ``tolerance``, or where there is a ``share`` that part of the largest value.
    A start of which one cycle leaves more than ``worst``, field units, is given up; from nothing that is infinite.
    """
    started = worst < np.inf
    if not begin(thread, problem, vmax, started):
        return np.nan, tolerance
    if started and thread.state[LARGEST] > 0.0:
        advance(thread, problem, vmax)
        if not thread.state[ESTIMATE] <= worst:
            return np.nan, tolerance
    if share > 0.0:
        return _to_share(thread, problem, vmax, share)
    return _polish(thread, problem, vmax, tolerance), tolerance


@jit.exact_inner
def _to_share(thread, problem, vmax, share):
    """Cycle until the bound is within a part of the largest value, which each cycle shows better; both of these."""
    rules, state = thread.rules, thread.state
    if state[DONE] == 0.0:
        advance(thread, problem, vmax)
    before = -1.0
    while before < state[DONE] < rules.most:
        before = state[DONE]
        _run_to(thread, problem, vmax, rules.certify_at * share * thread.lattice.c.max())
    tolerance = share * _highest(thread, problem)
    bound = _polish(thread, problem, vmax, tolerance)
    return bound, min(tolerance, share * _highest(thread, problem))


@jit.exact_inner
def _highest(thread, problem):
    """The largest value of the field, which nothing but production feeds, within what the maximum principle allows."""
    highest = thread.lattice.c.max()
    if problem.least > 0.0:
        highest = min(highest, problem.made / problem.least * (1.0 + 1e-14))
    return highest


@jit.exact_inner
def _polish(thread, problem, vmax, tolerance):
    """Alternate between cycles and the certificate; the last bound, NaN where there is more to it than is done here."""
    rules, state = thread.rules, thread.state
    target, bound = rules.certify_at * tolerance, np.inf
    for _ in range(np.int64(rules.tries)):
        _run_to(thread, problem, vmax, target)
        smooth(thread, problem, vmax)
        bound = error_bound(thread, problem, tolerance)
        if not bound > tolerance or state[DONE] >= rules.most:
            break
        target = min(0.3 * target, 0.5 * state[ESTIMATE])
    return bound


@jit.exact_inner
def _run_to(thread, problem, vmax, target):
    """Advance until the estimated error is at most ``target``, or until rounding allows no more progress."""
    state = thread.state
    best, since = np.inf, 0
    while state[DONE] < thread.rules.most:
        if state[ESTIMATE] <= target and state[PATH_KM] == 0.0:
            return
        before = state[DONE]
        advance(thread, problem, vmax)
        since += 1
        if state[PATH_KM] > 0.0:
            best, since = np.inf, 0
        elif state[LARGEST] < 0.5 * best:
            best, since = state[LARGEST], 0
        if state[DONE] == before or since >= 4:
            return
