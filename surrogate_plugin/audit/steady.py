"""The field that a moment's cells and sides have at rest, certified, and how long it takes to come to rest."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from surrogate_plugin.arguments import FloatArray
from surrogate_plugin.audit.run import Moment, Seen
from surrogate_plugin.equation.operator import Operator
from surrogate_plugin.equation.problem import Problem
from surrogate_plugin.session.backend import Backend
from surrogate_plugin.session.config import BackendConfig
from surrogate_plugin.tissue.state import TissueState

#: A relaxation time is told to so many parts of itself.
_ENOUGH = 1e-4


def config_of(moment: Moment, seen: Seen) -> BackendConfig:
    """What a backend is told of a substrate: exact fields, by the host's own rule for cells in voxels."""
    return BackendConfig(
        domain=moment.domain,
        diffusivity_um2_per_min=seen.diffusivity_um2_per_min,
        decay_per_min=seen.decay_per_min,
        boundary=seen.boundary,
        deposit="voxel",
        outside="clamp",
        method="exact",
    )


@dataclass(frozen=True, eq=False)
class Rest:
    """A substrate of a moment at rest.

    Attributes
    ----------
    problem : Problem
    field : (H, W) float64, field units
        The steady field.
    bound : float, field units
        At least its largest error.
    """

    problem: Problem
    field: FloatArray
    bound: float

    @classmethod
    def of(cls, moment: Moment, seen: Seen, state: TissueState) -> Rest:
        """Solve for it.

        Raises
        ------
        InvalidProblemError, UnsupportedProblemError
            If there is no steady field, in one sentence.
        """
        backend = Backend(config_of(moment, seen))
        result = backend.step(state)
        return cls(backend.problem(state), result.field, result.record.bound)

    @cached_property
    def operator(self) -> SteadyOperator:
        """The equation's operator, factorised."""
        return SteadyOperator(self.problem)

    @cached_property
    def relaxation_min(self) -> float:
        """The time in which what is slowest comes e times closer to rest, min; 0 where every voxel is held."""
        return self.operator.slowest()


class SteadyOperator:
    """``-div(D grad) + decay`` of a problem on its free pixels, 1 / time, factorised once."""

    def __init__(self, problem: Problem) -> None:
        from surrogate_plugin.solvers.direct.factorisation import factorise

        self.free = problem.unknown
        matrix = Operator(problem).matrix() * problem.reference_link
        self._solve = factorise(matrix).apply if self.free.any() else None

    def inverse(self, field: FloatArray) -> FloatArray:
        """``A^-1`` of a field on the free pixels; 0 on the others."""
        found = np.zeros(field.shape)
        if self._solve is not None:
            found[self.free] = self._solve(field[self.free])
        return found

    def slowest(self) -> float:
        """The largest eigenvalue of the inverse, by its powers, whose vector is positive."""
        if self._solve is None:
            return 0.0
        vector = self.free.astype(np.float64)
        before, now = 0.0, math.inf
        for _ in range(500):
            vector /= np.linalg.norm(vector)
            image = self.inverse(vector)
            before, now = now, float(np.vdot(vector, image))  # Rayleigh's quotient, whose error is a square
            vector = image
            if abs(now - before) <= _ENOUGH * now:
                break
        return now
