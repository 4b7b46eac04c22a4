"""What a network is told of a stack on a device is what it is told of each problem on a CPU, to float32's rounding."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import surrogate_plugin as sp
from surrogate_plugin.batched import features
from surrogate_plugin.batched.stack import Stack
from surrogate_plugin.equation.problem import MichaelisMenten
from surrogate_plugin.equation.sides import BoundaryLike
from surrogate_plugin.surrogate import features as one_by_one
from tests.batched.posed import SHAPES, stacks
from tests.surrogate.wider_scenes import KINDS, scene


def compare(problems: list[sp.Problem]) -> None:
    """Image, scale, saturation, what is seen of no pixel, and fields of any image."""
    stack = Stack.of(problems, "cpu")
    seen = features.see(stack)
    answer = np.random.default_rng(0).normal(0.5, 1.0, (stack.count, *seen.image.shape[2:])).astype(np.float32)
    fields = features.decode(torch.from_numpy(answer), stack, seen).numpy()
    for at, problem in enumerate(problems):
        # The extremes of what may be posed leave float32's range, or overflow where nothing is supplied.
        with np.errstate(all="ignore"):
            expected = one_by_one.see(problem, np.empty(seen.image.shape[1:], np.float32))
            field = one_by_one.decode(answer[at], problem, expected)
        np.testing.assert_allclose(seen.image[at].numpy(), expected.image, rtol=3e-7, atol=1e-38)
        assert float(seen.scale[at]) == pytest.approx(expected.scale, rel=1e-12)
        assert float(seen.saturation[at]) == pytest.approx(expected.saturation, rel=1e-6)
        alone = np.zeros(problem.shape, np.bool_) if seen.alone is None else seen.alone[at].numpy()
        np.testing.assert_array_equal(alone, False if expected.alone is None else expected.alone)
        np.testing.assert_allclose(fields[at], field, rtol=1e-9)


@pytest.mark.parametrize("shape", SHAPES)
def test_problems_of_the_whole_range_are_seen_alike(shape: tuple[int, int]) -> None:
    for problems in stacks(3, shape, 25):
        compare(problems)


@pytest.mark.parametrize("kind", KINDS)
def test_every_part_of_the_wider_equation_is_seen_alike(kind: str) -> None:
    compare([scene(kind, seed) for seed in range(2)])


@pytest.mark.parametrize("boundary", [0.4, "reflecting", {"left": 0.5, "top": 1.0, "right": "reflecting"}])
def test_margins_are_those_of_each_problem_s_sides(boundary: BoundaryLike) -> None:
    source = np.zeros((21, 30))
    source[3, 4] = 0.7
    uptake = MichaelisMenten(np.linspace(0.0, 0.1, source.size).reshape(source.shape), 0.2)
    sides: list[BoundaryLike] = [boundary, "absorbing", {"bottom": "reflecting", "right": 2.0}]
    compare([sp.Problem(source, uptake=uptake, boundary=side) for side in sides])


def test_one_supplied_problem_makes_the_stack_one_of_the_wider_equation() -> None:
    problems = [sp.Problem(np.eye(12)), sp.Problem(np.eye(12), production=0.3)]
    assert not features.wider(Stack.of(problems[:1], "cpu"))
    assert features.wider(Stack.of(problems, "cpu"))
    compare(problems)


def test_not_a_number_stays_with_its_pixel() -> None:
    stack = Stack.of([sp.Problem(np.eye(9))] * 2, "cpu")
    seen = features.see(stack)
    answer = torch.full(seen.image[:, 0].shape, 0.5)
    answer[0, 4 : 4 + 3] = torch.nan
    field = features.decode(answer, stack, seen)
    assert field[0].isnan().any()
    assert not field[0].diagonal().isnan().any()
    assert field[1].isfinite().all()


def test_the_study_s_network_sees_and_answers_alike() -> None:
    problems = [scene("exchange").replace(boundary=side) for side in (0.5, "reflecting")]
    stack = Stack.of(problems, "cpu")
    image = features.source_image(stack, 32)
    answer = torch.randn(image[:, 0].shape, generator=torch.Generator().manual_seed(1))
    fields = features.impose(answer, stack)
    for at, problem in enumerate(problems):
        np.testing.assert_allclose(image[at].numpy(), one_by_one.source_image(problem, 32), rtol=1e-7)
        inside = answer[at, : problem.shape[0], : problem.shape[1]].numpy()
        np.testing.assert_allclose(fields[at].numpy(), one_by_one.impose(inside, problem), rtol=1e-12)
