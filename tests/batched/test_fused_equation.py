"""The float64 kernels give what the reference gives, bit by bit where it is what a proof rests on."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

import surrogate_plugin as sp
from surrogate_plugin.batched import operator, proposals
from surrogate_plugin.batched.choice import using
from surrogate_plugin.batched.stack import Stack
from tests.batched.random_levels import DEVICE

pytestmark = pytest.mark.usefixtures("interpreter")

SHAPE = (9, 6)


def sides(kind: str) -> dict[str, float | str] | str:
    return {"held": {"left": 3.0, "right": "reflecting", "bottom": 1.0, "top": "absorbing"}, "ring": "periodic"}[kind]


def stack(kind: str, *, mapped: bool, saturating: bool) -> Stack:
    """Three problems with decay over many decades, fixed pixels, production, and uptake or maps if asked for."""
    rng, made = np.random.default_rng(7), []
    for _ in range(3):
        source = np.where(rng.random(SHAPE) < 0.2, 5.0 * rng.random(SHAPE) + 0.1, 0.0)
        more = {"diffusivity": rng.uniform(0.1, 3.0, SHAPE)} if mapped else {}
        uptake = sp.MichaelisMenten(vmax=rng.uniform(0.1, 1.0, SHAPE), km=0.7) if saturating else None
        decay, production = 10.0 ** rng.uniform(-6.0, 1.0, SHAPE), rng.random(SHAPE)
        made.append(sp.Problem(source, decay=decay, production=production, uptake=uptake, boundary=sides(kind), **more))
    return Stack.of(made, DEVICE)


def field(of: Stack, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    c = operator.embed(of, 4.0 * torch.rand(of.source.shape, generator=generator, dtype=torch.float64).to(DEVICE))
    c[:, 0] = c[:, -1] = math.nan  # a halo is set by whoever looks at it
    return c


def both(call: Callable[[Tensor], tuple[Tensor, ...]], c: Tensor) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """What kernels and the reference make of a field, which is the same to both."""
    with using(kernels=True):
        found = call(c.clone())
    with using(kernels=False):
        return found, call(c.clone())


KINDS = [("held", False, False), ("ring", True, False), ("held", True, True), ("ring", False, True)]


@pytest.mark.parametrize(("kind", "mapped", "saturating"), KINDS)
def test_residuals_and_their_bounds(kind: str, mapped: bool, saturating: bool) -> None:
    of = stack(kind, mapped=mapped, saturating=saturating)
    factor = torch.tensor([1.0, 0.5, 1e3], dtype=torch.float64, device=DEVICE)
    for call in (lambda c: operator.residual(of, c, factor), lambda c: operator.inflated_residual(of, c)):
        found, expected = both(call, field(of, 1))
        for one, other in zip(found, expected, strict=True):
            assert one.dtype == other.dtype
            assert torch.equal(one, other)


@pytest.mark.parametrize(("kind", "mapped", "saturating"), KINDS)
@pytest.mark.parametrize("precision", [torch.float32, torch.float64])
def test_deficits(kind: str, mapped: bool, saturating: bool, precision: torch.dtype) -> None:
    of = stack(kind, mapped=mapped, saturating=saturating)
    target, factor = field(of, 2)[:, 1:-1, 1:-1].abs().nan_to_num(1.0).contiguous(), torch.full_like(of.km, 0.25)
    c = field(of, 3)
    decay = of.decay if precision == torch.float64 else None
    found, expected = both(
        lambda w: operator.deficit(of, w, c, target, factor, decay=decay), field(of, 4).to(precision)
    )
    for one, other in zip(found, expected, strict=True):
        assert torch.equal(one, other)


def test_what_is_not_finite_or_not_imposed_is_infinite_for_its_own_problem_alone() -> None:
    of = stack("held", mapped=False, saturating=True)
    c = field(of, 5)
    c[0, 4, 3] = math.nan
    fixed = (~of.free[1]).nonzero()[0]
    c[1, fixed[0] + 1, fixed[1] + 1] += 1e-9
    with using(kernels=True):
        _, largest = operator.inflated_residual(of, c)
        _, top_of_all, _ = operator.deficit(of, c, c, torch.ones_like(of.decay), torch.ones_like(of.km))
    assert torch.isinf(largest).tolist() == [True, True, False]
    assert torch.isinf(top_of_all).tolist() == [True, False, False]


@pytest.mark.parametrize("precision", [torch.float32, torch.float64])
def test_fields_between_cycles(precision: torch.dtype) -> None:
    """Embedded, wanted and grown, bit by bit as the reference, NaN and negative values included."""
    of = stack("held", mapped=False, saturating=False)
    some = field(of, 6)[:, 1:-1, 1:-1].contiguous()
    some[0, 1, 1] = math.nan
    for start in (None, some):
        found, expected = both(lambda c, start=start: (operator.embed(of, start),), some)
        torch.testing.assert_close(found, expected, rtol=0.0, atol=0.0, equal_nan=True)
    factor = torch.tensor([1e-30, 0.3, 1e30], dtype=torch.float64, device=DEVICE)
    found, expected = both(lambda c: (proposals._wanted(some, factor),), some)
    torch.testing.assert_close(found, expected, rtol=0.0, atol=0.0, equal_nan=True)
    z = torch.nan_to_num(field(of, 7), nan=0.0).float() - 2.0
    z[1, 3:5, 3:5] = math.nan

    class Given:
        def v_cycle(self, lack: Tensor) -> Tensor:
            return z

    def grown(c: Tensor) -> tuple[Tensor, ...]:
        one = proposals.Proposals(of, Given(), c, some, factor, np.arange(3), None, z, c.to(precision))
        for first in (True, False):
            one.propose(first=first, well=False)
        return (one.w,)

    found, expected = both(grown, torch.nan_to_num(field(of, 8), nan=0.5))
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=0.0, equal_nan=True)


def test_what_is_kept_is_within_the_ceiling_and_goes_to_its_place() -> None:
    from surrogate_plugin.batched.fused import fields

    of = stack("held", mapped=False, saturating=False)
    c = field(of, 9) - 1.0
    c[1, 2, 2] = math.nan
    kept = torch.full((5, *SHAPE), 7.0, dtype=torch.float64, device=DEVICE)
    at, to = torch.tensor([2, 1], device=DEVICE), torch.tensor([0, 4], device=DEVICE)
    fields.keep(kept, c, of.ceiling / 1e6, at, to)
    limit = (of.ceiling / 1e6)[at, None, None]
    expected = torch.minimum(torch.nan_to_num(c[at, 1:-1, 1:-1], nan=0.0).clamp(min=0.0), limit)
    assert torch.equal(kept[to], expected)
    assert bool((kept[1:4] == 7.0).all())
