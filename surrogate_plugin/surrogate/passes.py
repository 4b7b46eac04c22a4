"""Who computes what a network solves and sweeps by itself: compiled passes on a CPU, tensor operations elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

__all__ = ["compiled", "tensors_alone"]

_tensors_alone = False


def compiled(tensor: Tensor) -> bool:
    """Whether compiled passes take it: float32 on a CPU."""
    return tensor.device.type == "cpu" and tensor.dtype == torch.float32 and not _tensors_alone


@contextmanager
def tensors_alone() -> Iterator[None]:
    """Compute on a CPU too as on a GPU, for tests and comparisons.

    Examples
    --------
    >>> with tensors_alone():
    ...     compiled(torch.zeros(2))
    False
    """
    global _tensors_alone
    before, _tensors_alone = _tensors_alone, True
    try:
        yield
    finally:
        _tensors_alone = before
