"""Conductances of the faces between pixels, and between edge pixels and what is outside: the operator's coefficients.

In units of a problem's ``reference_link``, so that a face between two ordinary pixels has 1. A face between pixels
carries the harmonic mean of their links, in series with a membrane that is on it; one of the outside the edge pixel's
own link, in series with what else resists there, see `Walls`. Nothing here counts axes.
"""

from __future__ import annotations

import math
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
    from surrogate_plugin.equation.faces_kernels import fill_between

    walls, shape = problem.walls, problem.shape
    pixels = np.ascontiguousarray(np.broadcast_to(problem.axis_links[axis], shape), np.float64)
    faces = np.empty((*shape[:axis], shape[axis] + 1, *shape[axis + 1 :]))
    permeance = None
    if problem.membranes is not None:
        permeance = np.asarray(problem.membranes.of_shape[axis]) * problem.per_permeability[axis]
    fill_between(*(_in_three(each, axis) for each in (pixels, permeance, faces)))
    ends, edges = np.moveaxis(faces, axis, 0), np.moveaxis(pixels, axis, 0)
    if walls.ring[axis]:
        ends[0] = harmonic_mean(edges[-1], edges[0])
        if permeance is not None and permeance.shape[axis] == shape[axis]:
            ends[0] = in_series(ends[0], np.moveaxis(permeance, axis, 0)[-1])
        ends[-1] = ends[0]
    else:
        for face, end in ((0, 0), (-1, 1)):
            ends[face] = in_series(edges[face], float(walls.permeance[axis, end]))
    return faces


def _in_three(values: FloatArray | None, axis: int) -> FloatArray | None:
    """A view of three axes, the middle one ``axis``."""
    if values is None:
        return None
    shape = values.shape
    return np.ascontiguousarray(values).reshape(math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :]))
