"""Newton's method on sparse factorisations: along the central path while far off, then by chords to the last bits."""

from __future__ import annotations

import numpy as np

from surrogate_plugin.equation.assembly import Graph, known_values, saturating_uptake, supply
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.equation.uptake import Saturation
from surrogate_plugin.solvers.direct.factorisation import Factorisation, factorise

#: Refinement stops once a correction is this small beside the field: the last bits are rounding.
_SETTLED = 4e-16
#: A step this small beside ``km + c`` needs no new factorisation: the old one still gains six digits a step.
_CHORD = 1e-6
_MAX_STEPS = 200
#: Along the path: what is left of ``km`` after a step, and of a pixel's unsaturated share at least.
_SHRINKAGE, _KEPT = 0.03, 0.05
#: Steps this small beside ``km + c`` are in Newton's own reach. A start that is not goes back to this ``km``.
_NEAR, _BACK = 1e-2, 1e-3
_MAX_PATH = 60
#: Steps in a row that no longer shrink and are rounding beside the largest value: no more can be had.
_PATIENCE = 10


class Newton:
    """``F(c) = A c + U(c) - b``, dimensionless; a linear problem is the case ``U = 0``.

    Parameters
    ----------
    graph : Graph
    factors : Factorisation, optional
        Of the linear part; not used where uptake saturates.
    problem : Problem
    unit : float, field units
        What values are divided by.
    """

    def __init__(self, graph: Graph, factors: Factorisation | None, problem: Problem, unit: float) -> None:
        self.graph, self.factors = graph, factors
        self.inside = np.flatnonzero(graph.free.ravel())
        self.nodes = known_values(problem, unit)
        self.supply = supply(problem, unit)
        self.law = saturating_uptake(problem, unit)
        self.km = self.law.km
        self.saturates = problem.uptake is not None
        self.unit = unit
        self.steps = self.factorisations = 0

    def run(self, guess: FloatArray | None) -> FloatArray:
        """The node values; `steps` and `factorisations` say what they took."""
        if self.saturates:
            start = None
            if guess is not None:
                given = np.asarray(guess, dtype=np.float64).ravel()[self.inside] / self.unit
                start = np.maximum(np.nan_to_num(given, posinf=0.0), 0.0)
            self._approach_from(start)
        self._refine()
        return self.nodes

    def _approach_from(self, start: FloatArray | None) -> None:
        try:
            self._approach(start)
        except RuntimeError:  # singular: uptake alone anchors the field, and so far up it has no slope left
            if start is None:
                raise
            self._approach(None)

    def _approach(self, start: FloatArray | None) -> None:
        """Follow the central path of `surrogate_plugin.solvers.multigrid.central_path` to the equation's own ``km``.

        A start may be near enough already, which the first step shows.
        """
        km = max(self.km, 1.0) if start is None else self.km
        field = np.zeros(self.inside.size) if start is None else start
        unsaturated = self.law._replace(km=km).unsaturated(0.5 if start is None else field)
        for step in range(_MAX_PATH):
            self.nodes[self.inside] = field
            self._factorise(Saturation(self.law.vmax * unsaturated, km).secant(field))
            change = self._correction(field, km)
            after = np.maximum(field + change, 0.0)
            moved = float(np.max(np.abs(after - field) / (self.km + after), initial=0.0))
            unsaturated = np.clip((km - unsaturated * change) / (km + field), _KEPT * unsaturated, 1.0)
            field = after
            if km <= self.km and moved <= _NEAR:
                break
            km = max(self.km, _SHRINKAGE * km)
            if start is not None and step == 0:
                km = max(self.km, _BACK)
                unsaturated = self.law._replace(km=km).unsaturated(field)
        self.nodes[self.inside] = field

    def _refine(self) -> None:
        """Newton's steps, then chords, judged beside ``km + c`` at their own pixel and beside the largest value.

        The tangent is right to the square of the former, however small ``km`` is beside the largest value; the latter
        says where rounding begins.
        """
        last_share = last_move = np.inf
        stalled = 0
        for _ in range(_MAX_STEPS):
            field = self.nodes[self.inside]
            if self.factors is None or (self.saturates and last_move > _CHORD):
                self._factorise(self.law.slope(field))
            # 0 is a subsolution and so is the larger of two: clipping keeps Newton's rise to the solution.
            moved = np.maximum(field + self._correction(field, self.km), 0.0) - field
            share = float(np.max(np.abs(moved))) / max(float(np.max(field)), 1e-300) if field.any() else np.inf
            move = float(np.max(np.abs(moved) / (self.km + field))) if self.saturates else share
            if share > 0.5 * last_share and share < _CHORD and move < _CHORD:
                break  # Rounding: the correction no longer shrinks, and the field is better without it.
            self.nodes[self.inside] = field + moved
            stalled = stalled + 1 if share > 0.5 * last_share and move > 0.5 * last_move and share < _SETTLED else 0
            if (share <= _SETTLED and move < _CHORD) or not moved.any() or stalled >= _PATIENCE:
                break
            last_share, last_move = share, move

    def _factorise(self, slope: FloatArray | float) -> None:
        self.factors = factorise(self.graph.matrix(slope))
        self.factorisations += 1

    def _correction(self, field: FloatArray, km: float) -> FloatArray:
        assert self.factors is not None
        self.steps += 1
        residual = self.graph.residual(self.nodes, self.supply) - self.law._replace(km=km).rate(field)
        return self.factors.apply(residual)
