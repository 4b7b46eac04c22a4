"""Barriers of the certificate: ``z >= 0`` with ``A z + q z >= 1``, which cover what a supersolution still lacks.

What each is derived from, and what it may be used for:

- the usual barriers, ``1 / min k`` and the parabola between two walls, count on no uptake (``q = 0``): they belong to
  the operator and hold for every candidate. The first counts on no face (``A`` of a constant is at least ``k`` times
  it, whatever conducts to what is held); the second counts on all faces along its axis having a conductance of 1, walls
  included;
- a computed barrier, ``z`` from an approximate inverse and verified like ``w``, counts on uptake at one field ``u``,
  ``q = U'(u)``. ``U`` is concave, so ``q`` is small enough for a candidate ``a`` as long as ``a + w + m z <= u`` on
  every free pixel. The barrier keeps its ``u``, and its reach, the largest bound it may be used for, is ``min(u - a)``
  for the candidate at hand, whichever candidate it was computed for. Without saturating uptake there is no ``u`` and no
  such limit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from surrogate_plugin.equation.operator import Operator
from surrogate_plugin.equation.problem import BoolArray, FloatArray

#: A product of field and coefficient below 5e-324 is 0, which no relative allowance covers; barriers are below 1e20.
_UNDERFLOW = 1e-300

NumberOrMap = TypeVar("NumberOrMap", float, FloatArray)


@dataclass(frozen=True, eq=False)
class Barrier:
    """``height``: the largest value of a ``z`` with ``A z + U'(ceiling) z >= 1``; without a ceiling ``A z >= 1``."""

    height: float
    free: BoolArray
    ceiling: FloatArray | None

    def for_candidate(self, c: FloatArray) -> Usable:
        """What the barrier is good for at this candidate: whatever stays below the ceiling."""
        if self.ceiling is None:
            return Usable(self.height, math.inf)
        room = self.ceiling[1:-1, 1:-1] - c[1:-1, 1:-1]
        return Usable(self.height, float(np.min(room, where=self.free, initial=math.inf)))


@dataclass(frozen=True)
class Usable:
    """A barrier's ``height`` for one candidate, and its ``reach``: the largest bound on it that may count on it."""

    height: float
    reach: float


def least(top: float, lack: float, largest: float, barriers: list[Usable]) -> tuple[float, float]:
    """The least ``max(w + m z)`` of the barriers that reach so far, field units, and its ``m z``, dimensionless.

    No lack needs no barrier.
    """
    if lack == 0.0:
        return up(top * largest), 0.0
    lifts = [(lack * barrier.height, barrier.reach) for barrier in barriers]
    values = [(up((top + lift) * largest), lift, reach) for lift, reach in lifts]
    return min(((value, lift) for value, lift, reach in values if value <= reach), default=(math.inf, math.inf))


def usual_height(operator: Operator) -> float:
    """``1 / min k``, or the parabola between two sides of which one or both impose a value, whichever is less."""
    smallest = _least_decay(operator.decay, operator.free)
    barrier = 1.0 / smallest if smallest > 0 else math.inf
    for conductance, count in zip(operator.walls.conductance, operator.shape, strict=True):
        # -z'' = 1 is solved by z = i (n + 1 - i) / 2 between two walls, by i (2 n + 1 - i) / 2 beside one.
        walls = int((conductance == 1.0).sum()) if operator.faces is None else 0
        if walls == 2:
            barrier = min(barrier, (count + 1) ** 2 / 8)
        elif walls == 1:
            barrier = min(barrier, count * (count + 1) / 2)
    return barrier


def _least_decay(decay: FloatArray, free: BoolArray) -> float:
    """The least decay of a free pixel; infinite where there is none.

    The least of all pixels is found four times as fast, and as a rule a free pixel has it.
    """
    smallest = float(decay.min())
    if bool(((decay == smallest) & free).any()):
        return smallest
    return float(np.min(decay, where=free, initial=math.inf))


def up(value: NumberOrMap) -> NumberOrMap:
    """``value`` a little larger, to cover the rounding of the last few operations, and products too small to hold."""
    return value * (1.0 + 1e-12) + _UNDERFLOW
