"""The halo of a field or of a correction, in one launch: a program a problem."""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from surrogate_plugin.batched.fused.launching import launch

__all__ = ["clear_halo"]


def clear_halo(x: torch.Tensor) -> torch.Tensor:
    """Set the halo of ``x``, (B, h + 2, w + 2), to 0 in place, and return it."""
    count, rows, columns = x.shape
    launch(_clear, count, x, rows, columns, BLOCK=triton.next_power_of_2(max(rows, columns)))
    return x


@triton.jit
def _clear(x, rows, columns, BLOCK: tl.constexpr):
    x += tl.program_id(0).to(tl.int64) * rows * columns
    k = tl.arange(0, BLOCK)
    nothing = tl.zeros((BLOCK,), x.dtype.element_ty)
    tl.store(x + k, nothing, mask=k < columns)
    tl.store(x + (rows - 1) * columns + k, nothing, mask=k < columns)
    tl.store(x + k * columns, nothing, mask=k < rows)
    tl.store(x + k * columns + columns - 1, nothing, mask=k < rows)
