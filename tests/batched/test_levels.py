"""The levels of a stack are the hierarchies of its problems, and its cycles are theirs, to float32's rounding."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

import surrogate_plugin as sp
from surrogate_plugin.batched.levels import Levels
from surrogate_plugin.batched.stack import Stack
from surrogate_plugin.equation.operator import Operator
from surrogate_plugin.solvers.multigrid.hierarchy import Hierarchy
from tests.batched.posed import SHAPES, stacks

#: A few dozen of float32's roundings, beside the largest value.
CLOSE = 1e-5


def levels_of(stack: Stack) -> Levels:
    levels = Levels(stack.shape, stack.rings, stack.count, stack.device, mapped=stack.north is not None)
    levels.set_up(stack.free, stack.decay, stack.north, stack.east, stack.wall_conductance)
    return levels


def hierarchy_of(problem: sp.Problem) -> Hierarchy:
    hierarchy, one = Hierarchy(problem.shape, problem.walls), Operator(problem)
    hierarchy.rebuild(one.free, one.decay, one.faces)
    return hierarchy


def right_hand_side(stack: Stack, seed: int) -> Tensor:
    b = torch.zeros((stack.count, stack.shape[0] + 2, stack.shape[1] + 2))
    noise = np.random.default_rng(seed).standard_normal(stack.source.shape)
    b[:, 1:-1, 1:-1] = torch.from_numpy(noise).to(torch.float32) * stack.free
    return b


def plain_stacks(seed: int, shape: tuple[int, int], count: int) -> list[list[sp.Problem]]:
    return [group for group in stacks(seed, shape, count) if group[0].plain]


def assert_close(found: Tensor, expected: np.ndarray, scale: float = 0.0) -> None:
    """Inside of the halo, which is 0 in what is found and may be anything in what is expected."""
    inside = slice(1, -1), slice(1, -1)
    most = max(float(np.abs(expected[inside]).max()), scale)
    assert found.dtype == torch.float32
    assert float(np.abs(found.numpy()[inside] - expected[inside]).max()) <= CLOSE * most
    assert not bool(found[0].any() or found[-1].any() or found[:, 0].any() or found[:, -1].any())


@pytest.mark.parametrize("shape", [*SHAPES, (40, 70)])
def test_cycles_sweeps_and_residuals_are_those_of_the_hierarchies(shape: tuple[int, int]) -> None:
    for group in plain_stacks(1, shape, 24):
        stack = Stack.of(group, "cpu")
        levels, b = levels_of(stack), right_hand_side(stack, 2)
        z, swept = levels.v_cycle(b), levels.sweep(b, 3)
        left, image = levels.residual(z, b), levels.residual(z)
        for i, problem in enumerate(group):
            hierarchy, out = hierarchy_of(problem), np.zeros(b[i].shape, np.float32)
            hierarchy.v_cycle(out, b[i].numpy())
            assert_close(z[i], out)
            hierarchy.sweep(out, b[i].numpy(), 3)
            assert_close(swept[i], out)
            # What cancels in a residual is as large as the diagonal times the field.
            diagonal = float(np.max(stack.decay[i].numpy(), where=stack.free[i].numpy(), initial=0.0)) + 4.0
            size = float(z[i].abs().max()) * diagonal
            hierarchy.residual(z[i].numpy().copy(), b[i].numpy(), out)
            assert_close(left[i], out, size)
            hierarchy.residual(z[i].numpy().copy(), None, out)
            assert_close(image[i], out, size)


def test_a_new_linearisation_keeps_the_coarse_levels() -> None:
    for group in plain_stacks(3, (13, 13), 24):
        stack = Stack.of(group, "cpu")
        levels, b = levels_of(stack), right_hand_side(stack, 4)
        more = stack.decay + 0.5
        levels.relinearise(stack.free, more)
        z = levels.v_cycle(b)
        for i, problem in enumerate(group):
            hierarchy, out = hierarchy_of(problem), np.zeros(b[i].shape, np.float32)
            hierarchy.relinearise(Operator(problem).free, more[i].numpy())
            hierarchy.v_cycle(out, b[i].numpy())
            assert_close(z[i], out)


def test_coarse_levels_may_see_fewer_free_pixels() -> None:
    rng = np.random.default_rng(10)
    for group in plain_stacks(10, (13, 13), 24):
        stack = Stack.of(group, "cpu")
        levels, b = levels_of(stack), right_hand_side(stack, 11)
        seen = stack.free & torch.from_numpy(rng.random(stack.source.shape) < 0.7)
        levels.set_up(stack.free, stack.decay, None, None, stack.wall_conductance, seen=seen)
        z = levels.v_cycle(b)
        for i, problem in enumerate(group):
            hierarchy, out, one = hierarchy_of(problem), np.zeros(b[i].shape, np.float32), Operator(problem)
            hierarchy.rebuild(seen[i].numpy(), one.decay)
            hierarchy.relinearise(one.free, one.decay)
            hierarchy.v_cycle(out, b[i].numpy())
            assert_close(z[i], out)


def test_some_of_the_levels_cycle_as_all_did() -> None:
    for group in plain_stacks(5, (9, 16), 24):
        stack = Stack.of(group, "cpu")
        levels, b = levels_of(stack), right_hand_side(stack, 6)
        z, index = levels.v_cycle(b), torch.arange(stack.count - 1, -1, -2)
        some = levels.take(index)
        assert torch.equal(some.v_cycle(b[index]), z[index])
        some.relinearise(stack.free[index], stack.decay[index] + 1.0)
        assert torch.equal(levels.v_cycle(b), z)


def test_nothing_that_is_given_is_written_to() -> None:
    for group in plain_stacks(7, (5, 5), 24):
        stack = Stack.of(group, "cpu")
        levels, b = levels_of(stack), right_hand_side(stack, 8)
        before = b.clone()
        z = levels.v_cycle(b)
        after = z.clone()
        levels.residual(z, b)
        levels.sweep(b, 2)
        assert torch.equal(b, before)
        assert torch.equal(z, after)


def test_a_problem_that_is_not_finite_harms_no_other() -> None:
    [group] = [[sp.Problem(np.eye(12), decay=0.01 * (i + 1)) for i in range(3)]]
    stack = Stack.of(group, "cpu")
    levels, b = levels_of(stack), right_hand_side(stack, 9)
    z = levels.v_cycle(b)
    b[1] = torch.nan
    found = levels.v_cycle(b)
    assert torch.equal(found[0], z[0])
    assert torch.equal(found[2], z[2])
    assert bool(found[1].isnan().any())
