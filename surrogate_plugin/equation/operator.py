"""The dimensionless discrete equation of a problem with constant diffusivity, as the compiled kernels want it."""

from __future__ import annotations

import numpy as np

from surrogate_plugin import team
from surrogate_plugin.arguments import Float32Array
from surrogate_plugin.equation import operator_kernels as kernels
from surrogate_plugin.equation.problem import Coefficient, FloatArray, Problem
from surrogate_plugin.equation.sides import side_codes
from surrogate_plugin.equation.uptake import Saturation
from surrogate_plugin.sharing_kernels import CHUNKS


class Equation:
    """``s + lap c - k c - v c / (km + c) = 0`` with unit links: the problem's equation times ``h^2 / D``.

    Attributes
    ----------
    free : (H, W) bool
    decay, production : (H, W) float64, dimensionless and field units
    vmax : (H, W) float64, field units, or None for first-order uptake
    km : float, field units
    sides, values : (4,) kinds and imposed values of left, right, bottom, top
    """

    def __init__(self, problem: Problem) -> None:
        if isinstance(problem.diffusivity, np.ndarray):
            raise ValueError("an Equation needs a constant diffusivity")
        scale = problem.spacing**2 / problem.diffusivity
        self.shape = problem.shape
        self.source = problem.source
        self.free = ~problem.fixed
        self.decay = _scaled(problem.decay, scale, self.shape)
        self.production = _scaled(problem.production, scale, self.shape)
        self.vmax = None if problem.uptake is None else _scaled(problem.uptake.vmax, scale, self.shape)
        self.km = 1.0 if problem.uptake is None else problem.uptake.km
        self.sides = side_codes(problem.boundary)
        self.values = np.array([side.value for side in problem.boundary.sides])

    def embed(self, field: FloatArray | None) -> FloatArray:
        """A (H + 2, W + 2) copy of ``field`` (0 if None) with the fixed values imposed."""
        c = np.zeros((self.shape[0] + 2, self.shape[1] + 2))
        inner = c[1:-1, 1:-1]
        if field is not None:
            inner[...] = field
        np.copyto(inner, self.source, where=~self.free)
        return c

    def residual(self, c: FloatArray, factor: float, out: Float32Array, km: float | None = None) -> float:
        """Fill ``out = float32(factor r)``; return the largest ``|r|`` (infinite for NaN). Sets the halo of ``c``.

        ``km`` in place of the equation's own.
        """
        largest = team.run(
            kernels.residual, c, self.free, self.decay, self.production, self.vmax, km or self.km, self.sides,
            self.values, factor, out, np.zeros(CHUNKS, np.int64),
        )  # fmt: skip
        return float(largest)

    def residual_scale(self, c: FloatArray) -> float:
        """The inverse of a residual's likely size before any is known: links carry the field, production adds."""
        size = float(np.abs(c).max()) + float(self.values.max()) + float(self.production.max())
        return 1.0 / size if size > 0 else 1.0

    def tangent(self, c: FloatArray) -> FloatArray:
        """The decay map of the equation linearised at ``c``, (H, W)."""
        if self.vmax is None:
            return self.decay
        out = np.empty(self.shape)
        team.run(kernels.tangent_decay, c, self.decay, self.vmax, self.km, out)
        return out

    def first_guess_decay(self, start: FloatArray | None, c: FloatArray) -> FloatArray:
        """The decay map to begin with: the tangent at a start, else uptake's mean slope up to the largest value."""
        if start is not None or self.vmax is None:
            return self.tangent(c)
        return np.asarray(self.decay + Saturation(self.vmax, self.km).secant(0.5 * float(c.max())))


def _scaled(value: Coefficient, scale: float, shape: tuple[int, int]) -> FloatArray:
    return value * scale if isinstance(value, np.ndarray) else np.full(shape, value * scale)
