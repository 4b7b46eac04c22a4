"""The image of four channels that the compact network reads of plain problems, as `batched.features` says."""

from __future__ import annotations

import torch
from torch import Tensor

from surrogate_plugin.batched.choice import fused
from surrogate_plugin.batched.stack import Stack
from surrogate_plugin.surrogate.features import CHANNELS, PaddedLattice

#: Where a margin is read: beyond a low side that is held, or beyond a high one.
_LOW, _HIGH = -1, -2


def plain_image(stack: Stack, scale: Tensor) -> Tensor:
    """(B, 4, H', W'): margins continue the lattice as a mirror does, or hold what a side holds.

    Parameters
    ----------
    stack : Stack
    scale : (B,) float64, field units
        What values are over.
    """
    lattice = PaddedLattice.around(stack.shape)
    if fused(stack.source, stack.free, stack.void, stack.decay, stack.vmax, stack.km, scale):
        from surrogate_plugin.batched.fused import seeing

        return seeing.see(
            stack.source, stack.free, stack.void, stack.decay, stack.vmax, stack.km, scale,
            (stack.wall_value, stack.wall_conductance), lattice.padded, lattice.first,
        )  # fmt: skip
    rate, held = initial_rate(stack), fixed(stack)
    value = (stack.source * (1.0 / scale)[:, None, None]).float()
    image = torch.stack([torch.where(held, value, 0.0), held.float()], dim=1)
    image = torch.cat([image, torch.where(held[:, None], 0.0, torch.stack([stack.decay, rate], 1).float())], dim=1)
    beyond = torch.zeros((stack.count, 2, 2, CHANNELS), dtype=torch.float32, device=stack.device)
    beyond[..., 0] = stack.wall_value * (1.0 / scale)[:, None, None]
    beyond[..., 1] = 1.0
    for axis in (1, 0):
        read = _read_at(lattice, stack.wall_conductance[:, axis] > 0, axis)
        image = _extended(image, 2 + axis, read, lattice.first[axis], beyond[:, axis])
    return image


def fixed(stack: Stack) -> Tensor:
    """(B, H, W) bool, the fixed pixels."""
    return ~stack.free if stack.void is None else ~(stack.free | stack.void)


def initial_rate(stack: Stack) -> Tensor:
    """The slope of saturating uptake at 0, (B, H, W), dimensionless."""
    return torch.zeros_like(stack.decay) if stack.vmax is None else stack.vmax / stack.km[:, None, None]


def _read_at(lattice: PaddedLattice, held: Tensor, axis: int) -> Tensor:
    """Where each padded row (or column) is read, (B, n): an index of the lattice, or `_LOW` or `_HIGH`.

    ``held`` (B, 2) says which ends of the axis hold a value; as `surrogate_plugin.surrogate.features` reads them.
    """
    size = lattice.shape[axis]
    at = torch.arange(lattice.padded[axis], device=held.device) - lattice.first[axis]
    low, high = held[:, :1], held[:, 1:]
    below, above = -1 - at, 2 * size - 1 - at
    # Where the margin is wider than the lattice, a mirror shows what lies beyond the other side.
    below = torch.where(low, _LOW, torch.where(below >= size, _HIGH, below))
    above = torch.where(high, _HIGH, torch.where(above < 0, _LOW, above))
    around = at % (2 * size)
    mirrored = torch.minimum(around, 2 * size - 1 - around)
    one_held = torch.where(at < 0, below, torch.where(at >= size, above, at))
    return torch.where(low | high, one_held, mirrored)


def _extended(image: Tensor, axis: int, read: Tensor, first: int, beyond: Tensor) -> Tensor:
    """The image with margins along an axis; ``beyond`` (B, 2, channels) is what lies outside its two sides."""
    size = image.shape[axis]
    parts = [image]
    for at in (read[:, :first], read[:, first + size :]):
        shape = [image.shape[0], 1, 1, 1]
        shape[axis] = at.shape[1]
        taken = list(image.shape)
        taken[axis] = at.shape[1]
        where = at.reshape(shape)
        mirrored = image.gather(axis, where.clamp(min=0).expand(taken))
        low, high = beyond[:, 0, :, None, None], beyond[:, 1, :, None, None]
        parts.append(torch.where(where == _LOW, low, torch.where(where == _HIGH, high, mirrored)))
    inner, before, after = parts
    return torch.cat([before, inner, after], dim=axis)
