"""The products that set-up has written out for a 5-point level are those of the general one, pixel by pixel."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest

from surrogate_plugin.sharing_kernels import alone
from surrogate_plugin.solvers.multigrid import galerkin_kernels as galerkin
from surrogate_plugin.solvers.multigrid.level_kernels import wrap

Maps = Any


@numba.njit(error_model="numpy")
def multiplied(rate: Maps, inverse: Maps, links: Maps, rings: Maps, scratch: Maps, weights: Maps, made: Maps) -> int:
    """Coarse rate and four links of every pixel by the general product, and inside by the written out one."""
    team = alone()
    lack, loss = scratch
    for each in (rate, inverse, links[0], links[1]):
        wrap(team, each, rings)
    galerkin.weigh(team, rate, inverse, links, rings, weights)
    for each in weights:
        wrap(team, each, rings)
    galerkin.find_lack(team, rate, inverse, links, rings, lack)
    galerkin.find_loss(team, rate, links, lack, loss)
    patches = np.empty((3, 3), np.float32), np.empty((3, 3), np.float32), np.empty((5, 5), np.float32)
    ny, nx = inverse.shape[0] - 2, inverse.shape[1] - 2
    inside = 0
    general, written = made
    for k in range(1, general.shape[1] - 1):
        for m in range(1, general.shape[2] - 1):
            coarse = general[1], general[2], general[3], general[4]
            galerkin._multiply_anywhere(k, m, inverse, links, loss, rings, weights, general[0], coarse, patches)
            if k > 1 and m > 1 and 2 * k < ny and 2 * m < nx and k < general.shape[1] - 2 and m < general.shape[2] - 2:
                coarse = written[1], written[2], written[3], written[4]
                galerkin._multiply_inside(k, m, inverse, links, loss, weights, written[0], coarse)
                inside += 1
            else:
                written[:, k, m] = general[:, k, m]
    return inside


@pytest.mark.parametrize("seed", range(40))
def test_both_products_are_the_same(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ny, nx = (int(rng.integers(5, 30)) for _ in range(2))
    rings = rng.random(2) < 0.3
    held = rng.random((ny, nx)) < rng.choice([0.0, 0.15])
    links = []
    for axis in range(2):
        inner = (10.0 ** -rng.uniform(0.0, 3.0, (ny, nx))) * (rng.random((ny, nx)) > 0.1)
        inner[held | np.roll(held, -1, axis)] = 0.0
        if not rings[axis]:
            np.moveaxis(inner, axis, 0)[-1] = 0.0
        links.append(np.pad(inner, 1).astype(np.float32))
    north, east = (each[1:-1, 1:-1] for each in links)
    rate = np.where(held, 0.0, rng.uniform(0.0, 0.3, (ny, nx)))
    total = north + np.roll(north, 1, 0) + east + np.roll(east, 1, 1) + rate
    inverse = np.where(held | (total == 0.0), 0.0, 1.0 / np.where(total > 0.0, total, 1.0))
    rate, inverse = (np.pad(each, 1).astype(np.float32) for each in (rate, inverse))
    coarse = ((ny + 1) // 2 + 2, (nx + 1) // 2 + 2)
    weights = tuple(np.zeros((8, *coarse), np.float32))
    scratch = np.zeros_like(rate), np.zeros_like(rate)
    general, written = np.zeros((2, 5, *coarse), np.float32)
    inside = multiplied(rate, inverse, (*links, None, None), rings, scratch, weights, (general, written))
    assert inside == max(0, (ny - 1) // 2 - 1) * max(0, (nx - 1) // 2 - 1) or min(coarse) < 5
    np.testing.assert_allclose(written, general, rtol=1e-4, atol=1e-5 * np.abs(general).max())
