"""Conductances of the faces between pixels, and between edge pixels and what is outside: the operator's coefficients.

In units of ``reference_diffusivity / spacing^2``, so that a face between two ordinary pixels has 1. A face between
pixels carries the harmonic mean of their diffusivities, one of the outside what `Walls` says of the edge pixel's own.
Nothing here counts axes.
"""

from __future__ import annotations

import numpy as np

from surrogate_plugin.equation.problem import FloatArray, Problem

#: One array an axis, one longer along it than the lattice: face ``k`` is below pixel ``k``. Both ends of a ring are the
#: same face.
Faces = tuple[FloatArray, ...]


def faces_of(problem: Problem) -> Faces:
    """The conductance of every face.

    Examples
    --------
    >>> rows, columns = faces_of(Problem(np.zeros((2, 3)), boundary={"right": "reflecting"}))
    >>> rows.shape, columns.tolist()
    ((3, 3), [[1.0, 1.0, 1.0, 0.0], [1.0, 1.0, 1.0, 0.0]])
    """
    relative = np.asarray(problem.diffusivity) / problem.reference_diffusivity
    diffusivity = np.broadcast_to(relative, problem.shape)
    walls = problem.boundary.walls
    return tuple(
        _along(axis, diffusivity, walls.conductance[axis], bool(walls.ring[axis])) for axis in range(diffusivity.ndim)
    )


def unit_faces(problem: Problem) -> bool:
    """Whether every face that conducts at all has a conductance of 1: kernels then need no map of them."""
    conductance = problem.boundary.walls.conductance
    return not isinstance(problem.diffusivity, np.ndarray) and bool(np.isin(conductance, (0.0, 1.0)).all())


def _along(axis: int, diffusivity: FloatArray, conductance: FloatArray, ring: bool) -> FloatArray:
    pixels = np.moveaxis(diffusivity, axis, 0)
    faces = np.empty((pixels.shape[0] + 1, *pixels.shape[1:]))
    faces[1:-1] = _harmonic_mean(pixels[:-1], pixels[1:])
    if ring:
        faces[0] = faces[-1] = _harmonic_mean(pixels[-1], pixels[0])
    else:
        faces[0], faces[-1] = conductance[0] * pixels[0], conductance[1] * pixels[-1]
    return np.ascontiguousarray(np.moveaxis(faces, 0, axis))


def _harmonic_mean(one: FloatArray, other: FloatArray) -> FloatArray:
    return np.asarray(2 * one * other / (one + other))
