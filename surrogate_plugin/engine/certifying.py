"""A bound on the error of anybody's field, by the theorem that holds for the engine's own."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from surrogate_plugin.engine import request as asked
from surrogate_plugin.equation.operator import Operator
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.guard.hierarchies import Hierarchies
from surrogate_plugin.guard.maximum_principle import farthest
from surrogate_plugin.team import limit_threads

__all__ = ["Certificate", "certify"]


@dataclass(frozen=True, eq=False)
class Certificate:
    """What is known of a field.

    Attributes
    ----------
    error_bound : float, field units
        At least the largest pointwise distance to the exact solution of the discrete problem; infinite where nothing
        can be shown.
    error_map : (H, W) float64, field units
        At least that distance at each pixel, at most ``error_bound``; infinite where nothing can be shown.
    residual : (H, W) float64, field units / time
        What the equation lacks at each pixel, ``div(D grad c) - decay c - U(c) + production``, to seven digits; 0 on
        fixed pixels. It is that of the field with the fixed values imposed and nothing below 0.
    """

    error_bound: float
    error_map: FloatArray
    residual: FloatArray


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
    >>> certificate = certify(problem, off)
    >>> 0.04 < certificate.error_bound < 0.1, bool((certificate.error_map <= certificate.error_bound).all())
    (True, True)
    """
    asked.posed(problem).check_steady()
    given = asked.field_of("field", field, problem)
    candidate = np.where(problem.unknown, np.maximum(given, 0.0), problem.known)
    away = np.abs(given - candidate)
    with limit_threads(problem.source.size):
        operator = Operator(problem)
        c = operator.embed(candidate)
        bound = _hierarchies().bound(problem, operator, c, 0.0, with_map=True)
        residual = _residual(problem, operator, c)
    assert bound.map is not None
    farther = farthest(problem, candidate)
    value, each = min(bound.value, float(farther.max())), np.minimum(bound.map, farther)
    return Certificate(float(_sum(value, away.max())), _sum(each, away), residual)


def _sum(bound: float | FloatArray, away: FloatArray) -> FloatArray:
    """``bound + away`` rounded up, ``away`` being a difference rounded to the nearest; adding 0 changes nothing."""
    total = np.nextafter(bound + np.nextafter(away, np.inf), np.inf)
    return np.where(away > 0.0, total, bound)


def _residual(problem: Problem, operator: Operator, c: FloatArray) -> FloatArray:
    out, scale = np.zeros_like(c, dtype=np.float32), operator.residual_scale(c)
    operator.residual(c, scale, out)
    return out[1:-1, 1:-1].astype(np.float64) / scale * problem.reference_link


#: The last lattice's hierarchies, whose buffers serve one call at a time: each thread has its own.
_kept = threading.local()


def _hierarchies() -> Hierarchies:
    kept: Hierarchies | None = getattr(_kept, "hierarchies", None)
    if kept is None:
        kept = _kept.hierarchies = Hierarchies()
    return kept
