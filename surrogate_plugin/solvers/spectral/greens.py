"""The Green's function of the box between any two pixels, as a sum of images in one small table."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from surrogate_plugin.equation.problem import FloatArray
from surrogate_plugin.equation.sides import Kind
from surrogate_plugin.solvers.spectral.bases import laplace_eigenvalues
from surrogate_plugin.solvers.spectral.transforms import Kinds

IndexArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Axis:
    """How a source's images lie along one axis of ``n`` pixels.

    With ``T`` the table along the axis, pixels ``i`` and ``j`` see ``T(|i - j|) + sign T(i + j + shift)``. Beyond
    ``period / 2`` the table is its own mirror image times ``mirror``. ``reversed``: pixels count from the high end.
    """

    n: int
    shift: int
    period: int
    sign: float
    mirror: float
    reversed: bool
    angles: FloatArray
    weights: FloatArray

    @classmethod
    def between(cls, n: int, low: Kind, high: Kind) -> Axis:
        """The images of an axis between two ends, and the eigen-angles and weights of its table."""
        if low == "periodic":
            angles = 2 * np.pi * np.arange(n // 2 + 1) / n
            weights = np.full(angles.size, 2.0 / n)
            weights[0] = 1 / n
            if n % 2 == 0:
                weights[-1] = 1 / n
            return cls(n, 0, n, 0.0, 1.0, False, angles, weights)
        if low != high:
            angles = np.pi * np.arange(1, 2 * n, 2) / (2 * n + 1)
            return cls(n, 2, 2 * n + 1, -1.0, -1.0, high == "value", angles, np.full(n, 2 / (2 * n + 1)))
        if low == "value":
            angles = np.pi * np.arange(1, n + 1) / (n + 1)
            return cls(n, 2, 2 * n + 2, -1.0, 1.0, False, angles, np.full(n, 1 / (n + 1)))
        weights = np.full(n, 1 / n)
        weights[0] /= 2
        return cls(n, 1, 2 * n, 1.0, 1.0, False, np.pi * np.arange(n) / n, weights)

    @property
    def images(self) -> tuple[int, int, float, float]:
        """What the compiled look-ups need: shift, period, sign and mirror."""
        return self.shift, self.period, self.sign, self.mirror

    def counted(self, index: IndexArray) -> IndexArray:
        """Pixel numbers counted from the end the images start at."""
        return self.n - 1 - index if self.reversed else index

    def cosines(self) -> FloatArray:
        """``weight_m cos(angle_m d)`` for the distances 0 to half a period; (distances, modes)."""
        distance = np.arange(self.period // 2 + 1)
        # Every angle is a multiple of pi / half: reduce the phase in integers, so that it is correct to rounding.
        half = self.period if self.mirror < 0 else self.period / 2
        harmonic = np.rint(self.angles / np.pi * half).astype(np.int64)
        phase = np.outer(distance, harmonic) % int(2 * half)
        return np.asarray(self.weights * np.cos(np.pi * phase / half))


@dataclass(frozen=True, eq=False)
class GreensTable:
    """``A0^-1[i, j]`` by at most four look-ups: one table, two axes of images."""

    table: FloatArray
    y: Axis
    x: Axis


@functools.lru_cache(maxsize=4)
def greens_table(
    shape: tuple[int, int], kinds: Kinds, decay: float, links: tuple[float, float] = (1.0, 1.0)
) -> GreensTable:
    """The table of a box, kept for the next call with the same arguments; it never changes once built.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns.
    kinds : Kinds
        Left, right, bottom, top.
    decay : float, dimensionless
        ``decay / reference_link``; larger than 0 where no side holds a value.
    links : (float, float), dimensionless
        Along y and along x.
    """
    y, x = Axis.between(shape[0], *kinds[2:]), Axis.between(shape[1], *kinds[:2])
    along_y, along_x = links[0] * laplace_eigenvalues(y.angles), links[1] * laplace_eigenvalues(x.angles)
    inverse = 1 / (decay + along_y[:, None] + along_x)
    table = y.cosines() @ inverse @ x.cosines().T
    return GreensTable(np.ascontiguousarray(table), y, x)
