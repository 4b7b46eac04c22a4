"""A thread that makes batches ahead of the network, on a CUDA stream of its own where they are made on a GPU."""

from __future__ import annotations

import contextlib
import queue
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import torch

from surrogate_plugin.team import limit_threads
from surrogate_training.samples.batch import Batch
from surrogate_training.samples.made import Made


class Ahead(Iterator[Made[Batch]]):
    """The batches of an iterator, taken from it by a thread of its own.

    On a GPU the thread has a stream of its own, so that what makes samples and what trains share the device; a batch is
    waited for by the stream of the network, and not by the host.

    Parameters
    ----------
    batches : Iterator of Made
        Used by the thread alone.
    device : torch.device
        Where the network learns.
    ahead : int
        How many batches wait at most.

    Raises
    ------
    Exception
        While batches are taken, what the iterator raised.
    """

    def __init__(self, batches: Iterator[Made[Batch]], device: torch.device, ahead: int) -> None:
        self._waiting: queue.Queue[_Ready | BaseException | None] = queue.Queue(ahead)
        stopped = threading.Event()
        # The thread knows nothing of this object, so that one that is forgotten ends its thread.
        given = batches, device, self._waiting, stopped
        thread = threading.Thread(target=_make, args=given, name="batches ahead", daemon=True)
        thread.start()
        self._end = weakref.finalize(self, _stop, self._waiting, stopped, thread)

    def __next__(self) -> Made[Batch]:
        if not self._end.alive:
            raise StopIteration
        ready = self._waiting.get()
        if isinstance(ready, _Ready):
            return ready.take()
        self.close()
        raise StopIteration if ready is None else ready

    def close(self) -> None:
        """End the thread, as soon as it is done with what it is at."""
        self._end()


class _Ready:
    """A batch, and the moment in its GPU's work when it is made."""

    def __init__(self, made: Made[Batch], device: torch.device) -> None:
        self._batch, self._device = made, device
        self._made = torch.cuda.current_stream(device).record_event() if device.type == "cuda" else None

    def take(self) -> Made[Batch]:
        """The batch, for the stream of whoever takes it."""
        if self._made is not None:
            stream = torch.cuda.current_stream(self._device)
            stream.wait_event(self._made)
            self._batch.item.record_stream(stream)
        return self._batch


def _make(
    batches: Iterator[Made[Batch]], device: torch.device, waiting: queue.Queue[Any], stopped: threading.Event
) -> None:  # fmt: skip
    try:
        with _stream_of_its_own(device), torch.no_grad(), limit_threads(0):
            for made in batches:
                waiting.put(_Ready(made, device))
                if stopped.is_set():
                    return
        waiting.put(None)
    except BaseException as error:  # raised where batches are taken
        waiting.put(error)


def _stream_of_its_own(device: torch.device) -> contextlib.AbstractContextManager[Any]:
    if device.type != "cuda":
        return contextlib.nullcontext()
    return torch.cuda.stream(torch.cuda.Stream(device))  # type: ignore[no-untyped-call]


def _stop(waiting: queue.Queue[Any], stopped: threading.Event, thread: threading.Thread) -> None:
    stopped.set()
    while thread.is_alive():
        with contextlib.suppress(queue.Empty):
            waiting.get_nowait()  # a thread that waits for room goes on
        thread.join(0.05)
