"""Problems of one lattice shape with their exact fields, as the networks and the losses read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from surrogate_plugin.problem import FloatArray, Problem
from surrogate_plugin.surrogate import features
from surrogate_plugin.surrogate.networks import PaperNetwork
from surrogate_training.losses import to_image


@dataclass(frozen=True)
class Batch:
    """A batch of one lattice shape.

    Attributes
    ----------
    blocks : (N, h, w, 132) float32
        What the compact network reads.
    target : (N, H, W) float32
        The exact field over the largest imposed value.
    free : (N, H, W) bool
        Where the network's word counts; the other pixels are imposed.
    """

    blocks: torch.Tensor
    target: torch.Tensor
    free: torch.Tensor

    def pin_memory(self) -> Batch:
        """For a faster copy to a GPU."""
        return Batch(self.blocks.pin_memory(), self.target.pin_memory(), self.free.pin_memory())

    def to(self, device: torch.device) -> Batch:
        """The same batch on ``device``."""
        return Batch(*(t.to(device, non_blocking=True) for t in (self.blocks, self.target, self.free)))


def assemble(problems: Sequence[Problem], fields: Sequence[FloatArray]) -> Batch:
    """Encode problems of one shape beside their exact fields, (H, W) float64 in field units."""
    rows, columns = problems[0].shape
    frame = features.Frame.around((rows, columns))
    blocks = np.empty((len(problems), *frame.blocks, features.CHANNELS), np.float32)
    target = np.empty((len(problems), rows, columns), np.float32)
    free = np.empty(target.shape, np.bool_)
    for at, (problem, field) in enumerate(zip(problems, fields, strict=True)):
        features.encode(problem, blocks[at])
        target[at], free[at] = field / problem.largest_imposed, ~problem.fixed
    return Batch(torch.from_numpy(blocks), torch.from_numpy(target), torch.from_numpy(free))


def predict(network: nn.Module, batch: Batch) -> Tensor:
    """The network's fields over the largest imposed value, (N, H, W) float32, nothing imposed yet."""
    shape = (batch.target.shape[1], batch.target.shape[2])
    if not isinstance(network, PaperNetwork):
        return to_image(network(batch.blocks).float(), shape)
    image = to_image(batch.blocks[..., :64], shape)[:, None]
    missing = [-side % PaperNetwork.MULTIPLE for side in shape]
    padded = functional.pad(image, (0, missing[1], 0, missing[0]))
    result: Tensor = network(padded)[:, 0, : shape[0], : shape[1]].float()
    return result
