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
    # The last faces are across the seams of rings; elsewhere nothing is beyond the last pixel.
    ring_y, ring_x = bodies.sides.rings
    with np.errstate(divide="ignore"):
        return Membranes(
            x=1.0 / (faces_x if ring_x else faces_x[:, :-1]), y=1.0 / (faces_y if ring_y else faces_y[:-1])
        )


def in_series(one: Membranes | None, other: Membranes | None, bodies: Bodies) -> Membranes | None:
    """Both membranes of each face, one behind the other."""
    if one is None or other is None:
        return other if one is None else one
    shape, rings = bodies.domain.shape, bodies.sides.rings
    both = [each.on(shape, rings) for each in (one, other)]
    if both[0] is None or both[1] is None:
        return both[1] if both[0] is None else both[0]
    x, y = (_series(getattr(both[0], axis), getattr(both[1], axis)) for axis in ("x", "y"))
    return Membranes(x=x, y=y)


def _series(one: FloatArray, other: FloatArray) -> FloatArray:
    """Of two permeabilities a face; where only one counts the seam of a ring, it is alone there."""
    rows, columns = (max(pair) for pair in zip(one.shape, other.shape, strict=True))
    resistance = np.zeros((rows, columns))
    with np.errstate(divide="ignore"):
        for each in (one, other):
            resistance[: each.shape[0], : each.shape[1]] += 1.0 / each
        return np.asarray(1.0 / resistance)


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
