"""Conjugate gradients on the finest nodes, preconditioned by the V-cycle: ``A^-1 b`` as exactly as is wanted."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from surrogate_plugin import team
from surrogate_plugin.equation.problem import FloatArray
from surrogate_plugin.sharing_kernels import CHUNKS
from surrogate_plugin.solvers.algebraic import cycle_kernels as kernels
from surrogate_plugin.solvers.algebraic.levels import Levels

#: What a step is believed to leave of the error lies between these parts of it.
_LEAST, _MOST = 0.1, 0.9
_MOST_CYCLES = 100


@dataclass(frozen=True)
class Goal:
    """When to stop: at whichever is reached first.

    Attributes
    ----------
    error : float
        An estimate of the largest error,
    share : float
        this part of its first estimate,
    residual : float
        or this part of the first residual, both the largest of any node.
    """

    error: float = 0.0
    share: float = 0.0
    residual: float = 0.0


def solve(levels: Levels, goal: Goal) -> tuple[FloatArray, int]:
    """``A^-1 b`` for ``levels.b``, which is left with what is missing; and the cycles that it took."""
    count, b, x = levels.count, levels.b, levels.x
    found, p, q = (np.zeros(count) for _ in range(3))
    allowed, first, last = goal.error, 0.0, 0.0
    for cycle in range(_MOST_CYCLES if count else 0):
        levels.v_cycle()
        energy, size, largest = team.run(
            kernels.energy_and_peaks, b, x, count, np.zeros(CHUNKS), np.zeros(CHUNKS), np.zeros(CHUNKS)
        )
        if cycle == 0:
            allowed, first = max(allowed, goal.share * size), largest
        elif largest <= goal.residual * first:
            return found, cycle
        if not 0.0 < energy < math.inf:
            return found, cycle
        ratio = energy / last if last > 0.0 else 1.0
        last = energy
        beta = ratio if ratio < 1.0 else 0.0  # above, rounding has spoilt the directions: begin anew
        curvature = team.run(kernels.direction, x, beta, count, levels.graph, levels.loss, p, q, np.zeros(CHUNKS))
        if not 0.0 < curvature < math.inf:
            return found, cycle
        team.run(kernels.step, energy / curvature, count, p, q, found, b)
        if size * min(max(math.sqrt(ratio), _LEAST), _MOST) <= allowed:
            return found, cycle + 1
    return found, _MOST_CYCLES if count else 0
