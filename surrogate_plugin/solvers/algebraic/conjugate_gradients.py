"""Conjugate gradients on the finest nodes, preconditioned by the V-cycle: ``A^-1 r`` as exactly as is wanted."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from surrogate_plugin import team
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


class ConjugateGradients:
    """A system with the matrix of a hierarchy's finest nodes, being solved.

    A new direction is made conjugate to the last one by what the matrix made of that, so the residual may be replaced
    between steps, by a more exact one or a smoother's.

    Attributes
    ----------
    residual, found : (nodes,) float64
        What is missing, which whoever begins fills in, and what was found for it.
    estimate : float
        Of the largest error, before the first step of the largest value.
    largest : float
        The largest residual, after the last step.
    """

    def __init__(self, levels: Levels) -> None:
        self._levels = levels
        self.residual, self.found, self._p, self._q = (np.zeros(levels.count) for _ in range(4))
        self._energy = self._curvature = 0.0
        self.estimate = self.largest = math.inf

    def forget(self) -> None:
        """Begin anew: nothing is found, and no direction known."""
        self.found.fill(0.0)
        self._p.fill(0.0)
        self._energy = self._curvature = 0.0

    def advance(self) -> bool:
        """A cycle and a step along what it says; False where there is nothing left to do."""
        levels, count = self._levels, self.residual.size
        if count == 0:
            self.estimate = self.largest = 0.0
            return False
        levels.b[:count] = self.residual
        levels.v_cycle()
        energy, overlap, size = team.run(
            kernels.energy_and_peak, self.residual, levels.x, self._q, count, np.zeros((3, CHUNKS))
        )
        if not 0.0 < energy < math.inf:
            self.estimate = 0.0 if energy == 0.0 else math.inf
            return False
        ratio = energy / self._energy if self._energy > 0.0 else 1.0
        self._energy = energy
        beta = max(-overlap / self._curvature, 0.0) if self._curvature > 0.0 else 0.0
        self._curvature = team.run(
            kernels.direction, levels.x, min(beta, 1.0), count, levels.graph, levels.loss, self._p, self._q,
            np.zeros(CHUNKS),
        )  # fmt: skip
        if not 0.0 < self._curvature < math.inf:
            self.estimate = math.inf
            return False
        self.largest = team.run(
            kernels.step, energy / self._curvature, count, self._p, self._q, self.found, self.residual, np.zeros(CHUNKS)
        )
        self.estimate = size * min(max(math.sqrt(ratio), _LEAST), _MOST)
        return True

    def solve(self, goal: Goal) -> int:
        """Find ``A^-1 residual``, from nothing; how many cycles it took."""
        self.forget()
        allowed, enough = goal.error, goal.residual * float(np.abs(self.residual).max(initial=0.0))
        for cycle in range(_MOST_CYCLES):
            if not self.advance():
                return cycle
            if cycle == 0:
                allowed = max(allowed, goal.share * self.estimate)
            if self.estimate <= allowed or self.largest <= enough:
                return cycle + 1
        return _MOST_CYCLES
