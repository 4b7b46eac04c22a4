"""Conjugate gradients of many problems around their V-cycles: float32 vectors, sums in float64.

As `surrogate_plugin.solvers.multigrid.krylov_kernels`. Vectors are (B, H + 2, W + 2) with a halo of 0; what belongs to
a problem as a whole is (B,).
"""

from __future__ import annotations

import torch
from torch import Tensor

from surrogate_plugin.batched.choice import fused
from surrogate_plugin.batched.halos import wrapped
from surrogate_plugin.batched.level import Level
from surrogate_plugin.batched.setup import STRONGEST


def dot_and_max(r: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
    """``(r, z)``, (B,) float64, and the largest ``|z|``, (B,) float32, NaN if any is."""
    if fused(r, z):
        from surrogate_plugin.batched.fused import gradients

        return gradients.dot_and_max(r, z)
    return (r * z).sum((1, 2), dtype=torch.float64), z.abs().amax((1, 2))


def direction_and_curvature(
    p: Tensor, z: Tensor, beta: Tensor, decay: Tensor, level: Level, walls: Tensor
) -> tuple[Tensor, Tensor]:
    """``p' = z + beta p``, and ``(p', A p')`` as the sum of squared differences over links, walls and decay.

    Written as squares the sum is positive whatever the rounding, where ``4 p - neighbours`` would lose a small decay.

    Parameters
    ----------
    p, z : float32
        0 on fixed pixels. Where ``beta`` is 0, ``p`` is not looked at.
    beta : (B,) float64
    decay : (B, H, W) float64, dimensionless
    level : Level
        The finest.
    walls : (B, 2, 2) float64
        The conductance of each axis' low and high wall, where the level has no links that say so.
    """
    if fused(p, z, beta, decay, walls):
        from surrogate_plugin.batched.fused import gradients

        return gradients.direction_and_curvature(p, z, beta, decay, level, walls, STRONGEST)
    factor = beta.to(torch.float32)[:, None, None]
    direction = torch.where(factor == 0.0, z, z + factor * p)
    here = direction[:, 1:-1, 1:-1]
    curvature = (decay.clamp(max=STRONGEST).to(torch.float32) * (here * here)).sum((1, 2), dtype=torch.float64)
    around = wrapped(direction, level.rings)
    rows, columns = around[:, :, 1:-1], around[:, 1:-1, :].transpose(1, 2)
    links = (
        None if level.north is None else level.north[:, :-1, 1:-1],
        None if level.east is None else level.east[:, 1:-1, :-1].transpose(1, 2),
    )
    for axis, lines in enumerate((rows, columns)):
        curvature = curvature + _across(lines, links[axis], walls[:, axis].to(torch.float32), level.rings[axis])
    return direction, curvature


def add_direction(c: Tensor, p: Tensor, alpha: Tensor, floor: float) -> Tensor:
    """``c + alpha p`` in float64, never below ``floor``; NaN stays NaN. Where ``alpha`` is 0 it is ``c``."""
    if fused(c, p, alpha):
        from surrogate_plugin.batched.fused import gradients

        return gradients.add_direction(c, p, alpha, floor)
    factor = alpha[:, None, None]
    moved = c + factor * p
    return torch.where(factor == 0.0, c, torch.where(moved < floor, floor, moved))


def _across(lines: Tensor, links: Tensor | None, walls: Tensor, ring: bool) -> Tensor:
    """What the links between neighbouring lines, (B, n + 2, m), and the walls beside them add; a ring's seam once."""
    differences = lines[:, 1:] - lines[:, :-1]
    squares = differences * differences
    if links is not None:
        squares = links * squares
    elif not ring:
        squares[:, 0] *= walls[:, 0, None]
        squares[:, -1] *= walls[:, 1, None]
    return squares[:, 1 if ring else 0 :].sum((1, 2), dtype=torch.float64)
