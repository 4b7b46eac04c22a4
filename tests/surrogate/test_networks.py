"""The two networks: size, shapes, and what no weight may change."""

from __future__ import annotations

from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from surrogate_plugin.equation.problem import MichaelisMenten, Problem
from surrogate_plugin.surrogate import diffusion_layer as coarse
from surrogate_plugin.surrogate import features
from surrogate_plugin.surrogate.features import BLOCK, CHANNELS
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


@pytest.mark.parametrize("blocks", [(2, 2), (2, 9), (3, 5), (8, 8), (13, 17), (33, 65)])
def test_the_compact_network_takes_any_number_of_blocks(blocks: tuple[int, int]) -> None:
    shape = (BLOCK * blocks[0], BLOCK * blocks[1])
    image = torch.zeros(2, CHANNELS, *shape)
    image[:, 2] = 0.01
    with torch.inference_mode():
        assert CompactNetwork(width=8)(image, torch.zeros(2)).shape == (2, *shape)


def random_network(seed: int) -> CompactNetwork:
    """Weights of a trained network's size, whatever they say."""
    torch.manual_seed(seed)
    network = CompactNetwork(width=8, head=8)
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.2)
    return network.eval()


def answer(network: CompactNetwork, problem: Problem) -> torch.Tensor:
    with torch.inference_mode():
        image = torch.from_numpy(features.encode(problem)[None])
        return network(image, torch.tensor([features.saturation(problem)]))[0]


def test_every_part_of_a_lattice_reaches_every_other() -> None:
    source = np.zeros((130, 130))
    source[10, 120] = 1.0
    field = answer(CompactNetwork(width=8), Problem(source, decay=1 / 4000, boundary="reflecting"))
    assert float(field.min()) > 0
    assert float(field[120, 10]) < float(field[10, 10]) < float(field[10, 80])


@given(st.integers(0, 10**6))
def test_whatever_the_weights_the_answer_is_linear_in_the_imposed_values(seed: int) -> None:
    rng = np.random.default_rng(seed)
    network, mask = random_network(seed), rng.random((21, 30)) < 0.1
    mask[4, 5] = True
    one, other = (np.where(mask, rng.uniform(0.0, 1.0, mask.shape), 0.0) for _ in range(2))
    images = [features.encode(Problem(source, fixed=mask, boundary="reflecting")) for source in (one, other)]
    scales = [source.max() for source in (one, other)]
    images[0][0] *= scales[0]
    images[1][0] *= scales[1]
    both = images[0].copy()
    both[0] = 0.25 * images[0][0] + 2.0 * images[1][0]
    with torch.inference_mode():
        fields = network(torch.from_numpy(np.stack([*images, both])), torch.zeros(3))
    size = float(fields.abs().max())
    torch.testing.assert_close(fields[2], 0.25 * fields[0] + 2.0 * fields[1], rtol=0.0, atol=5e-3 * size)


@given(st.integers(0, 10**6))
def test_fixed_values_are_imposed_whatever_the_weights(seed: int) -> None:
    rng = np.random.default_rng(seed)
    problem = Problem(np.where(rng.random((17, 23)) < 0.1, rng.uniform(0.1, 1.0, (17, 23)), 0.0) + np.eye(17, 23))
    image = features.encode(problem)
    field = answer(random_network(seed), problem).numpy()
    np.testing.assert_array_equal(field[image[1] > 0], image[0][image[1] > 0])


def test_before_training_the_network_already_diffuses() -> None:
    """A slab held at 1 on one side: the fresh network's field is the closed form's to a few per cent."""
    problem = Problem(
        np.zeros((120, 40)), decay=1 / 900, boundary={"bottom": 1.0, "left": "reflecting", "right": "reflecting"}
    )
    field = features.decode(answer(CompactNetwork(), problem).numpy(), problem)
    depth = (np.arange(120) + 1.0) / 30
    exact = np.sinh(121 / 30 - depth) / np.sinh(121 / 30)
    assert np.abs(field - exact[:, None]).max() < 0.1


def test_saturating_uptake_leaves_more_than_first_order_and_less_than_none() -> None:
    source = np.zeros((60, 60))
    source[28:32, 28:32] = 1.0
    rate = np.full(source.shape, 0.02)
    uptakes = (None, MichaelisMenten(0.3 * rate, 0.3), MichaelisMenten(30.0 * rate, 30.0))
    fields = [answer(CompactNetwork(), Problem(source, decay=1e-4, uptake=uptake)) for uptake in uptakes]
    assert float(fields[0].mean()) > float(fields[1].mean()) > float(fields[2].mean())
    linear = answer(CompactNetwork(), Problem(source, decay=1e-4 + rate))
    torch.testing.assert_close(fields[2], linear, atol=0.02, rtol=0.0)


def test_a_mixer_starts_as_the_identity() -> None:
    cells = torch.randn(1, 6, 7, 8, generator=torch.Generator().manual_seed(1))
    values = {"cells": cells}
    for step in Mixer(8, 2).steps("cells"):
        values[step.writes[0]] = step.operation(*(values[name] for name in step.reads))
    assert torch.equal(values["cells"], cells)


