"""Discs on a lattice, by hand: which pixels a vessel covers, and how much of a cell lies on each pixel."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from surrogate_plugin.equation.problem import BoolArray, FloatArray

__all__ = ["covered", "parts", "shares"]

#: Whether rows and columns close, so that a disc goes on at the other side.
Rings = tuple[bool, bool]
#: Height and width of a pixel, in the unit of the lengths.
Pixel = tuple[float, float]


def covered(
    shape: tuple[int, int], x: float, y: float, radius: float, *, rings: Rings, pixel: Pixel = (1.0, 1.0)
) -> BoolArray:
    """The pixels whose centres a disc covers, (H, W) bool; lengths from the lower left corner, in pixels or as theirs.

    Examples
    --------
    >>> [int(covered((8, 8), 0.0, 4.0, 1.2, rings=(False, around)).sum()) for around in (False, True)]
    [2, 4]
    """
    rows, columns = shape
    apart = [
        (np.arange(n) + 0.5) * side - centre for n, centre, side in zip((rows, columns), (y, x), pixel, strict=True)
    ]
    for axis, count in enumerate(shape):
        if rings[axis]:
            around = count * pixel[axis]
            apart[axis] -= around * np.round(apart[axis] / around)
    return np.asarray(apart[0][:, np.newaxis] ** 2 + apart[1] ** 2 <= radius**2)


def shares(
    shape: tuple[int, int], x: float, y: float, radius: float, *, rings: Rings, pixel: Pixel = (1.0, 1.0)
) -> FloatArray:
    """The part of a disc on each pixel, (H, W) float64 of sum 1; lengths in pixels, or as those of a pixel.

    What is beyond the lattice is shared out among the pixels inside in proportion, or comes in on the other side of
    a ring.

    Examples
    --------
    >>> shares((3, 3), 1.5, 1.5, 0.4, rings=(False, False))[1, 1].item()
    1.0
    >>> shares((4, 4), 0.0, 2.0, 0.9, rings=(False, True))[1:3].round(3).tolist()
    [[0.25, 0.0, 0.0, 0.25], [0.25, 0.0, 0.0, 0.25]]
    """
    found = parts(shape, x, y, radius, rings=rings, pixel=pixel)
    return np.asarray(found / found.sum())


def parts(
    shape: tuple[int, int], x: float, y: float, radius: float, *, rings: Rings, pixel: Pixel = (1.0, 1.0)
) -> FloatArray:
    """The area of a disc on each pixel, (H, W) float64, pixels; what is beyond the lattice stays there."""
    found = np.zeros(shape)
    for *place, area in _pixels(x, y, radius, pixel):
        row, column = (index % count if ring else index for index, count, ring in zip(place, shape, rings, strict=True))
        if 0 <= row < shape[0] and 0 <= column < shape[1]:
            found[row, column] += area / (pixel[0] * pixel[1])
    return found


def _pixels(x: float, y: float, radius: float, pixel: Pixel) -> Iterator[tuple[int, int, float]]:
    """Row, column and area of all pixels that a disc touches, on a lattice without end."""
    dy, dx = pixel
    for column in range(int(np.floor((x - radius) / dx)), int(np.floor((x + radius) / dx)) + 1):
        for row in range(int(np.floor((y - radius) / dy)), int(np.floor((y + radius) / dy)) + 1):
            yield row, column, _area(column * dx - x, (column + 1) * dx - x, row * dy - y, (row + 1) * dy - y, radius)


def _area(left: float, right: float, bottom: float, top: float, radius: float) -> float:
    """Area of the disc around (0, 0) on a rectangle: chords added up over pieces that end where they meet an edge."""
    ends = [left, right, -radius, radius]
    for edge in (bottom, top):
        if abs(edge) < radius:
            reach = float(np.sqrt(radius**2 - edge**2))
            ends += [-reach, reach]
    cuts = sorted({min(max(end, left, -radius), right, radius) for end in ends})
    total = 0.0
    for start, stop in itertools.pairwise(cuts):
        half = float(np.sqrt(max(radius**2 - (0.5 * (start + stop)) ** 2, 0.0)))
        if min(top, half) <= max(bottom, -half):
            continue
        arcs = int(half < top) + int(-half > bottom)  # the piece ends at the circle above, below, or both
        flat = (top if half >= top else 0.0) - (bottom if -half <= bottom else 0.0)
        total += flat * (stop - start) + arcs * (_under(stop, radius) - _under(start, radius))
    return total


def _under(x: float, radius: float) -> float:
    """Area under the upper half of the circle from 0 to ``x``."""
    t = min(max(x / radius, -1.0), 1.0)
    return 0.5 * radius**2 * (t * float(np.sqrt(1.0 - t * t)) + float(np.arcsin(t)))
