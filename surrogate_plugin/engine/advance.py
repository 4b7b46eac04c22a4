"""A step in time: implicit Euler, which is a steady problem with more decay and production, so that all else holds."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from surrogate_plugin.arguments import (
    HUGE,
    TINY,
    check_values,
    one_number,
    real_array,
    same_shape,
    shown,
)
from surrogate_plugin.engine import request as asked
from surrogate_plugin.engine.certifying import certify
from surrogate_plugin.engine.engine import shared_engine
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.equation.solution import Solution
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.guard.maximum_principle import ceiling

#: The default tolerance of a step, of the largest value around.
_DEFAULT_SHARE = 1e-3
#: A step that is shorter, times ``D / h^2``, is taken without diffusion, of whose size float64 holds four digits.
_STILL = 2e-12
#: What the numbers of a posed step are off by, each: those of ``decay + 1 / dt`` and ``production + field / dt``.
_ROUNDING = 4 * np.finfo(float).eps


class Solves(Protocol):
    """What takes a step needs of an engine."""

    def solve(self, problem: Problem, *, method: str, tolerance: float | None, previous: FloatArray | None) -> Solution:
        """See `Engine.solve`."""


@dataclass(frozen=True, eq=False)
class TimeStep:
    """One implicit Euler step, ``(c - field) / dt = div(D grad c) - decay c - U(c) + production``, read and posed.

    Attributes
    ----------
    problem : Problem
        As it would be posed for the steady field.
    posed : Problem
        Whose steady field is the field after the step.
    field : (H, W) float64, field units
        Before the step; read-only.
    dt : float, time
    carried : float, field units
        What the step leaves of the error before it, and what it leaves out.
    """

    problem: Problem
    posed: Problem
    field: FloatArray
    dt: float
    carried: float

    @classmethod
    def read(cls, problem: Any, field: Any, dt: Any, field_error: Any = 0.0) -> TimeStep:
        """What somebody hands over, checked; one sentence for what is not allowed."""
        checked, length, error = asked.posed(problem), time_of(dt), error_of(field_error)
        before = lattice_field("field", field, checked.shape, "the problem")
        before, vanished = _without_what_vanished(checked, before, length)
        error += vanished
        if length * checked.reference_link < _STILL:
            posed = _without_diffusion(checked).implicit_step(before, length)
            unmoved = 4.0 * length * checked.reference_link * max(ceiling(posed), checked.largest_imposed)
        else:
            posed, unmoved = checked.implicit_step(before, length), 0.0
        return cls(checked, posed, before, length, _carried(checked, length, error) + unmoved)

    def solve(self, engine: Solves, *, method: str = "guarded", tolerance: float | None = None) -> Solution:
        """The field after the step, from the field before it; its bound covers what is carried."""
        wanted = self.default_tolerance(method) if tolerance is None else tolerance
        solution = engine.solve(self.posed, method=method, tolerance=wanted, previous=self.field)
        more = self._beside(solution)
        if more == 0.0:
            return solution
        return dataclasses.replace(solution, error_bound=math.nextafter(solution.error_bound + more, math.inf))

    def mapped(self, solution: Solution) -> Solution:
        """The solution, as `solve` gave it, with a bound at each pixel too; fixed pixels carry nothing."""
        found, more = certify(self.posed, solution.field).error_map, self._beside(solution)
        if more > 0.0:
            found = np.where(self.problem.fixed, found, np.nextafter(found + more, np.inf))
        return dataclasses.replace(solution, error_map=np.minimum(found, solution.error_bound))

    def _beside(self, solution: Solution) -> float:
        """What is carried, and what rounding adds.

        Decay and production of the posed step are rounded, each by a part of itself, and a field that answers for all
        the equation's terms together is then off by as small a part of its largest value.
        """
        size = float(solution.field.max()) + solution.error_bound
        if self.problem.uptake is not None:  # which, saturated, leaves it to the others to answer for a term
            size = max(size, ceiling(self.posed))
        return self.carried + _ROUNDING * size

    def default_tolerance(self, method: str) -> float | None:
        """0.1 % of the largest value around; of the largest possible where production alone feeds the field.

        Exact methods have a default of their own, which is None here.
        """
        if method not in ("guarded", "surrogate"):
            return None
        around = max(self.problem.largest_imposed, float(self.field.max()))
        wanted = _DEFAULT_SHARE * (around or ceiling(self.posed))
        return max(wanted, np.finfo(float).tiny) if wanted < math.inf else None


def advance(
    problem: Problem,
    field: npt.ArrayLike,
    dt: float,
    method: str = "guarded",
    tolerance: float | None = None,
    field_error: float = 0.0,
    *,
    device: str = "auto",
    policy: str = "fastest",
    error_map: bool = False,
) -> Solution:
    """The field after one implicit Euler step, ``(c - field) / dt = div(D grad c) - decay c - U(c) + production``.

    Parameters
    ----------
    problem : Problem
        What holds during the step, posed as for a steady field; it need not have one.
    field : (H, W) array of float, field units
        Before the step, >= 0; what it holds on fixed pixels is of no meaning.
    dt : float, time
        Larger than 0, in the unit of time of the coefficients.
    method, device, policy : str
        As in `solve`.
    tolerance : float, field units, optional
        Largest error that this step may add by itself; by default 0.1 % of the largest value around, imposed or in
        ``field``; for exact methods 1e-10 of the largest value.
    field_error : float, field units
        At least the largest error of ``field``, such as the bound of the step before.
    error_map : bool
        Bound the error at each pixel too, see `solve`.

    Returns
    -------
    Solution
        Not below 0, whatever ``dt`` is. Its ``error_bound`` is at least the largest distance to the exact solution of
        the step taken from the exact field before: the step's own bound and ``field_error / (1 + dt min decay)``.

    Error
    -----
    Beside the bound, which is of the discrete equation, the step is of first order in ``dt``; two steps of half the
    length show about how much that is.

    Raises
    ------
    InvalidProblemError
        One sentence for a ``dt`` that is not positive, a ``field`` that is none of the problem's shape, is not finite
        or below 0 anywhere, or a ``field_error`` that is negative or NaN.
    UnsupportedProblemError
        If a named method cannot take the problem.

    Examples
    --------
    A dose in a closed box, of which half decays while it spreads:

    >>> field = np.zeros((16, 16)); field[4, 4] = 256.0
    >>> problem = Problem(np.zeros((16, 16)), decay=0.001, boundary="reflecting")
    >>> solution = advance(problem, field, dt=1000.0, method="exact")
    >>> round(float(solution.field.sum()), 6), float(np.ptp(solution.field).round(2))
    (128.0, 0.19)
    """
    step = TimeStep.read(problem, field, dt, field_error)
    engine = shared_engine(device, policy)
    solution = step.solve(engine, method=method, tolerance=asked.tolerance_of(tolerance))
    return step.mapped(solution) if error_map else solution


def time_of(dt: Any, name: str = "dt") -> float:
    """The length of a step, positive and finite."""
    length = one_number(name, dt, "a positive finite number")
    if not TINY < length <= HUGE:
        raise InvalidProblemError(f"{name} is {shown(dt)}; a positive finite number is allowed.")
    return length


def error_of(field_error: Any) -> float:
    """An error that a field may have, >= 0; infinite where nothing is known."""
    error = one_number("field_error", field_error, "a number >= 0")
    if not error >= 0.0:
        raise InvalidProblemError(f"field_error is {shown(field_error)}; a number >= 0 is allowed.")
    return error


def lattice_field(name: str, given: Any, shape: tuple[int, int], like: str) -> FloatArray:
    """A field to step from, (H, W) float64 in [0, 1e100], read-only."""
    field = real_array(name, given, shape=shape, like=like, allowed="fields of real numbers")
    same_shape(name, field.shape, shape, like)
    check_values(name, field, positive=False)
    return field


def _without_what_vanished(problem: Problem, field: FloatArray, dt: float) -> tuple[FloatArray, float]:
    """The field, and its largest value where that is too little to be posed, as 0 then takes its place."""
    highest = float(field.max())
    fed = problem.largest_imposed > 0.0 or problem.largest_supply > 0.0
    if fed or highest == 0.0 or highest / dt > TINY * problem.reference_link:
        return field, 0.0
    return np.zeros(problem.shape), highest


def _without_diffusion(problem: Problem) -> Problem:
    """The problem in which every pixel is alone with what is produced there, and what comes through the side there.

    A face would bring ``D / h^2`` times what is beside the pixel at most, and take as much of what is in it.
    """
    return problem.replace(diffusivity=0.0, membranes=None, production=problem.supply)


def _carried(problem: Problem, dt: float, error: float) -> float:
    """What is left of an error before the step.

    A level field of ``error / (1 + dt min decay)`` is a supersolution for the difference of two steps from fields that
    are ``error`` apart, as uptake is monotone; nothing is apart on fixed pixels.
    """
    return error / (1.0 + dt * problem.least_decay) * (1.0 + _ROUNDING)
