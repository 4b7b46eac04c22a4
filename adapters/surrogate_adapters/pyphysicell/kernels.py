"""Compiled loops over cells, called at every diffusion step of the host; typed by numba from their arguments."""

from __future__ import annotations

from surrogate_plugin import jit

__all__ = ["count", "difference", "restore"]

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


@jit.exact
def difference(last, limit, position, volume, uptake, secretion, target, export, index):
    """How the cells differ from ``last``, (7, n): in rates or volume, in place by more than ``limit``, or not."""
    if (
        _differs(volume, 0, last[2])
        or _differs(uptake, index, last[3])
        or _differs(secretion, index, last[4])
        or _differs(target, index, last[5])
        or _differs(export, index, last[6])
    ):
        return CHANGED
    far = 0
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
