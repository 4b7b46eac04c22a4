"""Gauss-Seidel sweeps as a layer: the discrete equation itself finishes what a network draws."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd import Function

from surrogate_plugin import team


def relax(field: Tensor, image: Tensor, saturation: Tensor, sweeps: int) -> Tensor:
    """``field`` after red-black Gauss-Seidel sweeps on ``-lap u + k u = 0``, with the fixed values imposed.

    Pixel-scale error vanishes, and what is left shows where the network is wrong. Saturating uptake counts with its
    secant at ``field``. Nothing crosses the outer edges of the padded lattice.

    Parameters
    ----------
    field : (N, H', W') float32
    image : (N, 4, H', W') float32, from `features.encode`
    saturation : (N,) float32, from `features.saturation`
    sweeps : int
        Each relaxes the pixels of one colour, then those of the other.

    Returns
    -------
    (N, H', W') float32
        With the exact gradient to ``field``, the secant held.

    Examples
    --------
    >>> image = torch.zeros(1, 4, 4, 4); image[0, :2, 0, 0] = 1.0
    >>> relax(torch.ones(1, 4, 4), image, torch.zeros(1), 2).eq(1.0).all().item()
    True
    """
    result: Tensor = _Relax.apply(field, image, saturation, sweeps)  # type: ignore[no-untyped-call]
    return result


class _Relax(Function):
    @staticmethod
    def forward(ctx: Any, field: Tensor, image: Tensor, saturation: Tensor, sweeps: int) -> Tensor:
        if field.device.type == "cpu":
            from surrogate_plugin.surrogate.compiled.relaxation_kernels import forward

            swept = field.detach().float().clone(memory_format=torch.contiguous_format)
            inverse = torch.empty_like(swept)
            arrays = (swept.numpy(), inverse.numpy(), image.contiguous().numpy(), saturation.numpy())
            for one in zip(*arrays, strict=True):
                team.run(forward, *one, sweeps)
        else:
            swept, inverse = in_tensors(field.detach().float(), image, saturation, sweeps)
        ctx.save_for_backward(inverse)
        ctx.sweeps = sweeps
        return swept

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """The half sweeps transposed, in reverse order."""
        (inverse,) = ctx.saved_tensors
        if inverse.device.type != "cpu":
            return transposed_in_tensors(gradients[0].float(), inverse, ctx.sweeps), None, None, None
        from surrogate_plugin.surrogate.compiled.relaxation_kernels import backward

        gradient = gradients[0].detach().float().clone(memory_format=torch.contiguous_format)
        for one in zip(gradient.numpy(), inverse.numpy(), strict=True):
            team.run(backward, *one, np.empty_like(one[0]), ctx.sweeps)
        return gradient, None, None, None


def in_tensors(field: Tensor, image: Tensor, saturation: Tensor, sweeps: int) -> tuple[Tensor, Tensor]:
    """The swept field and the inverse diagonal (0 on fixed pixels), by tensor operations that run on any device."""
    rows, columns = field.shape[1:]
    held = image[:, 1] > 0
    links = torch.full_like(field, 4.0)
    for edge in (links[:, 0], links[:, rows - 1], links[:, :, 0], links[:, :, columns - 1]):
        edge -= 1.0
    rate = image[:, 2] + image[:, 3] / (1.0 + saturation[:, None, None] * field.clamp(min=0.0))
    inverse = torch.where(held, 0.0, 1.0 / (links + rate))
    field = torch.where(held, image[:, 0], field)
    for colour in (0, 1) * sweeps:
        chosen = (inverse > 0) & _colour(field, colour)
        field = torch.where(chosen, _near(field) * inverse, field)
    return field, inverse


def transposed_in_tensors(gradient: Tensor, inverse: Tensor, sweeps: int) -> Tensor:
    """The gradient to the field before the sweeps, by tensor operations."""
    for colour in (1, 0) * sweeps:
        chosen = (inverse > 0) & _colour(gradient, colour)
        passed = torch.where(chosen, gradient * inverse, 0.0)
        gradient = torch.where(chosen, 0.0, gradient) + _near(passed)
    return gradient * (inverse > 0)


def _near(field: Tensor) -> Tensor:
    """The sum of the four neighbours, 0 beyond the edges."""
    near = torch.zeros_like(field)
    near[:, 1:] += field[:, :-1]
    near[:, :-1] += field[:, 1:]
    near[:, :, 1:] += field[:, :, :-1]
    near[:, :, :-1] += field[:, :, 1:]
    return near


def _colour(field: Tensor, colour: int) -> Tensor:
    rows, columns = (torch.arange(side, device=field.device) for side in field.shape[1:])
    return (rows[:, None] + columns) % 2 == colour
