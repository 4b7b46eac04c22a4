"""The way to a small half-saturation constant: from a large one, with the saturation as an unknown of its own.

With ``U(c) = vmax c / (km + c) = vmax (1 - s)`` the equation is a pair,

    -lap c + k c + vmax (1 - s) = production,        s (km + c) = km,

where ``s``, in (0, 1], is the unsaturated share of the cells' uptake. For ``km -> 0`` the second line becomes ``s c =
0``: a pixel either has oxygen and full uptake, or has none. That is an obstacle problem, and the pair is its central
path. Newton's method for ``c`` alone crosses the free boundary a pixel a step, because a pixel without oxygen promises
uptake at the slope ``vmax / km``, however much flows in. Newton's method for the pair linearises the product instead,

    (-lap + k + vmax s / (km + c)) dc = residual,    s <- (km - s dc) / (km + c),

so that a pixel that fills gives up its promise at once. ``km`` begins at the field's size and falls with every step.

Source: Wright, *Primal-Dual Interior-Point Methods*, SIAM 1997, ch. 5 (path following). Here the steps are inexact, one
multigrid cycle each; how many it takes depends neither on the lattice nor much on ``km``: 10 to 16 cycles from nothing
for 1e-6 of the largest value.
"""

from __future__ import annotations

import numpy as np

from surrogate_plugin import team
from surrogate_plugin.equation.operator import Operator
from surrogate_plugin.equation.problem import FloatArray
from surrogate_plugin.sharing_kernels import CHUNKS
from surrogate_plugin.solvers.multigrid import central_path_kernels as kernels
from surrogate_plugin.solvers.multigrid.hierarchy import Float32Array

#: A path pays where ``km`` is smaller than this part of the field; above, Newton's method needs no help.
SMALL = 0.2
#: And where a cell-full of uptake is steep: below this slope beside a link a free boundary is several pixels wide, and
#: Newton's method finds it by itself, at half the price a cycle.
STEEP = 0.1
#: What is left of ``km`` after a step: of 0.1, 0.03 and 0.01 the best; 0.1 takes two cycles more.
SHRINKAGE = 0.03
#: A field that moves by less than this part of ``km + c`` is near enough for the tangent alone.
NEAR = 0.1
#: A start that is not near goes back to this part of its size: 3 to 6 cycles less than from 1, whatever the start.
BACK = 1e-3
#: A start that has not arrived after so many steps has oxygen in the wrong places, and goes all the way back.
_PATIENCE = 12
MAX_STEPS = 32


class CentralPath:
    """How far along the path a field is; the equation's own ``km`` is the end.

    Parameters
    ----------
    equation : Operator
        With saturating uptake.
    start : (H + 2, W + 2) float64, field units, or None
        A field to start from. It may be near already, which the first step, taken at the end of the path, shows.
    size : float, field units
        The field's size, about.
    """

    def __init__(self, equation: Operator, start: FloatArray | None, size: float) -> None:
        self._equation, self._size = equation, size
        self._steps, self._moved = 0, np.inf
        self._untried = start is not None
        self._all_the_way = 0 if start is None else _PATIENCE
        if start is None:
            self.km = max(equation.km, size)
            self._unsaturated = np.full(equation.shape, 2.0 / 3.0)
        else:
            self._begin_at(equation.km, start)

    @property
    def arrived(self) -> bool:
        """Whether Newton's method for the field alone will do from here."""
        return (self.km <= self._equation.km and self._moved <= NEAR) or self._steps >= MAX_STEPS

    def decay(self, c: FloatArray) -> FloatArray:
        """The decay map of the step's linear equation, (H, W)."""
        e = self._equation
        out = np.empty(e.shape)
        team.run(kernels.path_decay, c, self._unsaturated, e.decay, e.vmax, self.km, out)
        return out

    def move(self, c: FloatArray, z: Float32Array, alpha: float) -> None:
        """``c += alpha z`` with the saturation along, then on to the next ``km``."""
        goal = self._equation.km
        moves = np.zeros(CHUNKS)
        team.run(kernels.path_move, c, self._unsaturated, z, alpha, self.km, goal, moves)
        self._moved = float(moves.max())
        self._steps += 1
        if self.arrived:
            return
        if self._untried:
            self._begin_at(max(goal, BACK * self._size), c)
        elif self._steps == self._all_the_way:
            self._begin_at(max(goal, self._size), c)
        else:
            self.km = max(goal, SHRINKAGE * self.km)
        self._untried = False

    def _begin_at(self, km: float, c: FloatArray) -> None:
        self.km = km
        self._unsaturated = km / (km + c[1:-1, 1:-1])


def path_for(equation: Operator, c: FloatArray, started: bool) -> CentralPath | None:
    """A path from ``c``, (H + 2, W + 2), or from nothing, where Newton's method alone would be slow; else None."""
    if equation.vmax is None:
        return None
    size = _size(equation, c)
    if equation.km >= SMALL * size or float(equation.vmax.max()) < STEEP * equation.km:
        return None
    return CentralPath(equation, c if started else None, size)


def _size(equation: Operator, c: FloatArray) -> float:
    """About how large the field gets: what is imposed, a start, or what production would sustain without uptake."""
    size = max(float(c.max()), float(equation.walls.value.max()))
    production = float(equation.production.max())
    if production > 0:
        smallest = float(np.min(equation.decay, where=equation.free, initial=np.inf))
        lifetime = float(max(equation.shape)) ** 2
        size += production * (min(lifetime, 1.0 / smallest) if smallest > 0 else lifetime)
    return size
