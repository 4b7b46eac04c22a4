"""The discrete equations of a stack in float64: what they leave of a field, their slopes, and what a proof needs.

As `surrogate_plugin.equation.operator_kernels` and `surrogate_plugin.guard.certificate_kernels`, operation by
operation, for all problems at once. Fields are (B, H + 2, W + 2) with a halo, which holds what the sides impose in an
*imposed* field and 0 in a *correction*; where nothing passes it repeats the pixel beside it, on a ring the pixel
opposite. Every function sets the halo of the field that it is given.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from surrogate_plugin.batched.choice import fused
from surrogate_plugin.batched.stack import Stack
from surrogate_plugin.equation.uptake import Saturation

#: A sum of fewer than eight rounded terms is off by less than eight times float64's epsilon times the sum of their
#: magnitudes; this doubles it. A compiler that contracts a product and a sum into one operation leaves one rounding
#: out, so that what it computes is covered as well.
ALLOWANCE = 16 * 2.220446049250313e-16


def embed(stack: Stack, field: Tensor | None) -> Tensor:
    """A (B, H + 2, W + 2) float64 copy of ``field``, 0 if None, with what is known imposed; its halo is 0.

    Parameters
    ----------
    field : (B, H, W) float64, field units, or None
    """
    if fused(stack.source, stack.free, field):
        from surrogate_plugin.batched.fused import fields

        return fields.embed(stack.source, stack.free, field)
    rows, columns = stack.shape
    c = stack.source.new_zeros((stack.count, rows + 2, columns + 2))
    inner(c).copy_(stack.source if field is None else torch.where(stack.free, field, stack.source))
    return c


def inner(c: Tensor) -> Tensor:
    """A view without the halo."""
    return c[..., 1:-1, 1:-1]


def set_halo_(stack: Stack, c: Tensor, values: Tensor | None = None) -> None:
    """Fill the halo of ``c``, but for its corners; sides that impose a value have it from ``values``, or their own."""
    imposed = stack.wall_value if values is None else values
    if fused(c, imposed, stack.wall_conductance):
        from surrogate_plugin.batched.fused.halo import set_halo

        set_halo(c, imposed, stack.wall_conductance, stack.rings)
        return
    for axis, ring in enumerate(stack.rings):
        across = c[:, 1:-1, :].transpose(1, 2) if axis else c[:, :, 1:-1]
        last = stack.shape[axis]
        for end, (halo, beside, opposite) in enumerate(((0, 1, last), (last + 1, last, 1))):
            if ring:
                across[:, halo] = across[:, opposite]
                continue
            held = stack.wall_conductance[:, axis, end, None] > 0.0
            value = imposed[:, axis, end, None].to(c.dtype)
            across[:, halo] = torch.where(held, value, across[:, beside])


def residual(stack: Stack, c: Tensor, factor: Tensor, km: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """``factor r`` with ``r = s + div(G grad c) - k c - v c / (km + c)``, 0 on fixed pixels, and the largest ``|r|``.

    Parameters
    ----------
    c : (B, H + 2, W + 2) float64, field units
    factor : (B,) float64
    km : (B,) float64, field units, optional
        In place of the equations' own.

    Returns
    -------
    scaled : (B, H + 2, W + 2) float32
        With a halo of 0.
    largest : (B,) float64, field units
        Infinite for NaN.
    """
    set_halo_(stack, c)
    constant = stack.km if km is None else km
    if fused(c, factor, constant):
        from surrogate_plugin.batched.fused import equation

        return equation.residual(stack, c, factor, constant)
    flow, _ = _inflow(stack, c)
    loss = _loss(stack, inner(c), constant)
    r = torch.where(stack.free, stack.production + flow - loss, 0.0)
    scaled = torch.zeros(c.shape, dtype=torch.float32, device=c.device)
    inner(scaled).copy_(r * factor[:, None, None])
    return scaled, _largest(r.abs())


def inflated_residual(stack: Stack, c: Tensor) -> tuple[Tensor, Tensor]:
    """``|r|`` plus the rounding allowance on free pixels, (B, H, W) float64, and its largest value, (B,).

    Infinite wherever the theorem does not apply: where ``c`` is not finite, is not what a fixed pixel holds, or is
    negative although uptake saturates.
    """
    set_halo_(stack, c)
    if fused(c):
        from surrogate_plugin.batched.fused import equation

        return equation.inflated_residual(stack, c)
    here = inner(c)
    flow, magnitude = _inflow(stack, c)
    loss = _loss(stack, here, stack.km)
    size = (stack.production + flow - loss).abs()
    size = size + ALLOWANCE * (magnitude + (loss.abs() + stack.production))
    if stack.vmax is not None:
        size = torch.where(here < 0.0, math.inf, size)
    held = torch.where(here == stack.source, 0.0, math.inf)
    size = torch.where(stack.free, size, held.to(size.dtype))
    return size, _largest(size)


def deficit(
    stack: Stack, w: Tensor, c: Tensor, target: Tensor, factor: Tensor, *, decay: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """``max(factor target - A w, 0)`` on free pixels, inflated for rounding.

    Where uptake saturates, ``A w + U(c + w) - U(c)`` takes the place of ``A w``, with ``w / factor`` in the units of
    ``c``. Sets the halo of ``w``.

    Parameters
    ----------
    w : (B, H + 2, W + 2) float32 or float64, dimensionless
    c : (B, H + 2, W + 2) float64, field units
    target : (B, H, W) float64, field units
    factor : (B,) float64
    decay : (B, H, W) float64, optional
        All of the operator's decay, in place of its own and of uptake.

    Returns
    -------
    lack : (B, H + 2, W + 2) float32
        With a halo of 0.
    largest, top : (B,) float64
        The largest lack and the largest ``w``; infinite for NaN and for a negative ``w``.
    """
    set_halo_(stack, w, torch.zeros_like(stack.wall_value))
    if fused(w, c, target, factor, decay):
        from surrogate_plugin.batched.fused import equation

        return equation.deficit(stack, w, c, target, factor, decay)
    value = inner(w).to(torch.float64)
    flow, magnitude = _inflow(stack, w)
    strength = stack.decay if decay is None else decay
    if stack.vmax is not None and decay is None:
        unit = (1.0 / factor)[:, None, None]
        strength = strength + _law(stack.vmax, stack.km).quotient(inner(c), unit * value)
    loss, wanted = strength * value, factor[:, None, None] * target
    short = (wanted - loss) + flow
    short = short + ALLOWANCE * (magnitude + (loss.abs() + wanted))
    # Written so that NaN stays NaN: the comparison is false for it.
    short = torch.where((short < 0.0) | ~stack.free, 0.0, short)
    # What is wanted is a magnitude; anything else was never computed.
    short = torch.where(wanted < 0.0, math.inf, short)
    lack = torch.zeros(w.shape, dtype=torch.float32, device=w.device)
    inner(lack).copy_(short)
    return lack, _largest(short), _largest(torch.where(value >= 0.0, value, math.inf))


def tangent(stack: Stack, c: Tensor) -> Tensor:
    """The decay of the equations linearised at ``c``, (B, H, W) float64."""
    if stack.vmax is None:
        return stack.decay
    slope: Tensor = _law(stack.vmax, stack.km).slope(inner(c))
    return stack.decay + slope


def least_slope(stack: Stack, c: Tensor) -> Tensor:
    """``k + dU/dc`` at ``c``, rounded down, (B, H, W) float64: the least decay felt by anything below ``c``."""
    if stack.vmax is None:
        return stack.decay
    slope: Tensor = _law((1.0 - ALLOWANCE) * stack.vmax, stack.km).slope(inner(c))
    return stack.decay + slope


def secant(stack: Stack, c: Tensor, w: Tensor) -> Tensor:
    """The decay that takes ``(U(c + w) - U(c)) / w`` for uptake, (B, H, W) float64; ``w`` (B, H + 2, W + 2)."""
    if stack.vmax is None:
        return stack.decay
    slope: Tensor = _law(stack.vmax, stack.km).quotient(inner(c), inner(w))
    return stack.decay + slope


def first_guess_decay(stack: Stack, c: Tensor, *, started: bool) -> Tensor:
    """The decay to begin with: the tangent at a start, else uptake's mean slope up to the largest value."""
    if started or stack.vmax is None:
        return tangent(stack, c)
    slope: Tensor = _law(stack.vmax, stack.km).secant(0.5 * c.amax((1, 2))[:, None, None])
    return stack.decay + slope


