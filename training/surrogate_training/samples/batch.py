"""Problems of one lattice shape with their exact fields, as the networks and the losses read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import get_args

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.equation.sides import Kind
from surrogate_plugin.surrogate import features
from surrogate_plugin.surrogate.networks import PaperNetwork

#: Kinds of sides by the numbers that stand for them in a batch.
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Batch:
    """A batch of one lattice shape.

    Attributes
    ----------
    image : (N, 4, H', W') float32
        What the networks read, see `features.encode`.
    saturation : (N,) float32
        The largest imposed value over ``km``, 0 where uptake does not saturate.
    sides : (N, 4) int64
        The places in `KINDS` of the left, right, bottom and top side.
    target : (N, H, W) float32
        The exact field over the largest imposed value.
    free : (N, H, W) bool
        Where the network's word counts; the other pixels are imposed.
    """

    image: Tensor
    saturation: Tensor
    sides: Tensor
    target: Tensor
    free: Tensor

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the lattice."""
        return self.target.shape[1], self.target.shape[2]

    def pin_memory(self) -> Batch:
        """For a faster copy to a GPU."""
        return Batch(*(getattr(self, field.name).pin_memory() for field in fields(self)))

    def to(self, device: torch.device) -> Batch:
        """The same batch on ``device``."""
        return Batch(*(getattr(self, field.name).to(device, non_blocking=True) for field in fields(self)))


def assemble(problems: Sequence[Problem], solved: Sequence[FloatArray]) -> Batch:
    """Encode problems of one shape beside their exact fields, (H, W) float64 in field units."""
    lattice = features.PaddedLattice.around(problems[0].shape)
    image = np.empty((len(problems), features.CHANNELS, *lattice.padded), np.float32)
    target = np.empty((len(problems), *lattice.shape), np.float32)
    free = np.empty(target.shape, np.bool_)
    for at, (problem, field) in enumerate(zip(problems, solved, strict=True)):
        features.encode(problem, image[at])
        target[at], free[at] = field / features.value_scale(problem), ~problem.fixed
    return Batch(
        torch.from_numpy(image),
        torch.tensor([features.saturation(problem) for problem in problems], dtype=torch.float32),
        torch.tensor([[KINDS.index(side.kind) for side in problem.boundary.sides] for problem in problems]),
        torch.from_numpy(target),
        torch.from_numpy(free),
    )


def predict(network: nn.Module, batch: Batch) -> Tensor:
    """The network's fields over the largest imposed value, (N, H, W) float32."""
    if not isinstance(network, PaperNetwork):
        return inside(network(batch.image, batch.saturation).float(), batch.shape)
    source = inside(batch.image[:, 0], batch.shape)[:, None]
    missing = [-side % PaperNetwork.MULTIPLE for side in batch.shape]
    padded = functional.pad(source, (0, missing[1], 0, missing[0]))
    result: Tensor = network(padded)[:, 0, : batch.shape[0], : batch.shape[1]].float()
    return result


def inside(padded: Tensor, shape: tuple[int, int]) -> Tensor:
    """The (N, H, W) lattice inside the padded one, from (N, H', W')."""
    row, column = features.PaddedLattice.around(shape).first
    return padded[:, row : row + shape[0], column : column + shape[1]]
