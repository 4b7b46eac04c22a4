"""A bound on the error of any candidate field, by a supersolution that is verified pixel by pixel.

Theorem
-------
Let ``c`` solve ``N(c) = -div(G grad c) + k c + U(c) - s = 0`` on free pixels with the fixed values imposed, where the
conductance ``G >= 0`` of each face is anything, ``k >= 0``, and ``U`` grows with ``c`` and is concave for ``c >= 0``
(or 0). A face of a side joins an edge pixel to a ghost pixel that holds the side's value, with whatever conductance
the side has, so ghost pixels count as fixed ones. Let ``a`` hold the fixed values (and ``a >= 0`` if uptake
saturates), and ``r = -N(a)``. If ``w >= 0`` vanishes on fixed and ghost pixels, and

    -div(G grad w) + k w + U(a + w) - U(a) >= |r|    on every free pixel,                                  (1)

then ``|c - a| <= w`` everywhere.

Proof. ``A = -div(G grad) + k`` is an M-matrix: off the diagonal stands ``-G <= 0``, and the diagonal is ``k`` plus the
sum of all ``G`` around, those to fixed and ghost pixels included, so it is weakly dominant for every choice of ``G``.
``U`` is increasing, and something anchors each pixel: decay, uptake, or faces that conduct, by way of others, to what
is held. So ``N`` obeys the comparison principle: ``N(u) >= 0`` on free pixels and ``u >= c`` on fixed ones give ``u >=
c``. (Where ``c - u`` is largest and above 0, no term of ``N(c) - N(u) <= 0`` is negative, so all are 0: all that
conducts leads to pixels as far above, hence to every pixel that is linked, and none of them decays, takes up or is
held.) By (1), ``N(a + w) = -r + A w + U(a + w) - U(a) >= |r| - r >= 0``, so ``c <= a + w``. For the other side extend
``U`` linearly below 0. It stays concave, so ``U(a) - U(a - w) >= U(a + w) - U(a)``, and (1) gives ``N(a - w) = -r - A w
- (U(a) - U(a - w)) <= -r - |r| <= 0``, so ``c >= a - w``.  QED

Nothing is asked of where ``w`` comes from, so an approximate inverse of any kind may propose it, see
`surrogate_plugin.guard.inverse`: float32 multigrid cycles, or a factorisation, of about the matrix; applied to ``|r|``
first, then to what is lacking. Only the inequality (1) is checked, in float64 with a rounding allowance. What is still
lacking after that, at most ``m``, is covered by a barrier ``z >= 0`` with ``A z + q z >= 1``: if ``q`` is at most the
slope of ``U`` between ``a + w`` and ``a + w + m z``, then ``U(a + w + m z) - U(a + w) >= q m z``, and ``w + m z``
satisfies (1). See `surrogate_plugin.guard.barriers` for where barriers come from.

What each ingredient is derived from, and what it may be used for: ``|r|``, its largest value and the lack belong to
one candidate and live no longer than the call that bounds it. ``w`` is made for that candidate too, but any ``w`` may
be tried: its lack is computed from the candidate itself. Barriers say for themselves which candidates they serve.

Source: the comparison principle of M-matrices (Berman and Plemmons, *Nonnegative Matrices in the Mathematical
Sciences*, SIAM 1994, ch. 6) and of monotone nonlinear difference equations (Ortega and Rheinboldt, *Iterative
Solution of Nonlinear Equations in Several Variables*, SIAM 2000, ch. 13).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from surrogate_plugin import team
from surrogate_plugin.arguments import Float32Array
from surrogate_plugin.equation.operator import Operator
from surrogate_plugin.equation.problem import BoolArray, FloatArray
from surrogate_plugin.guard import certificate_kernels as kernels
from surrogate_plugin.guard.barriers import Barrier, Usable, least, up, usual_height
from surrogate_plugin.guard.inverse import ApproximateInverse
from surrogate_plugin.sharing_kernels import CHUNKS

#: Tries go on while the barrier's share of the bound, which is slack, is larger than this part of the rest: a bound
#: within the tolerance need not be tight, but it is reported, and people read it.
TIGHT = 0.5
SETTLED = 0.1
#: A map shows the barrier's share everywhere, however little is wrong there; with 1e-4 it takes a third longer and
#: is up to 10 % closer.
_SETTLED_MAP = 1e-2
#: A residual counts as at least so much, since its inverse must be finite.
SMALLEST = 1e-290
#: A barrier that reaches so many times as far as it has to is made anew.
_FAR = 16.0
#: How much farther out each time uptake's slope is taken while there is no bound.
_FARTHER = 4.0


@dataclass(frozen=True)
class _Use:
    """How an approximate inverse is used: what it leaves undone is proposed for anew with a little more.

    ``first`` and ``later`` are what proposals are multiplied by, so that repeats overshoot and the lack soon ends. A
    barrier is computed after ``patience`` proposals. ``linearisations``: how often uptake's slope is taken.
    """

    first: float
    later: float
    patience: int
    linearisations: int


#: Of 1.3, 1.5, 1.6 and 1.8 for later proposals 1.6 saves a quarter of the cycles, and bounds are no looser.
ROUGH = _Use(first=1.0, later=1.6, patience=6, linearisations=1)
_EXACT = _Use(first=1.0 + 1e-6, later=1.0 + 1e-6, patience=1, linearisations=12)
#: Where more than this part is lacking before the third proposal, the inverse is a poor one: begin anew with better
#: proposals. Beside walls and with anisotropy bounds were up to 73 times the error, and are up to 6; none takes longer.
LOOK, STUBBORN = 3, 0.2
#: Proposals at most, for a supersolution and for a barrier.
_MAX_CYCLES = 12


@dataclass(frozen=True, eq=False)
class Bound:
    """What is shown of one field.

    Attributes
    ----------
    value : float, field units
        The largest error possible; infinite where nothing can be shown.
    cycles : int
        How often the approximate inverse was applied.
    map : (H, W) float64, field units, or None
        The largest error possible at each pixel, 0 at fixed ones, at most ``value``; where it was asked for.
    tight : bool
        Whether a better inverse could hardly show less: no barrier is most of it, or there is nothing to bound.
    """

    value: float
    cycles: int
    map: FloatArray | None = None
    tight: bool = True


class Certifier:
    """Bounds for candidate fields of one operator; a barrier that is found for one serves others within its reach.

    Parameters
    ----------
    operator : Operator
        The exact discrete equation in float64; the bound holds for it.
    inverse : ApproximateInverse
        A hierarchy's V-cycle or a factorisation, of any operator on this lattice; only the tightness depends on it.
    rebuild : bool
        Have the inverse made for the first candidate's own linearisation, if it is needed at all.
    """

    def __init__(self, operator: Operator, inverse: ApproximateInverse, *, rebuild: bool = False) -> None:
        self.operator = operator
        self.inverse = inverse
        self._use = _EXACT if inverse.exact else ROUGH
        self._rebuild = rebuild
        self._usual_height = usual_height(operator)
        self._barrier: Barrier | None = None
        #: Whether plain proposals have turned out to be poor ones.
        self._well = False
        self._z, self._w, self._lack, self._target = inverse.work

    def bound(self, c: FloatArray, tolerance: float, *, with_map: bool = False) -> Bound:
        """A bound on ``max |c_exact - c|``, field units; it stops at the first bound within ``tolerance``.

        Parameters
        ----------
        c : (H + 2, W + 2) float64, field units
            The candidate with a halo. Fixed pixels must hold their values exactly.
        tolerance : float, field units
        with_map : bool
            Say the largest error possible pixel by pixel, too.

        Returns
        -------
        Bound
            ``value`` is infinite if the field is not finite or nothing anchors the error.
        """
        largest = self._inflated_residual(c)
        if largest == 0.0:
            return self._everywhere(up(0.0) if self.operator.free.any() else 0.0, with_map)
        if not 0.0 <= largest < math.inf:
            return self._everywhere(math.inf, with_map)
        largest = max(largest, SMALLEST)
        crude = largest * self._usual_height
        if crude <= tolerance:
            return self._everywhere(up(crude), with_map)
        return self._supersolution(c, largest, tolerance, with_map)

    def _everywhere(self, value: float, with_map: bool) -> Bound:
        return Bound(value, 0, np.where(self.operator.free, value, 0.0) if with_map else None)

    def _supersolution(self, c: FloatArray, largest: float, tolerance: float, with_map: bool) -> Bound:
        """The best that an inverse of one linearisation shows, or of several.

        Short of a bound that rests on ``w`` more than on a barrier, uptake is credited with less, as if the error were
        larger; and with more again from the first on.
        """
        operator = self.operator
        if self._rebuild:
            self.inverse.rebuild(operator.free, operator.tangent(c), operator.faces)
            self._rebuild = False
        best, cycles, tight = _Shown(math.inf, 0, self._w, math.inf), 0, False
        for attempt in range(self._use.linearisations):
            shown = self._cycle(c, largest, tolerance, _SETTLED_MAP if with_map else SETTLED)
            cycles += shown.cycles
            improved = shown.value < 0.8 * best.value
            best = min(best, shown, key=lambda each: each.value)
            tight = tight or shown.tight
            if operator.vmax is None or best.value <= tolerance or (attempt == 0 and tight):
                break
            if (shown.tight and not improved) or attempt + 1 == self._use.linearisations:
                break
            if not np.isfinite(shown.w).all():
                break
            farther = 1.0 if tight else _FARTHER**attempt
            reach = farther * largest * shown.w.astype(np.float64)
            best = replace(best, w=best.w.copy())  # it may be the buffer that the next one is made in
            self.inverse.rebuild(operator.free, operator.secant(c, reach), operator.faces)
        found = best.map(operator.free, largest) if with_map else None
        return Bound(best.value, cycles, found, best.value < math.inf and best.tight)

    def _cycle(self, c: FloatArray, largest: float, tolerance: float, settled: float) -> _Shown:
        """Proposals towards equality in (1) until the verified bound is within ``tolerance`` or no longer improves.

        The latter is when the barrier's share of the bound is at most the part ``settled`` of the rest.
        """
        factor = 1.0 / largest
        team.run(kernels.scale, self._target, factor, self._lack)
        w: Float32Array | FloatArray = self._w
        w.fill(0.0)
        barriers = [Usable(self._usual_height, math.inf)]
        if self._barrier is not None:
            barriers.append(self._barrier.for_candidate(c))
        best = lift = lack = math.inf
        fresh = True
        for cycle in range(1, _MAX_CYCLES + 1):
            if cycle == LOOK and lack > STUBBORN and not (self._well or self.inverse.exact):
                self._well = fresh = True
                team.run(kernels.scale, self._target, factor, self._lack)
                w.fill(0.0)
            self._propose(w, fresh=fresh)
            fresh = False
            lack, top = self._deficit(w, c, factor)
            if not (0.0 <= lack < math.inf and 0.0 <= top < math.inf):
                return _Shown(best, cycle, w, math.inf)
            value, lift = least(top, lack, largest, barriers)
            best = min(best, value)
            rest = lack * min(barrier.height for barrier in barriers) if lack > 0 else 0.0
            if (best <= tolerance and rest <= TIGHT * top) or rest <= settled * top:
                break
            # ``w`` never shrinks: what is too much already, and tells how much, need not be told closely.
            if 0.0 < tolerance < top * largest and settled == SETTLED and rest <= TIGHT * top:
                break
            if cycle == self._use.patience:
                # Beside much larger neighbours float32 rounds more of ``w`` away than is lacking.
                w = w.astype(np.float64)
                barriers.append(self._barrier_for(c, 2.0 * top * largest))
                value, lift = least(top, lack, largest, barriers)
                best = min(best, value)
                hopeless = math.isfinite(best) and top * largest > tolerance and not self.inverse.exact
                if best <= tolerance or hopeless:
                    break
                self._deficit(w, c, factor)
        return _Shown(best, cycle, w, lift)

    def _propose(self, w: Float32Array | FloatArray, *, fresh: bool) -> None:
        """Add to ``w``, which is 0 where ``fresh``, what the inverse makes of what is lacking."""
        (self.inverse.apply_well if self._well else self.inverse.apply)(self._z, self._lack)
        share = self._z.dtype.type(self._use.first if fresh else self._use.later)
        team.run(kernels.add_positive_part, w, self._z, share)

    def _deficit(self, w: Float32Array | FloatArray, c: FloatArray, factor: float) -> tuple[float, float]:
        return self._lacking(w, c, self.operator.decay, self.operator.vmax, self._target, factor)

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
        e = self.operator
        lack, top = team.run(
            kernels.deficit, w, c, e.free, *e.north_east, decay, vmax, e.km, target, factor, e.rules, self._lack,
            np.zeros(CHUNKS, np.int64), np.zeros(CHUNKS, np.int64),
        )  # fmt: skip
        return float(lack), float(top)

    def _inflated_residual(self, c: FloatArray) -> float:
        e = self.operator
        largest = team.run(
            kernels.inflated_residual, c, e.source, e.free, *e.north_east, e.decay, e.production, e.vmax, e.km, e.rules,
            e.walls.value, self._target, np.zeros(CHUNKS, np.int64),
        )  # fmt: skip
        return float(largest)

    def _barrier_for(self, c: FloatArray, wanted: float) -> Usable:
        """A computed barrier for bounds up to ``wanted``: the one there is if it was made for about that, else anew.

        One that reaches farther counts on less uptake, so it is higher, and may be infinite.
        """
        if self.operator.vmax is None:
            self._barrier = self._barrier or self._compute_barrier(c, math.inf)
            return self._barrier.for_candidate(c)
        reach = max(wanted, self.operator.km)
        if self._barrier is None or not wanted <= self._barrier.for_candidate(c).reach <= _FAR * reach:
            self._barrier = self._compute_barrier(c, reach)
        return self._barrier.for_candidate(c)

    def _compute_barrier(self, c: FloatArray, reach: float) -> Barrier:
        """A barrier from proposals for ``A z = 1``, which knows what is fixed: ``A z >= 1 - m`` gives ``z / (1 - m)``.

        With saturating uptake ``A`` includes the slope of ``U`` at ``c + reach``.
        """
        e = self.operator
        if e.vmax is None:
            return Barrier(self._verified_height(c, e.decay), e.free, None)
        decay, ceiling = np.empty(e.shape), c + reach
        team.run(kernels.least_slope, ceiling, e.decay, e.vmax, e.km, decay)
        self.inverse.relinearise(e.free, decay)
        height = self._verified_height(c, decay)
        self.inverse.relinearise(e.free, e.tangent(c))
        return Barrier(height, e.free, ceiling)

    def _verified_height(self, c: FloatArray, decay: FloatArray) -> float:
        """The largest value of a ``z`` with ``-div(G grad z) + decay z >= 1``; infinite if none is found."""
        ones = self.operator.free.astype(np.float64)
        self._lack[1:-1, 1:-1] = ones
        w: Float32Array | FloatArray = self._w
        w.fill(0.0)
        fresh = True
        for cycle in range(1, _MAX_CYCLES + 1):
            if cycle == LOOK and not (self._well or self.inverse.exact):
                self._well = fresh = True
                self._lack[1:-1, 1:-1] = ones
                w.fill(0.0)
            self._propose(w, fresh=fresh)
            fresh = False
            lack, top = self._lacking(w, c, decay, None, ones, 1.0)
            if 0.0 <= lack < 0.5 and 0.0 <= top < math.inf:
                return up(top / (1.0 - lack))
            if cycle == self._use.patience:
                w = w.astype(np.float64)
        return math.inf


@dataclass(frozen=True, eq=False)
class _Shown:
    """A bound, what it took, the ``w`` that was verified last, and how far a barrier lifts that one, dimensionless."""

    value: float
    cycles: int
    w: FloatArray | Float32Array
    lift: float

    @property
    def tight(self) -> bool:
        """Whether ``w`` is more of the bound than what lifts it."""
        return self.lift <= float(self.w.max())

    def map(self, free: BoolArray, largest: float) -> FloatArray:
        """``w + m z`` at each pixel, with a barrier's height for ``z``; field units."""
        if not self.lift < math.inf:
            return np.where(free, self.value, 0.0)
        each = up((self.w[1:-1, 1:-1].astype(np.float64) + self.lift) * largest)
        return np.where(free, np.minimum(each, self.value), 0.0)
