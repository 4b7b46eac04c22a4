"""What a V-cycle does on a level, by whoever is asked: see `surrogate_plugin.batched.choice`.

Each function has the meaning of its namesake in `surrogate_plugin.batched.reference`. Levels of 9 points, and several
vectors for one matrix, are the reference's alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from surrogate_plugin.batched import reference, setup
from surrogate_plugin.batched.choice import fused
from surrogate_plugin.batched.level import Level

__all__ = ["ascend", "bottom", "coarser", "descend", "invert_coarsest", "residual", "set_up_finest", "smooth"]


def smooth(b: Tensor, level: Level, sweeps: int, *, backwards: bool = False) -> Tensor:
    """Some red-black Gauss-Seidel sweeps for ``A x = b`` from zero, the colours in the other order if so asked."""
    if _is_plain(b, level):
        from surrogate_plugin.batched.fused import sweeps as kernels

        return kernels.smooth(b, level, sweeps, backwards=backwards)
    return reference.smooth(b, level, sweeps, backwards=backwards)


def descend(b: Tensor, level: Level, sweeps: int) -> tuple[Tensor, Tensor]:
    """Sweep from zero; then the right-hand side of the next coarser level, from what is left."""
    if _is_plain(b, level) and level.weights is None:
        from surrogate_plugin.batched.fused import sweeps as kernels

        return kernels.descend(b, level, sweeps)
    return reference.descend(b, level, sweeps)


def ascend(x: Tensor, coarse_x: Tensor, b: Tensor, level: Level, sweeps: int) -> Tensor:
    """Take the correction from below, then sweep, with the colours in the other order."""
    if _is_plain(b, level) and level.weights is None and fused(x, coarse_x):
        from surrogate_plugin.batched.fused import sweeps as kernels

        return kernels.ascend(x, coarse_x, b, level, sweeps)
    return reference.ascend(x, coarse_x, b, level, sweeps)


def bottom(b: Tensor, levels: Sequence[Level], coarsest: Tensor, sweeps: int) -> Tensor:
    """A V-cycle from the first of ``levels`` down, the last of them by its inverse; what is small in one launch."""
    first = levels[0]
    if all(level.rising is None and level.weights is None for level in levels) and _is_plain(b, first):
        from surrogate_plugin.batched.fused import bottom as kernels

        if kernels.fits(first.shape):
            return kernels.bottom(b, levels, coarsest, sweeps)
    if len(levels) == 1:
        return reference.solve_coarsest(b, coarsest)
    x, below = descend(b, first, sweeps)
    return ascend(x, bottom(below, levels[1:], coarsest, sweeps), b, first, sweeps)


def residual(x: Tensor, b: Tensor | None, level: Level) -> Tensor:
    """``b - A x``, 0 on fixed pixels; ``b`` None is 0."""
    if _is_plain(x, level) and (b is None or fused(b)):
        from surrogate_plugin.batched.fused import sweeps as kernels

        return kernels.residual(x, b, level)
    return reference.residual(x, b, level)


def set_up_finest(
    free: Tensor, seen: Tensor, decay: Tensor, walls: Tensor, rings: tuple[bool, bool]
) -> tuple[Tensor, setup.Coefficients]:
    """The finest inverse diagonal of ``free`` and the first coarse coefficients of ``seen``; faces conduct alike."""
    if fused(free, seen, decay, walls):
        from surrogate_plugin.batched.fused import setting_up

        return setting_up.finest(free, seen, decay, walls, rings)
    inverse = setup.finest_inverse(free, decay, None, None, walls, rings)
    return inverse, setup.first_coarse(seen, decay, None, None, walls, rings)


def coarser(coefficients: setup.Coefficients, rings: tuple[bool, bool]) -> tuple[Tensor, setup.Coefficients]:
    """The inverse diagonal of a coarse level, and the coefficients of the next one."""
    if fused(*coefficients):
        from surrogate_plugin.batched.fused import setting_up

        return setting_up.coarser(coefficients, rings)
    return setup.inverse_of(*coefficients), setup.coarser(*coefficients, rings)


def invert_coarsest(level: Level) -> Tensor:
    """The dense inverse of the coarsest level, (B, n, n) float32."""
    if level.north is not None and level.rising is None and fused(level.inverse, level.north, level.east):
        from surrogate_plugin.batched.fused import setting_up

        return setting_up.invert_coarsest(level)
    return setup.invert_coarsest(level)


def _is_plain(vector: Tensor, level: Level) -> bool:
    """Whether kernels take this level of 5 points, with a vector a problem."""
    return level.rising is None and vector.shape == level.inverse.shape and fused(vector, level.inverse)
