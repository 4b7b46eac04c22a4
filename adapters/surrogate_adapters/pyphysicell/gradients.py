"""What cells climb: the host's gradients of a substrate, made anew whenever its field is, and how exact they are.

The host makes them at its mechanics steps, from the field as it is then, and its cells read them from the next
diffusion step on. A field that is solved for in that step would come with the gradients of the one before, and the
first one with none.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

__all__ = ["bound_of", "gradient_of", "write"]


def gradient_of(microenvironment: Any, field: FloatArray) -> FloatArray:
    """The slopes of a field along x and y, (2, H, W), as the host's own kernel has them."""
    slopes = _slopes(microenvironment, field)
    return np.stack([slopes[..., 0], slopes[..., 1]])


def bound_of(microenvironment: Any, fixed: npt.NDArray[np.bool_], bound: float) -> float:
    """The most that a slope is off where no value is by more than ``bound``, and none at all where it is held."""
    me, error = microenvironment, np.where(fixed, 0.0, bound)
    return float(max(_spread(error, me.dx, 1).max(), _spread(error, me.dy, 0).max()))


def write(microenvironment: Any, index: int, field: FloatArray) -> None:
    """Put the gradient of a field, (H, W), into the host's array, as the host's own kernel has it."""
    microenvironment.gradient[0, :, :, index] = _slopes(microenvironment, field)


def _slopes(microenvironment: Any, field: FloatArray) -> FloatArray:
    """(H, W, 3) by the host's own kernel."""
    from pyphysicell import _kernels

    me = microenvironment
    alone = np.ascontiguousarray(field)[np.newaxis, :, :, np.newaxis]
    found = np.empty((*alone.shape, 3))
    _kernels.gradients(alone, me.dx, me.dy, me.dz, found)
    return found[0, :, :, 0]


def _spread(error: FloatArray, h: float, axis: int) -> FloatArray:
    """How far a difference along an axis is off, where each voxel is off by ``error``: two errors never cancel."""
    before, after = np.roll(error, 1, axis), np.roll(error, -1, axis)
    found = (before + after) / (2.0 * h)
    rim = np.moveaxis(found, axis, 0)
    off = np.moveaxis(error, axis, 0)
    if len(rim) == 1:
        rim[:] = 0.0
    else:
        rim[0], rim[-1] = (off[0] + off[1]) / h, (off[-1] + off[-2]) / h
    return found
