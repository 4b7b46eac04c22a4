"""A coarse level of mapped faces is the product of the transfers and the finer one, and dominated by its diagonal."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from surrogate_plugin.batched import galerkin, halos, setup
from surrogate_plugin.equation.problem import FloatArray
from tests.batched import dense

_RINGS = [(False, False), (False, True), (True, False), (True, True)]
#: Of float32's roundings, beside the largest diagonal.
_CLOSE = 3e-6


def finest(seed: int, shape: tuple[int, int], rings: tuple[bool, bool]) -> galerkin.Mapped:
    """One problem whose faces conduct over three decades, some pixels of which are fixed and some decay strongly."""
    rng = np.random.default_rng([seed, *shape])
    sizes = (1, shape[0] + 1, shape[1]), (1, shape[0], shape[1] + 1)
    north, east = (10.0 ** rng.uniform(-3.0, 0.0, size) for size in sizes)
    for axis, faces in enumerate((north, east)):
        ends = np.moveaxis(faces, 1 + axis, 0)
        if rings[axis]:
            ends[-1] = ends[0] = 0.0 if shape[axis] == 1 else ends[0]
    decay = 10.0 ** rng.uniform(-6.0, 3.0, (1, *shape))
    free = rng.random((1, *shape)) > 0.1
    given = [torch.from_numpy(each) for each in (free, decay, north, east)]
    walls = torch.ones((1, 2, 2), dtype=torch.float64)
    inverse = setup.finest_inverse(*given, walls, rings)
    return galerkin.split(*given, inverse, rings)


@pytest.mark.parametrize("rings", _RINGS)
@pytest.mark.parametrize("shape", [(1, 5), (2, 3), (4, 4), (5, 6), (7, 5), (8, 8)])
def test_no_diagonal_is_less_than_the_products_own(shape: tuple[int, int], rings: tuple[bool, bool]) -> None:
    for seed in range(2):
        fine = finest(seed, shape, rings)
        while fine.rate[0].numel() > 9:
            weights, coarse = galerkin.coarsen(fine, rings)
            size = fine.rate.shape[1] - 2, fine.rate.shape[2] - 2
            taken = dense.interpolation(weights[0], size, rings)
            joined, rate = joined_and_rate(fine, rings)
            product = taken.T @ (np.diag(joined.sum(1) + rate) - joined) @ taken
            links, rate = joined_and_rate(coarse, rings)
            close = _CLOSE * float(product.max())
            apart = product - np.diag(np.diag(product))
            if all(not ring or count - 2 > 2 for ring, count in zip(rings, coarse.rate.shape[1:], strict=True)):
                # Around a ring of two each of the two ways between them is cut alone.
                np.testing.assert_allclose(links, np.maximum(-apart, 0.0), rtol=0, atol=close)
            np.testing.assert_allclose(rate, np.maximum(product.sum(1), 0.0), rtol=0, atol=close)
            diagonal = links.sum(1) + rate
            assert (diagonal >= np.diag(product) - close).all()
            if rate.size > 1:  # a link from a pixel to itself stands on both sides
                inverse = halos.inner(coarse.inverse)[0].double().numpy().ravel()
                np.testing.assert_allclose(inverse * diagonal, diagonal > 0.0, rtol=0, atol=1e-6)
            assert (rate >= 0.0).all()
            assert all(bool((each >= 0.0).all()) for each in coarse.links if each is not None)
            fine = coarse


def joined_and_rate(level: galerkin.Mapped, rings: tuple[bool, bool]) -> tuple[FloatArray, FloatArray]:
    links = tuple(None if each is None else each[0] for each in level.links)
    return dense.matrix(links, rings), halos.inner(level.rate)[0].double().numpy().ravel()
