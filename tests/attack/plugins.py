"""A solver plugin that answers wrongly, with a state that claims another operator than the problem's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from unittest import mock

import numpy as np

from surrogate_plugin import registry
from surrogate_plugin.equation.problem import Problem
from surrogate_plugin.equation.solution import Solution
from surrogate_plugin.solvers.direct.factorisation import Factorisation
from surrogate_plugin.solvers.direct.solver import SparseDirect

NAME = "boastful"


@dataclass
class _State:
    """What the engine's own solver of sparse matrices keeps, but for a stiffer matrix, or for none."""

    fingerprint: str
    graph: Any
    factors: Any


class Boastful:
    """Proposes 0, the fixed values spread out, or noise, and says that its error is 0."""

    name = NAME

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def refusal(self, problem: Problem) -> str | None:
        return None

    def prepare(self, problem: Problem) -> _State:
        if self._rng.random() < 0.3:
            nothing = Factorisation(np.zeros_like, 0, "none")
            return _State(problem.fingerprint, None, nothing)
        link = problem.reference_diffusivity / problem.spacing**2
        stiffer = problem.replace(decay=1e6 * link, production=0.0, uptake=None)
        own = SparseDirect().prepare(stiffer)
        return _State(problem.fingerprint, own.graph, own.factors)

    def solve(self, state: _State, problem: Problem, guess: Any = None, *, tolerance: float | None = None) -> Solution:
        largest = max(problem.largest_imposed, 1e-90)
        field = (
            np.zeros(problem.shape),
            np.full(problem.shape, largest),
            largest * self._rng.random(problem.shape),
        )[int(self._rng.integers(3))]
        return Solution(field, error_bound=0.0, method=self.name)


def registered(rng: np.random.Generator) -> Any:
    """A context in which the plugin is the one solver that is registered."""
    return mock.patch.object(registry, "load", return_value=lambda: Boastful(rng))
