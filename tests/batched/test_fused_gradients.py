"""The kernels of conjugate gradients do what the reference does, to the rounding of their sums."""

from __future__ import annotations

import math

import pytest
import torch

from surrogate_plugin.batched import krylov
from surrogate_plugin.batched.choice import using
from tests.batched.random_levels import DEVICE, level, vector

pytestmark = pytest.mark.usefixtures("interpreter")


@pytest.mark.parametrize("linked", [False, True])
@pytest.mark.parametrize(
    ("shape", "rings"), [((9, 6), (False, False)), ((5, 7), (True, False)), ((1, 3), (True, True))]
)
def test_directions_and_their_curvature(shape: tuple[int, int], rings: tuple[bool, bool], linked: bool) -> None:
    generator = torch.Generator().manual_seed(1)
    fine = level(generator, shape, rings, linked=linked)
    p, z = (torch.nan_to_num(vector(generator, fine), nan=0.0) for _ in range(2))
    p[1, 1:-1, 1:-1] = math.nan  # not looked at, where beta is 0
    decay = 10.0 ** (4.0 * torch.rand((2, *shape), generator=generator, dtype=torch.float64).to(DEVICE) - 3.0)
    decay[0, 0, 0] = 1e40
    beta = torch.tensor([0.3, 0.0], dtype=torch.float64, device=DEVICE)
    walls = torch.rand((2, 2, 2), generator=generator, dtype=torch.float64).to(DEVICE)
    with using(kernels=True):
        found, curvature = krylov.direction_and_curvature(p, z, beta, decay, fine, walls)
    with using(kernels=False):
        expected, known = krylov.direction_and_curvature(p, z, beta, decay, fine, walls)
    assert torch.allclose(found, expected, rtol=1e-6, atol=0.0)
    assert torch.allclose(curvature, known, rtol=1e-5, atol=0.0)


def test_products_peaks_and_steps() -> None:
    generator = torch.Generator().manual_seed(2)
    fine = level(generator, (11, 9), (False, False), linked=False)
    r, z = (torch.nan_to_num(vector(generator, fine), nan=0.0) for _ in range(2))
    c, alpha = r.to(torch.float64) + 0.1, torch.tensor([0.7, 0.0], dtype=torch.float64, device=DEVICE)
    with using(kernels=True):
        product, peak, moved = *krylov.dot_and_max(r, z), krylov.add_direction(c, z, alpha, 0.0)
    with using(kernels=False):
        known, top, expected = *krylov.dot_and_max(r, z), krylov.add_direction(c, z, alpha, 0.0)
    assert torch.allclose(product, known, rtol=1e-5, atol=0.0)
    assert torch.equal(peak, top)
    assert torch.equal(moved, expected)


def test_no_number_shows_in_its_own_problem_alone() -> None:
    z = torch.ones((2, 5, 5), device=DEVICE)
    z[1, 2, 2] = math.nan
    with using(kernels=True):
        product, peak = krylov.dot_and_max(z, z)
        moved = krylov.add_direction(z.double(), z, torch.ones(2, dtype=torch.float64, device=DEVICE), 0.0)
    assert torch.isnan(product).tolist() == torch.isnan(peak).tolist() == [False, True]
    assert int(torch.isnan(moved).sum()) == 1
