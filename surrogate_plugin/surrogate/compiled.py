"""The compact network's forward pass for one problem on a CPU, compiled: the same numbers in half the time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from surrogate_plugin.surrogate import compact_kernels as kernels
from surrogate_plugin.surrogate.coarse import MOST, TOLERANCE
from surrogate_plugin.surrogate.coarse_kernels import solve_batch
from surrogate_plugin.surrogate.features import BLOCK
from surrogate_plugin.surrogate.relaxation_kernels import forward as relax

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

    def __call__(self, image: Float32Array, saturation: float) -> Float32Array:
        """The answer to (4, H', W') float32 from `features.encode`: (H', W') float32, as the network's."""
        h, w = image.shape[1] // BLOCK, image.shape[2] // BLOCK
        cells, spare = np.zeros((2, h + 2, self._stem[0].shape[0], w + 2), np.float32)
        maps = np.empty((4, h, w), np.float32)
        slope = np.float32(saturation)
        kernels.read_blocks(image, slope, self._bounds, *self._stem, cells, maps)
        for mixer in self._mixers:
            kernels.mix(cells, spare, *mixer)
            cells, spare = spare, cells
        share, value, first_order, rate = maps
        chosen = np.empty((6, h, w), np.float32)
        kernels.choose(cells, *self._coefficients, share, self._hold, chosen)
        east, north = np.empty((2, 1, h, w), np.float32)
        kernels.links(chosen, east[0], north[0])
        hold, hunger = chosen[:2]
        field = np.zeros((1, h, w), np.float32)
        at = np.float32(0.5)
        for _ in range(1 + (self._updates if saturation > 0 else 0)):
            decay = first_order + rate / (np.float32(1.0) + slope * at)
            solve_batch(east, north, (decay * hunger + hold)[None], (hold * value)[None], field, TOLERANCE, MOST)
            at = np.clip(field[0], 0.0, 1.0)
        answer = np.empty((1, *image.shape[1:]), np.float32)
        kernels.draw(cells, field[0], value, *self._decoder, self._nothing, answer[0])
        relax(answer, np.empty_like(answer), image[None], np.array([slope]), self._sweeps)
        return np.asarray(answer[0])
