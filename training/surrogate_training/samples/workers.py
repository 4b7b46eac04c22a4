"""Processes of one thread each that make samples ahead of whoever asks for them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker, util
from typing import Any, TypeVar

import torch
from torch.utils.data import DataLoader, Dataset

T = TypeVar("T")


def told(made: Iterator[T]) -> Iterator[T | Exception]:
    """What is made, and what went wrong as the last of it: torch would put a worker's traceback into the message."""
    try:
        yield from made
    except Exception as error:
        yield error


def loaded(samples: Dataset[Any], workers: int, pinned: bool = False, *, ahead: int = 6) -> Iterator[Any]:
    """What a data set yields, made by ``workers`` processes of one thread each (0: in this process).

    Parameters
    ----------
    samples : Dataset
        Yields an exception, as `told` does, as the last of its items.
    workers : int
    pinned : bool
        Put tensors into memory that a GPU copies from faster.
    ahead : int
        Items that each process makes before anybody asks.

    Raises
    ------
    ChildProcessError
        While items are taken, if a process was ended from outside.
    Exception
        What was yielded.
    """
    # A loader without a generator of its own draws from torch's, which a resumed run would then find elsewhere.
    options: dict[str, Any] = {"batch_size": None, "pin_memory": pinned, "generator": torch.Generator()}
    if workers:
        options |= {
            "num_workers": workers,
            "multiprocessing_context": "spawn",
            "prefetch_factor": ahead,
            "worker_init_fn": _begin_worker,
        }
    kept = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))  # read when a worker imports numba, before its first task
    try:
        with _deaf():
            made = iter(DataLoader(samples, **options))
        return _heard(made)
    finally:
        for name, value in kept.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


_THREADS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS")


def _heard(items: Iterator[Any]) -> Iterator[Any]:
    """What workers make, until one of them tells what went wrong, or is gone."""
    while True:
        try:
            item = next(items)
        except StopIteration:
            return
        except RuntimeError as error:
            if "DataLoader worker" not in str(error):
                raise
            raise ChildProcessError(
                "a process that makes samples was ended from outside, as where memory runs out; fewer workers or a "
                "smaller data.batch need less, and a run goes on from its last checkpoint."
            ) from None
        if isinstance(item, Exception):
            raise item
        yield item


@contextmanager
def _deaf() -> Iterator[None]:
    """Have workers begin deaf to Ctrl-C, which reaches the whole group; whoever started them hears it afterwards."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # which would open the ears again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin_worker(worker: int) -> None:
    del worker
    torch.set_num_threads(1)
    # A thread of the worker may still be handing tensors over when it ends. Python would stop that thread in the midst
    # of torch's code, which aborts the process; so once all has been tidied up, the process ends without its threads.
    util.Finalize(None, _vanish, exitpriority=_AFTER_ALL_OTHERS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the trainer stops its workers
    # A worker in the midst of a long batch is ended so; torch would have it vanish, with semaphores left behind.
    signal.signal(signal.SIGTERM, _leave)
    # Torch has a worker look every few seconds whether its parent is who it was when the worker began. One that was
    # killed before that is never missed, and the worker would wait for it forever.
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_go_with, args=(parent,), daemon=True).start()


def _go_with(parent: Any) -> None:
    parent.join()
    os._exit(0)  # past the threads that still have something to hand to the parent


_AFTER_ALL_OTHERS = -1000


def _vanish() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _leave(_signal: int, _frame: object) -> None:
    sys.exit(0)
