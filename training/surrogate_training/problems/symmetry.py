"""The eight images of a lattice under mirrors and transposition: a problem's image has the image of its field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from surrogate_plugin.equation.problem import Coefficient, MichaelisMenten, Problem
from surrogate_plugin.equation.sides import Boundary

_Scalar = TypeVar("_Scalar", bound=np.generic)


@dataclass(frozen=True)
class Symmetry:
    """Rows in reverse order, columns in reverse order, then rows and columns exchanged.

    Examples
    --------
    >>> Symmetry(columns=True, transpose=True).array(np.array([[1, 2, 3], [4, 5, 6]]))
    array([[3, 6],
           [2, 5],
           [1, 4]])
    """

    rows: bool = False
    columns: bool = False
    transpose: bool = False

    def array(self, image: np.ndarray[tuple[int, ...], np.dtype[_Scalar]]) -> np.ndarray:
        """The image of an (H, W) array: (H, W), or (W, H) where rows and columns are exchanged."""
        turned = image[:: -1 if self.rows else 1, :: -1 if self.columns else 1]
        return turned.T if self.transpose else turned

    def problem(self, problem: Problem) -> Problem:
        """The image of a problem, its sides included.

        Examples
        --------
        >>> problem = Problem(np.eye(8), boundary={"left": 3.0, "top": "reflecting"})
        >>> Symmetry(columns=True).problem(problem).boundary.right.value
        3.0
        """
        if self == Symmetry():
            return problem
        uptake = problem.uptake
        return Problem(
            self.array(problem.source),
            fixed=self.array(problem.fixed),
            diffusivity=self._coefficient(problem.diffusivity),
            decay=self._coefficient(problem.decay),
            production=self._coefficient(problem.production),
            uptake=None if uptake is None else MichaelisMenten(self._coefficient(uptake.vmax), uptake.km),
            spacing=problem.spacing,
            boundary=self._boundary(problem.boundary),
        )

    def _coefficient(self, value: Coefficient) -> Coefficient:
        return self.array(value) if isinstance(value, np.ndarray) else value

    def _boundary(self, boundary: Boundary) -> Boundary:
        left, right, bottom, top = boundary.sides
        if self.rows:
            bottom, top = top, bottom
        if self.columns:
            left, right = right, left
        # Row 0 is the bottom and column 0 the left, so that exchanging rows and columns exchanges these two.
        return Boundary(bottom, top, left, right) if self.transpose else Boundary(left, right, bottom, top)
