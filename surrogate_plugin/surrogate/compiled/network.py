"""The compact network's forward pass for one problem on a CPU, compiled: the same numbers in half the time."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from surrogate_plugin import team
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.surrogate import features
from surrogate_plugin.surrogate.compiled import compact_kernels as kernels
from surrogate_plugin.surrogate.compiled.diffusion_kernels import solve_batch, workspace
from surrogate_plugin.surrogate.compiled.relaxation_kernels import forward as relax
from surrogate_plugin.surrogate.diffusion_layer import MOST, TOLERANCE
from surrogate_plugin.surrogate.features import BLOCK

if TYPE_CHECKING:
    from surrogate_plugin.surrogate.networks import CompactNetwork

Float32Array = npt.NDArray[np.float32]


class CompiledCompact:
    """`CompactNetwork` without gradients, batches and devices.

    Torch spends most of a forward pass on one problem with copies between layouts and with starting small operations;
    here a row of blocks goes through all layers while it is in the cache.

    Parameters
    ----------
    network : CompactNetwork
        Its weights are copied.

    Examples
    --------
    >>> from surrogate_plugin.surrogate.networks import CompactNetwork
    >>> image = np.zeros((4, 20, 28), np.float32); image[:2, 9, 9] = 1.0
    >>> CompiledCompact(CompactNetwork(width=8))(image, 0.0).shape
    (20, 28)
    """

    def __init__(self, network: CompactNetwork) -> None:
        from surrogate_plugin.surrogate import networks

        def weights(layer: Any, *, bias: bool = True) -> tuple[Float32Array, ...]:
            parts = (layer.weight, layer.bias) if bias else (layer.weight,)
            return tuple(np.ascontiguousarray(part.detach().float().cpu().numpy()) for part in parts)

        self._stem = weights(network.stem)
        self._mixers = [
            (np.ascontiguousarray(weights(mixer.near)[0][:, 0]), weights(mixer.near)[1])
            + weights(mixer.expand)
            + weights(mixer.contract)
            for mixer in network.mixers
        ]
        self._coefficients = weights(network.coefficients)
        self._decoder = (
            *weights(network.hidden),
            *(layer for part in (network.gain, network.spread, network.pixels) for layer in weights(part, bias=False)),
        )
        self._nothing = np.zeros(max(part.shape[0] for part in self._decoder), np.float32)
        self._sweeps = network.sweeps
        self._bounds = tuple(np.float32(bound) for bound in networks.DECAY_BOUNDS)
        self._hold, self._updates = np.float32(networks.HOLD), networks.UPDATES

        self._lock = threading.Lock()
        self._kept: _Buffers | None = None

    def predict(self, problem: Problem) -> FloatArray:
        """The network's field, (H, W) float64 in field units, as `Model.predict`."""
        with self._lock:
            buffers = self._buffers(features.Frame.around(problem.shape).blocks)
            image = features.encode(problem, buffers.image)
            return features.decode(self._run(image, features.saturation(problem), buffers), problem)

    def __call__(self, image: Float32Array, saturation: float) -> Float32Array:
        """The answer to (4, H', W') float32 from `features.encode`: (H', W') float32, as the network's."""
        with self._lock:
            buffers = self._buffers((image.shape[1] // BLOCK, image.shape[2] // BLOCK))
            return self._run(image, saturation, buffers).copy()

    def _buffers(self, blocks: tuple[int, int]) -> _Buffers:
        """The buffers for a lattice, which the next call with such a lattice uses again."""
        if self._kept is None or self._kept.blocks != blocks:
            self._kept = _Buffers(blocks, self._stem[0].shape[0])
        return self._kept

    def _run(self, image: Float32Array, saturation: float, kept: _Buffers) -> Float32Array:
        slope = np.float32(saturation)
        cells, spare = kept.cells
        team.run(kernels.read_blocks, image, slope, self._bounds, *self._stem, cells, kept.maps)
        for mixer in self._mixers:
            team.run(kernels.mix, cells, spare, *mixer)
            cells, spare = spare, cells
        share, value, first_order, rate = kept.maps
        team.run(kernels.choose, cells, *self._coefficients, share, self._hold, kept.chosen)
        east, north = kept.links
        team.run(kernels.links, kept.chosen, east[0], north[0])
        hold, hunger = kept.chosen[:2]
        field, at = kept.field, np.float32(0.5)
        field.fill(0.0)
        for _ in range(1 + (self._updates if saturation > 0 else 0)):
            decay = first_order + rate / (np.float32(1.0) + slope * at)
            rhs = (decay * hunger + hold)[None], (hold * value)[None]
            solve_batch(east, north, *rhs, field, TOLERANCE, MOST, kept.work)
            at = np.clip(field[0], 0.0, 1.0)
        team.run(kernels.draw, cells, field[0], value, *self._decoder, self._nothing, kept.answer)
        answer: Float32Array = kept.answer
        team.run(relax, answer, kept.inverse, image, slope, self._sweeps)
        return answer


class _Buffers:
    """What a forward pass writes to: to ask the system for this memory anew costs as much as the arithmetic."""

    def __init__(self, blocks: tuple[int, int], width: int) -> None:
        h, w = self.blocks = blocks
        rows, columns = BLOCK * h, BLOCK * w
        self.image = np.empty((features.CHANNELS, rows, columns), np.float32)
        self.cells = np.zeros((2, h + 2, width, w + 2), np.float32)
        self.maps, self.chosen = np.empty((4, h, w), np.float32), np.empty((6, h, w), np.float32)
        self.links, self.field = np.empty((2, 1, h, w), np.float32), np.empty((1, h, w), np.float32)
        self.work = workspace(h, w)
        self.answer, self.inverse = np.empty((2, rows, columns), np.float32)
