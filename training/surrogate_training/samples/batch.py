"""Problems of one lattice shape with their exact fields, as the networks and the losses read them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.surrogate import features
from surrogate_plugin.surrogate.networks import PaperNetwork
from surrogate_plugin.surrogate.operations import ProgramNetwork


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
        Which axes are rings; always on the CPU, since it decides what a device is told to do.
    target : (N, H, W) float32
        The exact field over the values that the image is over.
    size : (N,) float32
        The largest value, imposed or of the field, in the same unit: what errors are taken over.
    free : (N, H, W) bool
        Where the network's word counts; the other pixels are imposed, void, or joined to no other.
    saturates : bool
        Whether uptake saturates in any of the problems, for whoever may not look at ``saturation``.
    """

    image: Tensor
    saturation: Tensor
    walls: Tensor
    rings: Tensor
    target: Tensor
    size: Tensor
    free: Tensor
    saturates: bool = True

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the lattice."""
        return self.target.shape[1], self.target.shape[2]

    def pin_memory(self) -> Batch:
        """For a faster copy to a GPU."""
        return self._each(Tensor.pin_memory)

    def to(self, device: torch.device) -> Batch:
        """The same batch on ``device``, all but ``rings``."""
        return replace(self._each(lambda tensor: tensor.to(device, non_blocking=True)), rings=self.rings)

    def record_stream(self, stream: torch.cuda.Stream) -> None:
        """Keep the memory of a batch on a GPU until what ``stream`` was told to do by now is done."""
        for tensor in self._tensors().values():
            if tensor.device.type == "cuda":
                tensor.record_stream(stream)

    def _each(self, work: Callable[[Tensor], Tensor]) -> Batch:
        changed: dict[str, Any] = {name: work(tensor) for name, tensor in self._tensors().items()}
        return replace(self, **changed)

    def _tensors(self) -> dict[str, Any]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, Tensor)}


def assemble(problems: Sequence[Problem], solved: Sequence[FloatArray]) -> Batch:
    """Encode problems of one shape beside their exact fields, (H, W) float64 in field units."""
    from surrogate_training.samples.posed import Posed

    return Posed.of(problems).solved(torch.from_numpy(np.stack(solved)))


def largest_value(problem: Problem, field: FloatArray) -> float:
    """The largest value that is imposed, or that the field has where something is supplied, field units."""
    supplied = problem.largest_supply > 0
    return max(problem.largest_imposed, float(field.max())) if supplied else problem.largest_imposed


def predict(network: nn.Module, batch: Batch) -> Tensor:
    """The network's fields in the unit of the batch's targets, (N, H, W) float32."""
    if not isinstance(network, PaperNetwork):
        # A GPU would have to be asked whether uptake saturates; the host knows.
        told = {"saturates": batch.saturates} if isinstance(network, ProgramNetwork) else {}
        return inside(network(batch.image, batch.saturation, **told).float(), batch.shape)
    source = inside(batch.image[:, 0], batch.shape)[:, None]
    missing = [-side % network.multiple for side in batch.shape]
    padded = functional.pad(source, (0, missing[1], 0, missing[0]))
    result: Tensor = network(padded)[:, 0, : batch.shape[0], : batch.shape[1]].float()
    return result


def inside(padded: Tensor, shape: tuple[int, int]) -> Tensor:
    """The (N, H, W) lattice inside the padded one, from (N, H', W')."""
    row, column = features.PaddedLattice.around(shape).first
    return padded[:, row : row + shape[0], column : column + shape[1]]
