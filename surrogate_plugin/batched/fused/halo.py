"""The halo of a field or of a correction: set in one launch, a program a problem, or by who stores the pixels."""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from surrogate_plugin.batched.fused.launching import launch

__all__ = ["edged", "set_halo"]


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
def edged(array, values, i, j, there, h, w, RINGS: tl.constexpr):
    """Store pixels of a problem, and in the halo beside them what it holds: on a ring the far side's, elsewhere 0.

    Whoever has a pixel at an edge writes what the halo repeats of it, and nobody else does.
    """
    nothing = tl.zeros_like(values)
    at = array + (i + 1) * (w + 2) + j + 1
    tl.store(at, values, mask=there)
    for end in tl.static_range(2):
        row = (h + 1 - end * (h + 1)) if RINGS[0] else end * (h + 1)
        up = (row - 1 - i) * (w + 2)
        at_row = there & (i == end * (h - 1))
        tl.store(at + up, values if RINGS[0] else nothing, mask=at_row)
        column = (w + 1 - end * (w + 1)) if RINGS[1] else end * (w + 1)
        tl.store(at + (column - 1 - j), values if RINGS[1] else nothing, mask=there & (j == end * (w - 1)))
        for side in tl.static_range(2):
            far = (w + 1 - side * (w + 1)) if RINGS[1] else side * (w + 1)
            corner = at_row & (j == side * (w - 1))
            tl.store(at + up + (far - 1 - j), values if RINGS[0] and RINGS[1] else nothing, mask=corner)
