"""A bound by factorisation: for diffusivity maps, and where cycles show nothing."""

from __future__ import annotations

from surrogate_plugin.equation.operator import Operator
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.guard.certificate import Certifier
from surrogate_plugin.guard.inverse import FactorisedInverse
from surrogate_plugin.solvers.direct.factorisation import Factorisation


def bound_by_factorisation(problem: Problem, field: FloatArray, factors: Factorisation | None = None) -> float:
    """At least ``max |c - field|``, field units.

    Parameters
    ----------
    problem : Problem
    field : (H, W) float64, field units
        Holds the fixed values exactly; >= 0 if uptake saturates.
    factors : optional
        The factorised linear operator, if at hand.

    Returns
    -------
    float
        Infinite if the field is not finite.
    """
    operator = Operator(problem)
    certifier = Certifier(operator, FactorisedInverse(operator, factors), rebuild=factors is None)
    return certifier.bound(operator.embed(field), 0.0).value
