"""The matrix of a level of 9 points, and of the transfers to it, written out in float64, pixel by pixel."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from surrogate_plugin.batched.galerkin import TOWARDS
from surrogate_plugin.equation.problem import FloatArray

#: Where the links of a pixel lead, in rows and columns: north, east, rising and falling.
AHEAD = ((1, 0), (0, 1), (1, 1), (1, -1))


def matrix(links: tuple[Tensor | None, ...], rings: tuple[bool, bool]) -> FloatArray:
    """What joins the pixels of one problem, (n, n), 0 on the diagonal; each link has a halo, (h + 2, w + 2)."""
    first = links[0]
    assert first is not None
    shape = first.shape[0] - 2, first.shape[1] - 2
    joined = np.zeros((*shape, *shape))
    for each, to in zip(links, AHEAD, strict=True):
        if each is None:
            continue
        for pixel in np.ndindex(shape):
            other = neighbour(pixel, to, shape, rings)
            if other is not None and other != pixel:
                value = float(each[pixel[0] + 1, pixel[1] + 1])
                joined[*pixel, *other] += value
                joined[*other, *pixel] += value
    count = shape[0] * shape[1]
    return joined.reshape(count, count)


def interpolation(weights: Tensor, shape: tuple[int, int], rings: tuple[bool, bool]) -> FloatArray:
    """What each fine pixel takes of each coarse one, (n, m), by the weights of one problem, (8, ch + 2, cw + 2)."""
    coarse = weights.shape[1] - 2, weights.shape[2] - 2
    taken = np.zeros((*shape, *coarse))
    for pixel in np.ndindex(coarse):
        on = 2 * pixel[0], 2 * pixel[1]
        taken[*on, *pixel] = 1.0
        for each, to in zip(weights, TOWARDS, strict=True):
            other, value = neighbour(on, to, shape, rings), float(each[pixel[0] + 1, pixel[1] + 1])
            if other is None:
                assert value == 0.0
            else:
                taken[*other, *pixel] += value
    return taken.reshape(shape[0] * shape[1], coarse[0] * coarse[1])


def neighbour(
    pixel: tuple[int, ...], to: tuple[int, int], shape: tuple[int, int], rings: tuple[bool, bool]
) -> tuple[int, int] | None:
    """The pixel so many rows and columns on, around rings; None beyond a side."""
    found = []
    for at, by, count, ring in zip(pixel, to, shape, rings, strict=True):
        if not ring and not 0 <= at + by < count:
            return None
        found.append((at + by) % count)
    return found[0], found[1]
