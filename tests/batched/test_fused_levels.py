"""The kernels of a level do what the reference does, to float32's rounding, however a level is cut into programs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from surrogate_plugin.batched import operations, reference
from surrogate_plugin.batched.choice import using
from tests.batched.random_levels import DEVICE, hierarchy, level, vector

pytestmark = pytest.mark.usefixtures("interpreter")

#: A dozen of float32's roundings, beside the largest value.
CLOSE = 2e-6
#: Shapes, rings, links, sweeps: whole rows; blocks and strips; odd rings, in whole rows and in blocks; a line.
CASES = [
    ((4, 8), (False, False), False, 2),
    ((5, 14), (False, False), True, 1),
    ((3, 5), (True, True), True, 2),
    ((4, 17), (True, True), False, 1),
    ((5, 1), (False, True), False, 1),
]


@pytest.fixture(autouse=True)
def small_programs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Strips of 4 rows and blocks of 16 columns, so that small levels have several."""
    from surrogate_plugin.batched.fused import launching

    monkeypatch.setattr(launching, "_ROWS", (4,))
    monkeypatch.setattr(launching, "_WIDTHS", (16,))
    launching.strips_of.cache_clear()
    yield
    launching.strips_of.cache_clear()


def inside(x: Tensor) -> Tensor:
    return x[:, 1:-1, 1:-1]


def assert_same(found: Tensor, expected: Tensor, *, halo: bool = True) -> None:
    """The same inside, and a halo of 0."""
    scale = float(inside(expected).abs().max())
    assert found.shape == expected.shape
    assert float((inside(found) - inside(expected)).abs().max()) <= CLOSE * scale
    if halo:
        assert float(found.abs().sum() - inside(found).abs().sum()) == pytest.approx(0.0, abs=1e-5 * scale)
        assert not bool(found[:, 0].any() or found[:, -1].any() or found[:, :, 0].any() or found[:, :, -1].any())


@pytest.mark.parametrize(("shape", "rings", "linked", "sweeps"), CASES)
def test_down_and_up_a_level(shape: tuple[int, int], rings: tuple[bool, bool], linked: bool, sweeps: int) -> None:
    generator = torch.Generator().manual_seed(1)
    fine = level(generator, shape, rings, linked=linked)
    b = vector(generator, fine)
    x, below = reference.descend(b, fine, sweeps)
    correction = torch.randn(below.shape, generator=generator).to(DEVICE)
    with using(kernels=True):
        found_x, found_below = operations.descend(b, fine, sweeps)
        up = operations.ascend(x, correction, b, fine, sweeps)
    assert_same(found_x, x, halo=False)
    assert_same(found_below, below, halo=False)
    assert_same(up, reference.ascend(x, correction, b, fine, sweeps))


@pytest.mark.parametrize(("shape", "rings", "linked", "sweeps"), CASES)
def test_sweeps_and_residuals(shape: tuple[int, int], rings: tuple[bool, bool], linked: bool, sweeps: int) -> None:
    generator = torch.Generator().manual_seed(2)
    fine = level(generator, shape, rings, linked=linked)
    b, x = vector(generator, fine), torch.nan_to_num(vector(generator, fine), nan=0.0)
    with using(kernels=True):
        swept, left = operations.smooth(b, fine, sweeps), operations.residual(x, b, fine)
        image = operations.residual(x, None, fine)
    assert_same(swept, reference.smooth(b, fine, sweeps))
    assert_same(left, reference.residual(x, b, fine))
    assert_same(image, reference.residual(x, None, fine))


@pytest.mark.parametrize(
    ("shape", "rings", "depth"),
    [
        ((12, 16), (False, False), 2),
        ((13, 5), (True, True), 2),
        ((1, 7), (False, True), 1),
        ((3, 4), (False, False), 0),
    ],
)
def test_a_whole_cycle_in_one_launch(shape: tuple[int, int], rings: tuple[bool, bool], depth: int) -> None:
    generator = torch.Generator().manual_seed(3)
    levels, coarsest = hierarchy(generator, shape, rings, depth)
    b = torch.nan_to_num(vector(generator, levels[0]), nan=0.0)
    with using(kernels=True):
        found = operations.bottom(b, levels, coarsest, 2)
    assert_same(found, reference.bottom(b, levels, coarsest, 2))


def test_a_problem_does_not_depend_on_the_others_of_its_batch() -> None:
    generator = torch.Generator().manual_seed(4)
    fine = level(generator, (4, 6), (False, False), linked=True)
    b = vector(generator, fine)
    with using(kernels=True):
        together = operations.smooth(b, fine, 1)
        b[0] = torch.nan
        beside_nan = operations.smooth(b, fine, 1)
    assert torch.equal(inside(together)[1], inside(beside_nan)[1])


def test_a_gradient_is_asked_of_the_reference() -> None:
    generator = torch.Generator().manual_seed(5)
    fine = level(generator, (5, 5), (False, False), linked=True)
    b = torch.nan_to_num(vector(generator, fine), nan=0.0).requires_grad_()
    with using(kernels=True):
        operations.smooth(b, fine, 1).sum().backward()
    assert b.grad is not None
    assert float(b.grad.abs().max()) > 0.0


def test_few_problems_are_cut_into_many_programs_and_many_into_whole_rows() -> None:
    from surrogate_plugin.batched.fused import launching

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(launching, "_ROWS", (64, 32, 16, 8))
        patch.setattr(launching, "_WIDTHS", (64, 128, 256, 512))
        launching.strips_of.cache_clear()
        one, many = (launching.strips_of((512, 512), count, 4) for count in (1, 256))
        launching.strips_of.cache_clear()
    assert one.down * one.along > 4 * 132
    assert one.warps == 1
    assert (many.along, many.margin, many.rows) == (1, 0, 64)
    for cut in (one, many):
        assert cut.along * (cut.width - 2 * cut.margin) >= 512
        assert cut.down * cut.rows >= 512
