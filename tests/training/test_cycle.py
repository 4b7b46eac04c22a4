"""What a multigrid cycle leaves of an error: by the solver's kernels and in tensors, with its exact gradient."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from surrogate_plugin.equation.problem import MichaelisMenten, Problem
from surrogate_plugin.equation.sides import BoundaryLike
from surrogate_plugin.solvers.multigrid import hierarchy
from surrogate_training.losses.batched_cycle import BatchedCycle
from surrogate_training.losses.compiled_cycle import CompiledCycle
from surrogate_training.losses.cycle import Cycle, after_cycle, tangent
from surrogate_training.losses.multiscale import MultiscaleLoss
from surrogate_training.problems.distributions import Wider
from surrogate_training.samples.batch import Batch, assemble
from surrogate_training.samples.dataset import DataConfig, exact_field, make_batch
from tests.exact import exact_field as by_another

WAYS = [CompiledCycle, BatchedCycle]
SHAPE = (21, 26)


def batch_of(seed: int, *sides: BoundaryLike, saturating: bool = False) -> Batch:
    """Two problems of plain faces for each of the sides."""
    rng = np.random.default_rng(seed)
    problems, fields = [], []
    for boundary in (*sides, *sides):
        source = np.where(rng.random(SHAPE) < 0.08, rng.uniform(0.1, 1.0, SHAPE), 0.0)
        source[3, 4] = 1.0
        uptake = MichaelisMenten(rng.uniform(0.0, 0.1, SHAPE), 0.2) if saturating else None
        problem = Problem(source, decay=rng.uniform(1e-3, 0.1, SHAPE), uptake=uptake, boundary=boundary)
        problems.append(problem)
        fields.append(exact_field(problem, 1e-7))
    return assemble(problems, fields)


def wider_batch(index: int) -> Batch:
    """Problems of every kind: rings, membranes, obstacles, production."""
    return make_batch(
        DataConfig(distribution=Wider(), shape=(32, 24), other_shapes=0.0, batch=6, mirrors=2), "train", index
    )  # fmt: skip


def values(batch: Batch, seed: int) -> torch.Tensor:
    return torch.rand(batch.target.shape, generator=torch.Generator().manual_seed(seed)) * batch.free


def cycle(way: type[CompiledCycle] | type[BatchedCycle], batch: Batch) -> Cycle:
    return way(batch, tangent(batch))


boundaries = st.sampled_from(["absorbing", "reflecting", "periodic", 0.4])
plain = st.sampled_from(["absorbing", "reflecting", 0.4])


@pytest.mark.parametrize("way", WAYS)
@given(st.integers(0, 1000), boundaries, st.booleans())
def test_the_transposed_cycle_is_the_transpose(
    way: type[CompiledCycle] | type[BatchedCycle], seed: int, boundary: BoundaryLike, saturating: bool
) -> None:
    batch = batch_of(seed, boundary, saturating=saturating)
    error, weight = values(batch, seed), values(batch, seed + 1)
    one = (cycle(way, batch).left(error) * weight).double().sum()
    other = (cycle(way, batch).left_transposed(weight) * error).double().sum()
    assert float(one) == pytest.approx(float(other), rel=1e-3, abs=1e-3)


@given(st.integers(0, 1000), boundaries)
def test_a_cycle_leaves_little(seed: int, boundary: BoundaryLike) -> None:
    batch = batch_of(seed, boundary)
    error = values(batch, seed)
    left = after_cycle(error, batch)
    assert float(left.norm()) < 0.4 * float(error.norm())
    assert not left[~batch.free].any()


@given(st.integers(0, 1000), st.lists(plain, min_size=1, max_size=3), st.booleans())
def test_both_ways_leave_the_same(seed: int, sides: list[BoundaryLike], saturating: bool) -> None:
    batch = batch_of(seed, *sides, saturating=saturating)
    compiled, batched = (cycle(way, batch) for way in WAYS)
    error = values(batch, seed)
    torch.testing.assert_close(batched.left(error), compiled.left(error), rtol=0.0, atol=2e-5)
    torch.testing.assert_close(batched.left_transposed(error), compiled.left_transposed(error), rtol=0.0, atol=2e-5)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("index", range(3))
def test_the_transposed_cycle_of_the_wider_equation_is_the_transpose(
    way: type[CompiledCycle] | type[BatchedCycle], index: int
) -> None:
    batch = wider_batch(index)
    assert batch.image.shape[1] == 7
    error, weight = values(batch, index), values(batch, index + 1)
    one = (cycle(way, batch).left(error) * weight).double().sum((1, 2))
    other = (cycle(way, batch).left_transposed(weight) * error).double().sum((1, 2))
    sizes = error.norm(dim=(1, 2)) * weight.norm(dim=(1, 2))
    assert bool(((one - other).abs() < 3e-5 * sizes).all())


@pytest.mark.parametrize("index", range(6))
def test_both_ways_leave_the_same_of_the_wider_equation(index: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # Tensors go to the first coarse level by weights, always; the kernels where walls are thinner than a pixel.
    monkeypatch.setattr(hierarchy, "difficulty_of", lambda faces: SimpleNamespace(thin_walls=True))
    batch = wider_batch(index)
    compiled, batched = (cycle(way, batch) for way in WAYS)
    error = values(batch, index)
    for left, other in (
        (batched.left(error), compiled.left(error)),
        (batched.left_transposed(error), compiled.left_transposed(error)),
    ):
        torch.testing.assert_close(left, other, rtol=0.0, atol=1e-4 * float(other.abs().max()))


def test_the_gradient_goes_through_the_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = batch_of(7, "absorbing", "reflecting", saturating=True)
    gradients = []
    for way in WAYS:
        monkeypatch.setattr("surrogate_training.losses.cycle._cycle_of", lambda batch, way=way: cycle(way, batch))
        error = values(batch, 3).requires_grad_()
        (after_cycle(error, batch) * values(batch, 4)).sum().backward()  # type: ignore[no-untyped-call]
        assert error.grad is not None
        gradients.append(error.grad)
    expected = cycle(CompiledCycle, batch).left_transposed(values(batch, 4))
    torch.testing.assert_close(gradients[0], expected)
    torch.testing.assert_close(gradients[1], expected, rtol=0.0, atol=2e-5)


@pytest.mark.parametrize("way", WAYS)
def test_cycles_one_after_the_other_solve_the_problem(way: type[CompiledCycle] | type[BatchedCycle]) -> None:
    batch = batch_of(11, "reflecting", "periodic")
    error = values(batch, 0)
    for _ in range(6):
        error = cycle(way, batch).left(error)
    assert float(error.abs().max()) < 1e-3


def test_what_a_batch_is_linearised_at_is_its_field() -> None:
    rng = np.random.default_rng(5)
    source = np.zeros(SHAPE)
    source[3, 4] = 2.0
    uptake = MichaelisMenten(rng.uniform(0.0, 0.1, SHAPE), 0.5)
    problem = Problem(source, decay=0.01, uptake=uptake)
    field = by_another(problem)
    expected = np.where(problem.fixed, 0.0, 0.01 + uptake.vmax * 0.5 / (0.5 + field) ** 2)
    found = tangent(assemble([problem], [field]))[0].numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("batch", [batch_of(2, "absorbing", "periodic"), wider_batch(1)], ids=["plain", "wider"])
def test_off_the_cpu_nothing_is_read_back(batch: Batch) -> None:
    far = batch.to(torch.device("meta"))  # which has no values to read
    predicted = torch.zeros_like(far.target).requires_grad_()
    loss = MultiscaleLoss(cycle=1.0).evaluate(predicted, far)
    loss.backward()  # type: ignore[no-untyped-call]
    assert predicted.grad is not None
    assert predicted.grad.device.type == "meta"
