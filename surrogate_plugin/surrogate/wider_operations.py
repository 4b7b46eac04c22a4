"""What a network reads of the wider equation: how pixels conduct, and what is supplied to them."""

from __future__ import annotations

import torch
from torch import Tensor

from surrogate_plugin.surrogate.features import BLOCK, EAST, MASK, NORTH, SUPPLY
from surrogate_plugin.surrogate.operations import Operation, blocks

#: A face that conducts less counts as this much between blocks, so that the coarse equation holds them all together.
LEAST = 1e-6


class ReadSupply(Operation):
    """``(image, first_order, rate, saturation)`` to each block's mean supply, and to what it would be held at alone.

    The second is the supply over a pixel's links and decay: of the field's size whatever the decay.
    """

    def __call__(self, *read: Tensor) -> tuple[Tensor, ...]:
        image, first_order, rate, saturation = read
        supply = blocks(image[:, SUPPLY]).mean(dim=3, keepdim=True)
        slope = 1.0 + 0.5 * saturation.reshape(-1, 1, 1, 1)
        return supply, supply / (4.0 + first_order + rate / slope)


class ReadFaces(Operation):
    """The faces of an image, block by block: what layers may see of them, and what the coarse equation needs.

    Written are, for each pixel, how well it conducts along rows and along columns, (N, h, w, 32), 0 where as a plain
    one; each block's links to the east and north, (N, h, w, 2), 1 where plain and 0 where the lattice ends; and the
    mean conductance of the faces between its fixed pixels and free ones, (N, h, w, 1), 1 where there are none.

    A link is the mean of two bounds: rows of faces in series beside each other, and cuts of faces one after the other.
    What it leads from is the middle of a block, or where there are pixels at all: those that nothing joins to others
    are no way, and no obstacle to one that begins or ends beside them.
    """

    def __call__(self, *read: Tensor) -> tuple[Tensor, ...]:
        (image,) = read
        north, east, mask = image[:, NORTH], image[:, EAST], image[:, MASK]
        seen = torch.cat([blocks(_along(east)), blocks(_along(north.mT).mT)], dim=3)
        live = (east + east.roll(1, 2)) + (north + north.roll(1, 1)) > 0
        links = torch.stack([_links(east, live), _links(north.mT, live.mT).mT], dim=3)
        across, up = _grip(east, mask), tuple(each.mT for each in _grip(north.mT, mask.mT))
        passes, count = (blocks(one + other).sum(dim=3, keepdim=True) for one, other in zip(across, up, strict=True))
        return seen, links, torch.where(count > 0, passes / count.clamp(min=1.0), 1.0)


def _along(faces: Tensor) -> Tensor:
    """How well each pixel conducts along its row, from (N, H', W') faces to the next column; from -1 to 1/10."""
    before = torch.cat([faces[:, :, :1], faces[:, :, :-1]], dim=2)
    after = torch.cat([faces[:, :, :-1], faces[:, :, -2:-1]], dim=2)
    mean = 0.5 * (before + after)
    return (mean - 1.0) / (10.0 * mean + 1.0)


def _links(faces: Tensor, live: Tensor) -> Tensor:
    """Each block's link to the next column of blocks, (N, h, w), from (N, H', W') faces to the next column of pixels.

    From the middle of a block to that of the next there are four faces and two halves, of which each row has its own.
    """
    count, rows, columns = faces.shape
    shape = count, rows // BLOCK, BLOCK, columns // BLOCK, BLOCK
    middle = torch.where(live & live.roll(-1, 2), faces, 1.0).reshape(shape)[..., 1]
    first, second, third, fourth = faces.reshape(shape).unbind(-1)
    begins, inside, within, ends = live.reshape(shape).unbind(-1)
    first = torch.where(inside | within | ends, first, 1.0)  # a row that ends with the first pixel of a block
    third = torch.where(begins | inside | within, third, 1.0)
    given = torch.stack([first, second, third, fourth], dim=-1)
    in_rows = 1.0 / _resistance(given.clamp(min=LEAST), middle.clamp(min=LEAST))
    in_cuts = 1.0 / _resistance(given.sum(dim=2).clamp(min=LEAST), middle.sum(dim=2).clamp(min=LEAST))
    links = 0.5 * (in_rows.sum(dim=2) + in_cuts)
    closed = (faces[:, :, -1] > 0).any(dim=1)
    links[:, :, -1] = torch.where(closed[:, None], links[:, :, -1], 0.0)
    return links


def _resistance(faces: Tensor, middle: Tensor) -> Tensor:
    """Of what lies between the middles of two blocks, a half face of each too; (..., w, 4), (..., w) to (..., w)."""
    half, each = 0.5 / middle, 1.0 / faces
    return (half + half.roll(-1, -1) + each[..., 2]) + (each[..., 3] + each.roll(-1, -2)[..., 0])


def _grip(faces: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """For each pixel: the faces along its row that join it, if it is fixed, to free pixels, and how many there are."""
    inner, free = faces[:, :, :-1], 1.0 - mask
    to_next, to_previous = mask[:, :, :-1] * free[:, :, 1:], mask[:, :, 1:] * free[:, :, :-1]
    passes, count = torch.zeros_like(faces), torch.zeros_like(faces)
    for total, weight in ((passes, inner), (count, 1.0)):
        total[:, :, :-1] += weight * to_next
        total[:, :, 1:] += weight * to_previous
    return passes, count
