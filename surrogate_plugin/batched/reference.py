"""What a V-cycle does on a level, in plain torch: the readable reference of whatever does it faster.

As `surrogate_plugin.solvers.multigrid.level_kernels`, for many problems at once. Vectors are (B, h + 2, w + 2) float32
with a halo, which is 0 whenever they are handed over; on a ring it repeats the far side while something is computed.
Nothing that is given is written to, but for the first argument of a function whose name ends in an underscore.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from surrogate_plugin.batched.level import Level

#: Where half a sweep begins in rows and in columns: each colour is two lattices of every other row and column.
_COLOURS = (((0, 1), (1, 0)), ((0, 0), (1, 1)))


def smooth(b: Tensor, level: Level, sweeps: int) -> Tensor:
    """``x`` after some red-black Gauss-Seidel sweeps for ``A x = b`` from zero, the first colour first."""
    x = torch.zeros_like(b)
    for half in range(2 * sweeps):
        half_sweep_(x, b, level, half % 2)
    return _cleared_(x, level.rings)


def descend(b: Tensor, level: Level, sweeps: int) -> tuple[Tensor, Tensor]:
    """Sweep from zero; then the right-hand side of the next coarser level, from what is left."""
    x = smooth(b, level, sweeps)
    return x, gather(residual(x, b, level))


def ascend(x: Tensor, coarse_x: Tensor, b: Tensor, level: Level, sweeps: int) -> Tensor:
    """Take the correction from below, then sweep; the colours in the other order, which makes a cycle symmetric."""
    corrected = x + torch.where(level.inverse == 0.0, 0.0, spread(coarse_x, level.shape))
    for half in range(2 * sweeps):
        half_sweep_(corrected, b, level, 1 - half % 2)
    return _cleared_(corrected, level.rings)


def bottom(b: Tensor, levels: Sequence[Level], coarsest: Tensor, sweeps: int) -> Tensor:
    """The part of a V-cycle from a coarse level down: ``x`` on the first of ``levels``.

    Parameters
    ----------
    coarsest : (B, n, n) float32
        The inverse of the last level's matrix.
    """
    if len(levels) == 1:
        return solve_coarsest(b, coarsest)
    x, below = descend(b, levels[0], sweeps)
    return ascend(x, bottom(below, levels[1:], coarsest, sweeps), b, levels[0], sweeps)


def solve_coarsest(b: Tensor, coarsest: Tensor) -> Tensor:
    """``x = A^-1 b`` by the dense inverse."""
    inner = b[:, 1:-1, 1:-1]
    # No matrix product, which hardware may round to fewer digits.
    x = (coarsest * inner.flatten(1)[:, None, :]).sum(2)
    return functional.pad(x.view(inner.shape), (1, 1, 1, 1))


def residual(x: Tensor, b: Tensor | None, level: Level) -> Tensor:
    """``b - A x``, 0 on fixed pixels; ``b`` None is 0."""
    inverse = level.inverse[..., 1:-1, 1:-1]
    held = inverse == 0.0
    around = wrapped(x, level.rings)
    # Nothing is added to an inverse here: beside 1 that of a strong decay is lost, and 1 / 0 comes out.
    left = inflow(around, level) - around[..., 1:-1, 1:-1] / torch.where(held, 1.0, inverse)
    if b is not None:
        left = left + b[..., 1:-1, 1:-1]
    return functional.pad(torch.where(held, 0.0, left), (1, 1, 1, 1))


def half_sweep_(x: Tensor, b: Tensor, level: Level, colour: int) -> None:
    """Gauss-Seidel on the pixels of one colour, all from what stood: colour 0 has an odd sum of row and column."""
    wrap_(x, level.rings)
    for start in _COLOURS[colour]:
        there = slice(start[0], None, 2), slice(start[1], None, 2)
        right = b[..., 1:-1, 1:-1][..., *there] + inflow(x, level, *there)
        x[..., 1:-1, 1:-1][..., *there] = right * level.inverse[..., 1:-1, 1:-1][..., *there]


def inflow(x: Tensor, level: Level, rows: slice = slice(None), columns: slice = slice(None)) -> Tensor:
    """What the four neighbours of some pixels bring; the halo of ``x`` is set."""
    below, above = (shifted(x, row, 0)[..., rows, columns] for row in (-1, 1))
    left, right = (shifted(x, 0, column)[..., rows, columns] for column in (-1, 1))
    if level.north is None or level.east is None:
        return (below + above) + (left + right)
    south, north = (shifted(level.north, row, 0)[..., rows, columns] for row in (-1, 0))
    west, east = (shifted(level.east, 0, column)[..., rows, columns] for column in (-1, 0))
    return (south * below + north * above) + (west * left + east * right)


def shifted(x: Tensor, rows: int, columns: int) -> Tensor:
    """A view of the pixels so many rows up and columns right of each, at most one."""
    height, width = x.shape[-2] - 2, x.shape[-1] - 2
    return x[..., 1 + rows : 1 + rows + height, 1 + columns : 1 + columns + width]


def gather(x: Tensor) -> Tensor:
    """The sum of the (up to) four pixels of each coarse one, with a halo of 0."""
    inner = functional.pad(x[..., 1:-1, 1:-1], (0, x.shape[-1] % 2, 0, x.shape[-2] % 2))
    rows = inner[..., 0::2, :] + inner[..., 1::2, :]
    return functional.pad(rows[..., 0::2] + rows[..., 1::2], (1, 1, 1, 1))


def spread(coarse: Tensor, shape: tuple[int, int]) -> Tensor:
    """Each coarse pixel's value on its (up to) four pixels, with a halo of 0."""
    fine = coarse[..., 1:-1, 1:-1].repeat_interleave(2, -2).repeat_interleave(2, -1)
    return functional.pad(fine[..., : shape[0], : shape[1]], (1, 1, 1, 1))


def wrap_(x: Tensor, rings: tuple[bool, bool]) -> None:
    """Let the halo repeat the far side where an axis is a ring."""
    if rings[1]:
        x[..., 0], x[..., -1] = x[..., -2], x[..., 1]
    if rings[0]:
        x[..., 0, :], x[..., -1, :] = x[..., -2, :], x[..., 1, :]


def wrapped(x: Tensor, rings: tuple[bool, bool]) -> Tensor:
    """``x`` with such a halo, which is a copy where there is a ring."""
    if rings == (False, False):
        return x
    x = x.clone()
    wrap_(x, rings)
    return x


def _cleared_(x: Tensor, rings: tuple[bool, bool]) -> Tensor:
    """``x`` with a halo of 0 again, after sweeps."""
    if rings[0]:
        x[..., 0, :] = x[..., -1, :] = 0.0
    if rings[1]:
        x[..., 0] = x[..., -1] = 0.0
    return x
