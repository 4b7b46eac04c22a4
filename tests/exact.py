"""The field that tests hold answers to, by a solver that shares no code with those that answer."""

from __future__ import annotations

import numpy as np

from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.reference import solve_extended
from surrogate_plugin.solvers.direct.solver import SparseDirect

_sparse_direct = SparseDirect()
#: Up to so many pixels the reference in extended precision is as quick as sparse direct.
_SMALL = 40 * 40


def exact_field(problem: Problem) -> FloatArray:
    """The steady field, (H, W) float64, to rounding: in extended precision where it is small, else by sparse direct."""
    if problem.source.size <= _SMALL:
        return solve_extended(problem).field.astype(np.float64)
    return _sparse_direct.solve(_sparse_direct.prepare(problem), problem).field
