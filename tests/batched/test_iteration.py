"""An iteration on a stack does what the solver's does on each of its problems, whatever its companions are."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import surrogate_plugin as sp
from surrogate_plugin.batched import operator
from surrogate_plugin.batched.iteration import Iteration
from surrogate_plugin.batched.levels import Levels
from surrogate_plugin.batched.stack import Stack
from surrogate_plugin.equation.operator import Operator
from surrogate_plugin.gallery import random_problem
from surrogate_plugin.solvers.multigrid import solver
from surrogate_plugin.solvers.multigrid.hierarchy import Hierarchy
from tests.batched.posed import stacks
from tests.exact import exact_field

SHAPES = [(1, 7), (5, 5), (8, 8), (9, 16), (13, 13), (40, 70)]


def begun(group: list[sp.Problem], start: np.ndarray | None = None) -> Iteration:
    stack = Stack.of(group, "cpu")
    levels = Levels(stack.shape, stack.rings, stack.count, stack.device, mapped=stack.north is not None)
    return Iteration(stack, levels, None if start is None else torch.from_numpy(start))


def alone(problem: sp.Problem) -> solver.Iteration:
    return solver.Iteration(Operator(problem), Hierarchy(problem.shape, problem.walls), None)


def groups(seed: int, shape: tuple[int, int], *, saturating: bool) -> list[list[sp.Problem]]:
    return [
        group for group in stacks(seed, shape, 24) if group[0].plain and (group[0].uptake is not None) == saturating
    ]


def inside(field: np.ndarray) -> np.ndarray:
    return field[1:-1, 1:-1]


@pytest.mark.parametrize("shape", SHAPES)
def test_each_cycle_is_that_of_the_solver(shape: tuple[int, int]) -> None:
    for group in groups(1, shape, saturating=False):
        iteration, ones = begun(group), [alone(problem) for problem in group]
        for _ in range(7):
            iteration.advance()
            for i, one in enumerate(ones):
                one.advance()
                size = max(float(inside(one.field).max()), 1e-300)
                # What float32 rounds away of a cycle is a part of what the cycle proposes.
                room = 1e-3 * min(one.correction, 10.0 * size) + 1e-8 * size
                difference = inside(iteration.field[i].numpy()) - inside(one.field)
                assert float(np.abs(difference).max()) <= room
                if one.estimate > 1e-6 * size:
                    assert float(iteration.estimate[i]) == pytest.approx(one.estimate, rel=0.02)
                out = np.zeros(one.field.shape)
                left = one.equation.residual(iteration.field[i].numpy().copy(), 1.0, out)
                assert float(iteration.largest_residual[i]) == pytest.approx(left, rel=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_uptake_that_saturates_takes_no_more_cycles(shape: tuple[int, int]) -> None:
    total = expected = 0
    for group in groups(2, shape, saturating=True):
        iteration, ones = begun(group), [alone(problem) for problem in group]
        size = [1e-9 * float(exact_field(problem).max()) for problem in group]
        taken, theirs = [0] * len(group), [0] * len(group)
        for _ in range(40):
            ready = (iteration.estimate <= torch.tensor(size, dtype=torch.float64)) & ~iteration.on_path
            for i, one in enumerate(ones):
                taken[i] += not ready[i]
                theirs[i] += not (one.estimate <= size[i] and not one.on_path)
                one.advance()
            iteration.advance()
        for i, problem in enumerate(group):
            if theirs[i] < 40:
                assert taken[i] <= theirs[i] + 6
                total, expected = total + taken[i], expected + theirs[i]
                found, exact = inside(iteration.field[i].numpy()), exact_field(problem)
                assert float(np.abs(found - exact).max()) <= 1e-8 * float(exact.max())
    assert total <= 1.1 * expected


@pytest.mark.parametrize("saturating", [False, True])
def test_some_of_the_problems_go_on_as_they_did_among_all(saturating: bool) -> None:
    for group in groups(3, (9, 16), saturating=saturating):
        iteration = begun(group)
        for _ in range(2):
            iteration.advance()
        index = torch.arange(len(group) - 1, -1, -2)
        some = iteration.take(index)
        for _ in range(4):
            iteration.advance()
        untouched = iteration.field.clone()
        for _ in range(4):
            some.advance()
        for name in ("field", "estimate", "largest_residual", "correction", "on_path", "cycles"):
            torch.testing.assert_close(getattr(some, name), getattr(iteration, name)[index], rtol=0, atol=0)
        assert torch.equal(some.smoothed(), iteration.smoothed()[index])
        assert torch.equal(iteration.field, untouched)


@pytest.mark.parametrize("km", [None, 1e-4, 10.0])
def test_a_start_that_is_not_finite_harms_no_other(km: float | None) -> None:
    source = np.zeros((16, 16))
    source[4, 5] = 1.0
    uptake = None if km is None else sp.MichaelisMenten(vmax=0.1, km=km)
    group = [sp.Problem(source, decay=0.01, uptake=uptake)] * 3
    start = np.full((3, 16, 16), 0.5)
    start[1, 8, 8] = np.nan
    iteration, pair = begun(group, start), begun(group[:2], start[::2])
    for _ in range(6):
        iteration.advance()
        pair.advance()
    assert torch.equal(iteration.field[::2], pair.field)
    assert torch.equal(iteration.estimate[::2], pair.estimate)
    assert float(iteration.largest_residual[1]) == math.inf
    assert int(iteration.cycles[1]) == 0
    assert not bool(iteration.on_path[1])


@pytest.mark.parametrize("km", [None, 1e-4, 10.0])
def test_a_problem_without_a_residual_is_left_alone(km: float | None) -> None:
    uptake = None if km is None else sp.MichaelisMenten(vmax=0.1, km=km)
    source = np.zeros((12, 12))
    nothing = sp.Problem(source, decay=0.1, uptake=uptake)
    source[3, 3] = 1.0
    iteration = begun([nothing, sp.Problem(source, decay=0.1, uptake=uptake)])
    assert iteration.estimate.tolist() == [0.0, math.inf]
    for _ in range(3):
        iteration.advance()
    assert iteration.cycles.tolist() == [0, 3]
    assert not bool(iteration.field[0].any())
    assert float(iteration.estimate[0]) == 0.0


def test_smoothing_lowers_the_residual_and_changes_nothing_here() -> None:
    rng = np.random.default_rng(4)
    source = np.where(rng.random((40, 40)) < 0.01, 1.0, 0.0)
    iteration = begun([sp.Problem(source, decay=rng.uniform(0.001, 0.1, (40, 40))) for _ in range(3)])
    before = iteration.field.clone()
    assert torch.equal(operator.inner(iteration.smoothed()), operator.inner(before))
    for _ in range(3):
        iteration.advance()
    before, residual = iteration.field.clone(), iteration.largest_residual.clone()
    smoothed = iteration.smoothed()
    assert torch.equal(iteration.field, before)
    _, largest = operator.residual(iteration.stack, smoothed, torch.ones_like(residual))
    assert bool((largest < 0.5 * residual).all())


def test_a_start_near_the_field_stays_near_it() -> None:
    uptake = sp.MichaelisMenten(vmax=0.05, km=0.02)
    source = np.zeros((32, 32))
    source[8, 9] = 1.0
    problem = sp.Problem(source, decay=0.001, uptake=uptake)
    exact = exact_field(problem)
    iteration = begun([problem], (exact * (1.0 + 1e-4))[None])
    assert bool(iteration.on_path[0])
    for _ in range(6):
        iteration.advance()
    assert not bool(iteration.on_path[0])
    assert float(np.abs(iteration.solution()[0].numpy() - exact).max()) < 1e-7


def test_refinement_ends_at_the_rounding_of_float64() -> None:
    rng = np.random.default_rng(5)
    group = [random_problem(rng, shape=(24, 20), boundary=38.0, michaelis_menten=False) for _ in range(8)]
    iteration = begun(group)
    for _ in range(16):
        iteration.advance()
    for i, problem in enumerate(group):
        exact = exact_field(problem)
        assert float(np.abs(iteration.solution()[i].numpy() - exact).max()) <= 1e-13 * float(exact.max())


@pytest.mark.parametrize("km", [None, 1e-3])
def test_what_belongs_to_a_problem_is_in_float64_whatever_torch_makes_by_default(km: float | None) -> None:
    rng = np.random.default_rng(6)
    source = np.where(rng.random((16, 18)) < 0.05, 1.0, 0.0)
    uptake = None if km is None else sp.MichaelisMenten(vmax=0.05, km=km)
    group = [sp.Problem(source, decay=rng.uniform(1e-3, 1e-1, (16, 18)), uptake=uptake) for _ in range(3)]
    found = []
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        torch.set_default_dtype(dtype)
        try:
            iteration = begun(group)
            for _ in range(4):
                iteration.advance()
        finally:
            torch.set_default_dtype(torch.float32)
        for name in ("field", "estimate", "largest_residual", "correction", "decay"):
            assert getattr(iteration, name).dtype == torch.float64
        found.append(iteration)
    for other in found[1:]:
        assert torch.equal(other.field, found[0].field)
        assert torch.equal(other.estimate, found[0].estimate)
