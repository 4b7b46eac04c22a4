"""The two networks: size, shapes, and what no weight may change."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from surrogate_plugin.problem import Problem
from surrogate_plugin.surrogate import coarse, features
from surrogate_plugin.surrogate.features import CHANNELS
from surrogate_plugin.surrogate.networks import CompactNetwork, Mixer, PaperNetwork, build


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.fixture(scope="module")
def paper() -> PaperNetwork:
    return PaperNetwork().eval()


def test_the_published_network_has_its_published_size(paper: PaperNetwork) -> None:
    assert parameters(paper) == 50_307_969


def test_the_published_network_is_the_described_one(paper: PaperNetwork) -> None:
    layers = [layer for layer in paper.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)]
    assert [(layer.in_channels, layer.out_channels) for layer in layers] == [
        (1, 64), (64, 128), (128, 256), (256, 512), (512, 1024), (1024, 2048),
        (2048, 1024), (1024, 512), (512, 256), (256, 128), (128, 64), (64, 32), (32, 1),
    ]  # fmt: skip
    assert all(layer.kernel_size == (3, 3) and layer.stride == (1, 1) and layer.padding == (1, 1) for layer in layers)
    normalised = [index for index, layer in enumerate(paper.encoder) if isinstance(layer, nn.BatchNorm2d)]
    assert normalised == [1]
    assert isinstance(paper.decoder[-1], nn.LeakyReLU)


@pytest.mark.parametrize("shape", [(32, 32), (64, 96)])
def test_the_published_network_keeps_the_lattice(paper: PaperNetwork, shape: tuple[int, int]) -> None:
    with torch.inference_mode():
        assert paper(torch.zeros(1, 1, *shape)).shape == (1, 1, *shape)


@pytest.mark.parametrize("cells", [(2, 2), (2, 9), (3, 5), (8, 8), (13, 17), (33, 65)])
def test_the_compact_network_takes_any_number_of_blocks(cells: tuple[int, int]) -> None:
    with torch.inference_mode():
        assert CompactNetwork(width=8)(torch.zeros(2, *cells, CHANNELS)).shape == (2, *cells, 64)


def test_every_part_of_a_lattice_reaches_every_other() -> None:
    torch.manual_seed(0)
    blocks = torch.zeros(1, 33, 33, CHANNELS)
    blocks[..., 128:] = -1.0
    blocks[0, 2, 30, [5, 69]] = 1.0  # one fixed pixel of value 1
    with torch.inference_mode():
        field = CompactNetwork(width=8)(blocks)[0]
    assert float(field.min()) > 0
    assert float(field[30, 2].max()) < float(field[2, 2].min()) < float(field[2, 20].min())


def test_before_training_the_network_already_diffuses() -> None:
    """A slab held at 1 on one side: the fresh network's field is the closed form's to a few per cent."""
    problem = Problem(
        np.zeros((120, 40)), decay=1 / 900, boundary={"bottom": 1.0, "left": "reflecting", "right": "reflecting"}
    )
    blocks = torch.from_numpy(features.encode(problem)[None])
    with torch.inference_mode():
        field = features.decode(CompactNetwork()(blocks)[0].numpy(), problem)
    depth = (np.arange(120) + 1.0) / 30
    exact = np.sinh(121 / 30 - depth) / np.sinh(121 / 30)
    assert np.abs(field - exact[:, None]).max() < 0.1


def test_a_mixer_starts_as_the_identity() -> None:
    cells = torch.randn(1, 6, 7, 8, generator=torch.Generator().manual_seed(1))
    assert torch.equal(Mixer(8, 2)(cells), cells)


def test_a_batch_is_answered_sample_by_sample() -> None:
    torch.manual_seed(2)
    network = CompactNetwork(width=8)
    nn.init.normal_(network.pixels.weight)
    blocks = torch.rand(3, 5, 6, CHANNELS)
    with torch.inference_mode():
        together = network(blocks)
        apart = torch.cat([network(blocks[index : index + 1]) for index in range(3)])
    torch.testing.assert_close(together, apart)


def test_a_card_s_kind_names_the_network() -> None:
    network = build("compact", {"width": 8, "before": 0, "after": 2, "expansion": 3, "head": 24})
    assert parameters(network) == parameters(CompactNetwork(width=8, before=0, after=2, expansion=3, head=24))
    with pytest.raises(KeyError):
        build("another", {})


# The diffusion equation as a layer.


def random_grids(seed: int, shape: tuple[int, int, int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Weak decay, some cells held firmly, and what they are held at."""
    rng = np.random.default_rng(seed)
    held = np.where(rng.random(shape) < 0.1, np.exp(rng.normal(1.0, 2.0, shape)), 0.0)
    extra = held + np.exp(rng.uniform(np.log(1e-3), 0.0, (shape[0], 1, 1)))
    return torch.from_numpy(extra.astype(np.float32)), torch.from_numpy((held * rng.random(shape)).astype(np.float32))


def dense(extra: torch.Tensor) -> np.ndarray:
    """The matrix of one grid, written out."""
    rows, columns = extra.shape
    number = np.arange(rows * columns).reshape(rows, columns)
    matrix = np.diag(extra.numpy().astype(np.float64).ravel())
    for one, other in ((number[:-1], number[1:]), (number[:, :-1], number[:, 1:])):
        np.add.at(matrix, (one, one), 1.0)
        np.add.at(matrix, (other, other), 1.0)
        matrix[one, other] -= 1.0
        matrix[other, one] -= 1.0
    return matrix


@given(st.integers(0, 2**32 - 1), st.integers(2, 20), st.integers(2, 20))
def test_the_coarse_solve_solves(seed: int, rows: int, columns: int) -> None:
    extra, rhs = random_grids(seed, (2, rows, columns))
    found = coarse.solve(extra, rhs).numpy()
    for sample in range(2):
        exact = np.linalg.solve(dense(extra[sample]), rhs[sample].numpy().ravel().astype(np.float64))
        np.testing.assert_allclose(found[sample].ravel(), exact, atol=3e-3 * max(exact.max(), 1e-3))


@given(st.integers(0, 2**32 - 1))
def test_the_coarse_solve_s_gradient_is_the_dense_one(seed: int) -> None:
    extra, rhs = random_grids(seed, (1, 6, 9))
    weight = torch.rand(1, 6, 9, generator=torch.Generator().manual_seed(seed))
    extra.requires_grad_()
    rhs.requires_grad_()
    (coarse.solve(extra, rhs) * weight).sum().backward()  # type: ignore[no-untyped-call]
    matrix = dense(extra[0].detach())
    field = np.linalg.solve(matrix, rhs[0].detach().numpy().ravel().astype(np.float64))
    adjoint = np.linalg.solve(matrix, weight[0].numpy().ravel().astype(np.float64))
    assert extra.grad is not None
    assert rhs.grad is not None
    np.testing.assert_allclose(rhs.grad[0].numpy().ravel(), adjoint, atol=3e-3 * adjoint.max())
    product = adjoint * field
    np.testing.assert_allclose(extra.grad[0].numpy().ravel(), -product, atol=5e-3 * max(product.max(), 1e-3))
