"""From a stack of problems to what a network reads, and from what it writes back to fields, on the stack's device.

As `surrogate_plugin.surrogate.features` does it for one problem on a CPU, to float32's rounding; what the channels of
an image mean stands there.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from surrogate_plugin.batched.choice import fused
from surrogate_plugin.batched.plain_image import fixed, initial_rate, plain_image
from surrogate_plugin.batched.stack import Stack
from surrogate_plugin.surrogate.features import WIDER_CHANNELS, PaddedLattice
from surrogate_plugin.surrogate.scale import PATCH


@dataclass(frozen=True, eq=False)
class Seen:
    """A stack as the compact network reads it.

    Attributes
    ----------
    image : (B, 4, H', W') or (B, 7, H', W') float32
    saturation : (B,) float32
        ``scale`` over ``km``; 0 where uptake is of first order.
    scale : (B,) float64, field units
        What the image's values are over.
    alone : (B, H, W) bool or None
        The pixels that nothing joins to any other, which the network does not see; None in an image of four channels.
    """

    image: Tensor
    saturation: Tensor
    scale: Tensor
    alone: Tensor | None


def wider(stack: Stack) -> bool:
    """Whether the stack is one of the wider equation to the network: supplied, on a ring, or with faces of its own.

    One problem that is supplied makes it one: which of them are is known to the device alone.
    """
    return not stack.kind.plain or any(stack.rings) or stack.supplied


def see(stack: Stack) -> Seen:
    """What the compact network is told of the problems.

    Examples
    --------
    >>> import numpy as np
    >>> from surrogate_plugin import Problem
    >>> source = np.zeros((16, 16)); source[3, 3] = 38.0
    >>> seen = see(Stack.of([Problem(source), Problem(2 * source)], "cpu"))
    >>> tuple(seen.image.shape), seen.image[:, 0].amax((1, 2)).tolist(), seen.scale.tolist()
    ((2, 4, 20, 20), [1.0, 1.0], [38.0, 76.0])
    """
    scale = value_scale(stack)
    saturation = torch.zeros_like(scale) if stack.vmax is None else scale / stack.km
    if wider(stack):
        image, alone = _wider_image(stack, scale, initial_rate(stack))
    else:
        image, alone = plain_image(stack, scale), None
    return Seen(image, saturation.float(), scale, alone)


def decode(image: Tensor, stack: Stack, seen: Seen) -> Tensor:
    """The fields from the network's images: fixed values imposed, the rest within what is possible at a glance.

    Parameters
    ----------
    image : (B, H', W') float32
        Over ``seen.scale``, on the padded lattice.

    Returns
    -------
    (B, H, W) float64, field units
        At least 0, and without supply at most the largest imposed value. Pixels that nothing joins to others are in
        balance with themselves, void ones at 0. A NaN of the network stays one.
    """
    lattice = PaddedLattice.around(stack.shape)
    highest = seen.scale
    if stack.supplied:
        highest = torch.where(stack.production.amax((1, 2)) > 0, torch.inf, highest)
    if seen.alone is None and image.stride(2) == 1 and fused(stack.source, stack.free, stack.void, seen.scale, highest):
        from surrogate_plugin.batched.fused import seeing

        return seeing.decode(image, stack.source, stack.free, stack.void, seen.scale, highest, lattice.first)
    (row, column), (rows, columns) = lattice.first, stack.shape
    field = image[:, row : row + rows, column : column + columns].double() * seen.scale[:, None, None]
    field = field.clamp(min=0.0).minimum(highest[:, None, None])
    if seen.alone is not None:
        field = torch.where(seen.alone, _balance(stack), field)
    return torch.where(fixed(stack), stack.source, field)


def source_image(stack: Stack, multiple: int) -> Tensor:
    """What the study's network reads: source over its largest value, padded to multiples, (B, 1, H', W') float32."""
    image = torch.where(fixed(stack), stack.source / value_scale(stack)[:, None, None], 0.0).float()
    missing = [-side % multiple for side in stack.shape]
    return functional.pad(image, (0, missing[1], 0, missing[0]))[:, None]