def _law(vmax: Tensor, km: Tensor) -> Any:
    """The formulas of uptake, which take tensors as they take arrays."""
    given: Any = vmax, _km(km)
    return Saturation(*given)


def _km(km: Tensor) -> Tensor:
    return km[:, None, None]


def _loss(stack: Stack, here: Tensor, km: Tensor) -> Tensor:
    """What decay and uptake take."""
    loss = stack.decay * here
    if stack.vmax is not None:
        loss = loss + _law(stack.vmax, km).rate(here)
    return loss


def _inflow(stack: Stack, x: Tensor) -> tuple[Tensor, Tensor]:
    """What the four faces of each pixel carry into it, and the sum of the magnitudes, (B, H, W) float64.

    Differences of neighbours come first, which are exact where they are close, so that a weak decay is not lost beside
    the faces.
    """
    x = x.to(torch.float64)
    here = inner(x)
    below, above = x[:, :-2, 1:-1] - here, x[:, 2:, 1:-1] - here
    left, right = x[:, 1:-1, :-2] - here, x[:, 1:-1, 2:] - here
    if stack.north is not None and stack.east is not None:
        below, above = stack.north[:, :-1] * below, stack.north[:, 1:] * above
        left, right = stack.east[:, :, :-1] * left, stack.east[:, :, 1:] * right
    return (below + above) + (left + right), (below.abs() + above.abs()) + (left.abs() + right.abs())


def _largest(magnitudes: Tensor) -> Tensor:
    """The largest of each problem, (B,); infinite for NaN."""
    return torch.nan_to_num(magnitudes.amax((1, 2)), nan=math.inf, posinf=math.inf)
