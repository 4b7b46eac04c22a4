"""Gauss-Seidel sweeps as a layer: the discrete equation itself finishes what a network draws."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd import Function

from surrogate_plugin import team
from surrogate_plugin.surrogate.features import CHANNELS, EAST, FIRST_ORDER, MASK, NORTH, RATE, SUPPLY, VALUE


def relax(field: Tensor, image: Tensor, saturation: Tensor, sweeps: int) -> Tensor:
    """``field`` after red-black Gauss-Seidel sweeps on ``-div(G grad u) + k u = s``, with the fixed values imposed.

    Pixel-scale error vanishes, and what is left shows where the network is wrong. Saturating uptake counts with its
    secant at ``field``. In a plain image every face conducts 1 and nothing is supplied; nothing crosses the outer edges
    of the padded lattice. A pixel that nothing joins to any other, and that does not decay, stays as it is.

    Parameters
    ----------
    field : (N, H', W') float32
    image : (N, 4 or 7, H', W') float32, from `features.encode`
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
        ctx.save_for_backward(inverse, image)
        ctx.sweeps = sweeps
        return swept

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """The half sweeps transposed, in reverse order."""
        inverse, image = ctx.saved_tensors
        if inverse.device.type != "cpu":
            return transposed_in_tensors(gradients[0].float(), inverse, image, ctx.sweeps), None, None, None
        from surrogate_plugin.surrogate.compiled.relaxation_kernels import backward

        gradient = gradients[0].detach().float().clone(memory_format=torch.contiguous_format)
        for one, *others in zip(gradient.numpy(), inverse.numpy(), image.contiguous().numpy(), strict=True):
            team.run(backward, one, *others, np.empty_like(one), ctx.sweeps)
        return gradient, None, None, None


def in_tensors(field: Tensor, image: Tensor, saturation: Tensor, sweeps: int) -> tuple[Tensor, Tensor]:
    """The swept field and the inverse diagonal (0 on fixed pixels), by tensor operations that run on any device."""
    held, supply = image[:, MASK] > 0, image[:, SUPPLY] if _wider(image) else 0.0
    links = _to_neighbours(torch.ones_like(field), image)
    rate = image[:, FIRST_ORDER] + image[:, RATE] / (1.0 + saturation[:, None, None] * field.clamp(min=0.0))
    inverse = torch.where(held | (links + rate == 0), 0.0, 1.0 / (links + rate))
    field = torch.where(held, image[:, VALUE], field)
    for chosen in _colours(inverse) * sweeps:
        field = torch.where(chosen, (_to_neighbours(field, image) + supply) * inverse, field)
    return field, inverse


def transposed_in_tensors(gradient: Tensor, inverse: Tensor, image: Tensor, sweeps: int) -> Tensor:
    """The gradient to the field before the sweeps, by tensor operations."""
    for chosen in _colours(inverse)[::-1] * sweeps:
        passed = torch.where(chosen, gradient * inverse, 0.0)
        gradient = torch.where(chosen, 0.0, gradient) + _to_neighbours(passed, image)
    return gradient * (inverse > 0)


def _wider(image: Tensor) -> bool:
    return image.shape[1] > CHANNELS


def _to_neighbours(field: Tensor, image: Tensor) -> Tensor:
    """What the four neighbours of each pixel bring through its faces, 0 beyond the edges."""
    near = torch.zeros_like(field)
    if _wider(image):
        for axis, faces in ((1, image[:, NORTH]), (2, image[:, EAST])):
            near += faces * field.roll(-1, axis) + (faces * field).roll(1, axis)
        return near
    near[:, 1:] += field[:, :-1]
    near[:, :-1] += field[:, 1:]
    near[:, :, 1:] += field[:, :, :-1]
    near[:, :, :-1] += field[:, :, 1:]
    return near


def _colours(inverse: Tensor) -> tuple[Tensor, Tensor]:
    """The pixels of each colour that are relaxed."""
    rows, columns = (torch.arange(side, device=inverse.device) for side in inverse.shape[1:])
    first = (rows[:, None] + columns) % 2 == 0
    return (inverse > 0) & first, (inverse > 0) & ~first
