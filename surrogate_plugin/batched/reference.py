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

from surrogate_plugin.batched import weighed
from surrogate_plugin.batched.halos import inner, shifted, wrap_, wrapped
from surrogate_plugin.batched.level import Level

#: Where half a sweep begins in rows and in columns: each colour is two lattices of every other row and column.
_COLOURS = (((0, 1), (1, 0)), ((0, 0), (1, 1)))
#: On a level of 9 points each of these lattices is a colour of its own, from the coarse pixels' on.
_FOUR_COLOURS = ((0, 0), (0, 1), (1, 0), (1, 1))


def smooth(b: Tensor, level: Level, sweeps: int, *, backwards: bool = False) -> Tensor:
    """``x`` after some Gauss-Seidel sweeps for ``A x = b`` from zero: red and black, or the four colours in turn."""
    x = torch.zeros_like(b)
    _sweep_(x, b, level, sweeps, backwards=backwards)
    return x


def descend(b: Tensor, level: Level, sweeps: int) -> tuple[Tensor, Tensor]:
    """Sweep from zero; then the right-hand side of the next coarser level, from what is left."""
    x = smooth(b, level, sweeps)
    left = residual(x, b, level)
    return x, gather(left) if level.weights is None else weighed.gather(left, level.weights, level.rings)


def ascend(x: Tensor, coarse_x: Tensor, b: Tensor, level: Level, sweeps: int) -> Tensor:
    """Take the correction from below, then sweep; the colours in the other order, which makes a cycle symmetric."""
    if level.weights is None:
        corrected = x + torch.where(level.inverse == 0.0, 0.0, spread(coarse_x, level.shape))
    else:
        corrected = x + weighed.spread(coarse_x, level.weights, level.shape, level.rings)
    _sweep_(corrected, b, level, sweeps, backwards=True)
    return corrected


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
    right = inner(b)
    # No matrix product, which hardware may round to fewer digits.
    x = (coarsest * right.flatten(1)[:, None, :]).sum(2)
    return functional.pad(x.view(right.shape), (1, 1, 1, 1))


def residual(x: Tensor, b: Tensor | None, level: Level) -> Tensor:
    """``b - A x``, 0 on fixed pixels; ``b`` None is 0."""
    inverse = inner(level.inverse)
    held = inverse == 0.0
    around = wrapped(x, level.rings)
    # Nothing is added to an inverse here: beside 1 that of a strong decay is lost, and 1 / 0 comes out.
    left = inflow(around, level) - inner(around) / torch.where(held, 1.0, inverse)
    if b is not None:
        left = left + inner(b)
    return functional.pad(torch.where(held, 0.0, left), (1, 1, 1, 1))


def half_sweep_(x: Tensor, b: Tensor, level: Level, colour: int) -> None:
    """Gauss-Seidel on the pixels of one colour, all from what stood: colour 0 has an odd sum of row and column."""
    wrap_(x, level.rings)
    for start in _COLOURS[colour]:
        _relax_(x, b, level, start)


def four_colours_(x: Tensor, b: Tensor, level: Level, *, backwards: bool) -> None:
    """A Gauss-Seidel sweep on a level of 9 points."""
    for number, start in enumerate(reversed(_FOUR_COLOURS) if backwards else _FOUR_COLOURS):
        # The rows of one parity are relaxed from what the others were, so that an odd ring is right.
        wrap_(x, level.rings if number % 2 == 0 else (False, level.rings[1]))
        _relax_(x, b, level, start)


def _sweep_(x: Tensor, b: Tensor, level: Level, sweeps: int, *, backwards: bool) -> None:
    for half in range(2 * sweeps):
        if level.rising is None:
            half_sweep_(x, b, level, (half + backwards) % 2)
        elif half % 2 == 0:
            four_colours_(x, b, level, backwards=backwards)
    if level.rings[0]:
        x[..., 0, :] = x[..., -1, :] = 0.0
    if level.rings[1]:
        x[..., 0] = x[..., -1] = 0.0


def _relax_(x: Tensor, b: Tensor, level: Level, start: tuple[int, int]) -> None:
    """The Gauss-Seidel values of every other row and column."""
    there = slice(start[0], None, 2), slice(start[1], None, 2)
    right = inner(b)[..., *there] + inflow(x, level, *there)
    inner(x)[..., *there] = right * inner(level.inverse)[..., *there]


def inflow(x: Tensor, level: Level, rows: slice = slice(None), columns: slice = slice(None)) -> Tensor:
    """What the neighbours of some pixels bring; the halo of ``x`` is set."""

    def at(values: Tensor, row: int, column: int) -> Tensor:
        return shifted(values, row, column)[..., rows, columns]

    below, above, left, right = at(x, -1, 0), at(x, 1, 0), at(x, 0, -1), at(x, 0, 1)
    if level.north is None or level.east is None:
        return (below + above) + (left + right)
    vertical = at(level.north, -1, 0) * below + at(level.north, 0, 0) * above
    straight = vertical + (at(level.east, 0, -1) * left + at(level.east, 0, 0) * right)
    if level.rising is None or level.falling is None:
        return straight
    rising = at(level.rising, 0, 0) * at(x, 1, 1) + at(level.rising, -1, -1) * at(x, -1, -1)
    falling = at(level.falling, 0, 0) * at(x, 1, -1) + at(level.falling, -1, 1) * at(x, -1, 1)
    return straight + (rising + falling)


def gather(x: Tensor) -> Tensor:
    """The sum of the (up to) four pixels of each coarse one, with a halo of 0."""
    even = functional.pad(inner(x), (0, x.shape[-1] % 2, 0, x.shape[-2] % 2))
    rows = even[..., 0::2, :] + even[..., 1::2, :]
    return functional.pad(rows[..., 0::2] + rows[..., 1::2], (1, 1, 1, 1))


def spread(coarse: Tensor, shape: tuple[int, int]) -> Tensor:
    """Each coarse pixel's value on its (up to) four pixels, with a halo of 0."""
    fine = inner(coarse).repeat_interleave(2, -2).repeat_interleave(2, -1)
    return functional.pad(fine[..., : shape[0], : shape[1]], (1, 1, 1, 1))
