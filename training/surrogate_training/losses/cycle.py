"""What a multigrid cycle leaves of an error, as a layer: the loss sees what the guard will measure."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd import Function

from surrogate_plugin.equation.sides import Walls
from surrogate_plugin.solvers.multigrid.hierarchy import Hierarchy
from surrogate_plugin.surrogate import features
from surrogate_training.samples.batch import Batch, inside


def after_cycle(error: Tensor, batch: Batch) -> Tensor:
    """``(I - B A) e``: the error after one V(2, 2) cycle of the solver that polishes the network's fields.

    Parameters
    ----------
    error : (N, H, W) float32
        0 on fixed pixels.
    batch : Batch
        ``A`` is the operator of each problem, linearised at its exact field; ``B`` is the cycle.

    Returns
    -------
    (N, H, W) float32
        With its exact gradient ``(I - A B) g``: both matrices are symmetric. Computed on the CPU.
    """
    result: Tensor = _Cycle.apply(error, batch)  # type: ignore[no-untyped-call]
    return result


class _Cycle(Function):
    @staticmethod
    def forward(ctx: Any, error: Tensor, batch: Batch) -> Tensor:
        ctx.batch = batch
        return _each(error, batch, _left)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return _each(gradients[0], ctx.batch, _left_transposed), None


def _each(values: Tensor, batch: Batch, work: Any) -> Tensor:
    """``work(hierarchy, x)`` on each sample's (H + 2, W + 2) float32 array, which it changes."""
    given = values.detach().to("cpu", torch.float32).numpy()
    free, decay = batch.free.cpu().numpy(), _tangent(batch).cpu().numpy().astype(np.float64)
    walls, rings = batch.walls.cpu().numpy().astype(np.float64), batch.rings.cpu().numpy()
    images = batch.image.cpu().numpy() if batch.image.shape[1] > features.CHANNELS else None
    out = np.empty_like(given)
    hierarchies: dict[bytes, Hierarchy] = {}
    for at in range(given.shape[0]):
        kind = walls[at].tobytes() + rings[at].tobytes()
        if kind not in hierarchies:
            hierarchies[kind] = Hierarchy(batch.shape, Walls(walls[at], walls[at], np.zeros((2, 2)), rings[at]))
        hierarchy = hierarchies[kind]
        faces = None if images is None else features.faces_within(images[at], batch.shape, rings[at])
        hierarchy.rebuild(free[at], decay[at], faces)
        x = hierarchy.vectors[0]
        x.fill(0.0)
        x[1:-1, 1:-1] = np.where(free[at], given[at], 0.0)
        work(hierarchy, x)
        out[at] = x[1:-1, 1:-1]
    return torch.from_numpy(out).to(values.device)


def _left(hierarchy: Hierarchy, x: Any) -> None:
    """``x - B A x``."""
    _, z, minus_ax = hierarchy.vectors[:3]
    hierarchy.residual(x, None, minus_ax)
    hierarchy.v_cycle(z, minus_ax)
    x += z


def _left_transposed(hierarchy: Hierarchy, x: Any) -> None:
    """``x - A B x``."""
    _, z, minus_az = hierarchy.vectors[:3]
    hierarchy.v_cycle(z, x)
    hierarchy.residual(z, None, minus_az)
    x[1:-1, 1:-1] += minus_az[1:-1, 1:-1]


def _tangent(batch: Batch) -> Tensor:
    """The decay of each problem linearised at its exact field, (N, H, W), dimensionless."""
    slope = 1.0 + batch.saturation[:, None, None] * batch.target
    first_order, rate = (inside(batch.image[:, channel], batch.shape) for channel in (2, 3))
    return first_order + rate / (slope * slope)
