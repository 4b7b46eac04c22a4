"""How a network answers given problems: its errors, and whether the guard certifies what it says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from surrogate_plugin.equation.problem import Problem
from surrogate_plugin.guard.applicability import check
from surrogate_plugin.surrogate.card import ModelCard
from surrogate_plugin.surrogate.predictor import Predictor
from surrogate_training.quality import metrics
from surrogate_training.quality.guard_metrics import bounds_after
from surrogate_training.samples.batch import largest_value
from surrogate_training.samples.dataset import exact_field

#: Bounds are taken after so many multigrid cycles from the network's field.
CYCLES = (1, 2, 3)
#: Over the largest imposed value.
TOLERANCES = (0.01, 0.001)


class Answer(BaseModel):
    """What became of one problem.

    Attributes
    ----------
    errors : dict of float
        Of the network's own field, as `metrics.measure` names them, over the largest value, imposed or of the field.
    bounds : tuple of float
        The verified bound after each of `CYCLES`, over the same value; infinite where there is none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="constants")

    errors: dict[str, float]
    bounds: tuple[float, ...]

    def certified(self, tolerance: float, cycles: int) -> bool:
        """Whether the bound is within ``tolerance``, over the largest imposed value, after so many cycles."""
        return self.bounds[CYCLES.index(cycles)] <= tolerance


class Summary(BaseModel):
    """Answers to many problems; shares are over all of them.

    Attributes
    ----------
    states : int
    covered : float
        Share that the card covers; to the others the engine does not put the network.
    relative_l2, largest_error : dict of float
        ``median``, ``p95`` and ``largest`` of the network's own field, whether the card covers it or not.
    certified : dict of tuple of float
        For each of `TOLERANCES` the share that the card covers and that is certified from the network's field after
        1, 2 and 3 cycles.
    certified_by_network : dict of tuple of float
        The same with the card left out of it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    states: int
    covered: float
    relative_l2: dict[str, float]
    largest_error: dict[str, float]
    certified: dict[float, tuple[float, ...]]
    certified_by_network: dict[float, tuple[float, ...]]

    def share(self, tolerance: float, cycles: int) -> float:
        """Share certified within the card."""
        return self.certified[tolerance][CYCLES.index(cycles)]


def answer(predictor: Predictor, problem: Problem, accuracy: float) -> Answer:
    """Ask a network, and bound what cycles make of its field as the engine does.

    Parameters
    ----------
    predictor : Predictor
    problem : Problem
        With a value above 0 imposed or supplied.
    accuracy : float
        Of the exact field that errors are taken from, over the largest imposed value.
    """
    field, exact = predictor.predict(problem), exact_field(problem, accuracy)
    largest = largest_value(problem, exact)
    bounds = tuple(bound / largest for bound in bounds_after(problem, np.maximum(field, 0.0), CYCLES))
    return Answer(errors=metrics.measure(field / largest, exact / largest, problem.fixed), bounds=bounds)


def answers(predictor: Predictor, problems: Iterable[Problem], accuracy: float) -> list[Answer]:
    """`answer` for each problem."""
    return [answer(predictor, problem, accuracy) for problem in problems]


def covered(problems: Iterable[Problem], card: ModelCard) -> list[bool]:
    """Whether the guard would let the network try each problem."""
    return [not check(problem, card) for problem in problems]


def summarise(found: Sequence[Answer], within: Sequence[bool]) -> Summary:
    """Sum up answers; ``within`` says which problems the card covers.

    Examples
    --------
    >>> found = [Answer(errors={"relative_l2": 0.02, "max": 0.1}, bounds=(0.05, 0.008, 0.002))] * 2
    >>> summary = summarise(found, [True, False])
    >>> summary.covered, summary.certified[0.01], summary.certified_by_network[0.01]
    (0.5, (0.0, 0.5, 0.5), (0.0, 1.0, 1.0))
    """
    shown = metrics.summarise([each.errors for each in found])
    statistics = ("median", "p95", "largest")
    return Summary(
        states=len(found),
        covered=sum(within) / len(found),
        relative_l2={name: shown["relative_l2"][name] for name in statistics},
        largest_error={name: shown["max"][name] for name in statistics},
        certified={tolerance: _shares(found, within, tolerance) for tolerance in TOLERANCES},
        certified_by_network={tolerance: _shares(found, [True] * len(found), tolerance) for tolerance in TOLERANCES},
    )


def _shares(found: Sequence[Answer], within: Sequence[bool], tolerance: float) -> tuple[float, ...]:
    return tuple(
        sum(inside and each.certified(tolerance, cycles) for each, inside in zip(found, within, strict=True))
        / len(found)
        for cycles in CYCLES
    )
