"""Cycles and certificate of a batch by kernels: the same fields and bounds as by the reference."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import surrogate_plugin as sp
from surrogate_plugin.batched import krylov, operator, reference
from surrogate_plugin.batched.choice import using
from surrogate_plugin.batched.iteration import Iteration
from surrogate_plugin.batched.levels import Levels
from surrogate_plugin.batched.solve import solve
from surrogate_plugin.batched.stack import Stack
from tests.batched.random_levels import DEVICE

pytestmark = pytest.mark.usefixtures("interpreter")

SHAPE, CYCLES = (14, 18), 3


def problems(*, saturating: bool) -> list[sp.Problem]:
    """An easy one and a hard one: fixed pixels, decay over four decades."""
    rng, made = np.random.default_rng(11), []
    for decay in (0.1, 10.0 ** rng.uniform(-4.0, 0.0, SHAPE)):
        source = np.where(rng.random(SHAPE) < 0.1, 38.0, 0.0)
        uptake = sp.MichaelisMenten(vmax=0.5, km=5.0) if saturating else None
        made.append(sp.Problem(source, decay=decay, uptake=uptake, boundary={"left": 5.0, "right": "reflecting"}))
    return made


@pytest.mark.parametrize("saturating", [False, True])
def test_an_iteration_takes_the_same_way(saturating: bool) -> None:
    stack = Stack.of(problems(saturating=saturating), DEVICE)
    ways = []
    for kernels in (True, False):
        with using(kernels):
            iteration = Iteration(stack, Levels(stack.shape, stack.rings, stack.count, DEVICE))
            for _ in range(CYCLES):
                iteration.advance()
            ways.append((iteration.smoothed(), iteration.estimate, iteration.largest_residual))
    (field, estimate, left), (expected, known, remaining) = ways
    inner = (slice(None), slice(1, -1), slice(1, -1))
    assert torch.allclose(field[inner], expected[inner], rtol=0.0, atol=38.0 * 1e-6)
    assert torch.allclose(estimate, known, rtol=1e-2, atol=1e-6)
    assert torch.allclose(left, remaining, rtol=1e-2, atol=1e-5)


@pytest.mark.parametrize("saturating", [False, True])
def test_a_whole_solve_is_the_kernels_and_certified_alike(saturating: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    stack = Stack.of(problems(saturating=saturating), DEVICE)
    with using(kernels=False):
        expected = solve(stack, tolerance=0.38)
    for name in ("smooth", "descend", "ascend", "bottom", "residual"):
        monkeypatch.setattr(reference, name, lambda *given, name=name: pytest.fail(f"the reference's {name} was asked"))
    for name in ("_inflow", "_across"):
        module = operator if name == "_inflow" else krylov
        monkeypatch.setattr(module, name, lambda *given, name=name: pytest.fail(f"the reference's {name} was asked"))
    with using(kernels=True):
        found = solve(stack, tolerance=0.38)
    assert found.settled.tolist() == expected.settled.tolist() == [True, True]
    assert found.cycles.tolist() == expected.cycles.tolist()
    assert np.allclose(found.bound, expected.bound, rtol=1e-2)
    assert torch.allclose(found.field, expected.field, rtol=0.0, atol=38.0 * 1e-6)


@pytest.mark.parametrize("mapped", [False, True])
def test_numbers_of_a_step_are_the_reference_s(mapped: bool) -> None:
    """Problems of all kinds at once: one that is 0, one that is no number, one so small that no inverse is finite."""
    rng, made = np.random.default_rng(12), []
    more = {"diffusivity": rng.uniform(0.5, 2.0, SHAPE)} if mapped else {}
    for size, decay in ((38.0, 0.1), (0.0, 1.0), (1e-100, 0.01), (1.0, 1e10), (1.0, 1e-9)):
        source = np.where(rng.random(SHAPE) < 0.1, size, 0.0)
        made.append(sp.Problem(source, decay=decay, boundary="reflecting", **more))
    stack = Stack.of([*made, made[0]], DEVICE)
    start = torch.zeros_like(stack.source)
    start[5, 7, 7] = torch.nan
    start[2] = 1e-296
    steps = []
    for kernels in (True, False):
        with using(kernels):
            iteration = Iteration(stack, Levels(SHAPE, stack.rings, 6, DEVICE, mapped=mapped), start)
            seen = []
            for _ in range(4):
                iteration.advance()
                seen.append([each.clone().double() for each in (
                    iteration.estimate, iteration.largest_residual, iteration.correction, iteration.cycles,
                    iteration._scale, iteration._energy, iteration._contraction, iteration._last_contraction,
                )])  # fmt: skip
            steps.append(seen)
    for number, (mine, theirs) in enumerate(zip(*steps, strict=True)):
        for found, expected in zip(mine[:2] + mine[3:4], theirs[:2] + theirs[3:4], strict=True):
            torch.testing.assert_close(found, expected, rtol=1e-2, atol=1e-5 * 0.1**number, equal_nan=True)
        for found, expected in zip(mine, theirs, strict=True):
            torch.testing.assert_close(found[:2], expected[:2], rtol=2e-2, atol=1e-9, equal_nan=True)
            assert torch.equal(found.isfinite(), expected.isfinite())
