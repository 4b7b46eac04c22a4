"""The steady problem as a network of conductances, solved by elimination without a subtraction and refined.

Written from the definition in `surrogate_plugin.equation.problem.Problem` and from nothing else, so that it can judge
the solvers and the guard. Residuals are formed in numpy's longdouble (64 bits of mantissa on x86), differences of
neighbours first; corrections come from a float64 elimination that keeps every number's relative precision, so that
neither contrast nor a weak anchor slows the refinement down.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from surrogate_plugin.equation.problem import Coefficient, FloatArray, Problem
from surrogate_plugin.reference.elimination_kernels import eliminate, substitute

LongArray = npt.NDArray[np.longdouble]
IndexArray = npt.NDArray[np.intp]

#: A residual of eight rounded terms, doubled.
_ROUNDING = 16 * float(np.finfo(np.longdouble).eps)
#: More than float64's roundings in an elimination of 10,000 nodes can add up to, relative to each result.
_ELIMINATION = 1.0 + 1e-9
_MAX_STEPS = 400
#: A slope beyond this holds a value as firmly as this one does, and float64 takes it.
_STRONGEST = 1e250


@dataclass(frozen=True)
class Reference:
    """A field and how far it can be from the exact one.

    Attributes
    ----------
    field : (H, W) longdouble, field units
        Holds the fixed values exactly.
    error : float, field units
        At least the largest pointwise distance to the exact solution of the discrete equation.
    steps : int
        Newton steps and refinements.
    """

    field: LongArray
    error: float
    steps: int

    def distance(self, field: npt.ArrayLike) -> float:
        """The largest pointwise distance of ``field``, (H, W), from this one, field units; infinite for NaN."""
        apart = float(np.max(np.abs(np.asarray(field) - self.field)))
        return math.inf if math.isnan(apart) else apart


def solve_extended(problem: Problem) -> Reference:
    """Solve a problem of up to some 10,000 pixels in extended precision.

    The cost is that of a banded elimination, ``H W min(H, W)^2``, times the number of Newton steps.

    Parameters
    ----------
    problem : Problem

    Returns
    -------
    Reference
        Its ``error`` is about 1e-18 of the largest value, unless Newton's method did not get that far.

    Source
    ------
    Grassmann, Taksar, Heyman, "Regenerative analysis and steady state distributions for Markov chains", Oper. Res. 33
    (1985), for the elimination; Wilkinson, *Rounding Errors in Algebraic Processes* (1963), for the refinement.

    Examples
    --------
    >>> source = np.zeros((8, 8)); source[3, 4] = 1.0
    >>> reference = solve_extended(Problem(source, decay=0.25))
    >>> float(reference.field[3, 4]), reference.error < 1e-17
    (1.0, True)
    """
    network = _Network(problem)
    field = network.known.copy()
    best, error, steps = field, network.error(field), 0
    target = 4 * float(np.finfo(np.longdouble).eps)
    for steps in range(1, _MAX_STEPS + 1):
        field = network.step(field, first=steps == 1)
        # Newton's early iterates are far off, and a bound costs as much as a step.
        if network.saturates and steps < 4:
            continue
        now = network.error(field)
        if now < error:
            stalled = now > 0.5 * error
            best, error = field, now
            if stalled and error <= 1e-15 * float(best.max()):
                break
        elif math.isfinite(error):
            break
        if error <= target * float(best.max()):
            break
    # Values were divided by the unit and are multiplied again: one rounding each.
    rounding = 2 * float(np.finfo(np.longdouble).eps) * max(float(best.max()), network.largest_known)
    return Reference(best * network.unit, (error + rounding) * float(network.unit), steps)


class _Network:
    """Conductances and sources over the largest ``D / h^2``, values over a unit of their size; all longdouble."""

    def __init__(self, problem: Problem) -> None:
        self.shape = problem.shape
        self.free = problem.unknown
        self.saturates = problem.uptake is not None
        along = [
            self._map(each) / _long(h) ** 2 for each, h in zip(problem.diffusivities, problem.spacings, strict=True)
        ]
        link = _long(max(each.max() for each in along)) or _long(1.0)
        north, east = (each / link for each in along)
        production = self._map(problem.production) / link
        for edge, inward in _fluxes(problem, north, east):
            production[edge] += inward / link
        self.unit = _unit(problem, production)
        self.production = production / self.unit
        self.decay = self._map(problem.decay) / link
        self.vmax = self._map(0.0 if problem.uptake is None else problem.uptake.vmax) / link / self.unit
        self.km = _long(1.0 if problem.uptake is None else problem.uptake.km) / self.unit
        self.known = np.where(problem.fixed, _long(problem.source), _long(0.0)) / self.unit
        self.east = _harmonic(east, np.roll(east, -1, axis=1))
        self.north = _harmonic(north, np.roll(north, -1, axis=0))
        if problem.membranes is not None:
            dy, dx = (_long(h) for h in problem.spacings)
            along_x, along_y = (np.asarray(each) for each in (problem.membranes.x, problem.membranes.y))
            columns, rows = np.s_[:, : along_x.shape[1]], np.s_[: along_y.shape[0]]
            self.east[columns] = _series(self.east[columns], _long(along_x) / dx / link)
            self.north[rows] = _series(self.north[rows], _long(along_y) / dy / link)
        if not problem.boundary.periodic_x:
            self.east[:, -1] = 0.0
        if not problem.boundary.periodic_y:
            self.north[-1, :] = 0.0
        self.walls: list[tuple[Any, LongArray, LongArray]] = []
        for side, (edge, own, h) in zip(problem.boundary.sides, _edges(problem, north, east), strict=True):
            if side.kind in ("value", "exchange"):
                through = own[edge] if side.kind == "value" else _series(own[edge], _long(side.rate) / h / link)
                self.walls.append((edge, through, _long(side.value) / self.unit))
        self._order = _order(self.shape, problem.boundary.periodic_x, problem.boundary.periodic_y)
        self._links, self._ground = self._joined()
        self._linear: _Eliminated | None = None
        #: Whether anything but uptake takes what is produced, in every part; a fixed pixel's ground is one of them.
        self._anchored = bool(self._ground.any()) and (not _cut(problem) or bool((self._ground > 0).all()))

    @property
    def largest_known(self) -> float:
        """The largest value of a fixed pixel or of a side, in units."""
        return float(max(self.known.max(), *(value for _, _, value in self.walls), 0.0))

    def step(self, c: LongArray, first: bool) -> LongArray:
        """A Newton step; a refinement where the equation is linear. The first one leaves uptake out if it can.

        ``F(c) = A c + U(c) - b`` is concave and its derivative an M-matrix, so each step ends at a subsolution, and
        so does the larger of it and 0: from the second step on the iterates rise to the solution.
        """
        with_uptake = not first or not self._anchored
        slope = self._slope(c) if self.saturates and with_uptake else None
        residual, _ = self.residual(c, with_uptake=with_uptake)
        moved = c + _long(self.eliminated(slope).solve(residual))
        return np.where(self.free, np.maximum(moved, 0.0), c)

    def error(self, c: LongArray) -> float:
        """By the comparison principle: ``|c - exact| <= w`` where ``A w + U(c + w) - U(c) >= |residual|``."""
        if not np.isfinite(c).all():
            return math.inf
        residual, rounding = self.residual(c, with_uptake=True)
        lacking = np.abs(residual) + rounding
        reach = 0.0
        for _ in range(4 if self.saturates else 1):
            # The slope at the far end of the error is the least that uptake can have there.
            slope = self._slope(c + _long(reach)) if self.saturates else None
            w = float(self.eliminated(slope).solve(lacking).max()) * _ELIMINATION
            if not self.saturates or w <= reach:
                return w
            reach = 4.0 * w
        return float(self.eliminated(None).solve(lacking).max()) * _ELIMINATION if self._anchored else math.inf

    def residual(self, c: LongArray, *, with_uptake: bool) -> tuple[LongArray, LongArray]:
        """``b - A c - U(c)`` on free pixels, 0 on fixed ones, and what rounding can have added to it."""
        loss = self.decay * c
        if with_uptake and self.saturates:
            loss = loss + self.vmax * (c / (self.km + c))
        total = self.production - loss
        size = self.production + loss
        for flow, axis in ((self._flow(c, self.east, 1), 1), (self._flow(c, self.north, 0), 0)):
            back = np.roll(flow, 1, axis=axis)
            total = total + (flow - back)
            size = size + np.abs(flow) + np.abs(back)
        for edge, conductance, value in self.walls:
            flow = conductance * (value - c[edge])
            total[edge] += flow
            size[edge] += np.abs(flow)
        return np.where(self.free, total, 0.0), np.where(self.free, _ROUNDING * size, 0.0)

    def eliminated(self, slope: LongArray | None) -> _Eliminated:
        """The eliminated network with ``slope`` added to decay; without one it is kept."""
        if slope is not None:
            return _Eliminated(self._order, self._links, self._ground + np.minimum(slope, _STRONGEST))
        if self._linear is None:
            self._linear = _Eliminated(self._order, self._links, self._ground)
        return self._linear

    def _joined(self) -> tuple[FloatArray, LongArray]:
        """The links between free pixels, (H W, band), and what joins each, (H, W), to known values and by decay.

        A fixed pixel has no link and a ground of 1, so that its correction is 0.
        """
        ground = np.where(self.free, self.decay, 1.0)
        for edge, conductance, _ in self.walls:
            ground[edge] += np.where(self.free[edge], conductance, 0.0)
        pairs = []
        for conductance, axis in ((self.east, 1), (self.north, 0)):
            partner, partner_free = (np.roll(array, -1, axis=axis) for array in (self._order, self.free))
            # Around a ring of one pixel the link leads from the pixel to itself, and carries nothing.
            inner = self.free & partner_free & (conductance > 0) & (partner != self._order)
            pairs.append((self._order[inner], partner[inner], conductance[inner]))
            ground += np.where(self.free & ~partner_free, conductance, 0.0)
            ground += np.roll(np.where(~self.free & partner_free, conductance, 0.0), 1, axis=axis)
        one, other, joint = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
        low, apart = np.minimum(one, other), np.abs(one - other)
        links = np.zeros((self.free.size, int(apart.max(initial=1))))
        np.add.at(links, (low, apart - 1), joint.astype(np.float64))
        return links, ground

    def _flow(self, c: LongArray, conductance: LongArray, axis: int) -> LongArray:
        return np.asarray(conductance * (np.roll(c, -1, axis=axis) - c))

    def _slope(self, c: LongArray) -> LongArray:
        fraction = self.km / (self.km + c)
        return np.asarray(self.vmax / self.km * fraction * fraction)

    def _map(self, value: Coefficient) -> LongArray:
        return np.broadcast_to(_long(value), self.shape).copy()


class _Eliminated:
    """A network after elimination; ``links`` and ``ground`` are left as they are."""

    def __init__(self, order: IndexArray, links: FloatArray, ground: LongArray) -> None:
        self._order = order.ravel()
        self._links = links.copy()
        self._pivot = np.empty(self._order.size)
        self._pivot[self._order] = ground.ravel().astype(np.float64)
        eliminate(self._links, self._pivot)

    def solve(self, b: LongArray) -> FloatArray:
        """The field that ``b``, (H, W), drives, float64."""
        # Numbers of any size: what is solved for is scaled to 1, so that nothing underflows on the way.
        size = np.max(np.abs(b)) or _long(1.0)
        x = np.empty(self._order.size)
        x[self._order] = (b / size).astype(np.float64).ravel()
        substitute(self._links, self._pivot, x)
        return np.asarray(x[self._order].reshape(b.shape) * float(size))


def _order(shape: tuple[int, int], periodic_x: bool, periodic_y: bool) -> IndexArray:
    """Each pixel's number, (H, W): lines along the shorter side, a wrapped long side folded double."""
    rows, columns = shape
    if columns > rows:
        return _order((columns, rows), periodic_y, periodic_x).T
    line = np.arange(rows)
    if periodic_y:
        half = (rows + 1) // 2
        line = np.where(line < half, 2 * line, 2 * (rows - 1 - line) + 1)
    return line[:, None] * columns + np.arange(columns)


