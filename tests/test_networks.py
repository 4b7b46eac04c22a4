"""The two networks: size, shapes, and what no weight may change."""

from __future__ import annotations

import pytest
import torch
from torch import nn

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
    network = CompactNetwork(widths=(8, 8, 8, 8), blocks=(1, 1, 1, 1))
    with torch.inference_mode():
        assert network(torch.zeros(2, *cells, CHANNELS)).shape == (2, *cells, 64)


def test_every_part_of_a_lattice_reaches_every_other() -> None:
    torch.manual_seed(0)
    network = CompactNetwork(widths=(8, 8, 8, 8), blocks=(1, 1, 1, 1))
    for mixer in network.modules():
        if isinstance(mixer, Mixer):  # it starts as the identity, which sees nothing but its own cell
            nn.init.normal_(mixer.contract.weight)
    blocks = torch.zeros(1, 65, 65, CHANNELS, requires_grad=True)
    network(blocks)[0, 32, 32].square().sum().backward()
    assert blocks.grad is not None
    reached = blocks.grad.abs().sum(dim=3)[0] > 0
    assert bool(reached[0, 0])
    assert bool(reached[64, 64])
    assert bool(reached[0, 64])


def test_a_mixer_starts_as_the_identity() -> None:
    cells = torch.randn(1, 6, 7, 8, generator=torch.Generator().manual_seed(1))
    assert torch.equal(Mixer(8, 2)(cells), cells)


def test_a_batch_is_answered_sample_by_sample() -> None:
    torch.manual_seed(2)
    network = CompactNetwork(widths=(8, 16), blocks=(1, 1))
    blocks = torch.randn(3, 5, 6, CHANNELS)
    with torch.inference_mode():
        together = network(blocks)
        apart = torch.cat([network(blocks[index : index + 1]) for index in range(3)])
    torch.testing.assert_close(together, apart)


def test_levels_must_agree() -> None:
    with pytest.raises(ValueError, match="3 levels, but blocks names 2"):
        CompactNetwork(widths=(8, 8, 8), blocks=(1, 1))


def test_a_card_s_kind_names_the_network() -> None:
    network = build("compact", {"widths": [8, 16], "blocks": [1, 2], "expansion": 3, "head": 24})
    assert parameters(network) == parameters(CompactNetwork(widths=(8, 16), blocks=(1, 2), expansion=3, head=24))
    with pytest.raises(KeyError):
        build("another", {})
