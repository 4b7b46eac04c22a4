"""One level of many hierarchies: a matrix of 5 or 9 points a problem, as the multigrid solver's, in torch."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Self

from torch import Tensor

from surrogate_plugin.batched.taking import take


@dataclass(frozen=True, eq=False)
class Level:
    """``A x = b`` on one level of each problem; see `surrogate_plugin.solvers.multigrid.level_kernels`.

    All tensors are float32 and contiguous, (B, h + 2, w + 2) with a halo if nothing else is said. The halo of links
    repeats the far side on a ring; that of vectors is 0 between operations.

    Attributes
    ----------
    inverse
        The inverse diagonal, 0 on fixed pixels and where a pixel has no link at all.
    north, east
        ``north[b, i, j]`` links (i, j) and (i + 1, j), ``east[b, i, j]`` (i, j) and (i, j + 1); None where all are 1.
    rings : (bool, bool)
        Which axes lead from their far side to their near one.
    rising, falling
        ``rising[b, i, j]`` links (i, j) and (i + 1, j + 1), ``falling[b, i, j]`` (i, j) and (i + 1, j - 1); None on a
        level of 5 points.
    weights : (B, 8, ch + 2, cw + 2), or None
        What the pixels around each coarse one take of it, see `surrogate_plugin.solvers.multigrid.stencil_kernels`;
        None where the next coarser level gathers 2 x 2 pixels.
    """

    inverse: Tensor
    north: Tensor | None
    east: Tensor | None
    rings: tuple[bool, bool]
    rising: Tensor | None = None
    falling: Tensor | None = None
    weights: Tensor | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of pixels."""
        return self.inverse.shape[-2] - 2, self.inverse.shape[-1] - 2

    @property
    def count(self) -> int:
        """How many problems there are."""
        return self.inverse.shape[0]

    def take(self, index: Tensor) -> Self:
        """The level of some of the problems."""
        return take(self, index)

    def among_many(self) -> Self:
        """The same level for vectors of (B, n, h + 2, w + 2), n for each problem."""
        parts = ("inverse", "north", "east", "rising", "falling", "weights")
        views: dict[str, Any] = {
            name: None if getattr(self, name) is None else getattr(self, name)[:, None] for name in parts
        }
        return dataclasses.replace(self, **views)
