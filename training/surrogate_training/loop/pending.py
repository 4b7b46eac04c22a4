"""The losses of steps that may still be running: read together now and then, so that no step waits for its number."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

#: On a device of its own so many steps are called before the host looks at their losses: about a second of them.
_STEPS_AHEAD = 32


class Heard(NamedTuple):
    """What a step came to."""

    step: int
    loss: float
    learning_rate: float


class PendingLosses:
    """Losses that nobody has read.

    Parameters
    ----------
    every : int
        How many there may be.

    Examples
    --------
    >>> pending = PendingLosses(every=2)
    >>> pending.add(1, torch.tensor(0.5), 1e-3)
    >>> pending.due
    False
    >>> pending.add(2, torch.tensor(0.25), 1e-3)
    >>> pending.due, [heard.loss for heard in pending.read()], pending.due
    (True, [0.5, 0.25], False)
    """

    def __init__(self, every: int) -> None:
        self._every = every
        self._waiting: list[tuple[int, Tensor, float]] = []

    @classmethod
    def on(cls, device: torch.device, *, each: bool = False) -> PendingLosses:
        """As many as a device may be ahead of the host: none on a CPU, nor with ``each``, where each loss decides."""
        return cls(1 if each or device.type == "cpu" else _STEPS_AHEAD)

    @property
    def due(self) -> bool:
        """Whether it is time to `read`; a function of the number of steps, so that all processes agree."""
        return len(self._waiting) >= self._every

    def add(self, step: int, loss: Tensor, learning_rate: float) -> None:
        """Note the loss of a step, () float32, wherever it is."""
        self._waiting.append((step, loss, learning_rate))

    def read(self) -> list[Heard]:
        """All of them, which waits for the last of these steps."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return []
        losses: list[float] = torch.stack([loss for _, loss, _ in waiting]).tolist()
        return [Heard(step, loss, rate) for (step, _, rate), loss in zip(waiting, losses, strict=True)]
