"""Training batches in their order: without end and none twice, or from a finite set that is shuffled each epoch."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import Any, Protocol

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, get_worker_info

from surrogate_training.progress import Callback, silent
from surrogate_training.samples.batch import Batch
from surrogate_training.samples.dataset import DataConfig, make_batch, make_sample, with_mirrors
from surrogate_training.samples.kept import KeptSample
from surrogate_training.samples.shards import Shards


class KeptSamples(Protocol):
    """A finite set of samples."""

    def __len__(self) -> int:
        """How many."""

    def __getitem__(self, number: int) -> KeptSample:
        """Sample ``number``."""


class Remade:
    """A finite set of samples that no memory holds: each is made anew whenever it is due."""

    def __init__(self, config: DataConfig) -> None:
        self._config = config

    def __len__(self) -> int:
        return self._config.samples or 0

    def __getitem__(self, number: int) -> KeptSample:
        return KeptSample.of(*make_sample(self._config, number))


class Batches(IterableDataset[Batch | Exception]):
    """The training batches ``first``, ``first + stride``, ...; workers take turns, so their number changes nothing."""

    def __init__(
        self, config: DataConfig, first: int, *, stride: int = 1, samples: KeptSamples | None = None, seed: int = 0
    ) -> None:
        self.config, self.samples, self.first, self.stride, self.seed = config, samples, first, stride, seed

    def __iter__(self) -> Iterator[Batch | Exception]:
        return _told(self._made())

    def _made(self) -> Iterator[Batch]:
        worker = get_worker_info()
        index, stride = self.first, self.stride
        if worker is not None:
            index, stride = index + worker.id * stride, stride * worker.num_workers
        while True:
            if self.samples is None:
                yield make_batch(self.config, "train", index)
            else:
                yield shuffled_batch(self.config, self.samples, index, self.seed)
            index += stride


class _Making(Dataset[KeptSample | Exception]):
    """Some samples of a finite set, each made when it is asked for."""

    def __init__(self, config: DataConfig, numbers: Sequence[int]) -> None:
        self.config, self.numbers = config, numbers

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, at: int) -> KeptSample | Exception:
        try:
            return KeptSample.of(*make_sample(self.config, self.numbers[at]))
        except Exception as error:  # told as `_told` tells it
            return error


def stream(
    config: DataConfig,
    first: int,
    workers: int,
    *,
    stride: int = 1,
    seed: int = 0,
    pinned: bool = False,
    callback: Callback = silent,
) -> Iterator[Batch]:
    """Training batches ``first``, ``first + stride``, ... without end.

    Parameters
    ----------
    config : DataConfig
        With ``samples``, these are made once, before the first batch, and kept in memory, or with ``remade`` each
        time anew; with ``shards``, they are read. Else each batch is new.
    first, stride : int
        Process r of R that train together takes batches r, r + R, ...
    workers : int
        Processes of one thread each that make samples; 0: this process does. They change no batch.
    seed : int
        Of the order of a finite set.
    pinned : bool
        Put batches into memory that a GPU copies from faster.
    callback : Callback
        Hears what share of a finite set is made.
    """
    if config.shards is not None:
        stored = Shards(config.shards, config)
        return _loaded(Batches(config, first, stride=stride, samples=stored, seed=seed), workers, pinned)
    if config.samples is None:
        return _loaded(Batches(config, first, stride=stride), workers, pinned)
    if config.remade:
        return _loaded(Batches(config, first, stride=stride, samples=Remade(config), seed=seed), workers, pinned)
    samples: list[KeptSample] = []
    for sample in make_samples(config, range(config.samples), workers):
        samples.append(sample)
        callback(len(samples) / config.samples, f"making sample {len(samples)} of {config.samples}")
    # Encoding is cheap, and workers would each hold a copy of them all.
    return _loaded(Batches(config, first, stride=stride, samples=samples, seed=seed), 0, pinned)


def make_samples(config: DataConfig, numbers: Sequence[int], workers: int) -> Iterator[KeptSample]:
    """The samples of a finite set with these numbers, in this order."""
    return _loaded(_Making(config, numbers), workers if len(numbers) else 0)


def shuffled_batch(config: DataConfig, samples: KeptSamples, index: int, seed: int) -> Batch:
    """Batch ``index`` of a finite set; epochs follow one another without a gap, so a batch may span two."""
    numbers = drawn(len(samples), config.batch, index, seed)
    problems, fields = zip(*(samples[number].restore() for number in numbers), strict=True)
    return with_mirrors(list(problems), list(fields), config.mirrors)


def drawn(count: int, batch: int, index: int, seed: int) -> list[int]:
    """Which of ``count`` samples batch ``index`` holds: each once an epoch, in an order that (seed, epoch) names.

    Examples
    --------
    >>> numbers = sum((drawn(6, 4, index, seed=0) for index in range(3)), [])
    >>> sorted(numbers[:6]), sorted(numbers[6:])
    ([0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5])
    """
    numbers = []
    orders: dict[int, list[int]] = {}
    for position in range(index * batch, (index + 1) * batch):
        epoch, at = divmod(position, count)
        if epoch not in orders:
            orders[epoch] = np.random.default_rng([seed, _ORDER, epoch]).permutation(count).tolist()
        numbers.append(orders[epoch][at])
    return numbers


#: Apart from the splits of `dataset`, which begin the names of samples.
_ORDER = 3


def _told(made: Iterator[Batch]) -> Iterator[Batch | Exception]:
    """What is made, and what went wrong as the last of it: torch would put a worker's traceback into the message."""
    try:
        yield from made
    except Exception as error:
        yield error


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


def _loaded(samples: Dataset[Any], workers: int, pinned: bool = False, *, ahead: int = 6) -> Iterator[Any]:
    """What a data set yields, made by ``workers`` processes of one thread each (0: in this process)."""
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
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the trainer stops its workers
    # A worker in the midst of a long batch is ended so; torch would have it vanish, with semaphores left behind.
    signal.signal(signal.SIGTERM, _leave)


def _leave(_signal: int, _frame: object) -> None:
    sys.exit(0)
