"""Differences over two spacings, with what the sides impose outside, and how far off they may be."""

from __future__ import annotations

import numpy as np

from surrogate_plugin.arguments import FloatArray
from surrogate_plugin.equation.sides import Walls

#: More than the roundings of a ghost value, a difference and a quotient together.
_ROUNDING = 8 * float(np.finfo(np.float64).eps)


def gradient_of(field: FloatArray, walls: Walls, spacing: float) -> FloatArray:
    """``(c(i+1) - c(i-1)) / 2h`` along each axis, (axes, H, W), field units / length."""
    pairs = (_neighbours(field, axis, walls.value[axis], walls) for axis in range(field.ndim))
    return np.stack([(high - low) / (2 * spacing) for low, high in pairs])


def gradient_bound_of(error_map: FloatArray, field: FloatArray, walls: Walls, spacing: float) -> FloatArray:
    """``(w(i-1) + w(i+1)) / 2h`` along each axis, (axes, H, W), where ``w`` bounds the field's error at each pixel.

    The ghost pixels' values are exact, and so are the fixed ones'. What is rounded on the way counts too.
    """
    bounds = []
    for axis in range(field.ndim):
        one, other = _neighbours(error_map, axis, np.zeros(2), walls)
        low, high = _neighbours(field, axis, walls.value[axis], walls)
        rounded = _ROUNDING * ((one + other) + (np.abs(low) + np.abs(high)))
        bounds.append(((one + other) + rounded) / (2 * spacing))
    return np.stack(bounds)


def _neighbours(field: FloatArray, axis: int, outside: FloatArray, walls: Walls) -> tuple[FloatArray, FloatArray]:
    """What every pixel has below and above it along an axis, with ghost pixels that hold ``outside``."""
    pixels = np.moveaxis(field, axis, 0)
    first, last = pixels[:1], pixels[-1:]
    if walls.ring[axis]:
        before, after = last, first
    else:
        before = _ghost(first, float(walls.conductance[axis, 0]), float(outside[0]))
        after = _ghost(last, float(walls.conductance[axis, 1]), float(outside[1]))
    low, high = np.concatenate([before, pixels[:-1]]), np.concatenate([pixels[1:], after])
    return np.moveaxis(low, 0, axis), np.moveaxis(high, 0, axis)


def _ghost(edge: FloatArray, conductance: float, value: float) -> FloatArray:
    """What lies one spacing outside a side: its value where that is held, the mirror image where nothing passes."""
    return np.full_like(edge, value) if conductance == 1.0 else edge + conductance * (value - edge)
