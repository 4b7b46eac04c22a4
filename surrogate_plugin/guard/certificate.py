"""A bound on the error of any candidate field, by a supersolution that is verified pixel by pixel.

Theorem
-------
Let ``c`` solve ``N(c) = -lap c + k c + U(c) - s = 0`` on free pixels with the fixed values imposed, where ``k >= 0``
and ``U`` grows with ``c`` and is concave for ``c >= 0`` (or 0). Let ``a`` hold the fixed values (and ``a >= 0`` if
uptake saturates), and ``r = -N(a)``. If ``w >= 0`` vanishes on fixed pixels and outside the sides that impose a
value, and

    -lap w + k w + U(a + w) - U(a) >= |r|    on every free pixel,                                        (1)

then ``|c - a| <= w`` everywhere.

Proof. ``-lap + k`` is an M-matrix (non-positive off the diagonal, weakly dominant) and ``U`` is increasing, and one of
them anchors the field, so ``N`` obeys the comparison principle: ``N(u) >= 0`` on free pixels and ``u >= c`` on fixed
ones give ``u >= c``. (Where ``c - u`` is largest and above 0, no term of ``N(c) - N(u) <= 0`` is negative, so all are
0: all neighbours are as far above, hence every pixel that is linked, and none of them decays, takes up or is held.)
By (1), ``N(a + w) = -r + (-lap + k) w + U(a + w) - U(a) >= |r| - r >= 0``, so ``c <= a + w``. For the other side extend
``U`` linearly below 0. It stays concave, so ``U(a) - U(a - w) >= U(a + w) - U(a)``, and (1) gives ``N(a - w) = -r -
(-lap + k) w - (U(a) - U(a - w)) <= -r - |r| <= 0``, so ``c >= a - w``.  QED

Nothing is asked of where ``w`` comes from, so it may come from float32 multigrid cycles: one on ``|r|``, more on what
is lacking. Only the inequality (1) is checked, in float64 with a rounding allowance. What is still lacking after
that, at most ``m``, is covered by a barrier ``z >= 0`` with ``-lap z + (k + q) z >= 1``: if ``q`` is at most the slope
of ``U`` between ``a + w`` and ``a + w + m z``, then ``U(a + w + m z) - U(a + w) >= q m z``, and ``w + m z`` satisfies
(1).

What each ingredient is derived from, and what it may be used for:

- ``|r|``, its largest value and the lack belong to one candidate and live no longer than the call that bounds it;
- ``w`` is made for that candidate too, but any ``w`` may be tried: its lack is computed from the candidate itself;
- the usual barriers, ``1 / min k`` and the parabola between two walls, count on no uptake (``q = 0``): they belong to
  the equation and hold for every candidate;
- a computed barrier, ``z`` from cycles and verified like ``w``, counts on uptake at one field ``u``, ``q = U'(u)``.
  ``U`` is concave, so ``q`` is small enough for a candidate ``a`` as long as ``a + w + m z <= u`` on every free pixel.
  The barrier keeps its ``u``, and its reach, the largest bound it may be used for, is ``min(u - a)`` for the candidate
  at hand, whichever candidate it was computed for. Without saturating uptake there is no ``u`` and no such limit.

Source: the comparison principle of M-matrices (Berman and Plemmons, *Nonnegative Matrices in the Mathematical
Sciences*, SIAM 1994, ch. 6) and of monotone nonlinear difference equations (Ortega and Rheinboldt, *Iterative
Solution of Nonlinear Equations in Several Variables*, SIAM 2000, ch. 13).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from surrogate_plugin import team
from surrogate_plugin.equation.operator import Equation
from surrogate_plugin.equation.problem import BoolArray, FloatArray
from surrogate_plugin.guard import certificate_kernels as kernels
from surrogate_plugin.sharing_kernels import CHUNKS
from surrogate_plugin.solvers.multigrid.hierarchy import Float32Array, Hierarchy

#: What a cycle leaves undone is repeated with a little more, so that the repeats overshoot and the lack soon ends.
_OVERSHOOT = 1.3
_MAX_CYCLES = 6
#: Cycles go on while the barrier's share of the bound, which is slack, is larger than this part of the rest: a bound
#: within the tolerance need not be tight, but it is reported, and people read it.
_TIGHT = 0.5
_SETTLED = 0.1
#: A product of field and coefficient below 5e-324 is 0, which no relative allowance covers; barriers are below 1e20.
_UNDERFLOW = 1e-300
#: A residual counts as at least so much, since its inverse must be finite.
_SMALLEST = 1e-290
#: A barrier that reaches so many times as far as it has to is made anew.
_FAR = 16.0


@dataclass(frozen=True)
class Bound:
    """The largest error possible, field units, and how many V-cycles it took to show it."""

    value: float
    cycles: int


class Certifier:
    """Bounds for candidate fields of one equation; a barrier that is found for one serves others within its reach.

    Parameters
    ----------
    equation : Equation
        The exact discrete equation in float64; the bound holds for it.
    hierarchy : Hierarchy
        Any hierarchy of about this operator; only the tightness depends on it.
    rebuild : bool
        Build the hierarchy for the first candidate's own linearisation, if cycles are needed at all; like the
        hierarchy itself this has a say in the tightness alone.
    """

    def __init__(self, equation: Equation, hierarchy: Hierarchy, *, rebuild: bool = False) -> None:
        self.equation = equation
        self.hierarchy = hierarchy
        self._rebuild = rebuild
        self._usual_height = _usual_barrier(equation)
        self._barrier: _Barrier | None = None
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
            return Bound(_up(0.0) if self.equation.free.any() else 0.0, 0)
        if not 0.0 <= largest < math.inf:
            return Bound(math.inf, 0)
        largest = max(largest, _SMALLEST)
        crude = largest * self._usual_height
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
        barriers = [_Usable(self._usual_height, math.inf)]
        if self._barrier is not None:
            barriers.append(self._barrier.for_candidate(c))
        w: Float32Array | FloatArray = self._w
        best = math.inf
        for cycle in range(1, 2 * _MAX_CYCLES + 1):
            self.hierarchy.v_cycle(self._z, self._lack)
            overshoot = np.float32(1.0 if cycle == 1 else _OVERSHOOT)
            team.run(kernels.add_positive_part, w, self._z, overshoot)
            lack, top = self._deficit(w, c, factor)
            if not (0.0 <= lack < math.inf and 0.0 <= top < math.inf):
                return Bound(best, cycle)
            best = min(best, _least(top, lack, largest, barriers))
            rest = lack * min(barrier.height for barrier in barriers) if lack > 0 else 0.0
            if (best <= tolerance and rest <= _TIGHT * top) or rest <= _SETTLED * top:
                return Bound(best, cycle)
            if cycle == _MAX_CYCLES:
                # Beside much larger neighbours float32 rounds more of ``w`` away than is lacking.
                w = w.astype(np.float64)
                barriers.append(self._barrier_for(c, 2.0 * top * largest))
                best = min(best, _least(top, lack, largest, barriers))
                if best <= tolerance or (math.isfinite(best) and top * largest > tolerance):
                    return Bound(best, cycle)
                self._deficit(w, c, factor)
        return Bound(best, cycle)

    def _deficit(self, w: Float32Array | FloatArray, c: FloatArray, factor: float) -> tuple[float, float]:
        return self._lacking(w, c, self.equation.decay, self.equation.vmax, self._target, factor)

    def _lacking(
        self,
        w: Float32Array | FloatArray,
        c: FloatArray,
        decay: FloatArray,
        vmax: FloatArray | None,
        target: FloatArray,
        factor: float,
    ) -> tuple[float, float]:
        """What ``w`` falls short of ``factor target``, left in ``_lack``: its largest value, and the largest ``w``."""
        e = self.equation
        lack, top = team.run(
            kernels.deficit, w, c, e.free, *e.north_east, decay, vmax, e.km, target, factor, e.rules, self._lack,
            np.zeros(CHUNKS, np.int64), np.zeros(CHUNKS, np.int64),
        )  # fmt: skip
        return float(lack), float(top)

    def _inflated_residual(self, c: FloatArray) -> float:
        e = self.equation
        largest = team.run(
            kernels.inflated_residual, c, e.source, e.free, *e.north_east, e.decay, e.production, e.vmax, e.km, e.rules,
            e.walls.value, self._target, np.zeros(CHUNKS, np.int64),
        )  # fmt: skip
        return float(largest)

    def _barrier_for(self, c: FloatArray, wanted: float) -> _Usable:
        """A computed barrier for bounds up to ``wanted``: the one there is if it was made for about that, else anew.

        One that reaches farther counts on less uptake, so it is higher, and may be infinite.
        """
        if self.equation.vmax is None:
            self._barrier = self._barrier or self._compute_barrier(c, math.inf)
            return self._barrier.for_candidate(c)
        reach = max(wanted, self.equation.km)
        if self._barrier is None or not wanted <= self._barrier.for_candidate(c).reach <= _FAR * reach:
            self._barrier = self._compute_barrier(c, reach)
        return self._barrier.for_candidate(c)

    def _compute_barrier(self, c: FloatArray, reach: float) -> _Barrier:
        """A barrier from cycles on ``A z = 1``, which knows the fixed pixels: ``A z >= 1 - m`` gives ``z / (1 - m)``.

        With saturating uptake ``A`` includes the slope of ``U`` at ``c + reach``.
        """
        e = self.equation
        if e.vmax is None:
            return _Barrier(self._verified_height(c, e.decay), e.free, None)
        decay, ceiling = np.empty(e.shape), c + reach
        team.run(kernels.least_slope, ceiling, e.decay, e.vmax, e.km, decay)
        self.hierarchy.relinearise(e.free, decay)
        height = self._verified_height(c, decay)
        self.hierarchy.relinearise(e.free, e.tangent(c))
        return _Barrier(height, e.free, ceiling)

    def _verified_height(self, c: FloatArray, decay: FloatArray) -> float:
        """The largest value of a ``z`` with ``-lap z + decay z >= 1``; infinite if cycles find none."""
        ones = self.equation.free.astype(np.float64)
        self._lack[1:-1, 1:-1] = ones
        w: Float32Array | FloatArray = self._w
        w.fill(0.0)
        for cycle in range(1, 2 * _MAX_CYCLES + 1):
            self.hierarchy.v_cycle(self._z, self._lack)
            overshoot = np.float32(1.0 if cycle == 1 else _OVERSHOOT)
            team.run(kernels.add_positive_part, w, self._z, overshoot)
            lack, top = self._lacking(w, c, decay, None, ones, 1.0)
            if 0.0 <= lack < 0.5 and 0.0 <= top < math.inf:
                return _up(top / (1.0 - lack))
            if cycle == _MAX_CYCLES:
                w = w.astype(np.float64)
        return math.inf


@dataclass(frozen=True, eq=False)
class _Barrier:
    """``height``: the largest value of a ``z`` with ``A z + U'(ceiling) z >= 1``; without a ceiling ``A z >= 1``."""

    height: float
    free: BoolArray
    ceiling: FloatArray | None

    def for_candidate(self, c: FloatArray) -> _Usable:
        """What the barrier is good for at this candidate: whatever stays below the ceiling."""
        if self.ceiling is None:
            return _Usable(self.height, math.inf)
        room = self.ceiling[1:-1, 1:-1] - c[1:-1, 1:-1]
        return _Usable(self.height, float(np.min(room, where=self.free, initial=math.inf)))


