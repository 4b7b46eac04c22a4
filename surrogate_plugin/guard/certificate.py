"""A bound on the error of any candidate field, by a supersolution that is verified pixel by pixel.

Theorem
-------
Let ``c`` solve ``N(c) = -lap c + k c + U(c) - s = 0`` on free pixels with the fixed values imposed, where ``k >= 0``
and ``U`` grows with ``c`` and is concave for ``c >= 0`` (or 0). Let ``a`` hold the fixed values (and ``a >= 0`` if
uptake saturates), and ``r = -N(a)``. If ``w >= 0`` vanishes on fixed pixels and outside the sides that impose a
value, and

    -lap w + k w + U(a + w) - U(a) >= |r|    on every free pixel,                                        (1)

then ``|c - a| <= w`` everywhere.

Proof. ``-lap + k`` is an M-matrix (non-positive off the diagonal, weakly dominant, anchored) and ``U`` is increasing,
so ``N`` obeys the comparison principle: ``N(u) >= 0`` on free pixels and ``u >= c`` on fixed ones give ``u >= c``. By
(1), ``N(a + w) = -r + (-lap + k) w + U(a + w) - U(a) >= |r| - r >= 0``, so ``c <= a + w``. For the other side extend
``U`` linearly below 0. It stays concave, so ``U(a) - U(a - w) >= U(a + w) - U(a)``, and (1) gives ``N(a - w) = -r -
(-lap + k) w - (U(a) - U(a - w)) <= -r - |r| <= 0``, so ``c >= a - w``.  QED

Nothing is asked of where ``w`` comes from, so it may come from float32 multigrid cycles: one on ``|r|``, more on what
is lacking. Only the inequality (1) is checked, in float64 with a rounding allowance. What is still lacking after
that, at most ``m``, is covered by a barrier: ``-lap z + k z >= 1`` makes ``w + m z`` satisfy (1), because ``U`` is
increasing. Barriers: ``1 / min k``; the parabola between two walls; or a ``z`` from cycles, verified like ``w``.

Source: the comparison principle of M-matrices (Berman and Plemmons, *Nonnegative Matrices in the Mathematical
Sciences*, SIAM 1994, ch. 6) and of monotone nonlinear difference equations (Ortega and Rheinboldt, *Iterative
Solution of Nonlinear Equations in Several Variables*, SIAM 2000, ch. 13).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from surrogate_plugin.guard import certificate_kernels as kernels
from surrogate_plugin.problem import FloatArray
from surrogate_plugin.solvers import lattice_kernels
from surrogate_plugin.solvers.equation import Equation
from surrogate_plugin.solvers.hierarchy import Hierarchy

#: What a cycle leaves undone is repeated with a little more, so that the repeats overshoot and the lack soon ends.
_OVERSHOOT = 1.3
_MAX_CYCLES = 6
#: Cycles go on while the barrier's share of the bound, which is slack, is larger than this part of the rest: a bound
#: within the tolerance need not be tight, but it is reported, and people read it.
_TIGHT = 0.5
_SETTLED = 0.1


@dataclass(frozen=True)
class Bound:
    """The largest error possible, field units, and how many V-cycles it took to show it."""

    value: float
    cycles: int


class Certifier:
    """Bounds for candidate fields of one equation; the barrier is found once.

    Parameters
    ----------
    equation : Equation
        The exact discrete equation in float64; the bound holds for it.
    hierarchy : Hierarchy
        Any hierarchy of about this operator; only the tightness depends on it.
    rebuild : bool
        Build the hierarchy for the candidate's own linearisation, if cycles are needed at all.
    """

    def __init__(self, equation: Equation, hierarchy: Hierarchy, *, rebuild: bool = False) -> None:
        self.equation = equation
        self.hierarchy = hierarchy
        self._rebuild = rebuild
        self._usual_barrier = _usual_barrier(equation)
        self._barrier = _Barrier(self._usual_barrier)
        self._tried_barrier = False
        self._target = np.empty(equation.shape)
        self._z, self._w, self._lack = hierarchy.vectors[1], hierarchy.vectors[3], hierarchy.vectors[4]

    def bound(self, c: FloatArray, tolerance: float) -> Bound:
        """A bound on ``max |c_exact - c|``, field units; it stops at the first bound within ``tolerance``.

        Parameters
        ----------
        c : (H + 2, W + 2) float64, field units
            The candidate with a halo. Fixed pixels must hold their values exactly.
        tolerance : float, field units

        Returns
        -------
        Bound
            ``value`` is infinite if the field is not finite or nothing anchors the error.
        """
        largest = self._inflated_residual(c)
        if largest == 0.0:
            return Bound(0.0, 0)
        if not math.isfinite(largest):
            return Bound(math.inf, 0)
        crude = largest * self._usual_barrier
        if crude <= tolerance:
            return Bound(_up(crude), 0)
        return self._supersolution(c, largest, tolerance)

    def _supersolution(self, c: FloatArray, largest: float, tolerance: float) -> Bound:
        """Cycles towards equality in (1) until the verified bound is within ``tolerance`` or no longer improves."""
        if self._rebuild:
            self.hierarchy.rebuild(self.equation.free, self.equation.tangent(c))
            self._rebuild = False
        factor = 1.0 / largest
        np.multiply(self._target, factor, out=self._lack[1:-1, 1:-1], casting="same_kind")
        self._w.fill(0.0)
        best, lack, barrier = math.inf, 0.0, self._barrier
        for cycle in range(1, _MAX_CYCLES + 1):
            self.hierarchy.v_cycle(self._z, self._lack)
            kernels.add_positive_part(self._w, self._z, np.float32(1.0 if cycle == 1 else _OVERSHOOT))
            lack, top = self._deficit(c, factor)
            if not math.isfinite(lack):
                return Bound(best, cycle)
            best = min(best, self._total(top, lack, barrier, largest))
            rest = lack * barrier.height
            if (best <= tolerance and rest <= _TIGHT * top) or rest <= _SETTLED * top:
                return Bound(best, cycle)
        if not self._tried_barrier:
            self._tried_barrier = True
            computed = self._compute_barrier(c)
            if computed.height < self._usual_barrier:
                self._barrier = computed
                best = min(best, self._total(top, lack, computed, largest))
        return Bound(best, _MAX_CYCLES)

    def _deficit(self, c: FloatArray, factor: float) -> tuple[float, float]:
        e = self.equation
        if e.vmax is None:
            lack, top = kernels.deficit(self._w, e.free, e.decay, self._target, factor, e.sides, self._lack)
        else:
            lack, top = kernels.saturating_deficit(
                self._w, c, e.free, e.decay, e.vmax, e.km, self._target, factor, e.sides, self._lack
            )
        return float(lack), float(top)

    def _inflated_residual(self, c: FloatArray) -> float:
        e = self.equation
        lattice_kernels.set_halo(c, e.sides, e.values)
        if e.vmax is None:
            return float(kernels.inflated_residual(c, e.free, e.decay, e.production, self._target))
        return float(kernels.inflated_saturating_residual(c, e.free, e.decay, e.production, e.vmax, e.km, self._target))

    def _compute_barrier(self, c: FloatArray) -> _Barrier:
        """A barrier from cycles on ``A z = 1``, which knows the fixed pixels: ``A z >= 1 - m`` gives ``z / (1 - m)``.

        With saturating uptake ``A`` includes the slope of ``U`` at ``c + km``: valid for bounds of at most ``km``.
        """
        e = self.equation
        decay, reach = e.decay, math.inf
        if e.vmax is not None:
            decay, reach = np.empty(e.shape), e.km
            kernels.least_slope(c, e.decay, e.vmax, e.km, reach, decay)
        ones = e.free.astype(np.float64)
        self._lack[1:-1, 1:-1] = ones
        self._w.fill(0.0)
        for cycle in range(_MAX_CYCLES):
            self.hierarchy.v_cycle(self._z, self._lack)
            kernels.add_positive_part(self._w, self._z, np.float32(1.0 if cycle == 0 else _OVERSHOOT))
            lack, top = kernels.deficit(self._w, e.free, decay, ones, 1.0, e.sides, self._lack)
            if lack < 0.5:
                return _Barrier(_up(float(top) / (1.0 - float(lack))), reach)
        return _Barrier(math.inf, reach)

    def _total(self, top: float, lack: float, barrier: _Barrier, largest: float) -> float:
        """``max(w + m z)`` in field units."""
        value = _up((top + lack * barrier.height) * largest)
        if value <= barrier.reach:
            return value
        return _up((top + lack * self._usual_barrier) * largest) if lack > 0 else _up(top * largest)


@dataclass(frozen=True)
class _Barrier:
    """``height``: the largest value of a ``z`` with ``A z >= 1``. ``reach``: the largest bound it may be used for."""

    height: float
    reach: float = math.inf


def _usual_barrier(equation: Equation) -> float:
    """``1 / min k``, or the parabola between two sides of which one or both impose a value, whichever is less."""
    smallest = float(np.min(equation.decay, where=equation.free, initial=math.inf))
    barrier = 1.0 / smallest if smallest > 0 else math.inf
    for low, high, count in ((0, 1, equation.shape[1]), (2, 3, equation.shape[0])):
        # -z'' = 1 is solved by z = i (n + 1 - i) / 2 between two walls, by i (2 n + 1 - i) / 2 beside one.
        walls = (equation.sides[low] == 0) + (equation.sides[high] == 0)
        if walls == 2:
            barrier = min(barrier, (count + 1) ** 2 / 8)
        elif walls == 1:
            barrier = min(barrier, count * (count + 1) / 2)
    return barrier


def _up(value: float) -> float:
    """``value`` a little larger, to cover the rounding of the last few operations."""
    return value * (1.0 + 1e-12)
