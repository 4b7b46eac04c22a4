"""What comes and goes in a step of time: every implicit Euler step balances, and a field shows how well it does."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np

from surrogate_plugin import team
from surrogate_plugin.equation import balance_kernels as kernels
from surrogate_plugin.equation.balance_kernels import AFTER, BEFORE, SENT
from surrogate_plugin.equation.faces import Faces
from surrogate_plugin.equation.problem import BoolArray, Coefficient, FloatArray, Problem
from surrogate_plugin.sharing_kernels import CHUNKS


@dataclass(frozen=True, eq=False)
class Shares:
    """Whose doing parts of a problem's decay and production are.

    Attributes
    ----------
    cells : float or (H, W) float64, 1 / time
        The part of the decay that is what cells take.
    walls : float or (H, W) float64, 1 / time
        The part of it that is what leaky walls take.
    through_walls : float or (H, W) float64, field units / time
        The part of the production that is what comes through them.
    """

    cells: Coefficient = 0.0
    walls: Coefficient = 0.0
    through_walls: Coefficient = 0.0


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
        What came in through the sides of the lattice, from fixed pixels and through leaky walls; below 0 where more
        left.
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
        cls, problem: Problem, before: FloatArray, after: FloatArray, dt: float, shares: Shares = Shares()
    ) -> Balance:
        """The balance of an implicit Euler step, whose rates are those of the field after it.

        Parameters
        ----------
        problem : Problem
            As it is posed for a steady field.
        before, after : (H, W) float64, field units
        dt : float, time
        shares : Shares
            Nobody's but the tissue's if not given.
        """
        free, faces = ~problem.fixed, problem.faces
        sums = _added_up(problem, before, after, free, faces, shares.cells)
        area = math.prod(problem.spacings)
        produced, removed, first_order, saturating = (area * dt * total for total in sums[:SENT])
        drawn = problem.reference_link * (sums[SENT] + _through_sides(problem, after, free, faces))
        sides = area * dt * (drawn + _fluxes(problem, free))
        leaked, taken_back = (area * dt * total for total in _leaked(shares, after, free))
        change = area * (sums[AFTER] - sums[BEFORE])
        return cls(
            sources=produced - leaked,
            cells=first_order + saturating,
            sides=sides + leaked - taken_back,
            decay=removed - first_order - taken_back,
            change=change,
            defect=change - (produced + sides - removed - saturating),
            content=area * sums[AFTER],
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


def _added_up(
    problem: Problem,
    before: FloatArray,
    after: FloatArray,
    free: BoolArray,
    faces: Faces | None,
    by_cells: Coefficient,
) -> list[float]:
    """The kernel's sums, each of float64's rounding."""
    sums = np.zeros((CHUNKS, 7))
    uptake = problem.uptake
    north, east = (None, None) if faces is None else faces
    team.run(
        kernels.add_up, free, _read_only(before), _read_only(after), _read_only(problem.production),
        _read_only(problem.decay), _read_only(by_cells), _read_only(0.0 if uptake is None else uptake.vmax),
        1.0 if uptake is None else uptake.km, north, east, sums,
    )  # fmt: skip
    return [math.fsum(column) for column in sums.T]


def _read_only(value: Coefficient) -> FloatArray:
    """A map as kernels are compiled for, so that no second copy of them is; (1, 1) for a number."""
    array = np.full((1, 1), value) if not isinstance(value, np.ndarray) else np.ascontiguousarray(value).view()
    array.flags.writeable = False
    return array


def _leaked(shares: Shares, field: FloatArray, free: BoolArray) -> tuple[float, float]:
    """What comes through leaky walls, and what they take, field units / time."""
    if not isinstance(shares.walls, np.ndarray):
        return 0.0, 0.0
    brought, taken = np.broadcast_to(shares.through_walls, field.shape), shares.walls * field
    return float(np.sum(brought, where=free)), float(np.sum(taken, where=free))


def _fluxes(problem: Problem, free: BoolArray) -> float:
    """What fluxes through the sides bring to the free pixels, field units / time."""
    if all(side.kind != "flux" for side in problem.boundary.sides):
        return 0.0
    return float(np.sum(problem.supply - problem.production, where=free))


def _through_sides(problem: Problem, field: FloatArray, free: BoolArray, faces: Faces | None) -> float:
    """What comes to the free pixels through the sides of the lattice, and around rings from those that are not free."""
    walls, total = problem.walls, 0.0
    for axis in range(field.ndim):
        c, inside = np.moveaxis(field, axis, 0), np.moveaxis(free, axis, 0)
        for side, end in ((0, 0), (-1, 1)):
            if walls.ring[axis]:
                opposite = -1 - side
                sent = np.where(inside[opposite], 0.0, c[opposite] - c[side])
                conductance: Coefficient = 1.0
            else:
                sent, conductance = walls.value[axis, end] - c[side], float(walls.conductance[axis, end])
            if faces is not None:
                conductance = np.moveaxis(faces[axis], axis, 0)[side]
            total += float(np.sum(conductance * sent, where=inside[side]))
    return total