@dataclass(frozen=True)
class _Usable:
    """A barrier's ``height`` for one candidate, and its ``reach``: the largest bound on it that may count on it."""

    height: float
    reach: float


def _least(top: float, lack: float, largest: float, barriers: list[_Usable]) -> float:
    """The least ``max(w + m z)`` of the barriers that reach so far, field units; no lack needs no barrier."""
    if lack == 0.0:
        return _up(top * largest)
    values = ((_up((top + lack * barrier.height) * largest), barrier.reach) for barrier in barriers)
    return min((value for value, reach in values if value <= reach), default=math.inf)


def _usual_barrier(equation: Equation) -> float:
    """``1 / min k``, or the parabola between two sides of which one or both impose a value, whichever is less."""
    smallest = float(np.min(equation.decay, where=equation.free, initial=math.inf))
    barrier = 1.0 / smallest if smallest > 0 else math.inf
    for conductance, count in zip(equation.walls.conductance, equation.shape, strict=True):
        # -z'' = 1 is solved by z = i (n + 1 - i) / 2 between two walls, by i (2 n + 1 - i) / 2 beside one.
        walls = int((conductance == 1.0).sum()) if equation.faces is None else 0
        if walls == 2:
            barrier = min(barrier, (count + 1) ** 2 / 8)
        elif walls == 1:
            barrier = min(barrier, count * (count + 1) / 2)
    return barrier


def _up(value: float) -> float:
    """``value`` a little larger, to cover the rounding of the last few operations, and products too small to hold."""
    return value * (1.0 + 1e-12) + _UNDERFLOW
