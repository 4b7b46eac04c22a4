"""A sweep on a level of 9 points is Gauss-Seidel in four colours, around rings of any length."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from surrogate_plugin.batched import halos, reference
from surrogate_plugin.batched.level import Level
from surrogate_plugin.equation.problem import FloatArray
from tests.batched import dense

_RINGS = [(False, False), (False, True), (True, False), (True, True)]
_FORWARDS = ((0, 0), (0, 1), (1, 0), (1, 1))


def nine_points(shape: tuple[int, int], rings: tuple[bool, bool], rate: float = 0.05) -> Level:
    """One problem of random links, and of a few pixels that are fixed."""
    generator = torch.Generator().manual_seed(shape[0] + 16 * shape[1])
    size = (1, shape[0] + 2, shape[1] + 2)
    links = []
    for rows, columns in dense.AHEAD:
        link = torch.rand(size, generator=generator)
        if not rings[0] and rows:
            link[:, -2] = link[:, 0] = 0.0
        if not rings[1] and columns:
            link[:, :, -2 if columns > 0 else 1] = 0.0
        link = torch.nn.functional.pad(halos.inner(link), (1, 1, 1, 1))
        halos.wrap_(link, rings)
        links.append(link)
    joined = dense.matrix(tuple(link[0] for link in links), rings).sum(1).reshape(shape)
    inverse = torch.nn.functional.pad(torch.from_numpy(1.0 / (joined + rate)).to(torch.float32), (1, 1, 1, 1))[None]
    inverse[torch.rand(size, generator=generator) < 0.1] = 0.0
    north, east, rising, falling = links
    return Level(inverse, north, east, rings, rising, falling)


def swept(x: FloatArray, b: FloatArray, level: Level, *, backwards: bool) -> FloatArray:
    """The sweep in float64, one colour after the other, each from all that the others have become.

    The first and the last row of an odd ring have one parity: as in the compiled sweep, which goes over the rows of a
    parity at once, they take of each other what stood before both.
    """
    shape = level.shape
    joined = dense.matrix((*(each[0] for each in (level.north, level.east, level.rising, level.falling)),), level.rings)
    seam = np.zeros((*shape, *shape))
    if level.rings[0] and shape[0] % 2 and shape[0] > 1:
        seam[0, :, -1, :] = seam[-1, :, 0, :] = 1.0
    across = joined * seam.reshape(joined.shape)
    inverse = halos.inner(level.inverse)[0].double().numpy().ravel()
    before = x
    for number, (row, column) in enumerate(reversed(_FORWARDS) if backwards else _FORWARDS):
        before = x if number % 2 == 0 else before
        colour = np.zeros(shape, bool)
        colour[row::2, column::2] = True
        value = inverse * (b + (joined - across) @ x + across @ before)
        x = np.where(colour.ravel(), value, x)
    return x


@pytest.mark.parametrize("rings", _RINGS)
@pytest.mark.parametrize("shape", [(3, 3), (4, 5), (5, 4), (7, 5), (6, 6)])
def test_sweeps_are_gauss_seidel(shape: tuple[int, int], rings: tuple[bool, bool]) -> None:
    level = nine_points(shape, rings)
    rng = np.random.default_rng(1)
    free = halos.inner(level.inverse)[0].numpy().ravel() != 0.0
    start, b = rng.standard_normal((2, free.size)) * free
    for backwards in (False, True):
        x = torch.zeros_like(level.inverse)
        halos.inner(x)[0] = torch.from_numpy(start.reshape(shape))
        right = torch.zeros_like(x)
        halos.inner(right)[0] = torch.from_numpy(b.reshape(shape))
        expected = start
        for _ in range(2):
            reference.four_colours_(x, right, level, backwards=backwards)
            expected = swept(expected, b, level, backwards=backwards)
        found = halos.inner(x)[0].numpy().ravel()
        np.testing.assert_allclose(found, expected, rtol=0, atol=3e-6 * float(np.abs(expected).max()))
