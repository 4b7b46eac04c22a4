"""What a host's own scheme comes to at rest with its time step, and which step would bring it near the steady field.

A step ``S`` of such a scheme, with cells and nodes held, is an affine map of fields, and its field at rest solves
``c = S(c)``. As the step goes to 0 that is the steady field; how far they are apart is the error of the time step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from surrogate_plugin.arguments import FloatArray
from surrogate_plugin.audit.in_time import Brackets
from surrogate_plugin.audit.run import HostScheme
from surrogate_plugin.audit.steady import Rest

#: How far below the largest difference what is left may be; after how many iterations those begin anew, and how often.
_REDUCTION, _ITERATIONS, _ROUNDS = 1e-8, 60, 5
#: Voxels times steps of a host's scheme that are taken at most, a quarter of a minute, and what counts as no change.
_MOST_WORK, _AT_REST = 3e8, 1e-10
#: Steps are tried down to this part of the host's.
_SHORTEST = 1e-5


@dataclass(frozen=True, eq=False)
class AtRest:
    """The field that a host's scheme comes to.

    Attributes
    ----------
    dt_min : float, min
    field : (H, W) float64, field units
    """

    dt_min: float
    field: FloatArray


def at_rest(scheme: HostScheme, dt_min: float, rest: Rest) -> AtRest | None:
    """The field at rest of a scheme with a time step; None if it is not found.

    The steady operator, over ``1 / dt``, is nearly the scheme's own for all but the roughest parts of a field, so that
    a few dozen iterations do what the host needs thousands of steps for.
    """
    import scipy.sparse.linalg

    step, steady, shape = scheme(dt_min), rest.field, rest.field.shape
    free, first = rest.operator.free, step(rest.field)
    residual = first - steady
    largest = float(np.abs(residual).max())
    if largest <= 1e-13 * float(np.abs(steady).max()):
        return AtRest(dt_min, steady)

    def without_a_step(values: npt.NDArray[np.float64]) -> FloatArray:
        error = values.reshape(shape)
        return (error - (step(steady + error) - first)).ravel()

    def nearly_inverse(values: npt.NDArray[np.float64]) -> FloatArray:
        given = values.reshape(shape)
        return np.where(free, rest.operator.inverse(given) / dt_min + given, given).ravel()

    size = (steady.size, steady.size)
    operator = scipy.sparse.linalg.LinearOperator(size, matvec=without_a_step, dtype=np.float64)
    inverse = scipy.sparse.linalg.LinearOperator(size, matvec=nearly_inverse, dtype=np.float64)
    error, failed = scipy.sparse.linalg.gmres(
        operator, residual.ravel(), M=inverse, rtol=_REDUCTION, restart=_ITERATIONS, maxiter=_ROUNDS
    )
    found = steady + error.reshape(shape)
    left = float(np.abs(step(found) - found).max())
    return None if failed and left > 1e-4 * largest else AtRest(dt_min, found)


def small_enough(
    scheme: HostScheme, rest: Rest, worst: AtRest, where: npt.NDArray[np.int64], tolerance: float
) -> AtRest | None:
    """A step with which the scheme at rest is within a tolerance of the steady field at some voxels.

    Parameters
    ----------
    scheme : HostScheme
    rest : Rest
    worst : AtRest
        With the host's own step, which is too long.
    where : (n,) int64
        Voxels, ``row * columns + column``; at least one.
    tolerance : float, field units

    Returns
    -------
    AtRest or None
        With a step of one digit, the longest that was tried; None where none down to a 100,000th of the host's is.
    """

    def off(found: AtRest) -> float:
        return float(np.abs(found.field - rest.field).ravel()[where].max())

    dt, reached = worst.dt_min, off(worst)
    while dt > _SHORTEST * worst.dt_min:
        # The error of a split step is of first order, but less than that where the step is long.
        dt = one_digit(dt * min(0.95 * tolerance / reached, 0.9)) if reached > 0 else 0.0
        found = at_rest(scheme, dt, rest) if dt > 0 else None
        if found is None:
            return None
        reached = off(found)
        if reached <= tolerance:
            return found
    return None


def brackets_of(scheme: HostScheme, dt_min: float, highest: float, like: FloatArray, minutes: float) -> Brackets | None:
    """Between which fields the host's own steps end, whatever there was before; None where they are too many to take.

    Its steps keep the order of fields, so that those from nothing and from the highest there was have all others
    between them. A field outside of them tells that rates or places of cells changed in the meantime.
    """
    steps = round(minutes / dt_min)
    if not 0 < steps * like.size <= _MOST_WORK:
        return None
    step, low, high = scheme(dt_min), np.zeros(like.shape), np.full(like.shape, highest)
    for _ in range(steps):
        before_low, before_high = low, high
        low, high = step(low), step(high)
        if max(np.abs(low - before_low).max(), np.abs(high - before_high).max()) <= _AT_REST * highest:
            break
    return Brackets(low, high, minutes)


def one_digit(number: float) -> float:
    """A positive number, rounded down to one digit.

    Examples
    --------
    >>> one_digit(0.00379), one_digit(20.0), one_digit(1.0)
    (0.003, 20.0, 1.0)
    """
    exponent = math.floor(math.log10(number))
    digit = math.floor(number * 10.0 ** (-exponent) * (1 + 1e-12))
    return float(f"{digit}e{exponent}")
