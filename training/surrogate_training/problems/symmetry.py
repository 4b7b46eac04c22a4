"""The eight images of a lattice under mirrors and transposition: a problem's image has the image of its field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from surrogate_plugin.equation.problem import Problem

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
        for axis, mirrored in enumerate((self.rows, self.columns)):
            if mirrored:
                problem = problem.mirror(axis)
        return problem.turn().mirror(1) if self.transpose else problem
