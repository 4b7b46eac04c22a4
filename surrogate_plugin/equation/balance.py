"""What comes and goes in a step of time: every implicit Euler step balances, and a field shows how well it does."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np

from surrogate_plugin.equation.faces import faces_of
from surrogate_plugin.equation.problem import BoolArray, Coefficient, FloatArray, Problem


@dataclass(frozen=True)
class Balance:
    """``change = sources + sides - cells - decay + defect``, over a step and the pixels that are not fixed.

    Amounts are in field units times length^2; both signs are possible for ``sides`` and ``change``.

    Attributes
    ----------
    sources : float
        What was produced.
    cells : float
        What cells took, by first order and by saturating uptake.
    sides : float
        What came in through the sides of the lattice and from fixed pixels; below 0 where more left.
    decay : float
        What decayed.
    change : float
        What there is more after the step than before.
    defect : float
        What the field after the step lacks: 0 but for rounding where the step was solved exactly.
    content : float
        What there is after the step.

    Examples
    --------
    >>> problem = Problem(np.zeros((4, 4)), decay=0.25, production=3.0, boundary="reflecting")
    >>> balance = Balance.of(problem, np.full((4, 4), 8.0), np.full((4, 4), 8.8), dt=1.0)
    >>> balance.sources, balance.decay, round(balance.change, 6), balance.relative_defect < 1e-12
    (48.0, 35.2, 12.8, True)
    """

    sources: float
    cells: float
    sides: float
    decay: float
    change: float
    defect: float
    content: float

    @classmethod
    def of(
        cls, problem: Problem, before: FloatArray, after: FloatArray, dt: float, by_cells: Coefficient = 0.0
    ) -> Balance:
        """The balance of an implicit Euler step, whose rates are those of the field after it.

        Parameters
        ----------
        problem : Problem
            As it is posed for a steady field.
        before, after : (H, W) float64, field units
        dt : float, time
        by_cells : float or (H, W) float64, 1 / time
            The part of the problem's decay that is cells' doing.
        """
        free = ~problem.fixed
        c = np.where(free, after, 0.0)
        area = math.prod(problem.spacings)
        lasting = dt * area
        removed = lasting * _total(problem.decay, c)
        first_order = lasting * _total(by_cells, c)
        saturating = 0.0 if problem.uptake is None else lasting * float(np.sum(problem.uptake.law.rate(c), where=free))
        sources = lasting * _over(problem.production, free)
        fluxes = problem.supply - problem.production
        sides = lasting * (_inflow(problem, after, free) + _over(fluxes, free))
        change = area * float(np.sum(after - before, where=free))
        return cls(
            sources=sources,
            cells=first_order + saturating,
            sides=sides,
            decay=removed - first_order,
            change=change,
            defect=change - (sources + sides - removed - saturating),
            content=area * float(c.sum()),
        )

    @property
    def relative_defect(self) -> float:
        """The defect over the largest of the other amounts; 0 where there is nothing."""
        largest = max(abs(getattr(self, each.name)) for each in dataclasses.fields(self) if each.name != "defect")
        return abs(self.defect) / largest if largest > 0.0 else 0.0

    def __add__(self, later: Balance) -> Balance:
        """The balance of this step and a later one together."""
        names = [each.name for each in dataclasses.fields(self)]
        sums = {name: getattr(self, name) + getattr(later, name) for name in names}
        return Balance(**sums | {"content": later.content})

    def __str__(self) -> str:
        return (
            f"sources {self.sources:.6g}, sides {self.sides:+.6g}, cells {-self.cells:+.6g}, decay "
            f"{-self.decay:+.6g}: change {self.change:+.6g}, off by {self.relative_defect:.1e}"
        )


def _total(rate: Coefficient, c: FloatArray) -> float:
    """The sum of ``rate c``."""
    return float(np.vdot(rate, c)) if isinstance(rate, np.ndarray) else rate * float(c.sum())


def _over(rate: Coefficient, free: BoolArray) -> float:
    """The sum of a rate over the free pixels."""
    return float(np.sum(rate, where=free)) if isinstance(rate, np.ndarray) else rate * float(np.count_nonzero(free))


def _inflow(problem: Problem, field: FloatArray, free: BoolArray) -> float:
    """What comes to the free pixels from all others and from outside, field units / time: only their faces count."""
    walls, faces = problem.walls, faces_of(problem)
    held = np.where(free, field, problem.known)
    total = 0.0
    for axis, conductance in enumerate(faces):
        c, inside, g = np.moveaxis(held, axis, 0), np.moveaxis(free, axis, 0), np.moveaxis(conductance, axis, 0)
        total += _across(g[1:-1], c[:-1], c[1:], inside[:-1], inside[1:])
        if walls.ring[axis]:
            total += _across(g[0], c[-1], c[0], inside[-1], inside[0])
            continue
        for face, end in ((0, 0), (-1, 1)):
            inward = g[face] * (walls.value[axis, end] - c[face])
            total += float(np.sum(inward, where=inside[face]))
    return problem.reference_link * total


def _across(
    conductance: FloatArray, low: FloatArray, high: FloatArray, low_free: BoolArray, high_free: BoolArray
) -> float:
    """What passes from fixed pixels to free ones through faces."""
    at = np.nonzero(low_free != high_free)
    flow = conductance[at] * (low[at] - high[at])
    return float(np.sum(np.where(high_free[at], flow, -flow)))
