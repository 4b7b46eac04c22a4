"""Gauss-Seidel sweeps as a layer: the discrete equation itself finishes what a network draws."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd import Function

from surrogate_plugin import team
from surrogate_plugin.surrogate import relaxation_tensors
from surrogate_plugin.surrogate.passes import compiled


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
        if compiled(image):
            from surrogate_plugin.surrogate.compiled.relaxation_kernels import forward

            swept = field.detach().float().clone(memory_format=torch.contiguous_format)
            inverse = torch.empty_like(swept)
            arrays = (swept.numpy(), inverse.numpy(), image.contiguous().numpy(), saturation.numpy())
            for one in zip(*arrays, strict=True):
                team.run(forward, *one, sweeps)
        else:
            swept, inverse = relaxation_tensors.forward(field.detach().float(), image, saturation, sweeps)
        ctx.save_for_backward(inverse, image)
        ctx.sweeps = sweeps
        return swept

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """The half sweeps transposed, in reverse order."""
        inverse, image = ctx.saved_tensors
        if not compiled(inverse):
            gradient = relaxation_tensors.transposed(gradients[0].float(), inverse, image, ctx.sweeps)
            return gradient, None, None, None
        from surrogate_plugin.surrogate.compiled.relaxation_kernels import backward

        gradient = gradients[0].detach().float().clone(memory_format=torch.contiguous_format)
        for one, *others in zip(gradient.numpy(), inverse.numpy(), image.contiguous().numpy(), strict=True):
            team.run(backward, one, *others, np.empty_like(one), ctx.sweeps)
        return gradient, None, None, None
