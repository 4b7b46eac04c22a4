"""Training batches in their order: without end and none twice, or from a finite set that is shuffled each epoch."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from torch.utils.data import Dataset, IterableDataset, get_worker_info

from surrogate_training.progress import Callback, silent
from surrogate_training.samples.batch import Batch
from surrogate_training.samples.dataset import DataConfig, make_batch, make_sample, with_mirrors
from surrogate_training.samples.kept import KeptSample
from surrogate_training.samples.made import Made, Stream
from surrogate_training.samples.shards import Shards
from surrogate_training.samples.workers import loaded, told


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


class Batches(IterableDataset[Made | Exception]):
    """The training batches ``first``, ``first + stride``, ...; workers take turns, so their number changes nothing."""

    def __init__(
        self, config: DataConfig, first: int, *, stride: int = 1, samples: KeptSamples | None = None, seed: int = 0
    ) -> None:
        self.config, self.samples, self.first, self.stride, self.seed = config, samples, first, stride, seed

    def __iter__(self) -> Iterator[Made | Exception]:
        return told(self._made())

    def _made(self) -> Iterator[Made]:
        worker = get_worker_info()
        index, stride = self.first, self.stride
        if worker is not None:
            index, stride = index + worker.id * stride, stride * worker.num_workers
        while True:
            began = time.monotonic()
            yield Made(self._batch(index), time.monotonic() - began)
            index += stride

    def _batch(self, index: int) -> Batch:
        if self.samples is None:
            return make_batch(self.config, "train", index)
        return shuffled_batch(self.config, self.samples, index, self.seed)


class _Making(Dataset[KeptSample | Exception]):
    """Some samples of a finite set, each made when it is asked for."""

    def __init__(self, config: DataConfig, numbers: Sequence[int]) -> None:
        self.config, self.numbers = config, numbers

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, at: int) -> KeptSample | Exception:
        try:
            return KeptSample.of(*make_sample(self.config, self.numbers[at]))
        except Exception as error:  # as `told` tells it
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
) -> Stream:
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
    samples = _known(config, workers, callback)
    # Encoding what memory holds is cheap, and workers would each hold a copy of it all.
    workers = 0 if isinstance(samples, list) else workers
    made = loaded(Batches(config, first, stride=stride, samples=samples, seed=seed), workers, pinned)
    return Stream(made, makers=max(1, workers))


def _known(config: DataConfig, workers: int, callback: Callback) -> KeptSamples | None:
    """The finite set of a configuration, or None."""
    if config.shards is not None:
        return Shards(config.shards, config)
    if config.samples is None:
        return None
    if config.remade:
        return Remade(config)
    samples: list[KeptSample] = []
    for sample in make_samples(config, range(config.samples), workers):
        samples.append(sample)
        callback(len(samples) / config.samples, f"making sample {len(samples)} of {config.samples}")
    return samples


def make_samples(config: DataConfig, numbers: Sequence[int], workers: int) -> Iterator[KeptSample]:
    """The samples of a finite set with these numbers, in this order."""
    return loaded(_Making(config, numbers), workers if len(numbers) else 0)


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
