"""The one way back from the device: a few numbers a problem, whenever something is decided.

All decisions of a solve are made on the host, by numpy, from what `read` brings; nothing else waits for the device. So
a solve waits as often as it calls `read`, which tests count.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from surrogate_plugin.arguments import FloatArray
from surrogate_plugin.batched.transfers import sent


def read(numbers: Tensor) -> FloatArray:
    """A few numbers a problem, on the host; waits for whatever they are made from.

    Parameters
    ----------
    numbers : (K, B) or (B,) tensor, on any device
        Small: K numbers of each of B problems.

    Returns
    -------
    (K, B) or (B,) float64 array

    Examples
    --------
    >>> read(torch.tensor([0.5, 2.0]))
    array([0.5, 2. ])
    """
    return np.asarray(numbers.detach().to("cpu", torch.float64).numpy())


def index(where: npt.NDArray[np.bool_] | npt.NDArray[np.int64], device: torch.device | str) -> Tensor:
    """Positions that the host has chosen, as an index on the device: those that are True, or those that are named.

    Examples
    --------
    >>> index(np.array([True, False, True]), "cpu")
    tensor([0, 2])
    """
    chosen = np.flatnonzero(where) if where.dtype == np.bool_ else where
    return sent(torch.from_numpy(chosen.astype(np.int64)), device)


def upload(numbers: FloatArray, device: torch.device | str) -> Tensor:
    """Numbers that the host has decided on, as float64 on the device."""
    return sent(torch.from_numpy(np.ascontiguousarray(numbers, np.float64)), device)
