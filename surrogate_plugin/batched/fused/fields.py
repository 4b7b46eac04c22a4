"""What becomes of fields before, between and after cycles, each in one pass; torch goes through memory once a step.

In bytes a pixel: `embed` reads up to 17 and writes 8, `wanted` reads 8 and writes 4, `grow` reads 9 and writes 4, and
`keep` reads 8 and writes 8.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from surrogate_plugin.batched.fused.launching import launch

__all__ = ["embed", "grow", "keep", "wanted"]

_PIXELS = 1024


def embed(source: torch.Tensor, free: torch.Tensor, field: torch.Tensor | None) -> torch.Tensor:
    """(B, h + 2, w + 2) float64: the source, and on free pixels a field if there is one; the halo is 0."""
    count, h, w = source.shape
    out = source.new_empty((count, h + 2, w + 2))
    blocks = triton.cdiv((h + 2) * (w + 2), _PIXELS)
    launch(_embed, count * blocks, source, free, field, out, h, w, blocks, PIXELS=_PIXELS)
    return out


def wanted(target: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
    """``factor target`` in float32 with a halo of 0, (B, h + 2, w + 2), of (B, h, w) float64 and (B,) float64."""
    count, h, w = target.shape
    out = target.new_empty((count, h + 2, w + 2), dtype=torch.float32)
    blocks = triton.cdiv((h + 2) * (w + 2), _PIXELS)
    launch(_wanted, count * blocks, target, factor, out, h, w, blocks, PIXELS=_PIXELS)
    return out


def grow(w: torch.Tensor, z: torch.Tensor, free: torch.Tensor, by: float) -> None:
    """Add to ``w`` in place, on free pixels, ``by`` times what is above 0 of ``z``; NaN is added as such.

    Parameters
    ----------
    w : (B, h + 2, w + 2) float32 or float64
    z : (B, h + 2, w + 2) float32
    free : (B, h, w) bool
    by : float
    """
    count, rows, columns = free.shape
    blocks = triton.cdiv(rows * columns, _PIXELS)
    launch(_grow, count * blocks, w, z, free, rows, columns, blocks, BY=by, PIXELS=_PIXELS)


def keep(
    fields: torch.Tensor, candidates: torch.Tensor, ceiling: torch.Tensor, at: torch.Tensor, to: torch.Tensor
) -> None:
    """Write candidates ``at`` to fields ``to``, within 0 and their ceilings; what is no number becomes 0.

    Parameters
    ----------
    fields : (N, h, w) float64
    candidates : (B, h + 2, w + 2) float64
    ceiling : (B,) float64
    at, to : (n,) int64
    """
    _, h, w = fields.shape
    blocks = triton.cdiv(h * w, _PIXELS)
    launch(_keep, at.shape[0] * blocks, fields, candidates, ceiling, at, to, h, w, blocks, PIXELS=_PIXELS)


@triton.jit
def _block(blocks, PIXELS: tl.constexpr):
    """Which problem a program has, and which pixels of it."""
    program = tl.program_id(0)
    return (program // blocks).to(tl.int64), program % blocks * PIXELS + tl.arange(0, PIXELS)


@triton.jit(do_not_specialize=["blocks"])
def _embed(source, free, field, out, h, w, blocks, PIXELS: tl.constexpr):
    problem, k = _block(blocks, PIXELS)
    i, j = k // (w + 2) - 1, k % (w + 2) - 1
    inside = (i >= 0) & (i < h) & (j >= 0) & (j < w)
    at = problem * h * w + i * w + j
    value = tl.load(source + at, mask=inside, other=0.0)
    if field is not None:
        given = inside & (tl.load(free + at, mask=inside, other=0) != 0)
        value = tl.where(given, tl.load(field + at, mask=given, other=0.0), value)
    tl.store(out + problem * (h + 2) * (w + 2) + k, value, mask=k < (h + 2) * (w + 2))


@triton.jit(do_not_specialize=["blocks"])
def _wanted(target, factor, out, h, w, blocks, PIXELS: tl.constexpr):
    problem, k = _block(blocks, PIXELS)
    i, j = k // (w + 2) - 1, k % (w + 2) - 1
    inside = (i >= 0) & (i < h) & (j >= 0) & (j < w)
    value = tl.load(factor + problem) * tl.load(target + problem * h * w + i * w + j, mask=inside, other=0.0)
    value = tl.where(inside, value, 0.0).to(tl.float32)
    tl.store(out + problem * (h + 2) * (w + 2) + k, value, mask=k < (h + 2) * (w + 2))


@triton.jit(do_not_specialize=["blocks"])
def _grow(grown, z, free, h, w, blocks, BY: tl.constexpr, PIXELS: tl.constexpr):
    problem, k = _block(blocks, PIXELS)
    there = k < h * w
    solved = there & (tl.load(free + problem * h * w + k, mask=there, other=0) != 0)
    at = problem * (h + 2) * (w + 2) + (k // w + 1) * (w + 2) + k % w + 1
    more = tl.load(z + at, mask=solved, other=0.0)
    more = tl.where(more < 0.0, 0.0, more) * BY  # NaN stays
    before = tl.load(grown + at, mask=solved, other=0.0)
    tl.store(grown + at, before + more.to(before.dtype), mask=solved)


@triton.jit(do_not_specialize=["blocks"])
def _keep(fields, candidates, ceiling, at, to, h, w, blocks, PIXELS: tl.constexpr):
    number, k = _block(blocks, PIXELS)
    there = k < h * w
    problem, place = tl.load(at + number), tl.load(to + number)
    begin = problem * (h + 2) * (w + 2) + (k // w + 1) * (w + 2) + k % w + 1
    value, most = tl.load(candidates + begin, mask=there, other=0.0), tl.load(ceiling + problem)
    value = tl.where(value > 0.0, value, 0.0)  # NaN becomes 0
    tl.store(fields + place * h * w + k, tl.where(value > most, most, value), mask=there)
