"""Newton's method for saturating uptake: along the central path while far off, then by tangents.

The path is that of `surrogate_plugin.solvers.multigrid.central_path`, which explains it. Each step is a linear problem
with a decay map of its own; the hierarchy is made anew for it where the map is much another.
"""

from __future__ import annotations

import numpy as np

from surrogate_plugin.equation.operator import Operator
from surrogate_plugin.equation.problem import FloatArray
from surrogate_plugin.equation.uptake import Saturation
from surrogate_plugin.solvers.algebraic.conjugate_gradients import Goal
from surrogate_plugin.solvers.algebraic.hierarchy import AlgebraicHierarchy
from surrogate_plugin.solvers.algebraic.refinement import SHARE

#: Along the path: what is left of ``km`` after a step, and of a pixel's unsaturated share at least.
_SHRINKAGE, _KEPT = 0.03, 0.05
#: Steps this small beside ``km + c`` are in Newton's own reach. A start that is not goes back to this ``km``.
_NEAR, _BACK = 1e-2, 1e-3
_MAX_PATH, _MAX_STEPS = 60, 60
#: How exactly steps are solved for: along the path, and after it.
_ROUGHLY, _CLOSELY = 1e-2, 1e-4
#: The hierarchy's coarse levels are made anew where steps take more cycles than this.
_MANY = 20


class Newton:
    """``N(c) = 0`` for an operator with saturating uptake.

    Parameters
    ----------
    operator : Operator
    hierarchy : AlgebraicHierarchy
        It is rebuilt.
    start : (H, W) float64, field units, or None
    unit : float, field units
        About how large the field is.

    Attributes
    ----------
    field : (H + 2, W + 2) float64, field units, with a halo
    steps, cycles : int
    """

    def __init__(
        self, operator: Operator, hierarchy: AlgebraicHierarchy, start: FloatArray | None, unit: float
    ) -> None:
        assert operator.vmax is not None
        self.operator, self.hierarchy = operator, hierarchy
        self.law = Saturation(operator.vmax, operator.km)
        self.field = operator.embed(None if start is None else np.maximum(start, 0.0))
        self.steps = self.cycles = 0
        self._started, self._size = start is not None, unit
        self._r, self._z = np.zeros_like(self.field), np.zeros_like(self.field)
        self._inner = self.field[1:-1, 1:-1]

    def run(self, allowed: float | None) -> None:
        """Step until the estimated largest error is at most ``allowed``, field units; None: 1e-11 of the largest."""
        self._approach()
        self._settle(allowed)

    def _approach(self) -> None:
        """Follow the central path to the equation's own ``km``; a start may be near enough, as the first step shows."""
        goal, free = self.law.km, self.operator.free
        km = goal if self._started else max(goal, self._size)
        unsaturated = self.law._replace(km=km).unsaturated(self._inner if self._started else 0.5 * self._size)
        for step in range(_MAX_PATH):
            before = self._inner.copy()
            steep = np.asarray(Saturation(self.law.vmax * unsaturated, km).secant(before))
            self._rebuild(self.operator.decay + steep)
            change = self._step(km, _ROUGHLY, 0.0)
            moved = float(np.max(np.abs(self._inner - before)[free] / (goal + self._inner[free]), initial=0.0))
            unsaturated = np.clip((km - unsaturated * change) / (km + before), _KEPT * unsaturated, 1.0)
            if km <= goal and moved <= _NEAR:
                return
            km = max(goal, _SHRINKAGE * km)
            if self._started and step == 0:
                km = max(goal, _BACK * self._size)
                unsaturated = self.law._replace(km=km).unsaturated(self._inner)

    def _settle(self, allowed: float | None) -> None:
        """Tangents, whose steps shrink to the square, as far as they are solved for."""
        free, last = self.operator.free, np.inf
        self._rebuild(self.operator.tangent(self.field))
        for _ in range(_MAX_STEPS):
            before, cycles = self._inner.copy(), self.cycles
            goal = SHARE * float(self._inner.max()) if allowed is None else allowed
            self._step(self.law.km, _CLOSELY, 0.1 * goal)
            moved = np.abs(self._inner - before)[free]
            share = float(np.max(moved / (self.law.km + self._inner[free]), initial=0.0))
            largest = float(moved.max(initial=0.0))
            if largest * max(_CLOSELY, share) <= goal or (largest > 0.5 * last and share < _CLOSELY):
                return
            last = largest
            tangent = self.operator.tangent(self.field)
            if self.cycles - cycles > _MANY:
                self._rebuild(tangent)
            else:
                self.hierarchy.relinearise(free, tangent)

    def _rebuild(self, decay: FloatArray) -> None:
        self.hierarchy.rebuild(self.operator.free, decay, self.operator.faces)

    def _step(self, km: float, share: float, allowed: float) -> FloatArray:
        """Add what the linearised equation says, down to 0 at most; what it said, (H, W)."""
        self.steps += 1
        unit = 1.0 / self._size
        size = self.operator.residual(self.field, unit, self._r, km)
        if not 0.0 < size < np.inf:
            return np.zeros_like(self._inner)
        self.cycles += self.hierarchy.solve(self._z, self._r, Goal(error=allowed * unit, share=share))
        change = self._z[1:-1, 1:-1] / unit
        # 0 is a subsolution and so is the larger of two: clipping keeps Newton's rise to the solution.
        np.maximum(self._inner + change, 0.0, out=self._inner)
        return change
