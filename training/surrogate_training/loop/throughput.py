"""How fast samples are made and consumed, and how long the network waits for them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from surrogate_training.samples.batch import Batch
from surrogate_training.samples.made import Stream


@dataclass(frozen=True)
class Rates:
    """What a run came to since its first step, mirror images included and validations left out.

    Attributes
    ----------
    made : float or None
        Samples a second that all who make them come to while they are at work; None before the first.
    consumed : float or None
        Samples a second that the network learnt from; None before its second step.
    waited : float
        The share of the time in which the network had nothing to learn from, 0 to 1.
    """

    made: float | None
    consumed: float | None
    waited: float

    def row(self) -> dict[str, float | None]:
        """By the names of the log's columns."""
        made, consumed = (None if rate is None else round(rate, 2) for rate in (self.made, self.consumed))
        return {"made_per_second": made, "consumed_per_second": consumed, "waited": round(self.waited, 4)}

    def text(self) -> str:
        """A part of a line.

        Examples
        --------
        >>> Rates(80.0, 42.5, 0.034).text()
        '42.5 samples/s (80.0 can be made), waiting 3 %'
        >>> Rates(80.0, None, 0.0).text()
        'first samples'
        """
        if self.consumed is None:
            return "first samples"
        made = "" if self.made is None else f" ({self.made:.1f} can be made)"
        return f"{self.consumed:.1f} samples/s{made}, waiting {100 * self.waited:.0f} %"


class Throughput:
    """The batches of a run, with a clock beside them.

    A GPU works on after a step was called, so its network waits only if it is done before the next batch is there; an
    event after each step tells that, and nobody has to wait for the answer. Samples that are solved on the same GPU
    slow its steps down, which counts as learning.

    Parameters
    ----------
    batches : Stream
    device : torch.device
        Where the network learns.
    processes : int
        How many learn together, each from batches of its own.
    """

    def __init__(self, batches: Stream, device: torch.device, processes: int = 1) -> None:
        self._batches, self._device, self._processes = batches, device, processes
        self._stepped: torch.cuda.Event | None = None
        if device.type == "cuda":
            self._stepped = torch.cuda.Event()  # type: ignore[no-untyped-call]
        self._began: float | None = None
        self._waited = self._paused = 0.0
        self._samples = 0

    def take(self) -> Batch:
        """The next batch, on the device."""
        began = time.monotonic()
        batch = next(self._batches)
        if self._began is not None and self._idle():
            self._waited += time.monotonic() - began
        return batch.to(self._device)

    def stepped(self, batch: Batch) -> None:
        """Hear that the network's step on a batch was called."""
        if self._stepped is not None:
            self._stepped.record()
        if self._began is None:
            self._began = time.monotonic()
        else:
            self._samples += batch.target.shape[0]

    def _idle(self) -> bool:
        """Whether the last step is over."""
        return self._stepped is None or bool(self._stepped.query())  # type: ignore[no-untyped-call]

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave out what takes long and is neither learning nor waiting."""
        began = time.monotonic()
        try:
            yield
        finally:
            self._paused += time.monotonic() - began

    def rates(self) -> Rates:
        """What it came to so far, in all processes, if they all do as this one does."""
        made = None if self._batches.rate is None else self._processes * self._batches.rate
        if self._began is None or not self._samples:
            return Rates(made, None, 0.0)
        seconds = max(1e-9, time.monotonic() - self._began - self._paused)
        return Rates(made, self._processes * self._samples / seconds, min(1.0, self._waited / seconds))
