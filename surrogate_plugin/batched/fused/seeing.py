"""What a network reads of plain problems, and fields from what it writes: each in one pass over the maps.

As `surrogate_plugin.batched.plain_image` and `surrogate_plugin.batched.features`, which say what it means. In bytes a
pixel `see` reads 17 and writes 16, where one operation after the other takes some 330; `decode` reads 13 and writes 8,
in place of some 90.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from surrogate_plugin.batched.fused.launching import launch
from surrogate_plugin.batched.fused.rows import around

__all__ = ["decode", "see"]

#: Pixels of a program.
_PIXELS = 1024


def see(
    source: torch.Tensor, free: torch.Tensor, void: torch.Tensor | None, decay: torch.Tensor,
    vmax: torch.Tensor | None, km: torch.Tensor, scale: torch.Tensor, walls: tuple[torch.Tensor, torch.Tensor],
    padded: tuple[int, int], first: tuple[int, int],
) -> torch.Tensor:  # fmt: skip
    """The image of four channels, (B, 4, H', W') float32.

    Parameters
    ----------
    source, decay, vmax : (B, H, W) float64
    free, void : (B, H, W) bool
    km, scale : (B,) float64
    walls : two (B, 2, 2) float64
        What sides hold, and their conductances.
    padded, first : (int, int)
        H' and W', and where the lattice begins there.
    """
    count, h, w = source.shape
    image = source.new_empty((count, 4, *padded), dtype=torch.float32)
    blocks = triton.cdiv(padded[0] * padded[1], _PIXELS)
    launch(
        _see, count * blocks, source, free, void, decay, vmax, km, scale, *walls, image, h, w, *padded, *first, blocks,
        PIXELS=_PIXELS,
    )  # fmt: skip
    return image


def decode(
    image: torch.Tensor, source: torch.Tensor, free: torch.Tensor, void: torch.Tensor | None, scale: torch.Tensor,
    highest: torch.Tensor, first: tuple[int, int],
) -> torch.Tensor:  # fmt: skip
    """Fields from 0 to ``highest``, (B,), with what is fixed imposed; NaN stays NaN. An image may be a view."""
    out = torch.empty_like(source)
    pixels = source[0].numel()
    blocks = triton.cdiv(pixels, _PIXELS)
    launch(
        _decode, source.shape[0] * blocks, image, source, free, void, scale, highest, out, source.shape[2], pixels,
        image.stride(0), image.stride(1), *first, blocks, PIXELS=_PIXELS,
    )  # fmt: skip
    return out


@triton.jit(do_not_specialize=["blocks"])
def _see(
    source, free, void, decay, vmax, km, scale, value, conductance, image, h, w, rows, columns, top, left, blocks,
    PIXELS: tl.constexpr,
):  # fmt: skip
    program = tl.program_id(0)
    problem, k = (program // blocks).to(tl.int64), program % blocks * PIXELS + tl.arange(0, PIXELS)
    there = k < rows * columns
    row, low, high = _read_at(k // columns - top, h, conductance + 4 * problem)
    column, near, far = _read_at(k % columns - left, w, conductance + 4 * problem + 2)
    inside = there & ~(low | high | near | far)
    at = problem * h * w + row * w + column
    held = inside & (tl.load(free + at, mask=inside, other=1) == 0)
    if void is not None:
        held = held & (tl.load(void + at, mask=inside, other=0) == 0)
    per = 1.0 / tl.load(scale + problem)
    sides = value + 4 * problem
    imposed = tl.where(near, tl.load(sides + 2), tl.load(sides + 3))
    imposed = tl.where(low, tl.load(sides), tl.where(high, tl.load(sides + 1), imposed))
    imposed = tl.where(inside, tl.load(source + at, mask=held, other=0.0), imposed)
    rate = tl.load(decay + at, mask=inside & ~held, other=0.0)
    to = image + problem * 4 * rows * columns + k
    tl.store(to, tl.where(inside & ~held, 0.0, imposed * per).to(tl.float32), mask=there)
    tl.store(to + rows * columns, tl.where(held | ~inside, 1.0, 0.0), mask=there)
    tl.store(to + 2 * rows * columns, rate.to(tl.float32), mask=there)
    slope = tl.zeros((PIXELS,), tl.float64)
    if vmax is not None:
        slope = tl.load(vmax + at, mask=inside & ~held, other=0.0) / tl.load(km + problem)
    tl.store(to + 3 * rows * columns, slope.to(tl.float32), mask=there)


@triton.jit
def _read_at(at, size, conductance):
    """Where a padded row is read, and whether that is what lies beyond the low side, or the high one."""
    nothing = tl.zeros((at.shape[0],), tl.float64)
    at_low, at_high = nothing + tl.load(conductance), nothing + tl.load(conductance + 1)
    below, above = -1 - at, 2 * size - 1 - at
    # Where the margin is wider than the lattice, a mirror shows what lies beyond the other side.
    turned_down = (at >= size) & (at_high <= 0.0) & (above < 0)
    turned_up = (at < 0) & (at_low <= 0.0) & (below >= size)
    is_low = ((at < 0) | turned_down) & (at_low > 0.0)
    is_high = ((at >= size) | turned_up) & (at_high > 0.0)
    one_held = tl.where(at < 0, below, tl.where(at >= size, above, at))
    ring = around(at, 2 * size)
    mirrored = tl.minimum(ring, 2 * size - 1 - ring)
    return tl.where((at_low > 0.0) | (at_high > 0.0), one_held, mirrored), is_low, is_high


@triton.jit(do_not_specialize=["blocks"])
def _decode(
    image, source, free, void, scale, highest, out, w, pixels, next_problem, next_row, top, left, blocks,
    PIXELS: tl.constexpr,
):  # fmt: skip
    program = tl.program_id(0)
    problem, k = (program // blocks).to(tl.int64), program % blocks * PIXELS + tl.arange(0, PIXELS)
    there = k < pixels
    at = problem * pixels + k
    seen = tl.load(image + problem * next_problem + (k // w + top) * next_row + k % w + left, mask=there, other=0.0)
    field = seen.to(tl.float64) * tl.load(scale + problem)
    most = tl.load(highest + problem)
    # Comparisons are false for NaN, which stays.
    field = tl.where(field < 0.0, 0.0, field)
    field = tl.where(field > most, most, field)
    held = tl.load(free + at, mask=there, other=1) == 0
    if void is not None:
        held = held & (tl.load(void + at, mask=there, other=0) == 0)
    tl.store(out + at, tl.where(held, tl.load(source + at, mask=there & held, other=0.0), field), mask=there)
