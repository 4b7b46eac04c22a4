"""The cycle loss by the solver's compiled kernels, one problem after the other, on a CPU."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from surrogate_plugin.equation.sides import Walls
from surrogate_plugin.solvers.multigrid.hierarchy import Float32Array, Hierarchy
from surrogate_plugin.surrogate import features
from surrogate_training.samples.batch import Batch


class CompiledCycle:
    """See `surrogate_training.losses.cycle.Cycle`.

    Parameters
    ----------
    batch : Batch
        On the CPU.
    decay : (N, H, W) float32, dimensionless
    """

    def __init__(self, batch: Batch, decay: Tensor) -> None:
        self._shape, self._free = batch.shape, batch.free.numpy()
        self._decay = decay.numpy().astype(np.float64)
        self._walls, self._rings = batch.walls.numpy().astype(np.float64), batch.rings.numpy()
        self._images = batch.image.numpy() if batch.image.shape[1] > features.CHANNELS else None

    def left(self, error: Tensor) -> Tensor:
        """``x - B A x``."""
        return self._each(error, _left)

    def left_transposed(self, gradient: Tensor) -> Tensor:
        """``x - A B x``."""
        return self._each(gradient, _left_transposed)

    def _each(self, values: Tensor, work: Callable[[Hierarchy, Float32Array], None]) -> Tensor:
        """``work(hierarchy, x)`` on each problem's (H + 2, W + 2) float32 array, which it changes."""
        given = values.numpy()
        out = np.empty_like(given)
        hierarchies: dict[bytes, Hierarchy] = {}
        for at in range(given.shape[0]):
            kind = self._walls[at].tobytes() + self._rings[at].tobytes()
            if kind not in hierarchies:
                walls = Walls(self._walls[at], self._walls[at], np.zeros((2, 2)), self._rings[at])
                hierarchies[kind] = Hierarchy(self._shape, walls)
            hierarchy = hierarchies[kind]
            image = None if self._images is None else self._images[at]
            faces = None if image is None else features.faces_within(image, self._shape, self._rings[at])
            hierarchy.rebuild(self._free[at], self._decay[at], faces)
            x = hierarchy.vectors[0]
            x.fill(0.0)
            x[1:-1, 1:-1] = np.where(self._free[at], given[at], 0.0)
            work(hierarchy, x)
            out[at] = x[1:-1, 1:-1]
        return torch.from_numpy(out)


def _left(hierarchy: Hierarchy, x: Float32Array) -> None:
    """``x - B A x``."""
    _, z, minus_ax = hierarchy.vectors[:3]
    hierarchy.residual(x, None, minus_ax)
    hierarchy.v_cycle(z, minus_ax)
    x += z


def _left_transposed(hierarchy: Hierarchy, x: Float32Array) -> None:
    """``x - A B x``."""
    _, z, minus_az = hierarchy.vectors[:3]
    hierarchy.v_cycle(z, x)
    hierarchy.residual(z, None, minus_az)
    x[1:-1, 1:-1] += minus_az[1:-1, 1:-1]
