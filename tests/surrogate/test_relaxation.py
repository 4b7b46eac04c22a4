"""The last layer: sweeps of the discrete equation, with the gradient of what they do."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from surrogate_plugin.equation.problem import MichaelisMenten, Problem
from surrogate_plugin.solvers.direct.solver import SparseDirect
from surrogate_plugin.surrogate import features, relaxation_tensors
from surrogate_plugin.surrogate.relaxation_layer import relax

seeds = st.integers(0, 2**32 - 1)


def random_problem(seed: int, boundary: str = "absorbing", *, saturating: bool = False) -> Problem:
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(8, 30)), int(rng.integers(8, 30)))
    source = np.where(rng.random(shape) < 0.1, rng.uniform(0.1, 1.0, shape), 0.0)
    source[3, 4] = 1.0
    uptake = MichaelisMenten(rng.uniform(0.0, 0.1, shape), 0.2) if saturating else None
    return Problem(source, decay=rng.uniform(1e-3, 0.2, shape), uptake=uptake, boundary=boundary)


def inputs(problem: Problem) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.from_numpy(features.encode(problem)[None]), torch.tensor([features.saturation(problem)])


@given(seeds, st.booleans())
def test_the_exact_field_is_left_alone(seed: int, saturating: bool) -> None:
    problem = random_problem(seed, saturating=saturating)
    solver = SparseDirect()
    field = solver.solve(solver.prepare(problem), problem).field / problem.largest_imposed
    image, saturation = inputs(problem)
    lattice = features.PaddedLattice.around(problem.shape)
    padded = image[:, 0].clone()
    (row, column), (rows, columns) = lattice.first, problem.shape
    padded[0, row : row + rows, column : column + columns] = torch.from_numpy(field.astype(np.float32))
    torch.testing.assert_close(relax(padded, image, saturation, 5), padded, atol=1e-5, rtol=0.0)


@given(seeds)
def test_many_sweeps_solve(seed: int) -> None:
    problem = random_problem(seed)
    solver = SparseDirect()
    exact = solver.solve(solver.prepare(problem), problem).field
    image, saturation = inputs(problem)
    start = torch.rand(image[:, 0].shape, generator=torch.Generator().manual_seed(seed % 1000))
    found = features.decode(relax(start, image, saturation, 3000)[0].numpy(), problem)
    np.testing.assert_allclose(found, exact, atol=1e-4)


@given(seeds, st.integers(0, 4), st.sampled_from(["absorbing", "reflecting"]))
def test_the_gradient_is_the_transpose(seed: int, sweeps: int, boundary: str) -> None:
    """The sweeps are affine in the field: ``<g, S dx> = <S^T g, dx>``."""
    image, saturation = inputs(random_problem(seed, boundary))
    make = torch.Generator().manual_seed(seed % 1000)
    shape = image[:, 0].shape
    x, dx, g = (torch.rand(shape, generator=make) for _ in range(3))
    x.requires_grad_()
    y = relax(x, image, saturation, sweeps)
    y.backward(g)  # type: ignore[no-untyped-call]
    assert x.grad is not None
    moved = relax(x.detach() + dx, image, saturation, sweeps)
    change = float(((moved - y.detach()) * g).double().sum())
    assert change == pytest.approx(float((x.grad * dx).double().sum()), rel=1e-3, abs=1e-2)
    assert not x.grad[image[:, 1] > 0].any()


@given(seeds, st.sampled_from([0, 1, 3, 6]), st.booleans())
def test_what_runs_on_a_gpu_is_what_runs_compiled(seed: int, sweeps: int, saturating: bool) -> None:
    image, saturation = inputs(random_problem(seed, "reflecting", saturating=saturating))
    x = torch.rand(image[:, 0].shape, generator=torch.Generator().manual_seed(seed % 1000), requires_grad=True)
    y = relax(x, image, saturation, sweeps)
    y.backward(torch.ones_like(y))  # type: ignore[no-untyped-call]
    field, inverse = relaxation_tensors.forward(x.detach(), image, saturation, sweeps)
    torch.testing.assert_close(y.detach(), field, atol=1e-5, rtol=0.0)
    gradient = relaxation_tensors.transposed(torch.ones_like(field), inverse, image, sweeps)
    torch.testing.assert_close(x.grad, gradient, atol=1e-4, rtol=1e-5)
