"""The diffusion equation between blocks by tensor operations, for a whole batch on any device.

Conjugate gradients around a V-cycle, as `surrogate_plugin.surrogate.compiled.diffusion_kernels` has them for one
lattice after the other on a CPU. No value is read back, so the number of steps is fixed. The levels are the device
engine's. Each axis counts as a ring; where a lattice is closed, the links from its last column or row are 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from surrogate_plugin.batched import operations
from surrogate_plugin.batched.choice import fused
from surrogate_plugin.batched.halos import wrap_
from surrogate_plugin.batched.level import Level
from surrogate_plugin.batched.setup import Coefficients

#: Cells on the coarsest level, at most: so few that eliminating them takes four steps.
_COARSEST = 4
_RINGS = True, True
#: Before a correction and after it, as in the compiled solve.
_SWEEPS = 1


@dataclass(frozen=True, eq=False)
class CoarseLevels:
    """All levels of a batch of lattices, and the dense inverse of the last, (N, n, n)."""

    levels: tuple[Level, ...]
    coarsest: Tensor

    @classmethod
    def of(cls, east: Tensor, north: Tensor, extra: Tensor) -> CoarseLevels:
        """From links and extra diagonal, each (N, h, w); every level has half the rows and columns, rounded up."""
        rate, north, east = (functional.pad(part, (1, 1, 1, 1)) for part in (extra, north, east))
        for links in (north, east):
            wrap_(links, _RINGS)
        levels: list[Level] = []
        below: Coefficients = rate, None, north, east
        while len(levels) < 2 or levels[-1].shape[0] * levels[-1].shape[1] > _COARSEST:
            (_, _, north, east), (inverse, below) = below, operations.coarser(below, _RINGS)
            levels.append(Level(inverse, north, east, _RINGS))
        return cls(tuple(levels), operations.invert_coarsest(levels[-1]))

    def apply(self, x: Tensor) -> Tensor:
        """``A x`` on the finest level; vectors have a halo of 0."""
        return -operations.residual(x, None, self.levels[0])

    def v_cycle(self, b: Tensor) -> Tensor:
        """About ``A^-1 b`` by one symmetric V-cycle from 0."""
        return operations.bottom(b, self.levels, self.coarsest, _SWEEPS)


def solve(east: Tensor, north: Tensor, extra: Tensor, rhs: Tensor, guess: Tensor | None, steps: int) -> Tensor:
    """``u`` with ``-div(L grad u) + extra u = rhs`` on each lattice after so many steps, (N, h, w) of any precision.

    A lattice whose residual has come to 0, or is not finite, is left as it stands, and touches no other one.
    """
    levels = CoarseLevels.of(east, north, extra)
    r = functional.pad(rhs, (1, 1, 1, 1))
    x = torch.zeros_like(r)
    if guess is not None:
        x = functional.pad(guess, (1, 1, 1, 1))
        r = r - levels.apply(x)
    finest = levels.levels[0]
    if r.dtype == torch.float32 and fused(x, r, finest.inverse, finest.north, finest.east):
        from surrogate_plugin.batched.fused import coarse

        return coarse.solve(x, r, finest, levels.v_cycle, steps)[:, 1:-1, 1:-1]
    p, energy = torch.zeros_like(r), torch.ones_like(r[:, :1, :1])
    for _ in range(steps):
        z = levels.v_cycle(r)
        new = _dot(r, z)
        p = z + (new / energy) * p
        q = levels.apply(p)
        curvature = _dot(p, q)
        goes_on = (new > 0) & (curvature > 0)
        x = torch.where(goes_on, x + (new / curvature) * p, x)
        r = torch.where(goes_on, r - (new / curvature) * q, r)
        energy = torch.where(goes_on, new, 1.0)
    return x[:, 1:-1, 1:-1]


def _dot(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum(dim=(1, 2), keepdim=True)
