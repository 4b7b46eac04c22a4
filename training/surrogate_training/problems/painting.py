"""Shapes painted inside their bounding boxes: what makes a random tissue cheap to draw."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Rng = np.random.Generator
Point = tuple[float, float]


def paint_segment(image: FloatArray, start: Point, end: Point, radius: float, value: float) -> None:
    """Set the pixels within ``radius`` pixels of the segment (row, column) to ``value``; a disc where both ends agree.

    At least the pixel under ``start`` is set, however thin the segment.
    """
    rows, columns = image.shape
    r0, r1 = sorted((start[0], end[0]))
    c0, c1 = sorted((start[1], end[1]))
    low_r, high_r = max(0, math.floor(r0 - radius)), min(rows, math.ceil(r1 + radius) + 1)
    low_c, high_c = max(0, math.floor(c0 - radius)), min(columns, math.ceil(c1 + radius) + 1)
    if low_r < high_r and low_c < high_c:
        y, x = np.ogrid[low_r:high_r, low_c:high_c]
        y, x = y - start[0], x - start[1]
        along = (end[0] - start[0], end[1] - start[1])
        length2 = along[0] ** 2 + along[1] ** 2
        if length2 > 0:
            position = np.clip((y * along[0] + x * along[1]) / length2, 0.0, 1.0)
            y, x = y - position * along[0], x - position * along[1]
        image[low_r:high_r, low_c:high_c][y * y + x * x <= radius * radius] = value
    row, column = round(start[0]), round(start[1])
    if 0 <= row < rows and 0 <= column < columns:
        image[row, column] = value


def paint_tree(image: FloatArray, rng: Rng, value: float) -> None:
    """A vessel that enters through a random side and forks, each branch shorter and thinner than its parent."""
    rows, columns = image.shape
    side = int(rng.integers(4))
    at = rng.uniform(0.15, 0.85)
    start = [(0.0, at * columns), (rows - 1.0, at * columns), (at * rows, 0.0), (at * rows, columns - 1.0)][side]
    heading = [0.0, math.pi, math.pi / 2, -math.pi / 2][side]
    tips = [(start, heading + rng.normal(0.0, 0.3))]
    length, radius = rng.uniform(0.15, 0.4) * min(rows, columns), rng.uniform(1.0, 6.0)
    for _ in range(int(rng.integers(2, 6))):
        grown = []
        for begin, angle in tips:
            end = (begin[0] + length * math.cos(angle), begin[1] + length * math.sin(angle))
            paint_segment(image, begin, end, radius, value)
            grown += [(end, angle + rng.uniform(0.2, 0.9)), (end, angle - rng.uniform(0.2, 0.9))]
        tips, length, radius = grown, rng.uniform(0.55, 0.85) * length, max(0.6, 0.75 * radius)


def smooth_noise(rng: Rng, shape: tuple[int, int], cells: int) -> FloatArray:
    """Random values on a coarse grid of ``cells`` x ``cells``, bilinear in between, within [0, 1]."""
    coarse = rng.random((cells + 1, cells + 1))
    down = _interpolation(shape[0], cells)
    across = _interpolation(shape[1], cells)
    return np.asarray(down @ coarse @ across.T)


def add_cells(density: FloatArray, rng: Rng, centre: Point, spread: float, count: int, radius: float) -> None:
    """Add ``count`` round cells scattered normally about ``centre``, each one unit of density within its radius."""
    rows, columns = density.shape
    at = np.rint(rng.normal(centre, spread, (count, 2))).astype(np.int64)
    reach = int(radius)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    for dy, dx in np.stack([y, x], axis=-1)[y * y + x * x <= radius * radius]:
        moved = at + (dy, dx)
        inside = (moved >= 0).all(axis=1) & (moved < (rows, columns)).all(axis=1)
        flat = moved[inside, 0] * columns + moved[inside, 1]
        np.add.at(density.reshape(-1), flat, 1.0)


def band(rng: Rng, shape: tuple[int, int]) -> FloatArray:
    """A layer across the lattice with soft edges, within [0, 1]."""
    angle = rng.uniform(0.0, math.pi)
    y, x = np.ogrid[: shape[0], : shape[1]]
    across = (y * math.cos(angle) + x * math.sin(angle)) / max(shape)
    low = rng.uniform(-0.2, 0.8)
    high = low + rng.uniform(0.1, 0.6)
    soft = rng.uniform(0.002, 0.1)
    return np.asarray(np.clip(0.5 + (across - low) / soft, 0.0, 1.0) * np.clip(0.5 + (high - across) / soft, 0.0, 1.0))


def tumour(rng: Rng, shape: tuple[int, int]) -> FloatArray:
    """A lobed mass with a core of another density and grains the size of cells, within [0, 1]."""
    side = min(shape)
    centre = rng.uniform(0.1, 0.9, 2) * shape
    outline = rng.uniform(0.06, 0.4) * side
    reach = int(1.5 * outline) + 2
    rows = slice(max(0, int(centre[0]) - reach), min(shape[0], int(centre[0]) + reach))
    columns = slice(max(0, int(centre[1]) - reach), min(shape[1], int(centre[1]) + reach))
    density = np.zeros(shape)
    y, x = np.ogrid[rows, columns]
    y, x = y - centre[0], x - centre[1]
    angle, distance = np.arctan2(y, x), np.hypot(y, x)
    edge = np.full(distance.shape, outline)
    for lobes in range(2, 5):
        edge *= 1.0 + rng.uniform(0.0, 0.13) * np.cos(lobes * angle + rng.uniform(0.0, 2.0 * math.pi))
    inside = (distance < edge).astype(np.float64)
    inside[distance < rng.uniform(0.2, 0.8) * edge] *= rng.uniform(0.0, 1.0)
    grain = int(rng.choice([0, 1, 4, 10]))
    if grain:
        coarse = rng.random((inside.shape[0] // grain + 1, inside.shape[1] // grain + 1))
        inside *= np.repeat(np.repeat(coarse, grain, 0), grain, 1)[: inside.shape[0], : inside.shape[1]]
    density[rows, columns] = inside
    return density


def _interpolation(size: int, cells: int) -> FloatArray:
    """(size, cells + 1): the bilinear weights of each pixel on the coarse grid."""
    at = np.linspace(0.0, cells, size)
    return np.maximum(0.0, 1.0 - np.abs(at[:, None] - np.arange(cells + 1)))
