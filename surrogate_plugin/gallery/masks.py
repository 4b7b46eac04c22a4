"""Shapes painted on a lattice: discs, segments, trees, rings and walls, as boolean masks and value images."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from surrogate_plugin.equation.problem import BoolArray, FloatArray

Shape = tuple[int, int]
Point = tuple[float, float]


def disc(shape: Shape, centre: Point, radius: float) -> BoolArray:
    """The pixels whose centre lies within ``radius`` pixels of ``centre`` (row, column)."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return np.asarray((rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 <= radius**2)


def ring(shape: Shape, centre: Point, radius: float, thickness: float) -> BoolArray:
    """A closed band that encloses the pixels inside it."""
    return disc(shape, centre, radius) & ~disc(shape, centre, radius - thickness)


def segment(shape: Shape, start: Point, end: Point, radius: float) -> BoolArray:
    """The pixels within ``radius`` pixels of the straight segment from ``start`` to ``end`` (row, column)."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    along = (end[0] - start[0], end[1] - start[1])
    length2 = max(along[0] ** 2 + along[1] ** 2, 1e-12)
    position = np.clip(((rows - start[0]) * along[0] + (columns - start[1]) * along[1]) / length2, 0.0, 1.0)
    away2 = (rows - start[0] - position * along[0]) ** 2 + (columns - start[1] - position * along[1]) ** 2
    return np.asarray(away2 <= radius**2)


def tree(rng: np.random.Generator, shape: Shape, generations: int = 5) -> BoolArray:
    """A vessel that enters at the bottom and forks, each branch shorter and thinner than its parent."""
    mask = np.zeros(shape, dtype=np.bool_)
    tips = [((0.0, rng.uniform(0.3, 0.7) * shape[1]), rng.normal(0.0, 0.2))]
    length, radius = 0.35 * shape[0], max(0.8, min(shape) / 64)
    for _ in range(generations):
        grown = []
        for start, angle in tips:
            end = (start[0] + length * np.cos(angle), start[1] + length * np.sin(angle))
            mask |= segment(shape, start, end, radius)
            grown += [(end, angle + rng.uniform(0.3, 0.8)), (end, angle - rng.uniform(0.3, 0.8))]
        tips, length, radius = grown, 0.7 * length, max(0.7, 0.8 * radius)
    return mask


def tumour(rng: np.random.Generator, shape: Shape) -> FloatArray:
    """A cell density in [0, 1]: a lobed mass with ragged edges and a sparser core, zero outside."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    centre = rng.uniform(0.3, 0.7, 2) * shape
    y, x = (rows - centre[0]) / shape[0], (columns - centre[1]) / shape[1]
    angle, distance = np.arctan2(y, x), np.hypot(y, x)
    outline = rng.uniform(0.15, 0.4) * np.ones(shape)
    for lobes in range(2, 7):
        outline *= 1 + rng.uniform(0, 0.15) * np.cos(lobes * angle + rng.uniform(0, 2 * np.pi))
    density = rng.uniform(0.5, 1.0, shape) * (distance < outline)
    return np.asarray(np.where(distance < 0.4 * outline, 0.3 * density, density))


def paint(rng: np.random.Generator, masks: Iterable[BoolArray], shape: Shape) -> FloatArray:
    """One random value in [0.05, 1] a mask, the first being 1; where masks overlap the last one shows."""
    image = np.zeros(shape)
    for index, mask in enumerate(masks):
        image[mask] = 1.0 if index == 0 else rng.uniform(0.05, 1.0)
    return image
