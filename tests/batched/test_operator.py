"""The equations of a stack are those of its problems, whatever these are, to a few roundings."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import surrogate_plugin as sp
from surrogate_plugin import team
from surrogate_plugin.batched import operator
from surrogate_plugin.batched.stack import Stack, kind_of
from surrogate_plugin.equation.operator import Operator
from surrogate_plugin.guard import certificate_kernels
from surrogate_plugin.guard.maximum_principle import ceiling
from surrogate_plugin.sharing_kernels import CHUNKS
from tests.batched.posed import SHAPES, problems, stacks

EPS = float(np.finfo(np.float64).eps)


def peaks() -> np.ndarray:
    return np.zeros(CHUNKS, np.int64)


def candidate(operator_: Operator, rng: np.random.Generator) -> np.ndarray:
    """A field of about the right size, with what is fixed imposed."""
    size = max(float(operator_.source.max()), float(operator_.walls.value.max()), 1e-300)
    return operator_.embed(size * rng.random(operator_.shape))


@pytest.mark.parametrize("shape", SHAPES)
def test_coefficients_are_those_of_the_operators(shape: tuple[int, int]) -> None:
    for group in stacks(1, shape, 30):
        stack = Stack.of(group, "cpu")
        assert stack.count == len(group)
        assert all(stack.kind == kind_of(problem) for problem in group)
        for i, problem in enumerate(group):
            one = Operator(problem)
            np.testing.assert_array_equal(stack.free[i], one.free)
            np.testing.assert_array_equal(stack.source[i], np.where(problem.fixed, problem.source, 0.0))
            np.testing.assert_array_equal(stack.decay[i], one.decay)
            np.testing.assert_array_equal(stack.production[i], one.production)
            assert (stack.vmax is None) == (one.vmax is None)
            if stack.vmax is not None:
                np.testing.assert_array_equal(stack.vmax[i], one.vmax)
            assert float(stack.km[i]) == one.km
            assert float(stack.ceiling[i]) == ceiling(problem)
            assert stack.supplied or not np.any(np.asarray(problem.supply) > 0)
            if one.faces is None:
                assert stack.north is None
            else:
                np.testing.assert_array_equal(stack.north[i], one.faces[0])
                np.testing.assert_array_equal(stack.east[i], one.faces[1])


@pytest.mark.parametrize("shape", SHAPES)
def test_residuals_are_those_of_the_operators(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(2)
    for group in stacks(2, shape, 30):
        stack, ones = Stack.of(group, "cpu"), [Operator(problem) for problem in group]
        c = torch.from_numpy(np.stack([candidate(one, rng) for one in ones]))
        factor = torch.from_numpy(rng.random(len(group)))
        for km in (None, torch.from_numpy(rng.random(len(group)) + 0.1)):
            scaled, largest = operator.residual(stack, c, factor, km)
            assert scaled.dtype == torch.float32
            for i, one in enumerate(ones):
                out, field = np.zeros(c[i].shape, np.float32), c[i].numpy().copy()
                expected = one.residual(field, float(factor[i]), out, None if km is None else float(km[i]))
                np.testing.assert_allclose(float(largest[i]), expected, rtol=8 * EPS)
                np.testing.assert_array_equal(scaled[i].numpy(), out)
                np.testing.assert_array_equal(operator.inner(c[i]).numpy(), field[1:-1, 1:-1])


@pytest.mark.parametrize("shape", SHAPES)
def test_what_proofs_rest_on_is_that_of_the_certificate(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(3)
    for group in stacks(3, shape, 30):
        stack, ones = Stack.of(group, "cpu"), [Operator(problem) for problem in group]
        c = torch.from_numpy(np.stack([candidate(one, rng) for one in ones]))
        target, largest = operator.inflated_residual(stack, c)
        factor = 1.0 / largest.clamp(min=1e-290)
        for dtype in (torch.float32, torch.float64):
            w = torch.zeros(c.shape, dtype=dtype)
            operator.inner(w).copy_(torch.from_numpy(rng.random(stack.source.shape)) * stack.free)
            lack, most, top = operator.deficit(stack, w, c, target, factor)
            plain = operator.deficit(stack, w, c, target, factor, decay=stack.decay)
            assert lack.dtype == plain[0].dtype == torch.float32
            for i, one in enumerate(ones):
                expected, size = inflated(one, c[i].numpy())
                np.testing.assert_allclose(target[i].numpy(), expected, rtol=8 * EPS)
                assert float(largest[i]) == pytest.approx(size, rel=8 * EPS)
                given = w[i].numpy(), c[i].numpy(), target[i].numpy(), float(factor[i])
                for (found, high, up), vmax in (((lack, most, top), one.vmax), (plain, None)):
                    out, expected_high, expected_top = lacking(one, *given, vmax)
                    np.testing.assert_allclose(found[i].numpy(), out, rtol=3e-7, atol=1e-30)
                    assert float(high[i]) == pytest.approx(expected_high, rel=1e-12)
                    assert float(up[i]) == expected_top


def inflated(one: Operator, c: np.ndarray) -> tuple[np.ndarray, float]:
    out = np.empty(one.shape)
    largest = team.run(
        certificate_kernels.inflated_residual, c, one.source, one.free, *one.north_east, one.decay, one.production,
        one.vmax, one.km, one.rules, one.walls.value, out, peaks(),
    )  # fmt: skip
    return out, float(largest)


def lacking(
    one: Operator, w: np.ndarray, c: np.ndarray, target: np.ndarray, factor: float, vmax: np.ndarray | None
) -> tuple[np.ndarray, float, float]:
    out = np.zeros(c.shape, np.float32)
    largest, top = team.run(
        certificate_kernels.deficit, w, c, one.free, *one.north_east, one.decay, vmax, one.km, target, factor,
        one.rules, out, peaks(), peaks(),
    )  # fmt: skip
    return out, float(largest), float(top)


def test_slopes_are_those_of_the_operators() -> None:
    rng = np.random.default_rng(4)
    for group in stacks(4, (8, 8), 60):
        stack, ones = Stack.of(group, "cpu"), [Operator(problem) for problem in group]
        c = torch.from_numpy(np.stack([candidate(one, rng) for one in ones]))
        w = torch.from_numpy(rng.random(c.shape))
        for i, one in enumerate(ones):
            field = c[i].numpy()
            np.testing.assert_allclose(operator.tangent(stack, c)[i], one.tangent(field), rtol=8 * EPS)
            np.testing.assert_allclose(operator.secant(stack, c, w)[i], one.secant(field, w[i].numpy()), rtol=8 * EPS)
            for start in (None, field):
                found = operator.first_guess_decay(stack, c, started=start is not None)[i]
                np.testing.assert_allclose(found, one.first_guess_decay(start, field), rtol=8 * EPS)
            assert bool((operator.least_slope(stack, c)[i] <= operator.tangent(stack, c)[i]).all())


def test_nothing_is_shown_of_what_no_theorem_covers() -> None:
    uptake = sp.MichaelisMenten(vmax=1.0, km=1.0)
    stack = Stack.of([sp.Problem(np.eye(8), uptake=uptake)] * 4, "cpu")
    c = operator.embed(stack, torch.full((4, 8, 8), 0.5, dtype=torch.float64))
    c[1, 2, 4], c[2, 2, 2], c[3, 2, 4] = math.nan, 2.0, -1e-9
    _, largest = operator.inflated_residual(stack, c)
    assert math.isfinite(float(largest[0]))
    assert largest[1:].tolist() == [math.inf] * 3

    target, w = torch.ones((4, 8, 8), dtype=torch.float64), torch.ones_like(c)
    w[1, 3, 4], w[2, 3, 4], target[3, 2, 3] = math.nan, -1e-9, -1.0
    c.fill_(0.5)
    _, largest, top = operator.deficit(stack, w, c, target, torch.ones(4, dtype=torch.float64))
    assert [math.isfinite(float(each)) for each in largest] == [True, False, True, False]
    assert [math.isfinite(float(each)) for each in top] == [True, False, False, True]


def test_some_of_a_stack_are_what_they_were() -> None:
    for group in stacks(5, (13, 13), 40):
        stack = Stack.of(group, "cpu")
        index = torch.tensor([i for i in range(len(group)) if i % 2 == 0])
        some, alone = stack.take(index), Stack.of(group[::2], "cpu")
        assert some.kind == alone.kind
        for name in ("source", "free", "decay", "production", "vmax", "km", "north", "east", "wall_value",
                     "wall_conductance", "ceiling"):  # fmt: skip
            mine, its = getattr(some, name), getattr(alone, name)
            assert (mine is None) == (its is None)
            assert mine is None or torch.equal(mine, its)


def test_problems_of_several_kinds_are_no_stack() -> None:
    with pytest.raises(ValueError, match="of 2 kinds"):
        Stack.of([sp.Problem(np.eye(8)), sp.Problem(np.eye(8), boundary="periodic")], "cpu")
    with pytest.raises(ValueError, match="of 0 kinds"):
        Stack.of([], "cpu")


def test_void_pixels_are_those_of_the_problem() -> None:
    diffusivity = np.ones((9, 9))
    diffusivity[4, :] = 0.0
    source = np.zeros((9, 9))
    source[0, 0] = 1.0
    group = [
        sp.Problem(source, diffusivity=diffusivity, boundary="reflecting", decay=0.1),
        sp.Problem(source, diffusivity=diffusivity, boundary="reflecting", decay=0.1, production=1.0),
    ]
    stack = Stack.of(group, "cpu")
    assert group[0].void is not None
    assert group[1].void is None
    assert stack.void is not None
    np.testing.assert_array_equal(stack.void[0], group[0].void)
    assert not bool(stack.void[1].any())
    assert any(problem.void is not None for problem in problems(6, (13, 13), 200))
