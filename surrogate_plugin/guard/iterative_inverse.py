"""The matrix certificate where diffusivity varies, without a factorisation: what it needs, cycles can propose.

Only the inequality of `surrogate_plugin.guard.certificate` is verified, so ``w`` may come from anywhere. Here conjugate
gradients make it, to three digits, preconditioned by a V-cycle that knows unit links: with ``S = diag(sqrt(D))`` the
matrix ``S^-1 A S^-1`` has links that are 1 wherever ``D`` changes slowly, and what its diagonal has beyond them is
decay.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.sparse

from surrogate_plugin.equation.assembly import Graph, assemble, value_unit
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.guard.matrix_certificate import bound_by_factorisation
from surrogate_plugin.solvers.direct.factorisation import Factorisation
from surrogate_plugin.solvers.multigrid.hierarchy import Hierarchy
from surrogate_plugin.solvers.multigrid.solver import cycle_seconds

Inverse = Callable[[FloatArray], FloatArray]

#: Up to so many pixels a factorisation is as quick, and its bound is tighter.
_FACTORISED = 128 * 128
_MAX_ITERATIONS = 80
_DIGITS = 1e-3
#: What a certificate takes, in cycles: about four solves of twenty iterations, each with a product as dear as a cycle.
_CYCLES = 160.0


def certificate_seconds(problem: Problem) -> float:
    """About what `bound_by_iteration` takes on this machine."""
    return _CYCLES * cycle_seconds(problem.source.size)


def bound_by_iteration(problem: Problem, field: FloatArray, hierarchy: Hierarchy, wanted: float) -> float:
    """At least ``max |c - field|``, field units, see `bound_by_factorisation`, which is taken where this fails.

    Parameters
    ----------
    problem : Problem
    field : (H, W) float64, field units
    hierarchy : Hierarchy
        Of the problem's lattice and boundary; it is rebuilt.
    wanted : float, field units
        A larger bound is tried again with a factorisation.
    """
    if problem.source.size > _FACTORISED and value_unit(problem) > 0.0 and not problem.fixed.all():
        graph = assemble(problem)
        if problem.uptake is None:
            bound = bound_by_factorisation(problem, field, _inverse(problem, graph, hierarchy), graph)
            if bound <= wanted:
                return bound
    return bound_by_factorisation(problem, field, None, None)


def _inverse(problem: Problem, graph: Graph, hierarchy: Hierarchy) -> Factorisation:
    """Conjugate gradients in the place of factors."""
    matrix = scipy.sparse.csr_array(graph.matrix())
    free = graph.free
    root = np.sqrt(np.asarray(problem.diffusivity) / problem.reference_diffusivity)[free]
    links = np.asarray(abs(graph.incidence).sum(axis=0))[: free.size][free.ravel()]
    decay = np.ones(free.shape)
    decay[free] = np.maximum(matrix.diagonal() / root**2 - links, 0.0)
    hierarchy.rebuild(free, decay)
    z, b = hierarchy.vectors[:2]

    def precondition(residual: FloatArray) -> FloatArray:
        scaled = residual / root
        size = float(np.max(np.abs(scaled)))
        b.fill(0.0)
        b[1:-1, 1:-1][free] = scaled / size
        hierarchy.v_cycle(z, b)
        return np.asarray(z[1:-1, 1:-1][free] * (size / root))

    return Factorisation(lambda rhs: _conjugate_gradients(matrix, rhs, precondition), 0, "conjugate gradients")


def _conjugate_gradients(matrix: scipy.sparse.csr_array, rhs: FloatArray, precondition: Inverse) -> FloatArray:
    """About ``matrix^-1 rhs``, for a float32 preconditioner that is not quite symmetric (Polak-Ribiere)."""
    x, r = np.zeros_like(rhs), rhs.copy()
    p, energy, last = np.zeros_like(rhs), 1.0, r
    target = _DIGITS * float(np.max(np.abs(rhs)))
    for iteration in range(_MAX_ITERATIONS):
        if float(np.max(np.abs(r))) <= target:
            break
        z = precondition(r)
        before, energy = energy, float(r @ z)
        beta = max(float((r - last) @ z) / before, 0.0) if iteration else 0.0
        p = z + beta * p
        image = matrix @ p
        step = energy / float(p @ image)
        last = r
        x, r = x + step * p, r - step * image
    return x