def impose(image: Tensor, stack: Stack) -> Tensor:
    """The fields from images over the largest imposed value, (B, H, W) float64; as `decode`, pixel by pixel."""
    scale = value_scale(stack)[:, None, None]
    field = (image[:, : stack.shape[0], : stack.shape[1]].double() * scale).clamp(min=0.0).minimum(scale)
    return torch.where(fixed(stack), stack.source, field)


def value_scale(stack: Stack) -> Tensor:
    """About the largest value of each field, (B,) float64, field units: `surrogate_plugin.surrogate.scale`."""
    imposed = torch.maximum(stack.source.amax((1, 2)), stack.wall_value.amax((1, 2)))
    scale = torch.maximum(imposed, _supplied(stack)) if stack.supplied else imposed
    return torch.where(scale > 0, scale, 1.0)


def _supplied(stack: Stack) -> Tensor:
    """About the largest value that supply alone brings, (B,): at each scale what it makes beside what is lost."""
    open_pixels = ~fixed(stack)
    uptake = torch.zeros_like(stack.decay) if stack.vmax is None else stack.vmax
    maps = torch.stack([stack.production, stack.decay, uptake], dim=1)
    maps = _pooled(torch.where(open_pixels[:, None], maps, 0.0), PATCH)
    km, side = stack.km[:, None, None], PATCH
    most = torch.zeros_like(stack.km)
    while True:
        supply, decay, uptake = maps.unbind(1)
        lost = decay + 4.0 / side**2
        level = supply / lost
        for _ in range(0 if stack.vmax is None else 4):
            level = supply / (lost + uptake / (km + level))
        most = torch.maximum(most, level.amax((1, 2)))
        if level[0].numel() == 1:
            return most
        maps, side = _pooled(maps, 2), 2 * side


def _pooled(maps: Tensor, side: int) -> Tensor:
    """The means over squares of pixels; what is beyond the lattice counts as 0."""
    return functional.avg_pool2d(maps, side, ceil_mode=True, divisor_override=side**2)


def _wider_image(stack: Stack, scale: Tensor, rate: Tensor) -> tuple[Tensor, Tensor]:
    """(B, 7, H', W'), and the pixels that nothing joins to any other."""
    lattice = PaddedLattice.around(stack.shape)
    north, east = _faces(stack)
    alone = (north[:, :-1] + north[:, 1:]) + (east[:, :, :-1] + east[:, :, 1:]) == 0.0
    ends = stack.wall_conductance > 0
    image = torch.zeros((stack.count, WIDER_CHANNELS, *lattice.padded), dtype=torch.float32, device=stack.device)
    (row, column), (rows, columns) = lattice.first, stack.shape
    inner = image[:, :, row : row + rows, column : column + columns]
    held, per_scale = fixed(stack) & ~alone, (1.0 / scale)[:, None, None]
    taken = ~(held | alone)
    inner[:, 0] = torch.where(held, stack.source * per_scale, 0.0)
    inner[:, 1] = held
    for channel, each in ((2, stack.decay), (3, rate), (4, stack.production * per_scale)):
        inner[:, channel] = torch.where(taken, each, 0.0)
    margin = _margin(lattice, ends)
    wall = stack.wall_value / scale[:, None, None]
    for axis, end, where in _sides(lattice):
        part = image[(slice(None), slice(None, 2), *where)]
        filled = torch.stack([wall[:, axis, end], torch.ones_like(scale)], dim=1).float()
        part.copy_(torch.where(ends[:, axis, end, None, None, None], filled[:, :, None, None], part))
    image[:, 5] = _faces_around(north, margin, lattice, stack.rings, 0)
    image[:, 6] = _faces_around(east.mT, margin.mT, lattice, stack.rings, 1).mT
    return image, alone


