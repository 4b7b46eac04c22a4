"""The coarse equation by tensor operations: it solves, its gradient is exact, and it is what runs compiled on a CPU."""

from __future__ import annotations

from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from surrogate_plugin.surrogate import diffusion_layer, diffusion_tensors
from surrogate_plugin.surrogate.diffusion_tensors import CoarseLevels

seeds = st.integers(0, 2**32 - 1)
Grids = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


def grids(seed: int, shape: tuple[int, int, int], rings: tuple[bool, bool] = (False, False)) -> Grids:
    """Links east and north, weak decay with some cells held firmly, and what they are held at; float64."""
    rng = np.random.default_rng(seed)
    east, north = (np.exp(rng.normal(0.0, 0.7, shape)) for _ in range(2))
    north[:, -1] *= rings[0]
    east[:, :, -1] *= rings[1]
    held = np.where(rng.random(shape) < 0.1, np.exp(rng.normal(1.0, 2.0, shape)), 0.0)
    extra = held + np.exp(rng.uniform(np.log(1e-3), 0.0, (shape[0], 1, 1)))
    rhs = held * rng.random(shape)
    return torch.from_numpy(east), torch.from_numpy(north), torch.from_numpy(extra), torch.from_numpy(rhs)


def single_precision(parts: Grids) -> Grids:
    east, north, extra, rhs = parts
    return east.float(), north.float(), extra.float(), rhs.float()


def dense(east: torch.Tensor, north: torch.Tensor, extra: torch.Tensor) -> np.ndarray:
    """The matrix of one grid, (n, n), written out link by link."""
    number = np.arange(extra.numel()).reshape(extra.shape)
    matrix = np.diag(extra.double().numpy().ravel())
    for axis, links in ((1, east), (0, north)):
        for p, q, link in zip(number.flat, np.roll(number, -1, axis).flat, links.double().numpy().flat, strict=True):
            matrix[[p, q], [p, q]] += link if p != q else 0.0
            matrix[[p, q], [q, p]] -= link if p != q else 0.0
    return matrix


few = settings(max_examples=15)


@few
@given(seeds, st.integers(2, 21), st.integers(2, 21), st.booleans(), st.booleans())
def test_it_solves(seed: int, rows: int, columns: int, over: bool, around: bool) -> None:
    # On a ring of two cells both links join the same two.
    given_grids = grids(seed, (2, rows, columns), (over and rows > 2, around and columns > 2))
    guess = torch.rand(2, rows, columns, dtype=torch.float64, generator=torch.Generator().manual_seed(seed % 1000))
    for start in (None, guess):
        found = diffusion_tensors.solve(*given_grids, start, 25)
        for sample in range(2):
            matrix, rhs = dense(*(part[sample] for part in given_grids[:3])), given_grids[3][sample].numpy().ravel()
            exact = np.linalg.solve(matrix, rhs)
            np.testing.assert_allclose(found[sample].numpy().ravel(), exact, atol=1e-9 * max(exact.max(), 1.0))


@few
@given(seeds, st.sampled_from([(7, 9), (16, 16), (33, 20), (5, 4)]), st.booleans())
def test_field_and_gradients_are_those_of_the_compiled_passes(seed: int, shape: tuple[int, int], ring: bool) -> None:
    single, double = (grids(seed, (2, *shape), (ring, ring)) for _ in range(2))
    single = single_precision(single)
    for part in (*single, *double):
        part.requires_grad_()
    weight = torch.rand(2, *shape, generator=torch.Generator().manual_seed(seed % 1000))
    with mock.patch.object(diffusion_layer, "TOLERANCE", 1e-6), mock.patch.object(diffusion_layer, "STEPS", 20):
        compiled = diffusion_layer.solve(*single)
        in_tensors = diffusion_layer.solve(*double)
        (compiled * weight).sum().backward()  # type: ignore[no-untyped-call]
        (in_tensors * weight).sum().backward()  # type: ignore[no-untyped-call]
    assert in_tensors.dtype == torch.float64
    size = max(float(in_tensors.detach().abs().max()), 0.05)
    torch.testing.assert_close(compiled.double(), in_tensors, rtol=0.0, atol=1e-4 * size)
    for one, other in zip(single, double, strict=True):
        assert one.grad is not None
        assert other.grad is not None
        torch.testing.assert_close(one.grad.double(), other.grad, rtol=0.0, atol=2e-3 * float(other.grad.abs().max()))


@pytest.mark.parametrize("rings", [(False, False), (True, False), (True, True)])
def test_gradients_are_those_of_differences(rings: tuple[bool, bool]) -> None:
    arrays = tuple(part.requires_grad_() for part in grids(5, (1, 3, 5), rings))

    def closed(east: torch.Tensor, north: torch.Tensor, extra: torch.Tensor, rhs: torch.Tensor) -> torch.Tensor:
        """A side that is closed stays so where a link is moved."""
        last_column, last_row = torch.ones(3, 5), torch.ones(3, 5)
        last_column[:, -1], last_row[-1] = float(rings[1]), float(rings[0])
        return diffusion_layer.solve(east * last_column, north * last_row, extra, rhs)

    with mock.patch.object(diffusion_layer, "STEPS", 12):
        assert torch.autograd.gradcheck(closed, arrays, atol=1e-6, fast_mode=True)


def test_so_many_steps_do_for_equations_of_a_lattice_of_512_pixels() -> None:
    single = single_precision(grids(1, (2, 129, 129)))
    exact = diffusion_tensors.solve(*grids(1, (2, 129, 129)), None, 25)
    found = diffusion_layer.in_tensors(*single)
    assert float((found - exact).abs().max()) < 1e-2 * float(exact.max())
    nearer = diffusion_layer.in_tensors(*single, found)
    assert float((nearer - exact).abs().max()) < 1e-3 * float(exact.max())


def test_a_cycle_is_symmetric_and_definite() -> None:
    """What conjugate gradients lean on."""
    east, north, extra, _ = grids(3, (1, 10, 13))
    levels = CoarseLevels.of(east, north, extra)
    units = torch.nn.functional.pad(torch.eye(130, dtype=torch.float64).reshape(130, 1, 10, 13), (1, 1, 1, 1))
    inverse = torch.cat([levels.v_cycle(unit)[:, 1:-1, 1:-1].reshape(1, 130) for unit in units])
    torch.testing.assert_close(inverse, inverse.T, rtol=0.0, atol=1e-6)
    assert float(torch.linalg.eigvalsh(inverse).min()) > 0


def test_one_lattice_s_nan_stays_its_own() -> None:
    east, north, extra, rhs = single_precision(grids(4, (3, 17, 12)))
    alone = diffusion_layer.in_tensors(east[::2], north[::2], extra[::2], rhs[::2])
    extra[1, 3, 3] = float("nan")
    assert torch.equal(diffusion_layer.in_tensors(east, north, extra, rhs)[::2], alone)


def test_a_lattice_that_nothing_feeds_is_0_and_one_at_its_solution_stays() -> None:
    east, north, extra, rhs = grids(6, (2, 9, 9))
    assert not diffusion_layer.in_tensors(east, north, extra, torch.zeros_like(rhs)).any()
    exact = diffusion_tensors.solve(east, north, extra, rhs, None, 25)
    torch.testing.assert_close(diffusion_layer.in_tensors(east, north, extra, rhs, exact), exact, rtol=0, atol=1e-12)
