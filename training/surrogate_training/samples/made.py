"""What is made in its order, with what making it took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Generic, NamedTuple, TypeVar

from torch.utils.data import IterableDataset, get_worker_info

from surrogate_training.samples.batch import Batch
from surrogate_training.samples.packed import Packed
from surrogate_training.samples.workers import told

Item = TypeVar("Item")


class Made(NamedTuple, Generic[Item]):
    """Something, and the seconds that its maker was at work on it."""

    item: Item
    seconds: float


class InTurn(IterableDataset[Made[Item] | Exception], Generic[Item]):
    """``make(first)``, ``make(first + stride)``, ...; workers take turns, so their number changes nothing.

    Parameters
    ----------
    make : callable
        Of a number; goes to worker processes.
    first, stride : int
    """

    def __init__(self, make: Callable[[int], Item], first: int, stride: int) -> None:
        self.make, self.first, self.stride = make, first, stride

    def __iter__(self) -> Iterator[Made[Item] | Exception]:
        return told(self._made())

    def _made(self) -> Iterator[Made[Item]]:
        worker = get_worker_info()
        index, stride = self.first, self.stride
        if worker is not None:
            index, stride = index + worker.id * stride, stride * worker.num_workers
        while True:
            began = time.monotonic()
            yield Made(self.make(index), time.monotonic() - began)
            index += stride


def unpacked(made: Iterator[Made[Packed[Item]]]) -> Iterator[Made[Item]]:
    """What was packed to be sent."""
    return (Made(item.unpack(), seconds) for item, seconds in made)


class Stream(Iterator[Batch]):
    """Batches one after the other, counted.

    Parameters
    ----------
    made : Iterator of Made
    makers : int
        How many make them side by side.
    close : callable
        Ends what makes them.
    """

    def __init__(
        self, made: Iterator[Made[Batch]], makers: int = 1, close: Callable[[], object] = lambda: None
    ) -> None:  # fmt: skip
        self._made, self._makers, self.close = made, makers, close
        self._samples, self._seconds = 0, 0.0

    def __next__(self) -> Batch:
        batch, seconds = next(self._made)
        self._samples += batch.target.shape[0]
        self._seconds += seconds
        return batch

    @property
    def rate(self) -> float | None:
        """Samples a second that the makers come to while all are at work; None before the first."""
        return self._makers * self._samples / self._seconds if self._seconds > 0.0 else None
