"""The field that a backend has now: the one solved for last, or one that goes on in time, or none yet."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np

from surrogate_plugin.equation.problem import FloatArray
from surrogate_plugin.equation.solution import Solution
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.session.config import BackendConfig
from surrogate_plugin.session.evolution import Evolution
from surrogate_plugin.session.posing import Posed


@dataclass(frozen=True)
class Solved:
    """A steady field and what it was solved for, to be held or started from."""

    posed: Posed
    solution: Solution


class Standing:
    """What a backend's next step goes on from; at most one of ``solved`` and ``evolution`` is not None.

    Attributes
    ----------
    solved : Solved or None
    evolution : Evolution or None
    """

    def __init__(self) -> None:
        self.solved: Solved | None = None
        self.evolution: Evolution | None = None

    def rest(self, posed: Posed, solution: Solution) -> None:
        """It is a steady field now."""
        self.solved, self.evolution = Solved(posed, solution), None

    def go_on(self, evolution: Evolution) -> None:
        """It goes on in time now."""
        self.solved, self.evolution = None, evolution

    def copied(self) -> Standing:
        """One that goes on by itself."""
        other = Standing()
        other.solved, other.evolution = self.solved, copy.copy(self.evolution)
        return other

    def solved_by(self, config: BackendConfig) -> Solved | None:
        """The steady field, if it was solved for with this very configuration."""
        return self.solved if self.solved is not None and self.solved.posed.config is config else None

    def field_on(self, shape: tuple[int, int]) -> FloatArray | None:
        """The field, if there is one on a lattice of that shape."""
        if self.solved is not None:
            field = self.solved.solution.field
        elif self.evolution is not None:
            field = self.evolution.field
        else:
            return None
        return field if field.shape == shape else None

    def begun(self, config: BackendConfig) -> Evolution:
        """What goes on in time; from the steady field, or the configuration's initial one, if nothing does yet.

        Raises
        ------
        InvalidProblemError
            If the field to go on from is not of the domain's shape.
        """
        shape = config.domain.shape
        if self.evolution is not None:
            found = self.evolution
        elif self.solved is not None:
            solution = self.solved.solution
            found = Evolution(solution.field, solution.error_bound)
        else:
            return Evolution(np.broadcast_to(np.asarray(config.initial), shape))
        if found.field.shape != shape:
            raise InvalidProblemError(
                f"the field to go on from has shape {found.field.shape}, but the domain has {shape}; hand one over by "
                "restart, such as what sp.regrid makes of it."
            )
        return found
