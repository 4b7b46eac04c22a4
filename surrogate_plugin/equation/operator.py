"""The discrete operator of a problem, dimensionless: what solvers iterate on and what certificates rest on."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from surrogate_plugin import team
from surrogate_plugin.arguments import Float32Array
from surrogate_plugin.equation import operator_kernels as kernels
from surrogate_plugin.equation.faces import Faces
from surrogate_plugin.equation.problem import Coefficient, FloatArray, Problem
from surrogate_plugin.equation.sides import Walls
from surrogate_plugin.equation.uptake import Saturation
from surrogate_plugin.sharing_kernels import CHUNKS

if TYPE_CHECKING:
    import scipy.sparse


class Operator:
    """``N(c) = -div(G grad c) + k c + v c / (km + c) - s``: a problem's equation over its ``reference_link``.

    Attributes
    ----------
    shape : (H, W)
    free : (H, W) bool
        What is solved for: `Problem.unknown`.
    source : (H, W) float64, field units
        What the others hold: the fixed pixels their values, void ones 0.
    faces : pair of float64 arrays, or None
        Conductances of the faces, (H + 1, W) along rows and (H, W + 1) along columns, see
        `surrogate_plugin.equation.faces`; None where each is 1, or 0 at a side that nothing passes.
    decay, production : (H, W) float64, dimensionless and field units
        Production is all that feeds: `Problem.supply`.
    vmax : (H, W) float64, field units, or None for first-order uptake
    km : float, field units
    walls : Walls
    rules : (2, 2) int64
        What the halo holds at each side, for kernels.

    Examples
    --------
    >>> operator = Operator(Problem(np.eye(8), decay=0.1))
    >>> operator.faces is None, float(operator.decay[0, 0])
    (True, 0.1)
    """

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        scale = 1.0 / problem.reference_link
        self.shape = problem.shape
        self.free = problem.unknown
        self.source = problem.source if problem.void is None else problem.known
        self.faces: Faces | None = problem.faces
        self.decay = _scaled(problem.decay, scale, self.shape)
        self.production = _scaled(problem.supply, scale, self.shape)
        self.vmax = None if problem.uptake is None else _scaled(problem.uptake.vmax, scale, self.shape)
        self.km = 1.0 if problem.uptake is None else problem.uptake.km
        self.walls = problem.walls
        self.rules = rules_of(self.walls)

    @property
    def north_east(self) -> tuple[FloatArray | None, FloatArray | None]:
        """The faces as kernels take them, each None where there is no map of them."""
        return (None, None) if self.faces is None else (self.faces[0], self.faces[1])

    def embed(self, field: FloatArray | None) -> FloatArray:
        """A (H + 2, W + 2) copy of ``field`` (0 if None) with the fixed values imposed."""
        c = np.zeros((self.shape[0] + 2, self.shape[1] + 2))
        inner = c[1:-1, 1:-1]
        if field is not None:
            inner[...] = field
        np.copyto(inner, self.source, where=~self.free)
        return c

    def residual(self, c: FloatArray, factor: float, out: Float32Array | FloatArray, km: float | None = None) -> float:
        """Fill ``out = factor r``, in its precision; return the largest ``|r|`` (infinite for NaN).

        ``km`` in place of the equation's own. Sets the halo of ``c``.
        """
        largest = team.run(
            kernels.residual, c, self.free, *self.north_east, self.decay, self.production, self.vmax, km or self.km,
            self.rules, self.walls.value, factor, out, np.zeros(CHUNKS, np.int64),
        )  # fmt: skip
        return float(largest)

    def residual_scale(self, c: FloatArray) -> float:
        """The inverse of a residual's likely size before any is known: links carry the field, production adds."""
        size = max(float(c.max()), -float(c.min())) + float(self.walls.value.max()) + float(self.production.max())
        return 1.0 / size if size > 0 else 1.0

    def tangent(self, c: FloatArray) -> FloatArray:
        """The decay map of the equation linearised at ``c``, (H, W)."""
        if self.vmax is None:
            return self.decay
        out = np.empty(self.shape)
        team.run(kernels.tangent_decay, c, self.decay, self.vmax, self.km, out)
        return out

    def secant(self, c: FloatArray, w: FloatArray) -> FloatArray:
        """The decay map that takes ``(U(c + w) - U(c)) / w`` for uptake, (H, W): its slope over an error of ``w``."""
        inner = (slice(1, -1), slice(1, -1))
        if self.vmax is None:
            return self.decay
        return np.asarray(self.decay + Saturation(self.vmax, self.km).quotient(c[inner], w[inner]))

    def matrix(self, decay: FloatArray | None = None) -> scipy.sparse.csc_array:
        """``A = -div(G grad) + decay`` on the free pixels, which are numbered row by row; symmetric positive definite.

        ``decay`` is (H, W), dimensionless; the equation's own if None, without saturating uptake.
        """
        from surrogate_plugin.equation.assembly import assemble

        graph = assemble(self._problem)
        taken = self.decay if decay is None else decay
        return dataclasses.replace(graph, decay=taken[self.free]).matrix()

    def first_guess_decay(self, start: FloatArray | None, c: FloatArray) -> FloatArray:
        """The decay map to begin with: the tangent at a start, else uptake's mean slope up to the largest value."""
        if start is not None or self.vmax is None:
            return self.tangent(c)
        return np.asarray(self.decay + Saturation(self.vmax, self.km).secant(0.5 * float(c.max())))


def rules_of(walls: Walls) -> npt.NDArray[np.int64]:
    """What the halo holds at each side: see `surrogate_plugin.equation.operator_kernels`."""
    rules = np.where(walls.conductance > 0, kernels.HELD, kernels.MIRRORED)
    rules[walls.ring] = kernels.WRAPPED
    return rules.astype(np.int64)


def _scaled(value: Coefficient, scale: float, shape: tuple[int, int]) -> FloatArray:
    return value * scale if isinstance(value, np.ndarray) else np.full(shape, value * scale)
