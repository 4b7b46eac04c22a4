"""Whole solves in compiled code: from set-up through cycles to the certificate, one problem of a group after another.

What `surrogate_plugin.engine.polish` does with `Iteration` and `Certifier`, for problems whose faces are all alike, by
the same kernels in the same order, so that fields and bounds are the same. A thread goes through its problems without
the interpreter, which at 64 x 64 pixels is two thirds of a solve. What is rare is not done again here: a certificate
that needs better proposals or a computed barrier, and a start that turns out to be a poor one or needs a path, leave
their problem unsettled, for an engine to answer.

``problem`` is (free, source, decay, production, vmax, km, rules, values, walls, least, made), as those of an
`Operator`, with the least decay and the largest production of all pixels; ``lattice``
is what a thread has for a shape: (c, r, z, p, w, lack, target, slope, unsaturated, loose, rings, finest, levels, rate,
wall, matrix), see `Buffers`. ``told`` holds the constants of the modules named, in the order of `RULES`, and ``state``
what an `Iteration` knows, in the order below.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import types
from numba.extending import overload

from surrogate_plugin import jit
from surrogate_plugin.calling_kernels import address_of, by_address
from surrogate_plugin.equation import operator_kernels as operator
from surrogate_plugin.equation.uptake_kernels import secant
from surrogate_plugin.guard import certificate_kernels as guard
from surrogate_plugin.sharing_kernels import CHUNKS, alone
from surrogate_plugin.solvers.multigrid import central_path_kernels as path
from surrogate_plugin.solvers.multigrid import cycle_kernels as cycles
from surrogate_plugin.solvers.multigrid import krylov_kernels as krylov
from surrogate_plugin.solvers.multigrid import setup_kernels as setup

SCALE, LARGEST, ESTIMATE, ENERGY, UNIT, CONTRACTION, DONE, SMOOTHED, PATH_KM, STEPS, HIGHEST, LEAST = range(12)
_STATES = 12
#: The order of what ``told`` holds.
RULES = (
    "certify_at", "tries", "most", "restart", "slow", "near", "stiff", "sweeps", "small", "steep", "shrinkage", "moved",
    "most_steps", "later", "patience", "look", "stubborn", "tight", "settled", "smallest", "worse",
)  # fmt: skip

_MAP, _MASK, _VECTOR, _FLAT = types.float64[:, ::1], types.boolean[:, ::1], types.float32[:, ::1], types.float32[::1]
_NUMBER, _COUNT, _NONE = types.float64, types.int64, types.none
_SUMS, _PEAKS, _PEAKS32, _RINGS = types.float64[::1], types.int64[::1], types.int32[::1], types.boolean[::1]
_RULES, _VALUES, _WALLS = types.int64[:, ::1], _MAP, _VECTOR
_TEAM = types.UniTuple(types.int64[::1], 2)
_FINEST = types.Tuple((_VECTOR, _NONE, _NONE))
_LEVELS = types.Tuple((_RULES, _PEAKS, *(_FLAT,) * 5, _VECTOR))


def _signatures(vmax):
    """The kernels that are called by their addresses, with the types of their arguments: the one place of these."""
    equation = (_MASK, _NONE, _NONE, _MAP, _MAP, vmax, _NUMBER, _RULES, _VALUES)
    found = (
        (setup.set_up, (_MASK, _MAP, _NONE, _WALLS, _RINGS, _FINEST, _LEVELS, _FLAT, _FLAT, _MAP)),
        (setup.invert_finest, (_MASK, _MAP, _NONE, _WALLS, _RINGS, _VECTOR)),
        (operator.residual, (_MAP, *equation, _NUMBER, _VECTOR, _PEAKS)),
        (operator.tangent_decay, (_MAP, _MAP, _MAP, _NUMBER, _MAP)),
        (cycles.v_cycle, (_VECTOR, _VECTOR, _FINEST, _RINGS, _LEVELS, _COUNT, _COUNT)),
        (cycles.sweep, (_VECTOR, _VECTOR, _FINEST, _RINGS, _COUNT)),
        (krylov.dot_and_max, (_VECTOR, _VECTOR, _SUMS, _PEAKS32)),
        (
            krylov.direction_and_curvature,
            (_VECTOR, _VECTOR, types.float32, _MAP, _NONE, _NONE, _WALLS, _RINGS, _SUMS),
        ),
        (krylov.add_direction, (_MAP, _VECTOR, _NUMBER, _NUMBER)),
        (path.path_decay, (_MAP, _MAP, _MAP, _MAP, _NUMBER, _MAP)),
        (path.path_move, (_MAP, _MAP, _VECTOR, _NUMBER, _NUMBER, _NUMBER, _SUMS)),
        (guard.inflated_residual, (_MAP, _MAP, *equation, _MAP, _PEAKS)),
        (guard.scale, (_MAP, _NUMBER, _VECTOR)),
        (guard.add_positive_part, (_VECTOR, _VECTOR, types.float32)),
        (
            guard.deficit,
            (
                _VECTOR, _MAP, _MASK, _NONE, _NONE, _MAP, vmax, _NUMBER, _MAP, _NUMBER, _RULES, _VECTOR, _PEAKS, _PEAKS
            ),
        ),
    )  # fmt: skip
    return [(kernel, (_TEAM, *arguments)) for kernel, arguments in found]


(
    SET_UP, INVERT_FINEST, RESIDUAL, TANGENT_DECAY, V_CYCLE, SWEEP, DOT_AND_MAX, DIRECTION_AND_CURVATURE, ADD_DIRECTION,
    PATH_DECAY, PATH_MOVE, INFLATED_RESIDUAL, SCALE_TARGET, ADD_POSITIVE_PART, DEFICIT,
) = range(15)  # fmt: skip


def addresses(saturates: bool) -> npt.NDArray[np.int64]:
    """Where the kernels that `solve_group` calls are, in that order, for problems whose uptake saturates or does not.

    Those that only saturating uptake needs are 0 for others, and not compiled.
    """
    found = np.zeros(15, np.int64)
    for number, (kernel, signature) in enumerate(_signatures(_MAP if saturates else _NONE)):
        if saturates or number not in (INVERT_FINEST, TANGENT_DECAY, PATH_DECAY, PATH_MOVE):
            found[number] = address_of(kernel, signature)
    return found


def _declared(number):
    """The types that a kernel is called with."""
    return lambda: [_signatures(vmax)[number][1] for vmax in (_NONE, _MAP)]


(
    _set_up_levels, _invert_finest, _residual, _tangent_decay, _v_cycle, _sweep, _dot_and_max, _direction_and_curvature,
    _add_direction, _path_decay, _path_move, _inflated_residual, _scale_target, _add_positive_part, _deficit,
) = (by_address(kernel, _declared(number)) for number, (kernel, _) in enumerate(_signatures(_NONE)))  # fmt: skip


@jit.exact
def solve_group(count, posed, told, code, lattice, found):
    """Solve the first ``count`` problems of a group, each to its tolerance.

    ``posed`` holds (B, ...) arrays of what a ``problem`` has, ``vmax`` being None for first-order uptake, and the
    ``tolerance`` of each, field units, with the field that it starts from and the size of that, or (0, H, W) where all
    start from nothing. ``found`` takes field, (B, H, W), bound, cycles and whether that is an answer.
    """
    free, source, decay, production, vmax, km, rules, values, walls, least, made, tolerance, start, size = posed
    started = start.shape[0] > 0
    fields, bounds, counts, settled = found
    team, state = alone(), np.zeros(_STATES)
    for k in range(count):
        uptake = _of(vmax, k)
        problem = (
            free[k], source[k], decay[k], production[k], uptake, km[k], rules[k], values[k], walls[k], least[k], made[k]
        )  # fmt: skip
        _embed(free[k], source[k], start, k, lattice, state)
        worst = told[20] * size[k] if started else np.inf
        bound = _solve(team, problem, uptake, worst, told, code, lattice, state, tolerance[k])
        bounds[k], counts[k], settled[k] = bound, np.int64(state[DONE]), bound <= tolerance[k]
        c = lattice[0]
        fields[k] = c[1:-1, 1:-1]


def _of(maps, k):
    """Map ``k``, or None where there are none."""
    return None if maps is None else maps[k]


@overload(_of)
def _typed_of(maps, k):
    # Written so that the type does not depend on a value: one function would return an optional array.
    return (lambda maps, k: None) if isinstance(maps, types.NoneType) else (lambda maps, k: maps[k])


@jit.exact_inner
def _embed(free, source, start, k, lattice, state):
    """The field to begin with: 0, or one that is nowhere below it, and what is held."""
    c = lattice[0]
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
def _solve(team, problem, vmax, worst, told, code, lattice, state, tolerance):
    """From the field that has been embedded to one with a bound; that, or NaN where an engine has to answer.

    A start of which one cycle leaves more than ``worst``, field units, is given up; from nothing that is infinite.
    """
    started = worst < np.inf
    if not _begin(team, problem, vmax, started, told, code, lattice, state):
        return np.nan
    if started and state[LARGEST] > 0.0:
        _advance(team, problem, vmax, told, code, lattice, state)
        if not state[ESTIMATE] <= worst:
            return np.nan
    return _polish(team, problem, vmax, told, code, lattice, state, tolerance)


@jit.exact_inner
def _begin(team, problem, vmax, started, told, code, lattice, state):
    """The residual of the field, and the levels unless there is a path; whether it may be begun with."""
    free, _, decay, _, _, km, _, values, _, least, made = problem
    c, _, _, p, _, _, _, slope, unsaturated, _, _, _, _, _, _, _ = lattice
    p[:] = np.float32(0.0)
    state[LEAST] = _least_decay(free, decay, least)
    state[SCALE] = state[UNIT] = 1.0
    state[CONTRACTION] = 0.2
    if vmax is None:
        _set_up(team, problem, free, decay, code, lattice)
    else:
        size = _size(free, state, made, values)
        if km >= told[8] * size or vmax.max() < told[9] * km:
            if started:
                _tangent_decay(code[TANGENT_DECAY], (team, c, decay, vmax, km, slope))
            else:
                full = 0.5 * state[HIGHEST]
                for i in range(free.shape[0]):
                    for j in range(free.shape[1]):
                        slope[i, j] = decay[i, j] + secant(vmax[i, j], km, full)
            _set_up(team, problem, free, slope, code, lattice)
        elif started:
            return False
        else:
            state[PATH_KM] = max(km, size)
            unsaturated[:] = 2.0 / 3.0
    _refresh(team, problem, code, lattice, state)
    state[ESTIMATE] = 0.0 if state[LARGEST] == 0.0 else np.inf
    return state[LARGEST] < np.inf


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
def _size(free, state, made, values):
    """About how large the field gets, see `central_path`."""
    size, smallest = max(state[HIGHEST], values.max()), state[LEAST]
    if made > 0.0:
        lifetime = np.float64(max(free.shape[0], free.shape[1])) ** 2
        size += made * (min(lifetime, 1.0 / smallest) if smallest > 0.0 else lifetime)
    return size


@jit.exact_inner
def _set_up(team, problem, free, decay, code, lattice):
    """All levels anew."""
    walls = problem[8]
    _, _, _, _, _, _, _, _, _, _, rings, finest, levels, rate, wall, matrix = lattice
    _set_up_levels(code[SET_UP], (team, free, decay, None, walls, rings, finest, levels, rate, wall, matrix))


@jit.exact_inner
def _refresh(team, problem, code, lattice, state):
    """The residual in float32, scaled so that its largest entry is of order 1."""
    free, _, decay, production, vmax, km, rules, values, _, _, made = problem
    c, r = lattice[0], lattice[1]
    if state[DONE] > 0.0:
        state[SCALE] = 1.0 / state[LARGEST]
    else:
        size = state[HIGHEST] + values.max() + made
        state[SCALE] = 1.0 / size if size > 0.0 else 1.0
    state[LARGEST] = _residual(code[RESIDUAL], (
        team, c, free, None, None, decay, production, vmax, km, rules, values, state[SCALE], r,
        np.zeros(CHUNKS, np.int64),
    ))  # fmt: skip


@jit.exact_inner
def _advance(team, problem, vmax, told, code, lattice, state):
    """One V-cycle and one conjugate-gradient step."""
    if state[SMOOTHED] > 0.0:
        state[SMOOTHED] = 0.0
        _refresh(team, problem, code, lattice, state)
    if state[LARGEST] == 0.0 or not state[LARGEST] < np.inf:
        return
    if vmax is not None and state[PATH_KM] > 0.0:
        _follow(team, problem, vmax, told, code, lattice, state)
        return
    _, _, decay, _, _, km, _, _, walls, _, _ = problem
    c, r, z, p, _, _, _, slope, _, _, rings, finest, levels, _, _, _ = lattice
    strength = decay if vmax is None else slope
    _v_cycle(code[V_CYCLE], (team, z, r, finest, rings, levels, np.int64(2), np.int64(2)))
    energy, peak = _dot_and_max(code[DOT_AND_MAX], (team, r, z, np.zeros(CHUNKS), np.zeros(CHUNKS, np.int32)))
    if not 0.0 < energy < np.inf:
        state[ESTIMATE] = 0.0 if energy == 0.0 else np.inf
        return
    scale = state[SCALE]
    in_field_units = energy / (scale * scale)
    beta = in_field_units / state[ENERGY] if state[ENERGY] > 0.0 else 0.0
    state[ENERGY] = in_field_units
    if beta > 0.0:
        state[CONTRACTION] = min(0.7, max(0.05, np.sqrt(beta)))
    if beta > told[3]:
        beta = 0.0
    beta *= scale / state[UNIT]
    state[UNIT] = scale
    curvature = _direction_and_curvature(
        code[DIRECTION_AND_CURVATURE],
        (team, p, z, np.float32(beta), strength, None, None, walls, rings, np.zeros(CHUNKS)),
    )
    if not 0.0 < curvature < np.inf:
        state[ESTIMATE] = np.inf
        return
    floor = -np.inf if vmax is None else 0.0
    _add_direction(code[ADD_DIRECTION], (team, c, p, energy / curvature / scale, floor))
    state[ESTIMATE] = np.float64(peak) / scale * state[CONTRACTION]
    state[DONE] += 1.0
    if vmax is not None:
        slow = state[CONTRACTION] > told[4]
        if slow or not state[ESTIMATE] < told[5] * km:
            _tangent_decay(code[TANGENT_DECAY], (team, c, decay, vmax, km, slope))
            if state[DONE] == 2.0 or slow:
                _rebuild(team, problem, told, code, lattice)
            else:
                _relinearise(team, problem, code, lattice)
    _refresh(team, problem, code, lattice, state)


@jit.exact_inner
def _follow(team, problem, vmax, told, code, lattice, state):
    """One V-cycle along the path to a small ``km``."""
    free, _, decay, production, _, km, rules, values, walls, _, _ = problem
    c, r, z, p, _, _, _, slope, unsaturated, _, rings, finest, levels, _, _, _ = lattice
    _path_decay(code[PATH_DECAY], (team, c, unsaturated, decay, vmax, state[PATH_KM], slope))
    _rebuild(team, problem, told, code, lattice)
    size = _residual(code[RESIDUAL], (
        team, c, free, None, None, decay, production, vmax, state[PATH_KM], rules, values, state[SCALE], r,
        np.zeros(CHUNKS, np.int64),
    ))  # fmt: skip
    _v_cycle(code[V_CYCLE], (team, z, r, finest, rings, levels, np.int64(2), np.int64(2)))
    energy, peak = _dot_and_max(code[DOT_AND_MAX], (team, r, z, np.zeros(CHUNKS), np.zeros(CHUNKS, np.int32)))
    curvature = _direction_and_curvature(
        code[DIRECTION_AND_CURVATURE], (team, p, z, np.float32(0.0), slope, None, None, walls, rings, np.zeros(CHUNKS))
    )
    usable = 0.0 < energy < np.inf and 0.0 < curvature < np.inf
    alpha, moves = energy / curvature / state[SCALE] if usable else 0.0, np.zeros(CHUNKS)
    _path_move(code[PATH_MOVE], (team, c, unsaturated, p, alpha, state[PATH_KM], km, moves))
    state[DONE] += 1.0
    state[STEPS] += 1.0
    state[ESTIMATE] = np.float64(peak) / state[SCALE] * state[CONTRACTION] if usable else np.inf
    if 1e-290 < size < np.inf:
        state[SCALE] = 1.0 / size
    moved, patient = moves.max() <= told[11], state[STEPS] < told[12]
    arrived = (state[PATH_KM] <= km and moved) or not patient
    if not arrived:
        state[PATH_KM] = max(km, told[10] * state[PATH_KM])
        arrived = state[PATH_KM] <= km and moved
    if arrived:
        state[PATH_KM] = 0.0
        _tangent_decay(code[TANGENT_DECAY], (team, c, decay, vmax, km, slope))
        _relinearise(team, problem, code, lattice)
        state[LARGEST] = _residual(code[RESIDUAL], (
            team, c, free, None, None, decay, production, vmax, km, rules, values, state[SCALE], r,
            np.zeros(CHUNKS, np.int64),
        ))  # fmt: skip


@jit.exact_inner
def _relinearise(team, problem, code, lattice):
    """Give the finest level its new slope."""
    free, walls = problem[0], problem[8]
    _invert_finest(code[INVERT_FINEST], (team, free, lattice[7], None, walls, lattice[10], lattice[11][0]))


@jit.exact_inner
def _rebuild(team, problem, told, code, lattice):
    """All levels for a new slope; where uptake is so stiff that a pixel has its way coarse levels see a fixed one."""
    free, slope, loose = problem[0], lattice[7], lattice[9]
    stiff = False
    for i in range(free.shape[0]):
        for j in range(free.shape[1]):
            steep = slope[i, j] > told[6]
            stiff |= steep
            loose[i, j] = free[i, j] and not steep
    if stiff:
        _set_up(team, problem, loose, slope, code, lattice)
        _relinearise(team, problem, code, lattice)
    else:
        _set_up(team, problem, free, slope, code, lattice)


@jit.exact_inner
def _polish(team, problem, vmax, told, code, lattice, state, tolerance):
    """Alternate between cycles and the certificate; the last bound, NaN where there is more to it than is done here."""
    target, bound, most = told[0] * tolerance, np.inf, told[2]
    for _ in range(np.int64(told[1])):
        _run_to(team, problem, vmax, told, code, lattice, state, target)
        _smooth(team, problem, vmax, told, code, lattice, state)
        bound = _bound(team, problem, told, code, lattice, state, tolerance)
        if not bound > tolerance or state[DONE] >= most:
            break
        target = min(0.3 * target, 0.5 * state[ESTIMATE])
    return bound


@jit.exact_inner
def _run_to(team, problem, vmax, told, code, lattice, state, target):
    """Advance until the estimated error is at most ``target``, or until rounding allows no more progress."""
    best, since, most = np.inf, 0, told[2]
    while state[DONE] < most:
        if state[ESTIMATE] <= target and state[PATH_KM] == 0.0:
            return
        before = state[DONE]
        _advance(team, problem, vmax, told, code, lattice, state)
        since += 1
        if state[PATH_KM] > 0.0:
            best, since = np.inf, 0
        elif state[LARGEST] < 0.5 * best:
            best, since = state[LARGEST], 0
        if state[DONE] == before or since >= 4:
            return


@jit.exact_inner
def _smooth(team, problem, vmax, told, code, lattice, state):
    """Sweeps on the finest level, before the field is certified."""
    if state[DONE] == 0.0 or state[PATH_KM] > 0.0 or not 0.0 < state[LARGEST] < np.inf:
        return
    c, r, z, rings, finest = lattice[0], lattice[1], lattice[2], lattice[10], lattice[11]
    _sweep(code[SWEEP], (team, z, r, finest, rings, np.int64(told[7])))
    _add_direction(code[ADD_DIRECTION], (team, c, z, 1.0 / state[SCALE], -np.inf if vmax is None else 0.0))
    state[SMOOTHED] = 1.0


@jit.exact_inner
def _bound(team, problem, told, code, lattice, state, tolerance):
    """A bound on the field's error, see `Certifier.bound`; NaN where better proposals or a barrier would be needed."""
    free, source, decay, production, vmax, km, rules, values, walls, _, _ = problem
    c, _, z, _, w, lack, target, _, _, _, rings, finest, levels, _, _, _ = lattice
    largest = _inflated_residual(code[INFLATED_RESIDUAL], (
        team, c, source, free, None, None, decay, production, vmax, km, rules, values, target,
        np.zeros(CHUNKS, np.int64),
    ))  # fmt: skip
    height = _usual_height(free, state[LEAST], walls)
    if largest == 0.0:
        return _up(0.0) if free.any() else 0.0
    if not 0.0 <= largest < np.inf:
        return np.inf
    largest = max(largest, told[19])
    if largest * height <= tolerance:
        return _up(largest * height)
    factor, best = 1.0 / largest, np.inf
    _scale_target(code[SCALE_TARGET], (team, target, factor, lack))
    w[:] = np.float32(0.0)
    left = 0.0
    for cycle in range(1, np.int64(told[14]) + 1):
        if cycle == told[15] and left > told[16]:
            return np.nan
        _v_cycle(code[V_CYCLE], (team, z, lack, finest, rings, levels, np.int64(2), np.int64(2)))
        _add_positive_part(code[ADD_POSITIVE_PART], (team, w, z, np.float32(1.0 if cycle == 1 else told[13])))
        left, top = _deficit(code[DEFICIT], (
            team, w, c, free, None, None, decay, vmax, km, target, factor, rules, lack, np.zeros(CHUNKS, np.int64),
            np.zeros(CHUNKS, np.int64),
        ))  # fmt: skip
        if not (0.0 <= left < np.inf and 0.0 <= top < np.inf):
            return best
        rest = left * height if left > 0.0 else 0.0
        best = min(best, _up((top + rest) * largest))
        if (best <= tolerance and rest <= told[17] * top) or rest <= told[18] * top:
            return best
        if tolerance < top * largest and rest <= told[17] * top:
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
