"""Slopes of what is in the host's memory, pixel by pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from surrogate_adapters.compucell3d.interpolation import widened

if TYPE_CHECKING:
    import surrogate_plugin as sp

__all__ = ["gradient"]

FloatArray = npt.NDArray[np.float64]


def gradient(field: npt.NDArray[np.float32], boundary: sp.Boundary, um_per_pixel: float) -> FloatArray:
    """Centred differences, (2, H, W) float64, field units / um, along x and along y.

    Beyond a side is what it holds or leads to; beside one that does neither, the edge pixel itself.

    Examples
    --------
    >>> import surrogate_plugin as sp
    >>> ramp = np.tile(np.arange(4.0), (2, 1))
    >>> gradient(ramp, sp.Boundary.parse("reflecting"), um_per_pixel=2.0)[0, 0].tolist()
    [0.25, 0.5, 0.5, 0.25]
    """
    values = np.asarray(field, dtype=np.float64)
    across = widened(values, boundary.left, boundary.right)
    along = widened(values.T, boundary.bottom, boundary.top).T
    x, y = across[:, 2:] - across[:, :-2], along[2:] - along[:-2]
    return np.stack([x, y]) / (2.0 * um_per_pixel)
