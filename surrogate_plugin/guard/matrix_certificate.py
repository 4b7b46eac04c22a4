"""The certificate of `surrogate_plugin.guard.certificate` with a sparse factorisation in place of multigrid cycles.

It takes a variable diffusivity too. The theorem is the same: a ``w`` from any source is verified, pixel by pixel, by
multiplying with the operator; here ``w`` comes from the factorisation, so it is as tight as ``A^-1 |r|``.
"""

from __future__ import annotations

import math

import numpy as np

from surrogate_plugin.guard.certificate_kernels import ALLOWANCE
from surrogate_plugin.problem import FloatArray, Problem
from surrogate_plugin.solvers.assembly import Graph, assemble, known_values, saturating_uptake, supply, value_unit
from surrogate_plugin.solvers.factorisation import Factorisation, factorise

_OVERSHOOT = 1.0 + 1e-6
_MAX_REPEATS = 8


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
    graph = graph or assemble(problem)
    nodes = known_values(problem, unit)
    nodes[: field.size][free.ravel()] = field[free] / unit
    c = field[free] / unit
    vmax, km = saturating_uptake(problem, unit)
    if factors is None:
        factors = factorise(graph.matrix((vmax / km) * (km / (km + c)) ** 2))
    gain = supply(problem, unit)
    loss = vmax * (c / (km + c))
    target = np.abs(graph.residual(nodes, gain) - loss) + ALLOWANCE * (_magnitude(graph, nodes, gain) + loss)

    def lack(w: FloatArray) -> FloatArray:
        """What ``A w + U(c + w) - U(c)`` falls short of the target, or would but for rounding."""
        inside = np.zeros_like(nodes)
        inside[: field.size][free.ravel()] = w
        slope = vmax * (km / (km + c)) / (km + c + w)
        short = graph.residual(inside, target) - slope * w
        return np.maximum(short + ALLOWANCE * (_magnitude(graph, inside, target) + slope * w), 0.0)

    # A barrier that counts on the uptake's slope at ``c + reach`` is good for bounds up to ``reach``; it is made for
    # this candidate and used for no other.
    reach = 0.1 * km if problem.uptake is not None else math.inf
    slope = 0.0 if problem.uptake is None else (1.0 - ALLOWANCE) * (vmax / km) * (km / (km + c + reach)) ** 2
    barrier = _barrier(graph, factors, slope)
    w = np.zeros_like(c)
    missing = target
    best = math.inf
    for _ in range(_MAX_REPEATS):
        w += np.maximum(factors.apply(missing), 0.0) * _OVERSHOOT
        missing = lack(w)
        top, rest = float(w.max()), float(missing.max())
        value = (top + rest * barrier) * (1.0 + 1e-12) if rest > 0 else top
        best = min(best, value if rest == 0 or value <= reach else math.inf)
        if rest == 0 or rest * barrier <= 0.1 * top:
            break
    # Values were divided by the unit and multiplied again: one rounding each. An imposed value that is off by so much
    # shifts the field by as much, however small the field is beside it.
    largest = max(float(np.abs(c).max()), float(np.abs(nodes).max()))
    return (best * (1.0 + 1e-12) + 4 * np.finfo(float).eps * largest) * unit


def _magnitude(graph: Graph, nodes: FloatArray, gain: FloatArray) -> FloatArray:
    """The sum of the magnitudes of the residual's terms, which bounds its rounding error."""
    flux = graph.weight * np.abs(graph.incidence @ nodes)
    inside = np.abs(nodes[: graph.free.size][graph.free.ravel()])
    onto_free = abs(graph.incidence).T @ flux
    return np.asarray(gain + graph.decay * inside + onto_free[: graph.free.size][graph.free.ravel()])


def _barrier(graph: Graph, factors: Factorisation, slope: FloatArray | float) -> float:
    """The largest value of a verified ``z`` with ``(A + slope) z >= 1``."""
    ones = np.ones(graph.decay.size)
    z = np.maximum(factors.apply(ones), 0.0)
    nodes = np.zeros(graph.free.size + 4)
    nodes[: graph.free.size][graph.free.ravel()] = z
    reached = 1.0 - graph.residual(nodes, ones) + slope * z
    least = float((reached - ALLOWANCE * (_magnitude(graph, nodes, ones) + slope * z)).min())
    return float(z.max()) / least if least > 0 else math.inf
