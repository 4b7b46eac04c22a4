"""The surface of cells on the host's lattice: which pixels have a neighbour of another cell, and of which.

Neighbours are the four that share a side with a pixel, as in the host's solvers; those beyond an edge of the lattice
are none, unless it wraps around.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

import surrogate_plugin as sp

__all__ = ["membranes", "touching"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


def touching(ids: npt.NDArray[np.int32], others: BoolArray | None, periodic: tuple[bool, bool]) -> BoolArray:
    """Where a pixel has a neighbour that is of another cell, or of no cell.

    Parameters
    ----------
    ids : (H, W) int32
        Of the cell in each pixel; 0 where there is none.
    others : (H, W) bool, optional
        Neighbours that count; all if not given.
    periodic : (bool, bool)
        Whether the lattice wraps around, along x and along y.

    Returns
    -------
    (H, W) bool

    Examples
    --------
    >>> ids = np.array([[7, 7, 7, 0], [7, 7, 7, 2]], dtype=np.int32)
    >>> touching(ids, None, (False, False)).astype(int).tolist()
    [[0, 0, 1, 1], [0, 0, 1, 1]]
    >>> touching(ids, ids == 2, (True, False)).astype(int).tolist()
    [[0, 0, 0, 1], [1, 0, 1, 0]]
    """
    found = np.zeros(ids.shape, dtype=np.bool_)
    for here, there in _neighbours(ids.shape, periodic):
        other = ids[there] != ids[here]
        found[here] |= other if others is None else other & others[there]
    return found


def membranes(ids: npt.NDArray[np.int32], permeability: FloatArray, periodic: tuple[bool, bool]) -> sp.Membranes:
    """The membranes between cells, and between a cell and the medium.

    Parameters
    ----------
    ids : (H, W) int32
    permeability : (H, W) float64, length / time
        Of the membrane of the cell in each pixel; inf where it has none. Where two meet, both count, in series.
    periodic : (bool, bool)
        Whether the lattice wraps around, along x and along y.

    Examples
    --------
    >>> ids = np.array([[7, 7, 0], [7, 2, 2]], dtype=np.int32)
    >>> two = membranes(ids, np.where(ids == 7, 1.0, np.where(ids == 2, 0.5, np.inf)), (False, False))
    >>> np.round(two.x, 3).tolist(), np.round(two.y, 3).tolist()
    ([[inf, 1.0], [0.333, inf]], [[inf, 0.333, 0.5]])
    """
    with np.errstate(divide="ignore"):
        resistance = 1.0 / permeability  # infinite where nothing passes
        x, y = (1.0 / _resisting(ids, resistance, axis, wraps) for axis, wraps in ((1, periodic[0]), (0, periodic[1])))
    return sp.Membranes(x=x, y=y)


def _resisting(ids: npt.NDArray[np.int32], resistance: FloatArray, axis: int, wraps: bool) -> FloatArray:
    """What the faces along an axis resist, between each pixel and the next; across the seam too, if there is one."""
    other, beyond = np.roll(ids, -1, axis), np.roll(resistance, -1, axis)
    faces = np.where(ids == other, 0.0, resistance + beyond)
    return faces if wraps else np.delete(faces, -1, axis)


def _neighbours(shape: tuple[int, ...], periodic: tuple[bool, bool]) -> Iterator[tuple[tuple[slice, slice], ...]]:
    """Blocks of pixels, each with that of their neighbours on one side."""
    every = slice(None)
    for axis, wraps in ((1, periodic[0]), (0, periodic[1])):
        pairs = [(slice(1, None), slice(None, -1))]
        if wraps:
            pairs.append((slice(0, 1), slice(shape[axis] - 1, None)))
        for later, earlier in pairs:
            one = (every, later) if axis == 1 else (later, every)
            two = (every, earlier) if axis == 1 else (earlier, every)
            yield one, two
            yield two, one
