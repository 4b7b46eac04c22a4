"""The continuous field of a slab of layers, by the exponentials that solve the equation in each layer.

In a layer ``D c'' - decay c + production = 0``, so ``c = A exp((x - end) / l) + B exp((start - x) / l) + s / decay``
with ``l = sqrt(D / decay)``; the constants follow from what holds at the layers' ends.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Layer:
    """A layer from ``start`` to ``end``; ``permeability`` is that of the membrane at its end."""

    start: float
    end: float
    diffusivity: float
    decay: float
    production: float
    permeability: float = math.inf

    @property
    def length(self) -> float:
        return math.sqrt(self.diffusivity / self.decay)

    @property
    def level(self) -> float:
        return self.production / self.decay

    def basis(self, x: float) -> np.ndarray:
        return np.array([math.exp((x - self.end) / self.length), math.exp((self.start - x) / self.length)])

    def flow(self, x: float) -> np.ndarray:
        """``D c'`` of the two exponentials."""
        return self.diffusivity / self.length * self.basis(x) * (1.0, -1.0)


@dataclass(frozen=True)
class End:
    """What holds at an end: ``share c + resistance D c' (outwards) = value``."""

    share: float
    resistance: float
    value: float


def field(layers: list[Layer], ends: tuple[End, End] | None, x: np.ndarray) -> np.ndarray:
    """The field at places ``x``; without ``ends`` the last layer goes on in the first."""
    n = len(layers)
    matrix, right = np.zeros((2 * n, 2 * n)), np.zeros(2 * n)
    if ends is not None:
        for row, (end, layer, place, sign) in enumerate(
            ((ends[0], layers[0], layers[0].start, -1.0), (ends[1], layers[-1], layers[-1].end, 1.0))
        ):
            of = 0 if row == 0 else n - 1
            matrix[row, 2 * of : 2 * of + 2] = end.share * layer.basis(place) + sign * end.resistance * layer.flow(
                place
            )
            right[row] = end.value - end.share * layer.level
    row = 0 if ends is None else 2
    for k in range(n if ends is None else n - 1):
        one, other, of = layers[k], layers[(k + 1) % n], (k + 1) % n
        flow, resistance = one.flow(one.end), 1.0 / one.permeability
        # What flows is the same on both sides, and drives the step across the membrane.
        matrix[row, 2 * k : 2 * k + 2] += flow
        matrix[row, 2 * of : 2 * of + 2] -= other.flow(other.start)
        matrix[row + 1, 2 * k : 2 * k + 2] += one.basis(one.end) + resistance * flow
        matrix[row + 1, 2 * of : 2 * of + 2] -= other.basis(other.start)
        right[row + 1] = other.level - one.level
        row += 2
    constants = np.linalg.solve(matrix, right).reshape(n, 2)
    found = np.empty_like(x)
    for layer, pair in zip(layers, constants, strict=True):
        for i in np.flatnonzero((x >= layer.start) & (x <= layer.end)):
            found[i] = layer.basis(x[i]) @ pair + layer.level
    return found