def test_a_batch_is_answered_sample_by_sample() -> None:
    rng = np.random.default_rng(2)
    network = random_network(2)
    sources = np.where(rng.random((3, 20, 24)) < 0.1, 1.0, 0.0)
    sources[:, 3, 3] = 1.0
    images = torch.from_numpy(np.stack([features.encode(Problem(source)) for source in sources]))
    saturation = torch.tensor([0.0, 2.0, 0.5])
    with torch.inference_mode():
        together = network(images, saturation)
        apart = torch.cat([network(images[i : i + 1], saturation[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(together, apart, rtol=1e-3, atol=2e-3)


def test_a_card_s_kind_names_the_network() -> None:
    network = build("compact", {"width": 8, "mixers": 1, "expansion": 3, "head": 24})
    assert parameters(network) == parameters(CompactNetwork(width=8, mixers=1, expansion=3, head=24))
    with pytest.raises(KeyError):
        build("another", {})


def test_the_study_s_network_scales_with_its_width() -> None:
    assert 15.8 < parameters(PaperNetwork(64)) / parameters(PaperNetwork(16)) < 16.2
    with pytest.raises(ValueError, match="width is 3"):
        PaperNetwork(3)


@pytest.mark.parametrize("depth", [1, 3, 5])
def test_the_study_s_network_halves_the_image_as_often_as_it_is_deep(depth: int) -> None:
    network = PaperNetwork(2, depth=depth)
    side = 2 * network.multiple
    code = network.encoder(torch.zeros(1, 1, side, side))
    assert code.shape == (1, 2 * 2**depth, 2, 2)
    assert network.decoder(code).shape == (1, 1, side, side)


def test_the_study_s_network_leaks_as_it_is_told() -> None:
    slopes = {
        each.negative_slope for each in PaperNetwork(2, slope=0.3).modules() if isinstance(each, torch.nn.LeakyReLU)
    }
    assert slopes == {0.3}
    for wrong in (-0.1, 1.5, "0.1", float("nan"), True):
        with pytest.raises(ValueError, match=r"slope is .*a number from 0 to 1 is allowed"):
            build("paper", {"slope": wrong})


# The diffusion equation as a layer.


def random_grids(seed: int, shape: tuple[int, int, int]) -> list[torch.Tensor]:
    """Links east and north, weak decay with some cells held firmly, and what they are held at."""
    rng = np.random.default_rng(seed)
    east, north = (np.exp(rng.normal(0.0, 0.7, shape)) for _ in range(2))
    east[:, :, -1] = north[:, -1] = 0.0
    held = np.where(rng.random(shape) < 0.1, np.exp(rng.normal(1.0, 2.0, shape)), 0.0)
    extra = held + np.exp(rng.uniform(np.log(1e-3), 0.0, (shape[0], 1, 1)))
    return [torch.from_numpy(part.astype(np.float32)) for part in (east, north, extra, held * rng.random(shape))]


def dense(east: torch.Tensor, north: torch.Tensor, extra: torch.Tensor) -> np.ndarray:
    """The matrix of one grid, written out."""
    rows, columns = extra.shape
    number = np.arange(rows * columns).reshape(rows, columns)
    matrix = np.diag(extra.detach().numpy().astype(np.float64).ravel())
    pairs = ((number[:-1], number[1:], north[:-1]), (number[:, :-1], number[:, 1:], east[:, :-1]))
    for one, other, links in pairs:
        weight = links.detach().numpy()
        np.add.at(matrix, (one, one), weight)
        np.add.at(matrix, (other, other), weight)
        matrix[one, other] -= weight
        matrix[other, one] -= weight
    return matrix


def dense_solution(grids: list[torch.Tensor], sample: int) -> np.ndarray:
    rhs = grids[3][sample].detach().numpy().ravel().astype(np.float64)
    return np.linalg.solve(dense(*(part[sample] for part in grids[:3])), rhs)


@given(st.integers(0, 2**32 - 1), st.integers(2, 20), st.integers(2, 20))
def test_the_coarse_solve_solves(seed: int, rows: int, columns: int) -> None:
    grids = random_grids(seed, (2, rows, columns))
    guess = torch.rand(2, rows, columns, generator=torch.Generator().manual_seed(seed % 1000))
    for start in (None, guess):
        found = coarse.solve(*grids, start).numpy()
        for sample in range(2):
            exact = dense_solution(grids, sample)
            np.testing.assert_allclose(found[sample].ravel(), exact, atol=5e-3 * max(exact.max(), 0.05))


@given(st.integers(0, 2**32 - 1))
def test_the_coarse_solve_s_gradient_is_the_dense_one(seed: int) -> None:
    grids = random_grids(seed, (1, 6, 9))
    weight = torch.rand(1, 6, 9, generator=torch.Generator().manual_seed(seed))
    for part in grids:
        part.requires_grad_()
    # The gradient of a link is the product of two differences, so it needs both fields tighter than they are used.
    with mock.patch.object(coarse, "TOLERANCE", 1e-6):
        (coarse.solve(*grids) * weight).sum().backward()  # type: ignore[no-untyped-call]
    matrix = dense(*(part[0] for part in grids[:3]))
    field = dense_solution(grids, 0).reshape(6, 9)
    adjoint = np.linalg.solve(matrix, weight[0].numpy().ravel().astype(np.float64)).reshape(6, 9)
    across, up = np.zeros((6, 9)), np.zeros((6, 9))
    across[:, :-1] = -np.diff(adjoint, axis=1) * np.diff(field, axis=1)
    up[:-1] = -np.diff(adjoint, axis=0) * np.diff(field, axis=0)
    for part, expected in zip(grids, (across, up, -adjoint * field, adjoint), strict=True):
        assert part.grad is not None
        np.testing.assert_allclose(part.grad[0].numpy(), expected, atol=1e-3 * max(np.abs(expected).max(), 1e-3))
