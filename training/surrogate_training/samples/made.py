"""Batches in their order, with what making them took."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from surrogate_training.samples.batch import Batch


@dataclass(frozen=True)
class Made:
    """A batch, and the seconds that its maker was at work on it."""

    batch: Batch
    seconds: float

    def pin_memory(self) -> Made:
        """For a faster copy to a GPU."""
        return Made(self.batch.pin_memory(), self.seconds)


class Stream(Iterator[Batch]):
    """Batches one after the other, counted.

    Parameters
    ----------
    made : Iterator of Made
    makers : int
        How many make them side by side.
    """

    def __init__(self, made: Iterator[Made], makers: int) -> None:
        self._made, self._makers = made, makers
        self._samples, self._seconds = 0, 0.0

    def __next__(self) -> Batch:
        made = next(self._made)
        self._samples += made.batch.target.shape[0]
        self._seconds += made.seconds
        return made.batch

    @property
    def rate(self) -> float | None:
        """Samples a second that the makers come to while all are at work; None before the first."""
        return self._makers * self._samples / self._seconds if self._seconds > 0.0 else None
