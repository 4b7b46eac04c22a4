"""Several processes that train one network, started by torchrun: gradients averaged, one of them keeps the books.

Neither Accelerate nor Lightning Fabric is used: what is needed of them is the two collectives below, and both would
want to own the device, the checkpoint or the data loader, which here have to be exact. DistributedDataParallel overlaps
the sum of the gradients with the backward pass, which pays for networks far larger than ours.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn


@dataclass(frozen=True)
class Group:
    """The processes that train together; alone, every method does nothing.

    Attributes
    ----------
    rank : int
        Which one this is; 0 logs, validates and saves.
    size : int
        How many there are.

    Examples
    --------
    >>> Group().leads, Group().agree(3.0, 0.0)
    (True, [3.0, 0.0])
    """

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process logs, validates and saves."""
        return self.rank == 0

    def average(self, network: nn.Module, loss: Tensor) -> Tensor:
        """Give all processes the mean of their gradients, in one sum, and return the mean of their losses.

        Buffers stay each process's own, such as the statistics of batch normalisation: those of rank 0 are saved.
        """
        if self.size == 1:
            return loss
        learning = [parameter for parameter in network.parameters() if parameter.requires_grad]
        # A batch need not reach all layers, and those that it reaches differ from process to process.
        gradients = [torch.zeros_like(each) if each.grad is None else each.grad for each in learning]
        flat = torch.cat([gradient.flatten() for gradient in gradients] + [loss.reshape(1)])
        distributed.all_reduce(flat)
        flat /= self.size
        parts = torch.split(flat[:-1], [gradient.numel() for gradient in gradients])
        for parameter, part in zip(learning, parts, strict=True):
            parameter.grad = part.view_as(parameter).clone()
        return flat[-1]

    def agree(self, *values: float) -> list[float]:
        """The values of rank 0, whose clock and whose word count: from host to host, so that no GPU is waited for."""
        if self.size == 1:
            return list(values)
        told = torch.tensor(values, dtype=torch.float64)
        distributed.broadcast(told, 0)
        return [float(value) for value in told]


@contextmanager
def joined(device: str) -> Iterator[tuple[Group, str]]:
    """This process's group and device: what torchrun says in the environment, else this process alone.

    Parameters
    ----------
    device : str
        As configured; of several GPUs each process of a machine gets its own.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield Group(), device
        return
    on_cuda = device.startswith("cuda")
    if on_cuda:
        device = f"cuda:{os.environ['LOCAL_RANK']}"
        torch.cuda.set_device(device)
    distributed.init_process_group("cpu:gloo,cuda:nccl" if on_cuda else "gloo")
    try:
        yield Group(distributed.get_rank(), size), device
    finally:
        distributed.destroy_process_group()
