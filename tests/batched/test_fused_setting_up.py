"""Levels that kernels set up are those of the reference, to float32's rounding."""

from __future__ import annotations

import pytest
import torch

from surrogate_plugin.batched import operations, setup
from surrogate_plugin.batched.choice import using
from surrogate_plugin.batched.level import Level
from tests.batched.random_levels import DEVICE

pytestmark = pytest.mark.usefixtures("interpreter")

#: A few of float32's roundings.
CLOSE = 1e-6
CASES = [((6, 7), (False, False)), ((5, 8), (True, True)), ((1, 9), (False, True)), ((4, 1), (True, False))]


@pytest.fixture(autouse=True)
def small_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight coarse pixels a program, so that small levels have several."""
    from surrogate_plugin.batched.fused import setting_up

    monkeypatch.setattr(setting_up, "_BLOCK", 8)


def assert_same(found: torch.Tensor | None, expected: torch.Tensor | None) -> None:
    """Alike, halos included, but for their corners, which nobody reads."""
    assert (found is None) == (expected is None)
    if found is not None and expected is not None:
        torch.testing.assert_close(found, expected, rtol=CLOSE, atol=1e-30)


@pytest.mark.parametrize(("shape", "rings"), CASES)
def test_levels_are_those_of_the_reference(shape: tuple[int, int], rings: tuple[bool, bool]) -> None:
    generator = torch.Generator().manual_seed(1)
    size = (3, *shape)
    free = (torch.rand(size, generator=generator) > 0.2).to(DEVICE)
    seen = free & (torch.rand(size, generator=generator) > 0.3).to(DEVICE)
    decay = (10.0 ** (4.0 * torch.rand(size, generator=generator, dtype=torch.float64) - 3.0)).to(DEVICE)
    decay[0] = 0.0
    decay[1, 0, 0] = 1e40
    walls = torch.tensor([[[0.0, 1.0], [1.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]], [[1.0, 1.0], [1.0, 1.0]]]).to(DEVICE)
    walls = walls.to(torch.float64) * ~torch.tensor(rings, device=DEVICE)[None, :, None]
    given = free, seen, decay, walls, rings
    with using(kernels=False):
        inverse, coefficients = operations.set_up_finest(*given)
    with using(kernels=True):
        found_inverse, found = operations.set_up_finest(*given)
    assert_same(found_inverse, inverse)
    for _ in range(3):
        for mine, its in zip(found, coefficients, strict=True):
            assert_same(mine, its)
        with using(kernels=True):
            found_inverse, found = operations.coarser(coefficients, rings)
        level = Level(setup.inverse_of(*coefficients), coefficients[2], coefficients[3], rings)
        with using(kernels=False):
            inverse, coefficients = operations.coarser(coefficients, rings)
        assert_same(found_inverse, inverse)
    assert level.shape[0] * level.shape[1] <= 16
    with using(kernels=True):
        dense = operations.invert_coarsest(level)
    assert_same(dense, setup.invert_coarsest(level))


def test_walls_may_all_be_in_the_decay() -> None:
    rate, north, east = (torch.rand((2, 7, 8), generator=torch.Generator().manual_seed(seed)) for seed in range(3))
    given = (rate.to(DEVICE), None, north.to(DEVICE), east.to(DEVICE))
    with using(kernels=True):
        found_inverse, found = operations.coarser(given, (False, False))
    with using(kernels=False):
        inverse, expected = operations.coarser(given, (False, False))
    assert_same(found_inverse, inverse)
    for mine, its in zip(found, expected, strict=True):
        assert_same(mine, its)
