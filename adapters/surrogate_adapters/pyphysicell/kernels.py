"""Compiled loops over cells, called at every diffusion step of the host; typed by numba from their arguments."""

from __future__ import annotations

import math

from surrogate_plugin import jit

__all__ = ["count", "difference", "restore", "written"]

SAME, CHANGED, MOVED = 0, 1, 2


@jit.exact_inner
def _differs(values, index, last):
    """Whether column ``index`` of ``values``, (capacity, substrates) or (capacity,), differs from ``last``, (n,)."""
    flat = values.reshape(-1)
    stride = flat.size // values.shape[0]
    # No early exit, since as a rule nothing differs; with one substrate the loop is then vectorised.
    found = 0
    if stride == 1:
        for k in range(last.size):
            found |= int(flat[k] != last[k])
    else:
        for k in range(last.size):
            found |= int(flat[index + k * stride] != last[k])
    return found != 0


@jit.exact_inner
def _voxel(x, count):
    """The voxel of a place along one axis, the nearest one if it is off; a place that is no number is in none."""
    if not x >= 0.0:
        return 0.0 if x < 0.0 else math.nan
    return min(math.floor(x), count - 1.0)


@jit.exact
def difference(last, limit, lattice, nodes, every, position, volume, uptake, secretion, target, export, index):
    """How the cells differ from ``last``, (8, n): in rates or volume, in place, or not.

    In place means farther off than ``limit``, or, where that is negative, in another voxel of the ``lattice`` (x0, y0,
    dx, dy) of ``nodes`` (columns, rows), for cells with any rate, or for ``every`` cell.
    """
    if (
        _differs(volume, 0, last[3])
        or _differs(uptake, index, last[4])
        or _differs(secretion, index, last[5])
        or _differs(target, index, last[6])
        or _differs(export, index, last[7])
    ):
        return CHANGED
    far = 0
    if limit < 0.0:
        for k in range(last.shape[1]):
            if every or last[4, k] != 0.0 or last[5, k] != 0.0 or last[7, k] != 0.0:
                column = _voxel((position[k, 0] - lattice[0]) / lattice[2], nodes[0])
                row = _voxel((position[k, 1] - lattice[1]) / lattice[3], nodes[1])
                far |= int(row * nodes[0] + column != last[2, k])
        return MOVED if far != 0 else SAME
    for k in range(last.shape[1]):
        dx, dy = position[k, 0] - last[0, k], position[k, 1] - last[1, k]
        # Written so that a position that is not a number counts as moved.
        far |= int(not (dx * dx + dy * dy <= limit * limit))
    return MOVED if far != 0 else SAME


@jit.exact
def restore(density, voxel, index, field):
    """Put the held field back into the voxels of the cells: ``density`` (voxels, substrates), ``field`` (voxels,)."""
    for k in range(voxel.size):
        density[voxel[k], index] = field[voxel[k]]


@jit.exact
def count(total, before, field, voxel, volume, secretion, uptake, target, export, dt, index):
    """What each cell took in during ``dt`` minutes at the held field: ``dt (V ((U + S) rho - S T) - E)`` on top of
    ``before``, (n,); the cells' arrays are (n,) and (n, substrates), ``field`` (voxels,)."""
    for k in range(voxel.size):
        net = (uptake[k, index] + secretion[k, index]) * field[voxel[k]] - secretion[k, index] * target[k, index]
        total[k, index] = before[k] + dt * (volume[k] * net - export[k, index])


@jit.exact
def written(density, substrates, index, field):
    """Whether ``density``, (voxels substrates,), is not the ``field``, (voxels,), in the column ``index``."""
    found = 0
    if substrates == 1:  # then the loop is vectorised
        for n in range(field.size):
            found |= int(density[n] != field[n])
    else:
        for n in range(field.size):
            found |= int(density[n * substrates + index] != field[n])
    return found != 0
