"""A kernel that does next to nothing: whether this machine compiles and launches kernels at all.

Triton needs a C compiler and Python's headers at its first launch, a driver and a GPU that it knows, and a folder that
may be written to; where one is missing, the reference computes.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl


def check(device: torch.device) -> None:
    """Raise whatever keeps a kernel from running on a device; this waits for it."""
    numbers = torch.zeros(4, device=device)
    with torch.cuda.device_of(numbers):
        _count[(1,)](numbers, SIZE=4)
    found = numbers.tolist()
    if found != [0.0, 1.0, 2.0, 3.0]:
        raise RuntimeError(f"a kernel that counts to 3 came to {found}")


@triton.jit
def _count(numbers, SIZE: tl.constexpr):
    k = tl.arange(0, SIZE)
    tl.store(numbers + k, k.to(tl.float32))
