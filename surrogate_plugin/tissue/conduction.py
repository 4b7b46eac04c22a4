"""What cells conduct and what their membranes hold back, on the pixels of a domain and on the faces between them."""

from __future__ import annotations

import numpy as np

from surrogate_plugin.arguments import Coefficient, FloatArray
from surrogate_plugin.equation.membranes import Membranes
from surrogate_plugin.tissue.bodies import Bodies

#: Of a pixel; a smaller part is not counted, so that no pixel conducts less than a millionth of what is in it.
_LEAST = 1e-6


def conducting(bodies: Bodies) -> tuple[Coefficient, Coefficient]:
    """Which part of each pixel cells with a diffusivity of their own cover, and what it conducts, times that part.

    Where cells lie upon each other they have the pixel in equal parts; a pixel that is covered has nothing around.
    """
    given = bodies.cells.diffusivity_um2_per_min
    if given is None:
        return 0.0, 0.0
    diffusivity = bodies.of_these(given)
    own = ~np.isnan(diffusivity)
    if not own.any():
        return 0.0, 0.0
    shape = bodies.domain.shape
    share, conducted = np.zeros(shape), np.zeros(shape)
    if bodies.deposit == "area":
        from surrogate_plugin.tissue.raster_kernels import cover_area

        radii = np.ascontiguousarray(bodies.radii()[:, own])
        cover_area(bodies.x[own], bodies.y[own], radii, _LEAST, diffusivity[own], share, conducted, bodies.sides.rings)
    else:
        own &= bodies.voxels >= _LEAST
        row, column = bodies.voxel_of_each()
        np.add.at(share, (row[own], column[own]), bodies.voxels[own])
        np.add.at(conducted, (row[own], column[own]), bodies.voxels[own] * diffusivity[own])
    full = share > 1.0 - _LEAST
    conducted[full] /= share[full]
    share[full] = 1.0
    return share, conducted


def membranes(bodies: Bodies) -> Membranes | None:
    """The membranes of cells, in series where several are on a face; None where no cell has one."""
    given = bodies.cells.membrane_um_per_min
    if given is None or not np.isfinite(bodies.of_these(given)).any():
        return None
    with np.errstate(divide="ignore"):
        resistance = 1.0 / bodies.of_these(given)  # infinite where nothing passes
    faces_y, faces_x = _enclosed(bodies, resistance) if bodies.deposit == "area" else _around_voxels(bodies, resistance)
    with np.errstate(divide="ignore"):
        return Membranes(x=1.0 / faces_x[:, :-1], y=1.0 / faces_y[:-1])


def in_series(one: Membranes | None, other: Membranes | None) -> Membranes | None:
    """Both membranes of each face, one behind the other."""
    if one is None or other is None:
        return other if one is None else one
    with np.errstate(divide="ignore"):
        return Membranes(x=1.0 / (1.0 / one.x + 1.0 / other.x), y=1.0 / (1.0 / one.y + 1.0 / other.y))


def _enclosed(bodies: Bodies, resistance: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The resistance of each face, between discs and what is outside of them."""
    from surrogate_plugin.tissue.raster_kernels import enclose_area

    shape = bodies.domain.shape
    faces_y, faces_x = np.zeros(shape), np.zeros(shape)
    enclose_area(bodies.x, bodies.y, bodies.radii(), resistance, faces_y, faces_x, bodies.sides.rings)
    return faces_y, faces_x


def _around_voxels(bodies: Bodies, resistance: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The resistance of each face, between voxels that have a membrane each: the mean of their cells' by volume."""
    filled, resisting = np.zeros(bodies.domain.shape), np.zeros(bodies.domain.shape)
    there = bodies.voxels > 0.0
    row, column = (index[there] for index in bodies.voxel_of_each())
    np.add.at(filled, (row, column), bodies.voxels[there])
    np.add.at(resisting, (row, column), bodies.voxels[there] * resistance[there])
    mean = np.divide(resisting, filled, out=resisting, where=filled > 0.0)
    return mean + np.roll(mean, -1, axis=0), mean + np.roll(mean, -1, axis=1)
