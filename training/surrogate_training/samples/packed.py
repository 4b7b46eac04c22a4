"""What worker processes send: all arrays of a thing in one piece of shared memory, and nothing large through a pipe.

Each tensor that torch's loader sends holds an open file in both processes, and a numpy array goes through the pipe,
byte by byte; here a batch is one tensor, however much it is made of.
"""

from __future__ import annotations

import io
import pickle
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor

Item = TypeVar("Item")
#: Where arrays begin is a multiple of this, as processors like it.
_ALIGNED = 64


class Packed(Generic[Item]):
    """Something whose arrays and tensors are in one tensor, which torch shares between processes.

    Parameters
    ----------
    item
        Anything that can be pickled; its tensors are on the CPU.

    Examples
    --------
    >>> values, mask = Packed((np.arange(3.0), torch.tensor([True, False]))).unpack()
    >>> values, mask
    (array([0., 1., 2.]), tensor([ True, False]))
    """

    def __init__(self, item: Item) -> None:
        buffers: list[pickle.PickleBuffer] = []
        pickled = io.BytesIO()
        _Pickler(pickled, protocol=5, buffer_callback=buffers.append).dump(item)
        arrays = [np.frombuffer(buffer.raw(), np.uint8) for buffer in buffers]
        self._pickled, self._sizes = pickled.getvalue(), [array.size for array in arrays]
        self._memory = torch.empty(sum(map(_rounded, self._sizes)), dtype=torch.uint8)
        for array, place in zip(arrays, self._places(), strict=True):
            place[:] = array

    def unpack(self) -> Item:
        """The thing, its arrays where they are."""
        item: Item = pickle.loads(self._pickled, buffers=self._places())
        return item

    def _places(self) -> list[np.ndarray[Any, np.dtype[np.uint8]]]:
        memory = self._memory.numpy()
        ends = np.cumsum([0, *map(_rounded, self._sizes)])
        return [memory[start : start + size] for start, size in zip(ends, self._sizes, strict=False)]


class _Pickler(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        """A tensor by its array, which is set apart as all arrays are."""
        if isinstance(value, Tensor):
            return torch.from_numpy, (value.numpy(),)
        return NotImplemented


def _rounded(size: int) -> int:
    return -(-size // _ALIGNED) * _ALIGNED
