"""The cycle loss in tensors, all problems of a batch at once, wherever they are."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from surrogate_plugin.batched.levels import Levels
from surrogate_plugin.surrogate import features
from surrogate_training.samples.batch import Batch

Rings = tuple[bool, bool]


class BatchedCycle:
    """See `surrogate_training.losses.cycle.Cycle`; the levels are set up once for both passes.

    It is the cycle of the compiled kernels, to rounding. Where faces have conductances of their own its first transfer
    is weighted always, theirs only where walls are thinner than a pixel.

    Parameters
    ----------
    batch : Batch
    decay : (N, H, W) float32, dimensionless
    """

    def __init__(self, batch: Batch, decay: Tensor) -> None:
        self._free = batch.free
        # How a lattice is closed is known to the host, so that nobody waits for the device to say it.
        rings = [(bool(rows), bool(columns)) for rows, columns in batch.rings.tolist()]
        kinds = sorted(set(rings))
        self._places: list[Tensor | slice] = [slice(None)]
        if len(kinds) > 1:
            self._places = [_places(rings, kind, decay.device) for kind in kinds]
        self._levels = [
            _levels(batch, decay, kind, places) for kind, places in zip(kinds, self._places, strict=True)
        ]  # fmt: skip

    def left(self, error: Tensor) -> Tensor:
        """``x - B A x``."""
        return self._each_kind(error, _left)

    def left_transposed(self, gradient: Tensor) -> Tensor:
        """``x - A B x``."""
        return self._each_kind(gradient, _left_transposed)

    def _each_kind(self, values: Tensor, work: Callable[[Levels, Tensor], Tensor]) -> Tensor:
        x = functional.pad(torch.where(self._free, values, 0.0), (1, 1, 1, 1))
        out = torch.empty_like(values)
        for places, levels in zip(self._places, self._levels, strict=True):
            out[places] = work(levels, x[places])[:, 1:-1, 1:-1]
        return out


def _left(levels: Levels, x: Tensor) -> Tensor:
    return x + levels.v_cycle(levels.residual(x))


def _left_transposed(levels: Levels, x: Tensor) -> Tensor:
    return x + levels.residual(levels.v_cycle(x))


def _places(rings: list[Rings], kind: Rings, device: torch.device) -> Tensor:
    """Which problems are of a kind, sent to the device without waiting for it."""
    return torch.tensor([at for at, each in enumerate(rings) if each == kind]).to(device, non_blocking=True)


def _levels(batch: Batch, decay: Tensor, rings: Rings, places: Tensor | slice) -> Levels:
    """The levels of the problems at these places, all of which are closed alike."""
    decay, image = decay[places].double(), batch.image[places]
    mapped = image.shape[1] > features.CHANNELS
    north, east = _faces(image, batch.shape, rings) if mapped else (None, None)
    levels = Levels(batch.shape, rings, decay.shape[0], decay.device, mapped=mapped)
    levels.set_up(batch.free[places], decay, north, east, batch.walls[places].double())
    return levels


def _faces(image: Tensor, shape: tuple[int, int], rings: Rings) -> tuple[Tensor, Tensor]:
    """`surrogate_plugin.surrogate.features.faces_within` of many images: (N, H + 1, W) and (N, H, W + 1) float64."""
    lattice = features.PaddedLattice.around(shape)
    (row, column), (rows, columns) = lattice.first, shape
    north = image[:, features.NORTH, row - 1 : row + rows, column : column + columns].double()
    east = image[:, features.EAST, row : row + rows, column - 1 : column + columns].double()
    if rings[0]:
        north[:, ::rows] /= lattice.padded[0] - rows + 1
    if rings[1]:
        east[:, :, ::columns] /= lattice.padded[1] - columns + 1
    return north.contiguous(), east.contiguous()
