"""The diffusion equation as a layer: exact on a coarse grid, with coefficients a network chooses."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

TOLERANCE = 1e-4
_MOST = 40


def solve(extra: Tensor, rhs: Tensor) -> Tensor:
    """``u`` with ``-lap u + extra u = rhs`` on each grid: links of 1 to the four neighbours, none beyond the edges.

    The gradient is exact too: the matrix is symmetric, so that one more solve gives it.

    Parameters
    ----------
    extra : (N, h, w) float32
        The extra diagonal, >= 0 and above 0 somewhere.
    rhs : (N, h, w) float32

    Returns
    -------
    (N, h, w) float32
        To about `TOLERANCE` of its size.

    Examples
    --------
    >>> extra = torch.full((1, 5, 6), 0.5)
    >>> bool((solve(extra, 0.5 * torch.ones(1, 5, 6)) - 1.0).abs().max() < 1e-3)
    True
    """
    result: Tensor = _Solve.apply(extra, rhs)  # type: ignore[no-untyped-call]
    return result


def _solve(extra: Tensor, rhs: Tensor) -> Tensor:
    from surrogate_plugin.surrogate.coarse_kernels import solve_batch

    out = torch.empty(rhs.shape, dtype=torch.float32)
    arrays = (tensor.detach().to("cpu", torch.float32).contiguous().numpy() for tensor in (extra, rhs))
    solve_batch(*arrays, out.numpy(), TOLERANCE, _MOST)
    return out.to(rhs.device)


class _Solve(Function):
    @staticmethod
    def forward(ctx: Any, extra: Tensor, rhs: Tensor) -> Tensor:
        field = _solve(extra, rhs)
        ctx.save_for_backward(extra, field)
        return field

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor]:
        """With ``A u = f``: the gradient of f is ``g = A^-1 grad u``, that of the diagonal is ``-g u``."""
        extra, field = ctx.saved_tensors
        adjoint = _solve(extra, gradients[0])
        return -adjoint * field, adjoint
