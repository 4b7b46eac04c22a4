"""A field under improvement by algebraic cycles, for whoever certifies between them."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np

from surrogate_plugin.equation.operator import Operator
from surrogate_plugin.equation.problem import FloatArray
from surrogate_plugin.solvers.algebraic.conjugate_gradients import ConjugateGradients
from surrogate_plugin.solvers.algebraic.hierarchy import AlgebraicHierarchy
from surrogate_plugin.solvers.protocol import Improving

#: What is left in units of the largest value where nothing is said.
SHARE = 1e-11
#: A residual's unit is at most so large, since its inverse must be finite.
LARGEST_UNIT = 1e290
#: Cycles that may pass without an estimate smaller by a third, and cycles at most.
_PATIENCE, MOST_CYCLES = 16, 120
#: A residual that is so many times what it was thought to be shows that rounding has taken its part.
_OFF = 4.0


class Settling(Improving, Protocol):
    """One that looks at its own residual before it believes its estimate, linear or not."""

    @property
    def on_path(self) -> bool:
        """Whether residual and estimate say little, as the equation is still another."""

    def settled(self) -> bool:
        """Whether the field's own residual, taken anew, agrees with the estimate."""


class Iteration:
    """Conjugate gradients for a linear problem, on the nodes; the field follows when it is looked at.

    Parameters
    ----------
    equation : Operator
        Without saturating uptake.
    hierarchy : AlgebraicHierarchy
        Of its lattice; it is built for the equation.
    start : (H, W) float64, field units, or None
    """

    on_path = False

    def __init__(self, equation: Operator, hierarchy: AlgebraicHierarchy, start: FloatArray | None) -> None:
        self.equation, self.hierarchy = equation, hierarchy
        hierarchy.rebuild(equation.free, equation.decay, equation.faces)
        self.cycles = 0
        self._field = equation.embed(start)
        self._r, self._z = np.zeros_like(self._field), np.zeros_like(self._field)
        self._unit = min(equation.residual_scale(self._field), LARGEST_UNIT)
        self._gradients = ConjugateGradients(hierarchy.levels)
        self._ahead = self._stale = False
        self._refresh()
        self.estimate = 0.0 if self.largest_residual == 0.0 else math.inf

    @property
    def field(self) -> FloatArray:
        """With all that was found so far."""
        self._look()
        return self._field

    def advance(self) -> None:
        """One cycle and one step of conjugate gradients."""
        if self._stale:
            self._refresh()
        if not 0.0 < self.largest_residual < math.inf:
            return
        self.cycles += self._gradients.advance()
        self._ahead = True
        self.estimate = self._gradients.estimate / self._unit

    def smooth(self) -> None:
        """A sweep forth and back."""
        if not self.cycles or not self.largest_residual < math.inf:
            return
        self.equation.residual(self.field, self._unit, self._r)
        self.hierarchy.sweep(self._z, self._r)
        self._field += self._z / self._unit
        self._stale = True

    def settled(self) -> bool:
        """Take the field's residual anew; whether it is what the steps left, by and large."""
        thought = float(np.abs(self._gradients.residual).max(initial=0.0))
        self._look()
        self._refresh()
        return float(np.abs(self._gradients.residual).max(initial=0.0)) <= _OFF * thought

    def solution(self) -> FloatArray:
        """The field, (H, W) float64, not below 0, where no field is."""
        return np.maximum(self.field[1:-1, 1:-1], 0.0)

    def _look(self) -> None:
        if self._ahead:
            self.hierarchy.recover(self._r, self._gradients.found, self._z)
            self._field += self._z / self._unit
            self._ahead, self._stale = False, True

    def _refresh(self) -> None:
        self.largest_residual = self.equation.residual(self._field, self._unit, self._r)
        self.hierarchy.restrict(self._r, self._gradients.residual)
        self._gradients.found.fill(0.0)
        self._stale = False


def run_to_estimate(iteration: Settling, tolerance: float | None, max_cycles: int = MOST_CYCLES) -> None:
    """Advance until the estimated error is at most ``tolerance`` (None: 1e-11 of the largest value), or for nothing.

    The estimate is believed once the field's own residual agrees with it, or has been taken in its place.
    """
    best, since, believed = math.inf, 0, False
    target = _accuracy(iteration) if tolerance is None else tolerance
    while iteration.cycles < max_cycles:
        if not iteration.on_path and iteration.estimate <= target:
            if tolerance is None:
                target = _accuracy(iteration)
            if iteration.estimate <= target:
                if believed or iteration.settled():
                    return
                believed, iteration.estimate = True, math.inf
        before = iteration.cycles
        iteration.advance()
        since += 1
        if tolerance is None and iteration.cycles == 1:  # from nothing a first step is about what the field will be
            target = max(target, SHARE * iteration.estimate)
        if iteration.on_path or iteration.estimate < best / 1.5:
            best, since = math.inf if iteration.on_path else iteration.estimate, 0
        if iteration.cycles == before or since >= _PATIENCE:
            return


def _accuracy(iteration: Settling) -> float:
    return SHARE * float(iteration.field[1:-1, 1:-1].max())
