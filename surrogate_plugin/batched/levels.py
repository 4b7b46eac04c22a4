"""Many hierarchies of one lattice at once, and the V-cycle on them: what `solvers.multigrid.hierarchy` is to one."""

from __future__ import annotations

import copy
import dataclasses
from typing import Self

import torch
from torch import Tensor
from torch.nn import functional

from surrogate_plugin.batched import galerkin, operations, setup
from surrogate_plugin.batched.level import Level
from surrogate_plugin.solvers.multigrid.hierarchy import level_shapes

#: Red-black sweeps down and up, as many, which makes a cycle symmetric.
_SWEEPS = 2


class Levels:
    """The levels for ``A = -div(G grad) + decay`` of B problems, dimensionless, fixed pixels held at 0.

    Parameters
    ----------
    shape : (H, W)
    rings : (bool, bool)
        Which axes wrap around.
    count : int
        How many problems there are.
    device : torch.device or str
    mapped : bool
        Whether faces have conductances of their own.

    Attributes
    ----------
    finest : Level
    coarse : list of Level
        From the next coarser one to the coarsest.
    coarsest : (B, n, n) float32
        The inverse of the coarsest level's matrix.

    Examples
    --------
    >>> levels = Levels((8, 8), (False, False), 1, "cpu")
    >>> free, decay = torch.ones((1, 8, 8), dtype=torch.bool), torch.full((1, 8, 8), 0.1, dtype=torch.float64)
    >>> levels.set_up(free, decay, None, None, torch.ones((1, 2, 2), dtype=torch.float64))
    >>> b = torch.zeros((1, 10, 10)); b[0, 4, 4] = 1.0
    >>> z = levels.v_cycle(b)
    >>> bool(levels.residual(z, b).abs().max() < 0.1)
    True
    """

    finest: Level
    coarse: list[Level]
    coarsest: Tensor

    def __init__(
        self, shape: tuple[int, int], rings: tuple[bool, bool], count: int, device: torch.device | str,
        mapped: bool = False,
    ) -> None:  # fmt: skip
        self.shape, self.rings, self.mapped = shape, rings, mapped
        self.count, self.device = count, torch.device(device)
        self._depth = len(level_shapes(shape)) - 1
        self._north: Tensor | None = None
        self._east: Tensor | None = None
        self._walls = torch.zeros((count, 2, 2), dtype=torch.float64, device=self.device)

    def set_up(
        self,
        free: Tensor,
        decay: Tensor,
        north: Tensor | None,
        east: Tensor | None,
        wall_conductance: Tensor,
        *,
        seen: Tensor | None = None,
    ) -> None:
        """All levels for these operators.

        Parameters
        ----------
        free : (B, H, W) bool
        decay : (B, H, W) float64, dimensionless
        north, east : (B, H + 1, W) and (B, H, W + 1) float64, dimensionless, or None
            Conductances of all faces; None: all are 1, and the outer ones the walls'.
        wall_conductance : (B, 2, 2) float64
        seen : (B, H, W) bool, optional
            Which of the free pixels coarse levels see as free; all if not given.
        """
        north, east = (_without_loop(each, axis, self.rings) for axis, each in enumerate((north, east)))
        self._north, self._east, self._walls = north, east, wall_conductance
        seen = free if seen is None else seen
        if north is None or east is None:
            self._gather(*operations.set_up_finest(free, seen, decay, wall_conductance, self.rings))
        else:
            inverse = setup.finest_inverse(free, decay, north, east, wall_conductance, self.rings)
            links_north, links_east = setup.finest_links(north, east)
            among = torch.where(functional.pad(seen, (1, 1, 1, 1)), inverse, 0.0)
            finest = Level(inverse, links_north, links_east, self.rings)
            self._multiply(finest, galerkin.split(seen, decay, north, east, among, self.rings))
        self.coarsest = operations.invert_coarsest(self.coarse[-1])

    def _gather(self, inverse: Tensor, coefficients: setup.Coefficients) -> None:
        """The levels of a plain operator, from the coefficients of the first coarse one."""
        self.finest, self.coarse = Level(inverse, None, None, self.rings), []
        for _ in range(self._depth):
            _, _, north, east = coefficients
            inverse, coefficients = operations.coarser(coefficients, self.rings)
            self.coarse.append(Level(inverse, north, east, self.rings))

    def _multiply(self, finest: Level, mapped: galerkin.Mapped) -> None:
        """The levels of a mapped operator, with the weights of all transfers."""
        levels = [finest]
        for _ in range(self._depth):
            weights, mapped = galerkin.coarsen(mapped, self.rings)
            north, east, rising, falling = mapped.links
            levels[-1] = dataclasses.replace(levels[-1], weights=weights)
            levels.append(Level(mapped.inverse, north, east, self.rings, rising, falling))
        self.finest, *self.coarse = levels

    def relinearise(self, free: Tensor, decay: Tensor) -> None:
        """Give the finest level a new decay and keep the coarse ones, which only precondition."""
        inverse = setup.finest_inverse(free, decay, self._north, self._east, self._walls, self.rings)
        self.finest = dataclasses.replace(self.finest, inverse=inverse)

    def v_cycle(self, b: Tensor) -> Tensor:
        """``z ~ A^-1 b`` by one V-cycle from zero; both (B, H + 2, W + 2) float32 with a halo of 0."""
        return operations.bottom(b, [self.finest, *self.coarse], self.coarsest, _SWEEPS)

    def sweep(self, b: Tensor, sweeps: int) -> Tensor:
        """``z``: some red-black Gauss-Seidel sweeps on the finest level for ``A z = b``, from zero."""
        return operations.smooth(b, self.finest, sweeps)

    def residual(self, x: Tensor, b: Tensor | None = None) -> Tensor:
        """``b - A x`` on the finest level, 0 on fixed pixels and in the halo; ``b`` None is 0."""
        return operations.residual(x, b, self.finest)

    def take(self, index: Tensor) -> Self:
        """The levels of some of the problems."""
        some = copy.copy(self)
        some.count = index.shape[0]
        some._north = None if self._north is None else self._north[index]
        some._east = None if self._east is None else self._east[index]
        some._walls = self._walls[index]
        some.finest = self.finest.take(index)
        some.coarse = [each.take(index) for each in self.coarse]
        some.coarsest = self.coarsest[index]
        return some


def _without_loop(faces: Tensor | None, axis: int, rings: tuple[bool, bool]) -> Tensor | None:
    """The faces but for those that lead from a pixel to itself, around a ring of one: they carry nothing."""
    loops = faces is not None and rings[axis] and faces.shape[1 + axis] == 2
    return torch.zeros_like(faces) if faces is not None and loops else faces
