"""The diffusion equation as a layer: exact on a coarse grid, with coefficients a network chooses.

Float32 on a CPU is solved by compiled passes, a grid after the other; all else where it lies, by tensor operations.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from surrogate_plugin.surrogate import diffusion_tensors
from surrogate_plugin.surrogate.passes import compiled

#: Of the right-hand side's preconditioned norm. With 1e-3 the solve's own error is larger than a trained network's: the
#: median relative L2 error of the default model is 1.04 % then, and 0.48 % with this.
TOLERANCE = 1e-4
MOST = 40
#: How many steps are taken where no value may be read back, from nothing and from a guess. Of 36 equations that the
#: default model poses on its validation problems the largest error over the largest value is 9e-6 on the median then,
#: and 3e-3 at most; where `TOLERANCE` decides it is 8e-4 and 8e-3.
STEPS, STEPS_FROM_GUESS = 8, 4


def solve(east: Tensor, north: Tensor, extra: Tensor, rhs: Tensor, guess: Tensor | None = None) -> Tensor:
    """``u`` with ``-div(L grad u) + extra u = rhs`` on each grid.

    The gradient is exact too: the matrix is symmetric, so that one more solve gives it.

    Parameters
    ----------
    east, north : (N, h, w) float32
        The links of each cell to the next column and the next row, > 0. Those of the last column and the last row lead
        to the first, or are all 0: then nothing crosses the edge.
    extra : (N, h, w) float32
        The extra diagonal, >= 0 and above 0 somewhere.
    rhs : (N, h, w) float32
    guess : (N, h, w) float32, optional
        To start from; has no gradient.

    Returns
    -------
    (N, h, w) float32
        To about `TOLERANCE` of its size, or after `STEPS`; in float64 where ``rhs`` is.

    Examples
    --------
    >>> links, extra = torch.ones(1, 5, 6), torch.full((1, 5, 6), 0.5)  # a torus
    >>> bool((solve(links, links, extra, 0.5 * torch.ones(1, 5, 6)) - 1.0).abs().max() < 1e-3)
    True
    """
    result: Tensor = _Solve.apply(east, north, extra, rhs, guess)  # type: ignore[no-untyped-call]
    return result


def _solve(matrix: tuple[Tensor, Tensor, Tensor], rhs: Tensor, guess: Tensor | None) -> Tensor:
    if compiled(rhs):
        return _compiled(matrix, rhs, guess)
    east, north, extra = (tensor.detach() for tensor in matrix)
    return in_tensors(east, north, extra, rhs.detach(), None if guess is None else guess.detach())


def _compiled(matrix: tuple[Tensor, Tensor, Tensor], rhs: Tensor, guess: Tensor | None) -> Tensor:
    from surrogate_plugin.surrogate.compiled.diffusion_kernels import solve_batch, workspace

    out = torch.zeros(rhs.shape) if guess is None else guess.detach().to(torch.float32, copy=True)
    arrays = (tensor.detach().to(torch.float32).contiguous().numpy() for tensor in (*matrix, rhs))
    solve_batch(*arrays, out.numpy(), TOLERANCE, MOST, workspace(*rhs.shape[1:]))
    return out


def in_tensors(east: Tensor, north: Tensor, extra: Tensor, rhs: Tensor, guess: Tensor | None = None) -> Tensor:
    """`solve` without gradients, by tensor operations that run on any device, in `STEPS` or `STEPS_FROM_GUESS`."""
    steps = STEPS if guess is None else STEPS_FROM_GUESS
    return diffusion_tensors.solve(east, north, extra, rhs, guess, steps)


class _Solve(Function):
    @staticmethod
    def forward(ctx: Any, east: Tensor, north: Tensor, extra: Tensor, rhs: Tensor, guess: Tensor | None) -> Tensor:
        field = _solve((east, north, extra), rhs, guess)
        ctx.save_for_backward(east, north, extra, field)
        return field

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """With ``A u = f`` the gradient of f is ``g = A^-1 grad u``, that of a matrix entry ``-g`` times its ``u``."""
        east, north, extra, field = ctx.saved_tensors
        adjoint = _solve((east, north, extra), gradients[0], None)
        across, up = (-(adjoint.roll(-1, axis) - adjoint) * (field.roll(-1, axis) - field) for axis in (2, 1))
        across[:, :, -1] *= east[:, :, -1] > 0
        up[:, -1] *= north[:, -1] > 0
        return across, up, -adjoint * field, adjoint, None
