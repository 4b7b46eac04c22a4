"""Newton's method for saturating uptake: along the central path while far off, then by tangents.

The path is that of `surrogate_plugin.solvers.multigrid.central_path`, which explains it. Each step is a linear problem
with a decay map of its own; the hierarchy is made anew for it where the map is much another.
"""

from __future__ import annotations

import math

import numpy as np

from surrogate_plugin.equation.operator import Operator
from surrogate_plugin.equation.problem import FloatArray
from surrogate_plugin.equation.uptake import Saturation
from surrogate_plugin.solvers.algebraic.conjugate_gradients import Goal
from surrogate_plugin.solvers.algebraic.hierarchy import AlgebraicHierarchy
from surrogate_plugin.solvers.algebraic.iteration import LARGEST_UNIT

#: Along the path: what is left of ``km`` after a step, and of a pixel's unsaturated share at least.
_SHRINKAGE, _KEPT = 0.03, 0.05
#: Steps this small beside ``km + c`` are in Newton's own reach. A start that is not goes back to this ``km``.
_NEAR, _BACK = 1e-2, 1e-3
_MAX_PATH = 60
#: How exactly steps are solved for: along the path, and after it.
_ROUGHLY, _CLOSELY = 1e-2, 1e-4
#: The hierarchy's coarse levels are made anew where a step has taken more cycles than this.
_MANY = 20


class NewtonIteration:
    """As `surrogate_plugin.solvers.algebraic.iteration.Iteration`, with saturating uptake: a step is several cycles.

    Parameters
    ----------
    equation : Operator
    hierarchy : AlgebraicHierarchy
        Of its lattice; it is built for each step's own decay map.
    start : (H, W) float64, field units, or None
    size : float, field units
        About how large the field is; where it is 0 the field is.

    Attributes
    ----------
    steps : int
    """

    def __init__(
        self, equation: Operator, hierarchy: AlgebraicHierarchy, start: FloatArray | None, size: float
    ) -> None:
        assert equation.vmax is not None
        self.equation, self.hierarchy = equation, hierarchy
        self.field = equation.embed(None if start is None or size == 0.0 else np.maximum(start, 0.0))
        self.steps = self.cycles = 0
        self.on_path = True
        self._law = Saturation(equation.vmax, equation.km)
        self._started, self._size, self._unit = start is not None, size, min(1.0 / max(size, 1e-300), LARGEST_UNIT)
        self._r, self._z = np.zeros_like(self.field), np.zeros_like(self.field)
        self._inner = self.field[1:-1, 1:-1]
        self._km = self._law.km if self._started else max(self._law.km, size)
        first = self._inner if self._started else 0.5 * size
        self._unsaturated = np.asarray(self._law._replace(km=self._km).unsaturated(first))
        self._slow = True
        self.largest_residual = equation.residual(self.field, self._unit, self._r)
        self.estimate = 0.0 if self.largest_residual == 0.0 else math.inf
        self.on_path = self.estimate > 0.0
        if not self.on_path:  # no step will be taken, but whoever certifies the field has a use for the levels
            self._rebuild(equation.tangent(self.field))

    def advance(self) -> None:
        """One step along the path, or along the tangent."""
        if self.on_path:
            self._follow()
        else:
            self._newton()

    def smooth(self) -> None:
        """A sweep forth and back."""
        if not self.cycles or self.on_path or not self.largest_residual < math.inf:
            return
        self.equation.residual(self.field, self._unit, self._r)
        self.hierarchy.sweep(self._z, self._r)
        np.maximum(self._inner + self._z[1:-1, 1:-1] / self._unit, 0.0, out=self._inner)

    def settled(self) -> bool:
        """Each step begins with a residual of its own."""
        return True

    def solution(self) -> FloatArray:
        """The field, (H, W) float64."""
        return self._inner.copy()

    def _follow(self) -> None:
        """Towards the equation's own ``km``; a start may be near enough, as the first step shows."""
        goal, km, free = self._law.km, self._km, self.equation.free
        before = self._inner.copy()
        steep = np.asarray(Saturation(self._law.vmax * self._unsaturated, km).secant(before))
        self._rebuild(self.equation.decay + steep)
        change = self._step(km, Goal(share=_ROUGHLY))
        moved = float(np.max(np.abs(self._inner - before)[free] / (goal + self._inner[free]), initial=0.0))
        reached = (km - self._unsaturated * change) / (km + before)
        self._unsaturated = np.clip(reached, _KEPT * self._unsaturated, 1.0)
        if (km <= goal and moved <= _NEAR) or self.steps >= _MAX_PATH:
            self.on_path = False
            return
        self._km = max(goal, _SHRINKAGE * km)
        if self._started and self.steps == 1:
            self._km = max(goal, _BACK * self._size)
            self._unsaturated = np.asarray(self._law._replace(km=self._km).unsaturated(self._inner))

    def _newton(self) -> None:
        """Along the tangent, whose steps shrink to the square, as far as they are solved for."""
        free, before, cycles = self.equation.free, self._inner.copy(), self.cycles
        tangent = self.equation.tangent(self.field)
        if self._slow:
            self._rebuild(tangent)
        else:
            self.hierarchy.relinearise(free, tangent)
        self._step(self._law.km, Goal(share=_CLOSELY))
        moved = np.abs(self._inner - before)[free]
        share = float(np.max(moved / (self._law.km + self._inner[free]), initial=0.0))
        self.estimate = float(moved.max(initial=0.0)) * min(max(_CLOSELY, share), 1.0)
        self._slow = self.cycles - cycles > _MANY

    def _rebuild(self, decay: FloatArray) -> None:
        self.hierarchy.rebuild(self.equation.free, decay, self.equation.faces)

    def _step(self, km: float, goal: Goal) -> FloatArray:
        """Add what the linearised equation says, down to 0 at most; what it said, (H, W)."""
        self.steps += 1
        self.largest_residual = self.equation.residual(self.field, self._unit, self._r, km)
        if not 0.0 < self.largest_residual < math.inf:
            return np.zeros_like(self._inner)
        self.cycles += max(1, self.hierarchy.solve(self._z, self._r, goal))
        change = self._z[1:-1, 1:-1] / self._unit
        # 0 is a subsolution and so is the larger of two: clipping keeps Newton's rise to the solution.
        np.maximum(self._inner + change, 0.0, out=self._inner)
        return change
