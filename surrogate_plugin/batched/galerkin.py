"""Coarse levels of mapped operators by Galerkin's product, with weights that follow the links, for many problems.

As `surrogate_plugin.solvers.multigrid.galerkin_kernels`, which says why; in terms of maps of coarse pixels, so that
nothing goes over pixels one by one. The finest level is the first whose transfers are weighted: that is what membranes
need, and all else takes about as many cycles so as by gathering 2 x 2 pixels first.

A bump is the weights around each coarse pixel, 3 x 3 maps with a 1 in the middle; its image under the operator is 5 x 5
maps. Rows count from the south.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from surrogate_plugin.batched.halos import inner, shifted, wrap_
from surrogate_plugin.batched.places import Places, extended
from surrogate_plugin.batched.setup import STRONGEST

#: Where a coarse pixel's weights stand, as (rows, columns) from it: in the order of `stencil_kernels`.
TOWARDS = ((0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1))

_Patch = list[list[Tensor]]


class Mapped(NamedTuple):
    """The coefficients of a level; (B, h + 2, w + 2) float32 with a halo.

    ``rate`` is the sum of a row of the matrix, ``links`` are those to the north, the east and along the two diagonals,
    which are None on a level of 5 points.
    """

    rate: Tensor
    inverse: Tensor
    links: tuple[Tensor, Tensor, Tensor | None, Tensor | None]


def split(
    free: Tensor, decay: Tensor, north: Tensor, east: Tensor, inverse: Tensor, rings: tuple[bool, bool]
) -> Mapped:
    """The finest level as links between free pixels alone, and a rate that holds all else.

    Parameters
    ----------
    free : (B, H, W) bool
    decay : (B, H, W) float64, dimensionless
    north, east : (B, H + 1, W) and (B, H, W + 1) float64, dimensionless
    inverse : (B, H + 2, W + 2) float32
        The inverse diagonal.
    rings : (bool, bool)
    """
    opened = functional.pad(free, (1, 1, 1, 1))
    wrap_(opened, rings)
    here = inner(opened)
    below, above, left, right = (here & shifted(opened, *to) for to in ((-1, 0), (1, 0), (0, -1), (0, 1)))
    held = torch.where(above, 0.0, north[:, 1:]) + torch.where(below, 0.0, north[:, :-1])
    held = held + (torch.where(right, 0.0, east[:, :, 1:]) + torch.where(left, 0.0, east[:, :, :-1]))
    rate = torch.where(free, held + decay.clamp(max=STRONGEST), 0.0)
    links_north, links_east = torch.where(above, north[:, 1:], 0.0), torch.where(right, east[:, :, 1:], 0.0)
    rate, links_north, links_east = (_framed(each, rings) for each in (rate, links_north, links_east))
    return Mapped(rate, inverse, (links_north, links_east, None, None))


def coarsen(fine: Mapped, rings: tuple[bool, bool]) -> tuple[Tensor, Mapped]:
    """The weights towards the next coarser level, (B, 8, ch + 2, cw + 2) float32, and that level."""
    lattice = _Lattice.of(fine, rings)
    weights = lattice.weights()
    coarse = lattice.product(weights)
    framed = torch.stack([_framed(each, rings) for each in weights], 1)
    return framed, coarse


@dataclass(frozen=True, eq=False)
class _Lattice:
    """A level as extended arrays, see `surrogate_plugin.batched.places`, with all that is asked of a pixel."""

    shape: tuple[int, int]
    rings: tuple[bool, bool]
    rate: Tensor
    inverse: Tensor
    north: Tensor
    east: Tensor
    rising: Tensor | None
    falling: Tensor | None

    @classmethod
    def of(cls, level: Mapped, rings: tuple[bool, bool]) -> _Lattice:
        """A level whose coefficients have a halo."""
        north, east, rising, falling = (None if each is None else extended(inner(each), rings) for each in level.links)
        assert north is not None
        assert east is not None
        shape = level.rate.shape[1] - 2, level.rate.shape[2] - 2
        rate, inverse = extended(inner(level.rate), rings), extended(inner(level.inverse), rings)
        return cls(shape, rings, rate, inverse, north, east, rising, falling)

    @property
    def coarse(self) -> Places:
        """The fine pixels that are coarse ones too."""
        rows, columns = self.shape
        return Places((1, 1), ((rows + 1) // 2, (columns + 1) // 2))

    @property
    def everywhere(self) -> Places:
        """All pixels."""
        return Places((1, 1), self.shape, 1)

    def link(self, pixels: Places, rows: int, columns: int) -> Tensor | float:
        """What joins each of some pixels to a neighbour of it."""
        row, column = min(rows, 0), min(columns, 0)
        if columns == 0:
            return pixels.at(self.north, row, 0)
        if rows == 0:
            return pixels.at(self.east, 0, column)
        if self.rising is None or self.falling is None:
            return 0.0
        if rows == columns:
            return pixels.at(self.rising, row, column)
        return pixels.at(self.falling, row, 0 if columns < 0 else 1)

    def facing(self, pixels: Places, rows: int, columns: int) -> Tensor:
        """The three links to one side of some pixels; none where the coarse pixel there is held."""
        beside = ((rows, 1), (rows, -1)) if columns == 0 else ((1, columns), (-1, columns))
        links = self.link(pixels, rows, columns) + (self.link(pixels, *beside[0]) + self.link(pixels, *beside[1]))
        return torch.where(pixels.at(self.inverse, rows, columns) == 0.0, 0.0, torch.as_tensor(links))

    def weights(self) -> list[Tensor]:
        """What the pixels around each coarse one take of it, in the order of `TOWARDS`; 0 where none lies between."""
        beside = {to: self._beside(*to) for to in TOWARDS[:4]}
        corners = (self._amid(rows, columns, beside[rows, 0], beside[0, columns]) for rows, columns in TOWARDS[4:])
        return [*beside.values(), *corners]

    def _beside(self, rows: int, columns: int) -> Tensor:
        """What the pixel between two coarse ones takes of the one that it is beside."""
        pixels = self.coarse.moved(rows, columns)
        near, far = self.facing(pixels, -rows, -columns), self.facing(pixels, rows, columns)
        whole = (near + far) + pixels.at(self.rate)
        return self._between(torch.where(whole > 0.0, near / whole, 0.0), rows, columns)

    def _amid(self, rows: int, columns: int, across: Tensor, along: Tensor) -> Tensor:
        """What the pixel amid four coarse ones takes of one, by its equation, from what its neighbours take."""
        pixels = self.coarse.moved(rows, columns)
        taken = self.link(pixels, 0, -columns) * across + self.link(pixels, -rows, 0) * along
        weight = pixels.at(self.inverse) * (self.link(pixels, -rows, -columns) + taken)
        return self._between(weight, rows, columns)

    def _between(self, weight: Tensor, rows: int, columns: int) -> Tensor:
        """The weights, 0 where no pixel lies there between this coarse one and another."""
        weight = weight.clone()
        for axis, to in ((1, rows), (2, columns)):
            odd = self.shape[axis - 1] % 2 == 1
            if to > 0 and odd:
                weight.narrow(axis, weight.shape[axis] - 1, 1).zero_()
            if to < 0 and (odd or not self.rings[axis - 1]):
                weight.narrow(axis, 0, 1).zero_()
        return weight

    def product(self, weights: list[Tensor]) -> Mapped:
        """The coarse level: the rates and the links of ``P^T A P``, and the diagonal that these make.

        The product's own diagonal is not formed: it is no larger, and rounding hides what is left of it where a coarse
        pixel is all but cut off.
        """
        bump = _bump(weights)
        image = self._image(bump)
        loss = extended(self._loss(self._lack()), self.rings)
        gathered = [bump[1 + y][1 + x] * self.coarse.at(loss, y, x) for y, x in _neighbourhood()]
        rate = torch.stack(gathered).sum(0).clamp(min=0.0)
        links = [self._coupling(image, bump, *to) for to in ((1, 0), (0, 1), (1, 1), (1, -1))]
        return _finished(rate, links, self.rings)

    def _lack(self) -> Tensor:
        """What the weights of each pixel lack to 1: without decay nothing, to the last bit."""
        lack = torch.zeros_like(self.everywhere.at(self.rate))
        for odd, to in (((0, 1), (0, 1)), ((1, 0), (1, 0))):
            pixels = self._every_other(odd)
            sides = self.facing(pixels, *to) + self.facing(pixels, -to[0], -to[1])
            whole, rate = sides + pixels.at(self.rate), pixels.at(self.rate)
            lack[:, odd[0] :: 2, odd[1] :: 2] = torch.where(whole > 0.0, rate / whole, 1.0)
        around, pixels = extended(lack, self.rings), self._every_other((1, 1))
        sides = torch.zeros_like(pixels.at(self.rate))
        for to in TOWARDS[:4]:
            sides = sides + self.link(pixels, *to) * pixels.at(around, *to)
        lack[:, 1::2, 1::2] = pixels.at(self.inverse) * (pixels.at(self.rate) + sides)
        return lack

    def _every_other(self, first: tuple[int, int]) -> Places:
        """Every other row and column from these on, counted from 0."""
        rows, columns = self.shape
        return Places((1 + first[0], 1 + first[1]), ((rows + 1 - first[0]) // 2, (columns + 1 - first[1]) // 2))

    def _loss(self, lack: Tensor) -> Tensor:
        """``A P 1`` at each pixel: what a coarse field of 1 loses there."""
        around, pixels = extended(lack, self.rings), self.everywhere
        loss = pixels.at(self.rate) * (1.0 - lack)
        for to in TOWARDS if self.rising is not None else TOWARDS[:4]:
            loss = loss + self.link(pixels, *to) * (pixels.at(around, *to) - lack)
        return loss

    def _image(self, bump: _Patch) -> _Patch:
        """``A`` times each bump."""
        nothing = torch.zeros_like(bump[0][0])
        image = [[nothing] * 5 for _ in range(5)]
        for y, x in _neighbourhood():
            pixels = self.coarse.moved(y, x)
            inverse = pixels.at(self.inverse)
            held = inverse == 0.0
            value = torch.where(held, 0.0, bump[1 + y][1 + x])
            image[2 + y][2 + x] = image[2 + y][2 + x] + value / torch.where(held, 1.0, inverse)
            for dy, dx in TOWARDS if self.rising is not None else TOWARDS[:4]:
                spread = value * self.link(pixels, dy, dx)
                image[2 + y + dy][2 + x + dx] = image[2 + y + dy][2 + x + dx] - spread
        return image

    def _coupling(self, image: _Patch, bump: _Patch, rows: int, columns: int) -> Tensor:
        """The links to a coarse neighbour; over the seam of an odd ring it is one fine pixel away, elsewhere two."""
        other = [[each.roll((-rows, -columns), (1, 2)) for each in line] for line in bump]
        link = torch.empty_like(image[0][0])
        for row_part, down in self._distances(0, rows):
            for column_part, right in self._distances(1, columns):
                part = (slice(None), row_part, column_part)
                link[part] = -_overlap(_part(image, part), _part(other, part), down, right)
        for axis, to in ((1, rows), (2, columns)):
            alone = link.shape[axis] == 1 and 0 in (rows, columns)  # around a ring of one
            if to and (not self.rings[axis - 1] or alone):
                link.narrow(axis, link.shape[axis] - 1 if to > 0 else 0, 1).zero_()
        return link.clamp(min=0.0)

    def _distances(self, axis: int, to: int) -> list[tuple[slice, int]]:
        """Which coarse pixels are how many fine ones away from the next one along an axis."""
        found = [(slice(None), 2 * to)]
        if to and self.rings[axis] and self.shape[axis] % 2:
            found.append((slice(-1, None) if to > 0 else slice(0, 1), to))
        return found


def _finished(rate: Tensor, links: list[Tensor], rings: tuple[bool, bool]) -> Mapped:
    """A level with halos; links and rate are at least 0, so no row of its matrix has a negative sum."""
    north, east, rising, falling = (_framed(each, rings) for each in links)
    joined = (inner(north) + shifted(north, -1, 0)) + (inner(east) + shifted(east, 0, -1))
    joined = joined + (inner(rising) + shifted(rising, -1, -1)) + (inner(falling) + shifted(falling, -1, 1))
    total = joined + rate
    inverse = torch.where(total > 0.0, 1.0 / total, 0.0)
    inverse = functional.pad(inverse, (1, 1, 1, 1))
    return Mapped(_framed(rate, rings), inverse, (north, east, rising, falling))


def _framed(values: Tensor, rings: tuple[bool, bool]) -> Tensor:
    """As float32 with a halo."""
    framed = functional.pad(values.to(torch.float32), (1, 1, 1, 1))
    wrap_(framed, rings)
    return framed


def _neighbourhood() -> list[tuple[int, int]]:
    return [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)]


def _bump(weights: list[Tensor]) -> _Patch:
    """The weights around each coarse pixel."""
    e, w, n, s, ne, nw, se, sw = weights
    return [[sw, s, se], [w, torch.ones_like(e), e], [nw, n, ne]]


def _part(patch: _Patch, part: tuple[slice, slice, slice]) -> _Patch:
    return [[each[part] for each in line] for line in patch]


def _overlap(image: _Patch, bump: _Patch, rows: int, columns: int) -> Tensor:
    """The product of each image and a bump that is so many fine pixels away."""
    total = torch.zeros_like(image[0][0])
    for y, x in _neighbourhood():
        row, column = 2 + y + rows, 2 + x + columns
        if 0 <= row < 5 and 0 <= column < 5:
            total = total + image[row][column] * bump[1 + y][1 + x]
    return total
