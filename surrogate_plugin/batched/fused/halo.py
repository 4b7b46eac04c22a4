"""The halo of a field or of a correction, in one launch: a program a problem."""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from surrogate_plugin.batched.fused.launching import launch

__all__ = ["clear_halo", "set_halo"]


def clear_halo(x: torch.Tensor) -> torch.Tensor:
    """Set the halo of ``x``, (B, h + 2, w + 2), to 0 in place, and return it."""
    count, rows, columns = x.shape
    launch(_clear, count, x, rows, columns, BLOCK=triton.next_power_of_2(max(rows, columns)))
    return x


def set_halo(c: torch.Tensor, values: torch.Tensor, conductance: torch.Tensor, rings: tuple[bool, bool]) -> None:
    """Fill the halo of ``c`` in place, but for its corners, as `surrogate_plugin.batched.operator.set_halo_` does.

    Parameters
    ----------
    c : (B, h + 2, w + 2) float32 or float64
    values, conductance : (B, 2, 2) float64
        What a side imposes where it conducts at all; elsewhere the halo repeats the pixel beside it.
    rings : (bool, bool)
    """
    count, rows, columns = c.shape
    block = triton.next_power_of_2(max(rows, columns))
    launch(_impose, count, c, values, conductance, rows, columns, BLOCK=block, RINGS=rings)


@triton.jit
def _impose(c, values, conductance, rows, columns, BLOCK: tl.constexpr, RINGS: tl.constexpr):
    problem = tl.program_id(0).to(tl.int64)
    c += problem * rows * columns
    k = tl.arange(0, BLOCK)
    for axis in tl.static_range(2):
        step = 1 if axis == 1 else columns  # from one line to the next
        along = columns if axis == 1 else 1  # from one pixel of a line to the next
        last = (columns if axis == 1 else rows) - 2
        inside = (k > 0) & (k < (rows if axis == 1 else columns) - 1)
        for end in tl.static_range(2):
            at = (0 if end == 0 else last + 1) * step
            beside = (1 if end == 0 else last) * step
            opposite = (last if end == 0 else 1) * step
            side = problem * 4 + 2 * axis + end
            if RINGS[axis]:
                value = tl.load(c + opposite + k * along, mask=inside, other=0.0)
            else:
                mirrored = tl.load(c + beside + k * along, mask=inside, other=0.0)
                held = tl.load(conductance + side) > 0.0
                value = tl.where(held, tl.load(values + side).to(mirrored.dtype), mirrored)
            tl.store(c + at + k * along, value, mask=inside)


@triton.jit
def _clear(x, rows, columns, BLOCK: tl.constexpr):
    x += tl.program_id(0).to(tl.int64) * rows * columns
    k = tl.arange(0, BLOCK)
    nothing = tl.zeros((BLOCK,), x.dtype.element_ty)
    tl.store(x + k, nothing, mask=k < columns)
    tl.store(x + (rows - 1) * columns + k, nothing, mask=k < columns)
    tl.store(x + k * columns, nothing, mask=k < rows)
    tl.store(x + k * columns + columns - 1, nothing, mask=k < rows)
