"""The certificate of `surrogate_plugin.guard.certificate` with a sparse factorisation in place of multigrid cycles.

It takes a variable diffusivity too. The theorem is the same: a ``w`` from any source is verified, pixel by pixel, by
multiplying with the operator; here ``w`` comes from the factorisation, so it is as tight as ``A^-1 |r|``.

With saturating uptake the matrix counts on the slope of ``U`` between the candidate and an error ``w`` beyond it: first
for ``w = 0``, where it is the tangent; for larger errors while that gives no bound; and from the first bound on for the
``w`` that gave it. Whatever the matrix, ``w`` is held to inequality (1), whose ``U(a + w) - U(a)`` is the candidate's
own. The barrier counts on the slope at the candidate plus twice the largest ``w`` and covers bounds up to there; both
are made for one candidate and one ``w``, and kept for no other.
"""

from __future__ import annotations

import math

import numpy as np

from surrogate_plugin.equation.assembly import Graph, assemble, known_values, saturating_uptake, supply, value_unit
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.guard.certificate_kernels import ALLOWANCE
from surrogate_plugin.solvers.direct.factorisation import Factorisation, factorise

_OVERSHOOT = 1.0 + 1e-6
_MAX_REPEATS = 4
#: How often uptake's slope is taken anew, and how much farther out each time while there is no bound.
_MAX_SECANTS = 12
_FARTHER = 4.0


def bound_by_factorisation(
    problem: Problem, field: FloatArray, factors: Factorisation | None, graph: Graph | None
) -> float:
    """At least ``max |c - field|``, field units.

    Parameters
    ----------
    problem : Problem
    field : (H, W) float64, field units
        Holds the fixed values exactly; >= 0 if uptake saturates.
    factors, graph : optional
        The factorised linear operator, if at hand.

    Returns
    -------
    float
        Infinite if the field is not finite.
    """
    unit = value_unit(problem)
    free = ~problem.fixed
    if unit == 0.0 or not free.any():
        return float(np.max(np.abs(field), where=free, initial=0.0))
    if not np.isfinite(field).all():
        return math.inf
    candidate = _Candidate(problem, field, graph or assemble(problem), unit)
    best, reach = math.inf, np.zeros_like(candidate.c)
    for attempt in range(_MAX_SECANTS):
        if factors is None or attempt > 0:
            factors = factorise(candidate.graph.matrix(candidate.secant(reach)))
        w, value = candidate.supersolution(factors)
        improved, best = value < 0.8 * best, min(best, value)
        if not candidate.saturates or (attempt == 0 and math.isfinite(best)) or (math.isfinite(value) and not improved):
            break
        if not np.isfinite(w).all():
            break
        # Short of a bound, uptake is credited with less: as if the error were larger. Then with more again.
        reach = w if math.isfinite(best) else _FARTHER**attempt * w
    # Values were divided by the unit and multiplied again: one rounding each. An imposed value that is off by so much
    # shifts the field by as much, however small the field is beside it.
    largest = float(np.abs(candidate.nodes).max())
    return (best * (1.0 + 1e-12) + 4 * np.finfo(float).eps * largest) * unit


class _Candidate:
    """One field, what inequality (1) asks of it, and everything that is derived from it; dimensionless."""

    def __init__(self, problem: Problem, field: FloatArray, graph: Graph, unit: float) -> None:
        self.graph, self.saturates = graph, problem.uptake is not None
        free = ~problem.fixed
        self.nodes = known_values(problem, unit)
        self.nodes[: field.size][free.ravel()] = field[free] / unit
        self.c = field[free] / unit
        self.law = saturating_uptake(problem, unit)
        gain, loss = supply(problem, unit), self.law.rate(self.c)
        self.target = np.abs(graph.residual(self.nodes, gain) - loss)
        self.target += ALLOWANCE * (_magnitude(graph, self.nodes, gain) + loss)

    def secant(self, w: FloatArray) -> FloatArray:
        """``(U(c + w) - U(c)) / w``: the slope of uptake over an error of ``w``; the tangent at ``w = 0``."""
        return np.asarray(self.law.quotient(self.c, w))

    def lack(self, w: FloatArray) -> FloatArray:
        """What ``A w + U(c + w) - U(c)`` falls short of the target, or would but for rounding."""
        inside = np.zeros_like(self.nodes)
        inside[: self.graph.free.size][self.graph.free.ravel()] = w
        gain = self.secant(w) * w
        short = self.graph.residual(inside, self.target) - gain
        return np.maximum(short + ALLOWANCE * (_magnitude(self.graph, inside, self.target) + gain), 0.0)

    def supersolution(self, factors: Factorisation) -> tuple[FloatArray, float]:
        """A ``w`` by repeated use of ``factors``, of whatever matrix, and the bound that it gives (infinite: none)."""
        w, missing, best = np.zeros_like(self.c), self.target, math.inf
        for _ in range(_MAX_REPEATS):
            w += np.maximum(factors.apply(missing), 0.0) * _OVERSHOOT
            missing = self.lack(w)
            top, rest = float(w.max()), float(missing.max())
            if not math.isfinite(rest):
                break
            if rest == 0:
                return w, min(best, top)
            # The barrier counts on uptake's slope at the far end of twice the error, and covers no more than that.
            reach = 2.0 * top
            value = (top + rest * self.barrier(factors, reach)) * (1.0 + 1e-12)
            if not self.saturates or value <= reach:
                best = min(best, value)
                if value <= 1.1 * top:
                    break
        return w, best

    def barrier(self, factors: Factorisation, reach: float) -> float:
        """The largest value of a verified ``z`` with ``(A + U'(c + reach)) z >= 1``."""
        ones = np.ones(self.c.size)
        z = np.maximum(factors.apply(ones), 0.0)
        nodes = np.zeros_like(self.nodes)
        nodes[: self.graph.free.size][self.graph.free.ravel()] = z
        gain = (1.0 - ALLOWANCE) * self.law.slope(self.c + reach) * z
        reached = 1.0 - self.graph.residual(nodes, ones) + gain
        least = float((reached - ALLOWANCE * (_magnitude(self.graph, nodes, ones) + gain)).min())
        return float(z.max()) / least if least > 0 else math.inf


def _magnitude(graph: Graph, nodes: FloatArray, gain: FloatArray) -> FloatArray:
    """The sum of the magnitudes of the residual's terms, which bounds its rounding error."""
    flux = graph.weight * np.abs(graph.incidence @ nodes)
    inside = np.abs(nodes[: graph.free.size][graph.free.ravel()])
    onto_free = abs(graph.incidence).T @ flux
    return np.asarray(gain + graph.decay * inside + onto_free[: graph.free.size][graph.free.ravel()])
