"""A bound by cycles where diffusivity varies: what they propose is as tight as a factorisation, at a fraction."""

from __future__ import annotations

from surrogate_plugin.equation.operator import Operator
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.guard.certificate import Certifier
from surrogate_plugin.guard.matrix_certificate import bound_by_factorisation
from surrogate_plugin.solvers.multigrid.hierarchy import Hierarchy
from surrogate_plugin.solvers.multigrid.solver import cycle_seconds

#: What a certificate takes, in cycles: set-up, a few proposals, and faces that are maps in all of them.
_CYCLES = 10.0


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
    operator = Operator(problem)
    bound = Certifier(operator, hierarchy, rebuild=True).bound(operator.embed(field), wanted).value
    return bound if bound <= wanted else min(bound, bound_by_factorisation(problem, field))
