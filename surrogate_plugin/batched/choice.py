"""Who computes: plain torch, the reference, or the Triton kernels of `surrogate_plugin.batched.fused`.

Kernels are taken for tensors on a GPU where Triton is installed, as it is with every torch for CUDA on Linux. The
variable SURROGATE_PLUGIN_FUSED says otherwise, ``0`` for never, and so does `using`, for tests and comparisons.
"""

from __future__ import annotations

import functools
import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

__all__ = ["fused", "using"]

#: What `using` says; None: what device and variable say.
_said: bool | None = None


def fused(*tensors: Tensor | None) -> bool:
    """Whether kernels compute with these tensors: all on one device and contiguous, and no gradient is asked for."""
    given = [each for each in tensors if each is not None]
    if torch.is_grad_enabled() and any(each.requires_grad for each in given):
        return False
    wanted = _on_a_gpu(given[0]) if _said is None else _said
    return wanted and all(each.is_contiguous() for each in given)


@contextmanager
def using(kernels: bool) -> Iterator[None]:
    """Take kernels, or the reference, whatever the device; on a CPU kernels need TRITON_INTERPRET=1 from the start.

    Examples
    --------
    >>> with using(kernels=False):
    ...     fused(torch.zeros(2))
    False
    """
    global _said
    before, _said = _said, kernels
    try:
        yield
    finally:
        _said = before


def _on_a_gpu(tensor: Tensor) -> bool:
    return tensor.is_cuda and _usable() and os.environ.get("SURROGATE_PLUGIN_FUSED", "1") != "0"


@functools.cache
def _usable() -> bool:
    """Whether there is a GPU, and a Triton; tensors may also be fakes that stand for a GPU's."""
    return torch.cuda.is_available() and importlib.util.find_spec("triton") is not None
