"""A bound on the error of anybody's field, by the theorem that holds for the engine's own."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from surrogate_plugin.engine import request as asked
from surrogate_plugin.equation.operator import Equation
from surrogate_plugin.equation.problem import Problem
from surrogate_plugin.guard.certificate import Certifier
from surrogate_plugin.solvers.multigrid.hierarchy import Hierarchy
from surrogate_plugin.team import limit_threads

__all__ = ["Certificate", "certify"]


@dataclass(frozen=True)
class Certificate:
    """What is known of a field.

    Attributes
    ----------
    error_bound : float, field units
        At least the largest pointwise distance to the exact solution of the discrete problem; infinite where nothing
        can be shown.
    """

    error_bound: float


def certify(problem: Problem, field: npt.ArrayLike) -> Certificate:
    """How far a field may be from the solution of a problem, wherever it comes from.

    Parameters
    ----------
    problem : Problem
    field : (H, W) array of float, field units
        Where it misses a fixed value or is below 0, its distance from there counts too.

    Returns
    -------
    Certificate
        Typically 1.5 times the error where the field is smooth from pixel to pixel, and far more where it is rough: the
        bound comes from the residual.

    Raises
    ------
    InvalidProblemError
        If ``problem`` is no `Problem`, or ``field`` no finite field of its shape.

    Examples
    --------
    >>> from surrogate_plugin import solve
    >>> source = np.zeros((32, 32)); source[16, 16] = 1.0
    >>> problem = Problem(source, decay=1 / 25)
    >>> off = np.where(problem.fixed, source, 0.9 * solve(problem, method="exact").field)
    >>> 0.04 < certify(problem, off).error_bound < 0.1
    True
    """
    given = asked.field_of("field", field, asked.posed(problem))
    candidate = np.where(problem.fixed, problem.source, np.maximum(given, 0.0))
    with limit_threads(problem.source.size):
        if isinstance(problem.diffusivity, np.ndarray):
            from surrogate_plugin.guard.matrix_certificate import bound_by_factorisation

            bound = bound_by_factorisation(problem, candidate, None, None)
        else:
            equation = Equation(problem)
            certifier = Certifier(equation, _hierarchy(problem), rebuild=True)
            bound = certifier.bound(equation.embed(candidate), 0.0).value
    return Certificate(float(bound) + float(np.abs(given - candidate).max()))


#: The last lattice's hierarchy, whose buffers serve one call at a time: each thread has its own.
_kept = threading.local()


def _hierarchy(problem: Problem) -> Hierarchy:
    key = (problem.shape, tuple(side.kind for side in problem.boundary.sides))
    if getattr(_kept, "key", None) != key:
        _kept.key, _kept.hierarchy = key, Hierarchy(problem.shape, problem.boundary)
    kept: Hierarchy = _kept.hierarchy
    return kept
