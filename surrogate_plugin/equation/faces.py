"""Conductances of the faces between pixels, and between edge pixels and what is outside: the operator's coefficients.

In units of a problem's ``reference_link``, so that a face between two ordinary pixels has 1. A face between pixels
carries the harmonic mean of their links, in series with a membrane that is on it; one of the outside the edge pixel's
own link, in series with what else resists there, see `Walls`. Nothing here counts axes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from surrogate_plugin.arguments import FloatArray
from surrogate_plugin.equation.per_axis import harmonic_mean, in_series

if TYPE_CHECKING:
    from surrogate_plugin.equation.problem import Problem

#: One array an axis, one longer along it than the lattice: face ``k`` is below pixel ``k``. Both ends of a ring are the
#: same face.
Faces = tuple[FloatArray, ...]


def faces_of(problem: Problem) -> Faces:
    """The conductance of every face.

    Examples
    --------
    >>> from surrogate_plugin.equation.problem import Problem
    >>> rows, columns = faces_of(Problem(np.zeros((2, 3)), boundary={"right": "reflecting"}))
    >>> rows.shape, columns.tolist()
    ((3, 3), [[1.0, 1.0, 1.0, 0.0], [1.0, 1.0, 1.0, 0.0]])
    """
    return tuple(_along(axis, problem) for axis in range(len(problem.shape)))


def _along(axis: int, problem: Problem) -> FloatArray:
    walls = problem.walls
    pixels = np.moveaxis(np.broadcast_to(problem.axis_links[axis], problem.shape), axis, 0)
    faces = np.empty((pixels.shape[0] + 1, *pixels.shape[1:]))
    faces[1:-1] = harmonic_mean(pixels[:-1], pixels[1:])
    if problem.membranes is not None:
        permeability = np.moveaxis(np.asarray(problem.membranes.of_shape[axis]), axis, 0)
        permeance = permeability * problem.per_permeability[axis]
        faces[1:-1] = in_series(faces[1:-1], permeance[: len(pixels) - 1])
    if walls.ring[axis]:
        faces[0] = harmonic_mean(pixels[-1], pixels[0])
        if problem.membranes is not None and len(permeance) == len(pixels):
            faces[0] = in_series(faces[0], permeance[-1])
        faces[-1] = faces[0]
    else:
        for face, end in ((0, 0), (-1, 1)):
            faces[face] = in_series(pixels[face], float(walls.permeance[axis, end]))
    return np.ascontiguousarray(np.moveaxis(faces, 0, axis))