def _faces(stack: Stack) -> tuple[Tensor, Tensor]:
    """The conductances of all faces, without those of void pixels."""
    if stack.north is not None and stack.east is not None:
        north, east = stack.north, stack.east
    else:
        north, east = (_plain_faces(stack, axis) for axis in (0, 1))
    if stack.void is not None:
        north, east = north.clone(), east.clone()
        for axis, faces in ((1, north), (2, east)):
            for start in (0, 1):
                faces.narrow(axis, start, stack.shape[axis - 1]).masked_fill_(stack.void, 0.0)
    return north, east


def _plain_faces(stack: Stack, axis: int) -> Tensor:
    """Faces of 1 between pixels, and at the ends of an axis what its sides pass."""
    shape = [stack.count, *stack.shape]
    shape[1 + axis] += 1
    faces = torch.ones(shape, dtype=torch.float64, device=stack.device)
    if not stack.rings[axis]:
        for face, end in ((0, 0), (stack.shape[axis], 1)):
            faces.select(1 + axis, face).copy_(stack.wall_conductance[:, axis, end, None].expand(-1, shape[2 - axis]))
    return faces


def _sides(lattice: PaddedLattice) -> list[tuple[int, int, tuple[slice, slice]]]:
    """Axis and end of each side with its margin's rows and columns; those of rows come last, and have the corners."""
    whole, found = slice(None), []
    for axis in (1, 0):
        first, size = lattice.first[axis], lattice.shape[axis]
        for end, part in ((0, slice(None, first)), (1, slice(first + size, None))):
            found.append((axis, end, (part, whole) if axis == 0 else (whole, part)))
    return found


def _margin(lattice: PaddedLattice, held: Tensor) -> Tensor:
    """(B, H', W') bool, the pixels of the margin that hold what a side does."""
    margin = torch.zeros((held.shape[0], *lattice.padded), dtype=torch.bool, device=held.device)
    for axis, end, where in _sides(lattice):
        margin[(slice(None), *where)] |= held[:, axis, end, None, None]
    return margin


def _faces_around(faces: Tensor, margin: Tensor, lattice: PaddedLattice, rings: tuple[bool, bool], axis: int) -> Tensor:
    """The channel of faces to the next row, those of the last to the first: (B, H', W') float32.

    ``faces`` (B, H + 1, W) and ``margin`` (B, H', W'), both transposed where the axis is that of columns. Where a ring
    is closed each of the ``m + 1`` faces around its ``m`` margin pixels conducts ``m + 1`` times as well as its one.
    """
    size, first, across = lattice.shape[axis], lattice.first[axis], lattice.first[1 - axis]
    inner = slice(across, across + lattice.shape[1 - axis])
    channel = (margin & margin.roll(-1, 1)).float()
    if not rings[axis]:
        channel[:, first - 1 : first + size, inner] = faces.float()
        channel[:, -1] = 0.0
        return channel
    more = float(lattice.padded[axis] - size + 1)
    channel[:, :, inner] = (faces[:, :1] * more).float()
    channel[:, first : first + size - 1, inner] = faces[:, 1:-1].float()
    channel[:, first + size - 1, inner] = (faces[:, -1] * more).float()
    return channel


def _balance(stack: Stack) -> Tensor:
    """The fields of pixels that nothing joins to others: supply is taken up where it is; 0 where nothing is."""
    supply, decay, km = stack.production, stack.decay, stack.km[:, None, None]
    # k u + v u / (km + u) = s, a parabola; the root is written so that nothing cancels.
    slope = decay * km + (0.0 if stack.vmax is None else stack.vmax) - supply
    root = (slope * slope + 4.0 * decay * supply * km).sqrt()
    field = torch.where(slope >= 0, 2.0 * supply * km / (slope + root), (root - slope) / (2.0 * decay))
    return torch.where(supply > 0, field, 0.0)
