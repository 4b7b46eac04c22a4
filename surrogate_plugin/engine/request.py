"""What a solve is asked for, read once: the problem, the tolerance, who may answer, and where to start."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, replace
from dataclasses import field as default
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from surrogate_plugin import registry
from surrogate_plugin.arguments import (
    HUGE,
    check_finite,
    instance_of,
    is_able,
    one_number,
    one_of,
    real_array,
    same_shape,
    shown,
)
from surrogate_plugin.engine.starts import Lessons
from surrogate_plugin.equation.operator import Operator
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.guard.maximum_principle import ceiling
from surrogate_plugin.surrogate.failures import ModelNotFoundError
from surrogate_plugin.surrogate.weights import is_path, weights_at

if TYPE_CHECKING:
    from surrogate_plugin.surrogate.predictor import Predictor

DEVICES = ("auto", "cpu", "cuda")
#: No field comes to as much, which is production over decay at most, and beyond it residuals overflow.
_HIGHEST = HUGE**1.5
#: The default accuracy of exact methods, of the largest value.
EXACT_SHARE = 1e-10
#: The default accuracy of guarded fields: of the largest imposed value, else of the largest value.
DEFAULT_SHARE = 0.01
#: The same of a field's own largest value, which may be as far above the exact one as the bound says.
GUARDED_SHARE = DEFAULT_SHARE / (1.0 + DEFAULT_SHARE)


@dataclass(frozen=True, eq=False)
class Request:
    """What a solve is asked for.

    Attributes
    ----------
    problem : Problem
    tolerance : float, field units, or None
        The largest error allowed; None allows ``share`` of the largest value, which has to be solved for.
    previous : (H, W) float64, field units, or None
        A field to start from, within what the maximum principle allows.
    handed : object
        That field as it was handed over, to be known again.
    lessons : Lessons
        What was learned of changes before, and where what this solve shows is put down; by itself of nothing.
    share : float
        What may be off of the largest value, where there is no tolerance; an exact method's default accuracy.
    """

    problem: Problem
    tolerance: float | None = None
    previous: FloatArray | None = None
    handed: object = None
    lessons: Lessons = default(default_factory=Lessons)
    share: float = EXACT_SHARE

    @classmethod
    def read(cls, problem: Any, tolerance: Any, previous: Any) -> Request:
        """What somebody hands over, checked; one sentence for what is not allowed."""
        posing = posed(problem)
        posing.check_steady()
        start = None
        if previous is not None:
            start = np.clip(field_of("previous", previous, posing), 0.0, min(ceiling(posing), _HIGHEST))
        return cls(posing, tolerance_of(tolerance), start, previous)

    def guarded(self) -> Request:
        """With the default of guarded fields, where there is no tolerance."""
        if self.tolerance is not None:
            return self
        imposed = self.problem.largest_imposed
        if imposed > 0.0:
            return replace(self, tolerance=DEFAULT_SHARE * imposed)
        return replace(self, share=GUARDED_SHARE)

    @cached_property
    def equation(self) -> Operator:
        """The dimensionless equation."""
        return Operator(self.problem)


def method_of(method: Any) -> str:
    """The name of a method, whether or not there is one of that name."""
    instance_of("method", method, str, "the name of a method, such as 'guarded' or 'exact',")
    return str(method)


def installed_method(method: str, name: str = "method") -> str:
    """Refuse a method that neither the engine has nor any solver that is installed; whether it loads shows later."""
    solvers = registry.names(registry.SOLVERS)
    return one_of(name, method, dict.fromkeys(("guarded", "surrogate", "exact", *solvers)))


def model_of(model: Any, name: str = "model") -> str | Predictor:
    """The name of a network that is installed, the path of one that is there, or a loaded one.

    Whether it loads shows when it is asked: until then neither torch nor anybody's plugin is imported.
    """
    if isinstance(model, str | os.PathLike):
        return _installed(os.fsdecode(model), name)
    if not is_able(model, "predict") or any(not hasattr(model, each) for each in ("card", "device", "typical_error")):
        raise InvalidProblemError(f"{name} is {shown(model)}; a name, a path or a Predictor is allowed.")
    loaded: Predictor = model
    return loaded


def _installed(model: str, name: str) -> str:
    """Refuse a name or path that stands for nothing, which would cost the network at each step, by a flag alone."""
    try:
        if is_path(model):
            weights_at(model)
            return model
    except ModelNotFoundError as error:
        raise InvalidProblemError(f"{name} is {shown(model)}; {error}") from None
    there = registry.names(registry.MODELS)
    if model not in there:
        raise InvalidProblemError(
            f"{name} is {shown(model)}; the models installed are {', '.join(map(repr, there)) or 'none'}, "
            "and the path of one is allowed too."
        )
    return model


def tolerance_of(tolerance: Any, name: str = "tolerance") -> float | None:
    """A largest error in (0, infinity), field units; None is left to the method."""
    if tolerance is None:
        return None
    wanted = one_number(name, tolerance, "a positive finite number")
    if not 0 < wanted < math.inf:
        raise InvalidProblemError(f"{name} is {shown(tolerance)}; a positive finite number is allowed.")
    return wanted


def posed(problem: Any) -> Problem:
    """The problem, which nothing but a `Problem` is."""
    instance_of("problem", problem, Problem, "a Problem")
    checked: Problem = problem
    return checked


def field_of(name: str, given: Any, problem: Problem) -> FloatArray:
    """A finite field of a problem's shape, (H, W) float64."""
    allowed = "fields of real numbers"
    field = real_array(name, given, shape=problem.shape, like="the problem", allowed=allowed)
    same_shape(name, field.shape, problem.shape, "the problem")
    check_finite(name, field, of_any_size=True)  # where hardly anything decays, more than what is given
    return field
