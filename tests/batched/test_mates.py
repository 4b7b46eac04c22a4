"""A problem's answer is its own: neither its place in a batch nor what else is there has a say in it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from surrogate_plugin.batched.solve import Answers, Start, solve
from surrogate_plugin.batched.stack import Stack
from surrogate_plugin.equation.problem import Problem
from surrogate_plugin.gallery import extreme_problem
from tests.batched.hostile import DEVICES, by_kind, extremes, nasty, references, slack

SHAPE = (12, 9)


def batches() -> list[list[Problem]]:
    """Problems of mixed difficulty, at least three of a kind."""
    return [group for group in by_kind([*extremes(3, 40, SHAPE), *nasty(4, 24, SHAPE)]) if len(group) > 2]


def alike(one: Answers, other: Answers, order: np.ndarray) -> None:
    """The second has what the first says of problems ``order``, within the rounding of float32 cycles."""
    for number, place in enumerate(order):
        apart = float((one.field[place] - other.field[number]).abs().max())
        assert apart <= one.bound[place] + other.bound[number]
        assert one.settled[place] == other.settled[number]
        if one.cycles[place] == other.cycles[number]:
            assert other.bound[number] == pytest.approx(one.bound[place], rel=0.02)


@pytest.mark.parametrize("device", DEVICES)
def test_answers_do_not_depend_on_mates_or_order(device: str) -> None:
    rng = np.random.default_rng(0)
    for problems in batches():
        tolerance = np.array([0.01 * max(problem.largest_imposed, 1e-3) for problem in problems])
        together = solve(Stack.of(problems, device), tolerance=tolerance)
        order = rng.permutation(len(problems))[: len(problems) // 2 + 1]
        some = solve(Stack.of([problems[i] for i in order], device), tolerance=tolerance[order])
        alike(together, some, order)


@pytest.mark.parametrize("device", DEVICES)
def test_a_problem_that_never_settles_spoils_no_other(device: str) -> None:
    """A tolerance that no rounding allows: it is returned as unsettled, with a bound that holds."""
    for problems in batches():
        exact = references(problems)
        tolerance = np.array([0.01 * max(problem.largest_imposed, 1e-3) for problem in problems])
        before = solve(Stack.of(problems, device), tolerance=tolerance)
        tolerance[0] = 1e-250
        after = solve(Stack.of(problems, device), tolerance=tolerance)
        for number, (problem, reference) in enumerate(zip(problems, exact, strict=True)):
            error = reference.distance(after.field[number].cpu().numpy())
            assert error <= after.bound[number] + slack(problem, reference)
            if number:
                assert after.settled[number] == before.settled[number]
                assert after.cycles[number] == before.cycles[number]


@pytest.mark.parametrize("device", DEVICES)
def test_starts_of_any_kind(device: str) -> None:
    """Exact, rough, far too large, all 0 and no number at all: each costs its own problem some cycles at most."""
    rng = np.random.default_rng(1)
    problems = [extreme_problem(np.random.default_rng([9, i]), shape=SHAPE, saturating=False) for i in range(60)]
    problems = [p for p in problems if p.largest_imposed > 0.0 and p.boundary.rings == (False, False) and p.plain]
    exact = references(problems)
    fields = [reference.field.astype(np.float64) for reference in exact]
    made = [
        lambda f: f,
        lambda f: f + 0.05 * f.max() * rng.random(f.shape),
        lambda f: 1e6 * f,
        np.zeros_like,
        lambda f: np.full_like(f, np.nan),
        lambda f: np.where(rng.random(f.shape) < 0.05, np.inf, f),
    ]
    starts = np.stack([made[number % len(made)](field) for number, field in enumerate(fields)])
    stack = Stack.of(problems, device)
    tolerance = np.array([0.01 * problem.largest_imposed for problem in problems])
    answers = solve(stack, tolerance=tolerance, start=torch.as_tensor(starts).to(device))
    for number, (problem, reference) in enumerate(zip(problems, exact, strict=True)):
        error = reference.distance(answers.field[number].cpu().numpy())
        assert error <= answers.bound[number] + slack(problem, reference)
        assert answers.settled[number] == (answers.bound[number] <= tolerance[number])
        finite = bool(np.isfinite(np.where(problem.unknown, starts[number], 0.0)).all())
        assert (answers.start[number] == Start.NOT_FINITE) == (not finite)
    assert (answers.start[:: len(made)] == Start.KEPT).all()
    assert (answers.start[2 :: len(made)] != Start.KEPT).any()


@pytest.mark.parametrize("device", DEVICES)
def test_maps_bound_each_pixel(device: str) -> None:
    for problems in batches():
        exact = references(problems)
        tolerance = np.array([0.05 * max(problem.largest_imposed, 1e-3) for problem in problems])
        answers = solve(Stack.of(problems, device), tolerance=tolerance, error_map=True)
        assert answers.map is not None
        for number, (problem, reference) in enumerate(zip(problems, exact, strict=True)):
            each = answers.map[number].cpu().numpy()
            if not answers.settled[number]:
                continue
            error = np.abs(answers.field[number].cpu().numpy() - reference.field)
            assert (error <= each + slack(problem, reference)).all()
            assert each.max() <= answers.bound[number]
            assert not each[~problem.unknown].any()


def test_a_tolerance_is_needed() -> None:
    with pytest.raises(ValueError, match="tolerance is None"):
        solve(Stack.of([Problem(np.eye(8))], "cpu"))
