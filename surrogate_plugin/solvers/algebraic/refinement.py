"""Iterative refinement: corrections of the operator's own residual, until they are smaller than what is allowed."""

from __future__ import annotations

import math

import numpy as np

from surrogate_plugin.equation.operator import Operator
from surrogate_plugin.equation.problem import FloatArray
from surrogate_plugin.solvers.algebraic.conjugate_gradients import Goal
from surrogate_plugin.solvers.algebraic.hierarchy import AlgebraicHierarchy

#: Rounds at most; the second is a cycle that shows that the first was enough, as a rule.
_MOST_ROUNDS = 8
#: What is left in units of the largest value where nothing is said.
SHARE = 1e-11
#: A residual's unit is at most so large, since its inverse must be finite.
_LARGEST = 1e290


class Refinement:
    """A field of a linear problem under improvement.

    Parameters
    ----------
    operator : Operator
    hierarchy : AlgebraicHierarchy
        Of its matrix.
    start : (H, W) float64, field units, or None

    Attributes
    ----------
    field : (H + 2, W + 2) float64, field units, with a halo
    cycles : int
    """

    def __init__(self, operator: Operator, hierarchy: AlgebraicHierarchy, start: FloatArray | None) -> None:
        self.operator, self.hierarchy = operator, hierarchy
        self.cycles = 0
        self.field = operator.embed(start)
        self._r, self._z = np.zeros_like(self.field), np.zeros_like(self.field)
        self._unit = min(operator.residual_scale(self.field), _LARGEST)

    def run(self, allowed: float | None) -> None:
        """Correct until the error is ``allowed``, field units, by estimate; None: `SHARE` of the largest value."""
        last = math.inf
        for _ in range(_MOST_ROUNDS):
            size = self.operator.residual(self.field, self._unit, self._r)
            if not 0.0 < size < math.inf:
                return
            goal = self._goal(allowed)
            self.cycles += self.hierarchy.solve(self._z, self._r, Goal(error=goal, share=0.0 if goal else SHARE))
            self.field += self._z / self._unit
            moved = float(np.abs(self._z).max())
            if moved <= self._goal(allowed) or moved > 0.5 * last:
                return
            last = moved

    def _goal(self, allowed: float | None) -> float:
        """The largest correction that needs no other after it, in the residual's unit."""
        if allowed is not None:
            return allowed * self._unit
        return SHARE * float(np.abs(self.field[1:-1, 1:-1]).max()) * self._unit
