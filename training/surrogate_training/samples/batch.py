"""Problems of one lattice shape with their exact fields, as the networks and the losses read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.surrogate import features
from surrogate_plugin.surrogate.networks import PaperNetwork


@dataclass(frozen=True)
class Batch:
    """A batch of one lattice shape.

    Attributes
    ----------
    image : (N, 4, H', W') or (N, 7, H', W') float32
        What the networks read, see `features.encode`; of seven channels where one of the problems needs them.
    saturation : (N,) float32
        See `features.saturation`.
    walls : (N, 2, 2) float32
        The conductances of the sides of plain problems, rows first, the low side first.
    rings : (N, 2) bool
        Which axes are rings.
    target : (N, H, W) float32
        The exact field over the values that the image is over.
    size : (N,) float32
        The largest value, imposed or of the field, in the same unit: what errors are taken over.
    free : (N, H, W) bool
        Where the network's word counts; the other pixels are imposed, void, or joined to no other.
    """

    image: Tensor
    saturation: Tensor
    walls: Tensor
    rings: Tensor
    target: Tensor
    size: Tensor
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
    count, channels = len(problems), features.CHANNELS
    if any(map(features.wider, problems)):
        channels = features.WIDER_CHANNELS
    image = np.empty((count, channels, *lattice.padded), np.float32)
    target, free = np.empty((count, *lattice.shape), np.float32), np.empty((count, *lattice.shape), np.bool_)
    size, saturation = np.empty(count, np.float32), np.empty(count, np.float32)
    for at, (problem, field) in enumerate(zip(problems, solved, strict=True)):
        seen = features.see(problem, image[at])
        target[at], free[at], saturation[at] = field / seen.scale, problem.unknown, seen.saturation
        if seen.alone is not None:
            free[at] &= ~seen.alone
        size[at] = (largest_value(problem, field) or 1.0) / seen.scale
    return Batch(
        torch.from_numpy(image),
        torch.from_numpy(saturation),
        torch.tensor(np.stack([problem.walls.conductance for problem in problems]), dtype=torch.float32),
        torch.from_numpy(np.stack([problem.walls.ring for problem in problems])),
        torch.from_numpy(target),
        torch.from_numpy(size),
        torch.from_numpy(free),
    )


def largest_value(problem: Problem, field: FloatArray) -> float:
    """The largest value that is imposed, or that the field has where something is supplied, field units."""
    supplied = problem.largest_supply > 0
    return max(problem.largest_imposed, float(field.max())) if supplied else problem.largest_imposed


def predict(network: nn.Module, batch: Batch) -> Tensor:
    """The network's fields in the unit of the batch's targets, (N, H, W) float32."""
    if not isinstance(network, PaperNetwork):
        return inside(network(batch.image, batch.saturation).float(), batch.shape)
    source = inside(batch.image[:, 0], batch.shape)[:, None]
    missing = [-side % network.multiple for side in batch.shape]
    padded = functional.pad(source, (0, missing[1], 0, missing[0]))
    result: Tensor = network(padded)[:, 0, : batch.shape[0], : batch.shape[1]].float()
    return result


def inside(padded: Tensor, shape: tuple[int, int]) -> Tensor:
    """The (N, H, W) lattice inside the padded one, from (N, H', W')."""
    row, column = features.PaddedLattice.around(shape).first
    return padded[:, row : row + shape[0], column : column + shape[1]]
