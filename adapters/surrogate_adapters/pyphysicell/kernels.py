"""Compiled loops over cells, called at every diffusion step of the host; typed by numba from their arguments."""

from __future__ import annotations

from numba import njit

__all__ = ["difference", "restore"]

SAME, CHANGED, MOVED = 0, 1, 2


@njit(cache=True)
def difference(last, limit, position, volume, uptake, secretion, target, export, index):
    """How the cells differ from ``last``, (n, 7): in rates or volume, in place by more than ``limit``, or not."""
    moved = False
    for k in range(last.shape[0]):
        if (
            volume[k] != last[k, 2]
            or uptake[k, index] != last[k, 3]
            or secretion[k, index] != last[k, 4]
            or target[k, index] != last[k, 5]
            or export[k, index] != last[k, 6]
        ):
            return CHANGED
        dx, dy = position[k, 0] - last[k, 0], position[k, 1] - last[k, 1]
        # Written so that a position that is not a number counts as moved.
        moved = moved or not (dx * dx + dy * dy <= limit * limit)
    return MOVED if moved else SAME


@njit(cache=True)
def restore(density, voxel, index, field):
    """Put the held field back into the voxels of the cells: ``density`` (voxels, substrates), ``field`` (voxels,)."""
    for k in range(voxel.size):
        density[voxel[k], index] = field[voxel[k]]
