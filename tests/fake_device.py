"""A GPU that computes nothing: tensors of a device of its own, with shapes and without values.

Whatever runs on it neither mixes devices nor reads a value back, since fake tensors raise where a program does. torch
without CUDA cannot index fake CUDA tensors nor give them gradients, so the device has another name; it is registered
for a whole process, which is why that process is one of its own.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

DEVICE = "gpu"


def run(check: Callable[[], None]) -> None:
    """Run a function of a test module, by its name, with fake tensors in another process; it asserts for itself."""
    program = f"from tests import fake_device; fake_device.start({check.__module__!r}, {check.__name__!r})"
    folder = Path(__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]


def start(module: str, name: str) -> None:
    """What the other process does."""
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

    _setup_privateuseone_for_python_backend(DEVICE)
    torch.gpu.get_amp_supported_dtype = lambda: [torch.bfloat16, torch.float16]  # type: ignore[attr-defined]
    check = getattr(importlib.import_module(module), name)
    with FakeTensorMode():
        check()


def moved(network: nn.Module) -> nn.Module:
    """The network with its parameters on the device."""
    for part in network.modules():
        for name, parameter in list(part.named_parameters(recurse=False)):
            setattr(part, name, nn.Parameter(torch.empty(parameter.shape, device=DEVICE)))
    return network
