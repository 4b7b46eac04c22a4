"""Who computes: plain torch, the reference, or the Triton kernels of `surrogate_plugin.batched.fused`.

Kernels are taken for tensors on a GPU where Triton is installed, as it is with every torch for CUDA on Linux, and a
first small one has run; where that fails a warning says why. The variable SURROGATE_PLUGIN_FUSED says otherwise, ``0``
for never, and so does `using`, for tests and comparisons.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import warnings
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
    return tensor.is_cuda and os.environ.get("SURROGATE_PLUGIN_FUSED", "1") != "0" and _usable(tensor.device)


@functools.cache
def _usable(device: torch.device) -> bool:
    """Whether there is a GPU, and a Triton that runs there; tensors may also be fakes that stand for a GPU's."""
    if not torch.cuda.is_available() or importlib.util.find_spec("triton") is None:
        return False
    try:
        from surrogate_plugin.batched import trial

        trial.check(device)
    except Exception as error:
        what = f"{type(error).__name__}: {error}".partition("\n")[0]
        warnings.warn(f"Triton runs no kernels on {device}, so torch computes, which is slower: {what}", stacklevel=2)
        return False
    return True
