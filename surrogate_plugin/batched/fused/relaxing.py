"""What a network's last sweeps begin with, of plain problems, in one pass: 20 bytes a pixel read and 12 written.

As `surrogate_plugin.surrogate.relaxation_tensors` has it in torch, where it takes some 150. Every face conducts 1,
nothing crosses the edges of the lattice, and nothing is supplied.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from surrogate_plugin.batched.fused.launching import launch

__all__ = ["begin"]

_PIXELS = 1024


def begin(
    field: torch.Tensor, image: torch.Tensor, saturation: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The inverse diagonal, the field with fixed values imposed, and what it leaves of the equation.

    Parameters
    ----------
    field : (N, h, w) float32
    image : (N, 4, h, w) float32
        Fixed values, which pixels are fixed, decay, and the initial rate of saturating uptake.
    saturation : (N,) float32

    Returns
    -------
    inverse, x, left : (N, h + 2, w + 2) float32
        With halos of 0; the inverse and what is left are 0 on fixed pixels too.
    """
    count, h, w = field.shape
    inverse, x, left = (field.new_empty((count, h + 2, w + 2)) for _ in range(3))
    blocks = triton.cdiv((h + 2) * (w + 2), _PIXELS)
    launch(_begin, count * blocks, field, image, saturation, inverse, x, left, h, w, blocks, PIXELS=_PIXELS)
    return inverse, x, left


@triton.jit(do_not_specialize=["blocks"])
def _begin(field, image, saturation, inverse, x, left, h, w, blocks, PIXELS: tl.constexpr):
    program = tl.program_id(0)
    problem, k = (program // blocks).to(tl.int64), program % blocks * PIXELS + tl.arange(0, PIXELS)
    there = k < (h + 2) * (w + 2)
    i, j = k // (w + 2) - 1, k % (w + 2) - 1
    field += problem * h * w
    image += problem * 4 * h * w
    here, held, inside = _imposed(field, image, i, j, h, w)
    below, _, down = _imposed(field, image, i - 1, j, h, w)
    above, _, up = _imposed(field, image, i + 1, j, h, w)
    west, _, before = _imposed(field, image, i, j - 1, h, w)
    east, _, after = _imposed(field, image, i, j + 1, h, w)
    at, solved = i * w + j, inside & ~held
    guess = tl.load(field + at, mask=solved, other=0.0)
    guess = tl.where(guess < 0.0, 0.0, guess)  # NaN stays
    secant = 1.0 + tl.load(saturation + problem) * guess
    rate = tl.load(image + 2 * h * w + at, mask=solved, other=0.0)
    rate += tl.div_rn(tl.load(image + 3 * h * w + at, mask=solved, other=0.0), secant)
    links = (down.to(tl.float32) + up.to(tl.float32)) + (before.to(tl.float32) + after.to(tl.float32))
    diagonal = links + rate
    own = solved & ~(diagonal == 0.0)
    inverted = tl.where(own, tl.div_rn(1.0, tl.where(own, diagonal, 1.0)), 0.0)
    flow = (below + above) + (west + east)
    lacking = tl.where(inverted == 0.0, 0.0, flow - tl.div_rn(here, tl.where(inverted == 0.0, 1.0, inverted)))
    to = problem * (h + 2) * (w + 2) + k
    tl.store(inverse + to, inverted, mask=there)
    tl.store(x + to, here, mask=there)
    tl.store(left + to, lacking, mask=there)


@triton.jit
def _imposed(field, image, i, j, h, w):
    """The field of pixels with fixed values imposed, 0 beyond the lattice; which are fixed, and which there are."""
    inside = (i >= 0) & (i < h) & (j >= 0) & (j < w)
    at = i * w + j
    held = inside & (tl.load(image + h * w + at, mask=inside, other=0.0) > 0.0)
    free = tl.load(field + at, mask=inside & ~held, other=0.0)
    return tl.where(held, tl.load(image + at, mask=held, other=0.0), free), held, inside
