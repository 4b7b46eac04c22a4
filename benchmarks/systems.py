"""A problem as the sparse linear system that any solver takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from surrogate_plugin.equation.assembly import assemble, known_values, supply, value_unit
from surrogate_plugin.equation.problem import BoolArray, FloatArray, Problem

__all__ = ["LinearSystem"]


@dataclass(frozen=True, eq=False)
class LinearSystem:
    """``matrix x = rhs`` on the free pixels; the matrix is symmetric positive definite.

    Attributes
    ----------
    problem : Problem
        Without saturating uptake.
    free : (H, W) bool
    matrix : (free, free) sparse, in columns
    rhs : (free,) float64
    """

    problem: Problem
    free: BoolArray
    matrix: Any
    rhs: FloatArray

    @classmethod
    def of(cls, problem: Problem) -> LinearSystem:
        """Assemble it."""
        graph, unit = assemble(problem), value_unit(problem)
        rhs = graph.residual(known_values(problem, unit), supply(problem, unit))
        return cls(problem, graph.free, graph.matrix(), rhs)

    def fill(self, values: FloatArray) -> FloatArray:
        """The field whose free pixels these are, in field units."""
        field = self.problem.known.copy()
        field[self.free] = values * value_unit(self.problem)
        return field
