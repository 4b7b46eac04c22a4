"""The kernels of solver and guard that a compiled solve calls by their addresses, and the types of their arguments.

This is the one place of both: a kernel whose arguments change is changed here, and a call with other types is refused
when it is compiled. ``code`` is what `addresses` found.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import types

from surrogate_plugin import jit
from surrogate_plugin.calling_kernels import address_of, by_address
from surrogate_plugin.equation import operator_kernels as operator
from surrogate_plugin.guard import certificate_kernels as guard
from surrogate_plugin.solvers.multigrid import central_path_kernels as path
from surrogate_plugin.solvers.multigrid import cycle_kernels as cycles
from surrogate_plugin.solvers.multigrid import krylov_kernels as krylov
from surrogate_plugin.solvers.multigrid import setup_kernels as setup

_MAP, _MASK, _VECTOR, _FLAT = types.float64[:, ::1], types.boolean[:, ::1], types.float32[:, ::1], types.float32[::1]
_NUMBER, _COUNT, _NONE = types.float64, types.int64, types.none
_SUMS, _PEAKS, _PEAKS32, _RINGS = types.float64[::1], types.int64[::1], types.int32[::1], types.boolean[::1]
_RULES, _VALUES, _WALLS = types.int64[:, ::1], _MAP, _VECTOR
_TEAM = types.UniTuple(types.int64[::1], 2)
_FINEST = types.Tuple((_VECTOR, _NONE, _NONE, _VECTOR))
_LEVELS = types.Tuple((_RULES, _PEAKS, *(_FLAT,) * 5, _VECTOR))


def _signatures(vmax):
    """Each kernel with the types of its arguments after the team, ``vmax`` being a map or nothing."""
    equation = (_MASK, _NONE, _NONE, _MAP, _MAP, vmax, _NUMBER, _RULES, _VALUES)
    return {
        setup.set_up: (_MASK, _MAP, _NONE, _WALLS, _RINGS, _FINEST, _LEVELS, _FLAT, _FLAT, _MAP),
        setup.invert_finest: (_MASK, _MAP, _NONE, _WALLS, _RINGS, _VECTOR),
        operator.residual: (_MAP, *equation, _NUMBER, _VECTOR, _PEAKS),
        operator.tangent_decay: (_MAP, _MAP, _MAP, _NUMBER, _MAP),
        cycles.v_cycle: (_VECTOR, _VECTOR, _FINEST, _RINGS, _LEVELS, _COUNT, _COUNT),
        cycles.sweep: (_VECTOR, _VECTOR, _FINEST, _RINGS, _COUNT),
        krylov.dot_and_max: (_VECTOR, _VECTOR, _SUMS, _PEAKS32),
        krylov.direction_and_curvature: (
            _VECTOR, _VECTOR, types.float32, _MAP, _NONE, _NONE, _WALLS, _RINGS, _SUMS,
        ),
        krylov.add_direction: (_MAP, _VECTOR, _NUMBER, _NUMBER),
        path.path_decay: (_MAP, _MAP, _MAP, _MAP, _NUMBER, _MAP),
        path.path_move: (_MAP, _MAP, _VECTOR, _NUMBER, _NUMBER, _NUMBER, _SUMS),
        guard.inflated_residual: (_MAP, _MAP, *equation, _MAP, _PEAKS),
        guard.scale: (_MAP, _NUMBER, _VECTOR),
        guard.add_positive_part: (_VECTOR, _VECTOR, types.float32),
        guard.deficit: (
            _VECTOR, _MAP, _MASK, _NONE, _NONE, _MAP, vmax, _NUMBER, _MAP, _NUMBER, _RULES, _VECTOR, _PEAKS, _PEAKS,
        ),
    }  # fmt: skip


_KERNELS = list(_signatures(_NONE))
#: Those that only saturating uptake needs.
_SATURATING = (setup.invert_finest, operator.tangent_decay, path.path_decay, path.path_move)


def _declared(kernel, vmax):
    return (_TEAM, *_signatures(vmax)[kernel])


def addresses(saturates: bool) -> npt.NDArray[np.int64]:
    """Where the kernels are, for problems whose uptake saturates or does not.

    Those that only saturating uptake needs are 0 for others, and not compiled.
    """
    vmax = _MAP if saturates else _NONE
    needed = [saturates or kernel not in _SATURATING for kernel in _KERNELS]
    found = [
        address_of(kernel, _declared(kernel, vmax)) if need else 0
        for kernel, need in zip(_KERNELS, needed, strict=True)
    ]
    return np.array(found, np.int64)


def _calling(kernel):
    """What calls a kernel, ``(code, (team, *arguments))``."""
    call, number = (
        by_address(kernel, lambda: [_declared(kernel, vmax) for vmax in (_NONE, _MAP)]),
        _KERNELS.index(kernel),
    )

    @jit.exact_inner
    def call_of_code(code, arguments):
        return call(code[number], arguments)

    return call_of_code


set_up, invert_finest = _calling(setup.set_up), _calling(setup.invert_finest)
residual, tangent_decay = _calling(operator.residual), _calling(operator.tangent_decay)
v_cycle, sweep = _calling(cycles.v_cycle), _calling(cycles.sweep)
dot_and_max = _calling(krylov.dot_and_max)
direction_and_curvature = _calling(krylov.direction_and_curvature)
add_direction = _calling(krylov.add_direction)
path_decay, path_move = _calling(path.path_decay), _calling(path.path_move)
inflated_residual, deficit = _calling(guard.inflated_residual), _calling(guard.deficit)
scale, add_positive_part = _calling(guard.scale), _calling(guard.add_positive_part)
