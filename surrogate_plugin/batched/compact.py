"""The compact network's answer to plain problems by kernels, where nobody asks for gradients.

What each part means stands in `surrogate_plugin.surrogate.networks`; a test holds both to each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from surrogate_plugin.batched.choice import fused
from surrogate_plugin.surrogate.features import CHANNELS
from surrogate_plugin.surrogate.networks import DECAY_BOUNDS, HOLD, UPDATES, CompactNetwork, Mixer
from surrogate_plugin.surrogate.operations import Diffuse
from surrogate_plugin.surrogate.relaxation_layer import relax

if TYPE_CHECKING:
    from surrogate_plugin.batched.fused.blocks import Layer


def takes(network: nn.Module, image: Tensor, saturation: Tensor) -> bool:
    """Whether `answer` says what this network does: a compact one as it stands, of float32, and a plain image."""
    if type(network) is not CompactNetwork or image.shape[1] != CHANNELS:
        return False
    weights = list(network.parameters())
    return all(each.dtype == torch.float32 for each in weights) and fused(image, saturation, *weights)


def answer(network: CompactNetwork, image: Tensor, saturation: Tensor, *, saturates: bool) -> Tensor:
    """As the network's ``forward``, (N, H', W') float32."""
    from surrogate_plugin.batched.fused import blocks

    cells, means = blocks.read(image, saturation, _layer(network.stem), DECAY_BOUNDS)
    for mixer in network.mixers:
        own = cast("Mixer", mixer)
        cells = blocks.mix(cells, _layer(own.near), _layer(own.expand), _layer(own.contract))
    diffuse = Diffuse(HOLD, UPDATES)
    if not saturates:
        diffuse = diffuse.of_first_order()
    chosen = blocks.dense(cells, _layer(network.coefficients)).permute(0, 2, 3, 1)
    field = diffuse(chosen, *(means[:, number, :, :, None] for number in range(4)), saturation)
    pixels = blocks.draw(
        cells, field[..., 0].contiguous(), means, _layer(network.hidden), network.gain.weight, network.spread.weight,
        network.pixels.weight,
    )  # fmt: skip
    return relax(pixels, image, saturation, network.sweeps)


def _layer(layer: nn.Linear | nn.Conv2d) -> Layer:
    assert layer.bias is not None
    return layer.weight, layer.bias
