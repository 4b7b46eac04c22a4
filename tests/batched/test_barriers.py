"""Barriers of a batch: as high as they have to be, and of no use beyond their reach."""

from __future__ import annotations

import math
from copy import copy

import numpy as np
import pytest
import torch

from surrogate_plugin.batched import certificate
from surrogate_plugin.batched.levels import Levels
from surrogate_plugin.batched.proposals import Proposals, verified_height
from surrogate_plugin.batched.stack import Stack
from surrogate_plugin.equation.operator import Operator
from surrogate_plugin.equation.problem import MichaelisMenten, Problem
from surrogate_plugin.guard import barriers
from tests.batched.hostile import DEVICES, HostileLevels, by_kind, extremes, nasty, padded, references, set_up
from tests.exact import exact_field

SHAPE = (8, 12)
LIMITS = {"cycles": 12, "well_from": 13, "patience": 12}


class ScaledLevels:
    """Levels whose cycles give a part of what they should; copies of them may give all."""

    def __init__(self, levels: Levels, share: float, copied: float) -> None:
        self._levels, self._share, self._copied = levels, share, copied

    def __copy__(self) -> ScaledLevels:
        return ScaledLevels(copy(self._levels), self._copied, self._copied)

    def take(self, index: torch.Tensor) -> ScaledLevels:
        return ScaledLevels(self._levels.take(index), self._share, self._copied)

    def relinearise(self, free: torch.Tensor, decay: torch.Tensor) -> None:
        self._levels.relinearise(free, decay)

    def residual(self, x: torch.Tensor, b: torch.Tensor | None = None) -> torch.Tensor:
        return self._levels.residual(x, b)

    def v_cycle(self, b: torch.Tensor) -> torch.Tensor:
        return self._share * self._levels.v_cycle(b)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("absorbing", [("left", "right"), ("bottom", "top"), ("bottom",), ("right",), ()])
def test_usual_barriers_are_above_all_that_they_cover(absorbing: tuple[str, ...], device: str) -> None:
    """``A z = 1`` is solved by what a production of 1 feeds between sides that absorb."""
    sides = {name: "absorbing" if name in absorbing else "reflecting" for name in ("left", "right", "bottom", "top")}
    for decay in (0.0, 0.01, 1.0):
        if decay == 0.0 and not absorbing:
            continue
        problem = Problem(np.zeros(SHAPE), decay=decay, production=1.0, boundary=sides)
        height = float(certificate.usual_height(Stack.of([problem], device))[0])
        assert height >= float(exact_field(problem).max()) * (1.0 - 1e-12)


@pytest.mark.parametrize("device", DEVICES)
def test_usual_barriers_are_those_of_the_guard(device: str) -> None:
    for problems in by_kind([*extremes(21, 40, SHAPE), *nasty(22, 24, SHAPE)]):
        heights = certificate.usual_height(Stack.of(problems, device)).cpu().numpy()
        expected = [barriers.usual_height(Operator(problem)) for problem in problems]
        np.testing.assert_allclose(heights, expected, rtol=1e-14)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("shape", [(1, 6001), (6001, 1), (1, 5000), (1, 8191)])
def test_usual_barriers_of_long_lattices_are_not_rounded_to_float32(shape: tuple[int, int], device: str) -> None:
    names = ("left", "right") if shape[0] == 1 else ("bottom", "top")
    for held in (names, names[:1]):
        sides = {name: "absorbing" if name in held else "reflecting" for name in ("left", "right", "bottom", "top")}
        problem = Problem(np.zeros(shape), decay=0.0, production=1.0, boundary=sides)
        height = float(certificate.usual_height(Stack.of([problem], device))[0])
        assert height == barriers.usual_height(Operator(problem))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("share", [1.0, 0.7, 0.4])
def test_computed_barriers_are_above_all_that_they_cover(share: float, device: str) -> None:
    """However little levels propose, which leaves up to half of it lacking."""
    sides = {"left": "absorbing", "right": "reflecting", "bottom": "reflecting", "top": "reflecting"}
    problems = [Problem(np.zeros(SHAPE), decay=decay, production=1.0, boundary=sides) for decay in (0.0, 0.1, 3.0)]
    stack = Stack.of(problems, device)
    c = torch.zeros((3, SHAPE[0] + 2, SHAPE[1] + 2), dtype=torch.float64, device=device)
    levels = ScaledLevels(set_up(stack, c), share, share)
    one = torch.ones_like(stack.km)
    proposals = Proposals.begun(stack, levels, c, torch.ones_like(stack.decay), one, np.arange(3))
    heights, reach = verified_height(proposals, np.ones(3), **LIMITS)
    exact = np.array([float(exact_field(problem).max()) for problem in problems])
    assert (heights >= exact * (1.0 - 1e-12)).all()
    assert (heights <= 3.0 * exact).all()
    assert np.isinf(reach).all()


@pytest.mark.parametrize("device", DEVICES)
def test_a_barrier_shows_nothing_beyond_its_reach(device: str) -> None:
    """Where uptake has to take nearly all that it can, the field is a hundred times ``km``; from 0 it looks like four.

    Proposals are next to nothing, so that all of a bound is the barrier's share, whose levels are as they should be.
    """
    problems = [
        Problem(np.zeros(SHAPE), decay=0.0, production=0.099, uptake=MichaelisMenten(0.1, km), boundary="reflecting")
        for km in (1e-3, 1.0)
    ]
    stack, c = Stack.of(problems, device), padded([np.zeros(SHAPE)] * 2, device)
    levels = ScaledLevels(set_up(stack, torch.nan_to_num(c, nan=0.0)), 1e-12, 1.0)
    bounds = certificate.bound(stack, levels, c, np.zeros(2))
    for value, reference in zip(bounds.value, references(problems), strict=True):
        assert reference.distance(np.zeros(SHAPE)) <= value


@pytest.mark.parametrize("device", DEVICES)
def test_a_supersolution_is_nothing_where_pixels_are_fixed(device: str) -> None:
    """And not below 0 anywhere, whatever is proposed; what is no number shows."""
    rng = np.random.default_rng(0)
    for problems in by_kind(nasty(23, 24, SHAPE)):
        stack = Stack.of(problems, device)
        c = padded([problem.known for problem in problems], device)
        target, factor = torch.ones_like(stack.decay), torch.ones_like(stack.km)
        levels = HostileLevels(set_up(stack, torch.nan_to_num(c, nan=0.0)), rng)
        proposals = Proposals.begun(stack, levels, c, target, factor, np.arange(len(problems)))
        for first in (True, False):
            proposals.propose(first=first, well=False)
            inner = proposals.w[:, 1:-1, 1:-1]
            assert not inner[~stack.free].any()
            assert not (inner < 0.0).any()
            lack, top = proposals.lacking()
            broken = ~torch.isfinite(inner).all(2).all(1).cpu().numpy()
            assert np.isinf(top[broken]).all()
            assert np.isinf(lack[broken]).all()
            assert not np.isnan([lack, top]).any()


def test_a_bound_of_infinity_is_what_is_left() -> None:
    """Nothing is proposed at all, and nothing decays: nothing is shown."""
    problem = Problem(np.eye(8), decay=0.0, boundary="reflecting")
    stack, c = Stack.of([problem], "cpu"), padded([np.eye(8)], "cpu")
    levels = ScaledLevels(set_up(stack, torch.nan_to_num(c, nan=0.0)), 0.0, 0.0)
    assert certificate.bound(stack, levels, c, np.zeros(1)).value[0] == math.inf