def _unit(problem: Problem, production: LongArray) -> LongArray:
    """A value of the field's size, so that nothing overflows; 1 where nothing feeds the field."""
    largest = _long(max(_long(problem.largest_imposed), production.max()))
    return largest if largest > 0 else _long(1.0)


def _cut(problem: Problem) -> bool:
    """Whether some part of the tissue may be cut off from the rest."""
    maps = [*problem.diffusivities, *(() if problem.membranes is None else problem.membranes.of_shape)]
    return any(bool((np.asarray(each) == 0).any()) for each in maps)


def _edges(problem: Problem, north: LongArray, east: LongArray) -> tuple[tuple[Any, LongArray, LongArray], ...]:
    """Of the left, right, bottom and top side: its pixels, the links across it, and the spacing that way."""
    dy, dx = (_long(h) for h in problem.spacings)
    return (np.s_[:, 0], east, dx), (np.s_[:, -1], east, dx), (np.s_[0], north, dy), (np.s_[-1], north, dy)


def _fluxes(problem: Problem, north: LongArray, east: LongArray) -> Iterator[tuple[Any, LongArray]]:
    """What comes in through the sides, field units / time, where the pixel beside conducts."""
    for side, (edge, own, h) in zip(problem.boundary.sides, _edges(problem, north, east), strict=True):
        if side.kind == "flux":
            yield edge, np.where(own[edge] > 0, _long(side.rate) / h, _long(0.0))


def _harmonic(one: LongArray, other: LongArray) -> LongArray:
    total = one + other
    return np.asarray(np.divide(2 * one * other, total, out=np.zeros_like(total), where=total > 0))


def _series(one: LongArray, other: LongArray) -> LongArray:
    """Of two conductances one after the other; an infinite ``other`` is none."""
    total = one + other
    with np.errstate(invalid="ignore"):
        both = np.where(np.isinf(other), one, one * other)
    through = np.divide(both, np.where(np.isinf(other), 1.0, total), out=np.zeros_like(total), where=total > 0)
    return np.asarray(through)


def _long(value: npt.ArrayLike) -> LongArray:
    """An array, or a scalar where ``value`` is one."""
    return np.asarray(value, dtype=np.longdouble)[()]
