"""The diffusion equation between blocks by tensor operations, for a whole batch on any device.

Conjugate gradients around a V-cycle, as `surrogate_plugin.surrogate.compiled.diffusion_kernels` has them for one
lattice after the other on a CPU. No value is read back, so the number of steps is fixed.

Every lattice is a torus here; one that is closed has links of 0 from its last column and row to the first.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

#: Cells on the coarsest level, whose dense inverse is made by elimination.
_COARSEST = 4


@dataclass(frozen=True, eq=False)
class Level:
    """``A x = b`` with ``A = -div(L grad) + extra``, all (N, h, w); the links lead to the next column and row.

    ``inverse`` is the inverse diagonal of the first colour and of the second, 0 on the other's cells and where a cell
    has neither link nor extra.
    """

    east: Tensor
    north: Tensor
    extra: Tensor
    diagonal: Tensor
    inverse: tuple[Tensor, Tensor]

    @classmethod
    def of(cls, east: Tensor, north: Tensor, extra: Tensor) -> Level:
        """With its diagonal, and the inverse of it."""
        diagonal = extra + ((east + east.roll(1, 2)) + (north + north.roll(1, 1)))
        inverse = torch.where(diagonal > 0, 1.0 / diagonal, 0.0)
        rows, columns = (torch.arange(side, device=extra.device) for side in extra.shape[1:])
        first = (rows[:, None] + columns) % 2 == 1
        return cls(east, north, extra, diagonal, (inverse * first, inverse * ~first))

    def inflow(self, x: Tensor) -> Tensor:
        """What the four neighbours of each cell bring."""
        along = self.east * x.roll(-1, 2) + (self.east * x).roll(1, 2)
        return along + (self.north * x.roll(-1, 1) + (self.north * x).roll(1, 1))

    def apply(self, x: Tensor) -> Tensor:
        """``A x``."""
        return self.diagonal * x - self.inflow(x)

    def swept(self, x: Tensor, b: Tensor, colours: tuple[int, ...]) -> Tensor:
        """``x`` after Gauss-Seidel on the cells of one colour after the other."""
        for colour in colours:
            inverse = self.inverse[colour]
            x = torch.where(inverse > 0, (b + self.inflow(x)) * inverse, x)
        return x


def solve(east: Tensor, north: Tensor, extra: Tensor, rhs: Tensor, guess: Tensor | None, steps: int) -> Tensor:
    """``u`` with ``-div(L grad u) + extra u = rhs`` on each lattice after so many steps, (N, h, w) of any precision.

    A lattice whose residual has come to 0, or is not finite, is left as it stands, and touches no other one.
    """
    levels, coarsest = _levels(Level.of(east, north, extra))
    x = torch.zeros_like(rhs) if guess is None else guess
    r = rhs if guess is None else rhs - levels[0].apply(guess)
    p, energy = torch.zeros_like(rhs), torch.ones_like(rhs[:, :1, :1])
    for _ in range(steps):
        z = _v_cycle(levels, coarsest, r)
        new = _dot(r, z)
        p = z + (new / energy) * p
        q = levels[0].apply(p)
        curvature = _dot(p, q)
        goes_on = (new > 0) & (curvature > 0)
        x = torch.where(goes_on, x + (new / curvature) * p, x)
        r = torch.where(goes_on, r - (new / curvature) * q, r)
        energy = torch.where(goes_on, new, 1.0)
    return x


def _dot(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum(dim=(1, 2), keepdim=True)


def _levels(finest: Level) -> tuple[list[Level], Tensor]:
    """All levels but the coarsest, and the dense inverse of that one, (N, n, n)."""
    levels, level = [finest], _coarser(finest)
    while level.extra[0].numel() > _COARSEST:
        levels.append(level)
        level = _coarser(level)
    return levels, _dense_inverse(level)


def _coarser(fine: Level) -> Level:
    """The level of half as many rows and columns, rounded up.

    A link is half the sum of the finer ones that cross between the two coarse cells, and the extra diagonal the sum of
    the finer ones, as in `surrogate_plugin.solvers.multigrid.setup_kernels`.
    """
    crossing = torch.zeros_like(fine.east), torch.zeros_like(fine.north)
    for links, kept, axis in zip((fine.east, fine.north), crossing, (2, 1), strict=True):
        side = links.shape[axis]
        for start, step in ((1, 2), (side - 1, side)):  # between pairs, and from the last one on
            at = (slice(None),) * axis + (slice(start, None, step),)
            kept[at] = 0.5 * links[at]
    return Level.of(_gathered(crossing[0]), _gathered(crossing[1]), _gathered(fine.extra))


def _gathered(x: Tensor) -> Tensor:
    """The sum over the (up to) four cells of each coarser one."""
    return functional.avg_pool2d(x, 2, ceil_mode=True, divisor_override=1)


def _spread(x: Tensor, shape: torch.Size) -> Tensor:
    """The value of each coarser cell on its (up to) four cells."""
    return x.repeat_interleave(2, 1).repeat_interleave(2, 2)[:, : shape[1], : shape[2]]


def _dense_inverse(level: Level) -> Tensor:
    """(N, n, n), by Gauss-Jordan elimination without exchanges, as in `setup_kernels.invert_coarsest`."""
    count, h, w = level.extra.shape
    unit = torch.eye(h * w, dtype=level.extra.dtype, device=level.extra.device).reshape(h * w, 1, h, w)
    matrix = torch.stack([level.apply(each.expand(count, h, w)).flatten(1) for each in unit], dim=2).double()
    diagonal = level.diagonal.flatten(1).double()
    least = torch.where(diagonal > 0, torch.finfo(level.extra.dtype).eps * diagonal, 1.0)
    for k in range(h * w):
        pivot = torch.maximum(matrix[:, k, k], least[:, k])
        row = matrix[:, k] / pivot[:, None]
        row[:, k] = 1.0 / pivot
        column = matrix[:, :, k].clone()
        matrix = matrix - column[:, :, None] * row[:, None, :]
        matrix[:, :, k] = -column / pivot[:, None]
        matrix[:, k] = row
    linked = (diagonal > 0).double()
    return (matrix * linked[:, :, None] * linked[:, None, :]).to(level.extra.dtype)


def _v_cycle(levels: list[Level], coarsest: Tensor, b: Tensor) -> Tensor:
    """One symmetric V(1, 1) cycle from 0."""
    way: list[tuple[Level, Tensor, Tensor]] = []
    for level in levels:
        x = level.swept(b * level.inverse[0], b, (1,))
        way.append((level, x, b))
        b = _gathered(b - level.apply(x))
    x = (coarsest * b.flatten(1)[:, None]).sum(dim=2).reshape(b.shape)
    for level, swept, b in reversed(way):
        x = level.swept(swept + _spread(x, b.shape), b, (1, 0))
    return x
