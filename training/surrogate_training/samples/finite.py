"""Finite sets of samples: made once and kept, or made anew, and shuffled each epoch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
import torch
from torch.utils.data import Dataset

from surrogate_plugin.equation.problem import Problem
from surrogate_training.samples import on_device
from surrogate_training.samples.batch import Batch
from surrogate_training.samples.dataset import DataConfig, make_sample, sample_problem, with_mirrors
from surrogate_training.samples.kept import KeptSample
from surrogate_training.samples.made import Made, unpacked
from surrogate_training.samples.on_device import Single
from surrogate_training.samples.packed import Packed
from surrogate_training.samples.workers import loaded


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


class _Drawing(Dataset[Made[Packed[Single]] | Exception]):
    """The problems of some samples, each drawn when it is asked for."""

    def __init__(self, config: DataConfig, numbers: Sequence[int]) -> None:
        self.config, self.numbers = config, numbers

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, at: int) -> Made[Packed[Single]] | Exception:
        try:
            return Made(Packed(Single((sample_problem(self.config, "train", self.numbers[at], 0),))), 0.0)
        except Exception as error:
            return error


def make_samples(
    config: DataConfig, numbers: Sequence[int], workers: int, device: torch.device | None = None
) -> Iterator[KeptSample]:
    """The samples of a finite set with these numbers, in this order.

    Parameters
    ----------
    config : DataConfig
    numbers : sequence of int
    workers : int
        Processes that make them; 0: this one does.
    device : torch.device, optional
        Where their fields are solved, many together; workers then draw problems alone.
    """
    workers = workers if len(numbers) else 0
    if device is None:
        return loaded(_Making(config, numbers), workers)
    return on_device.samples(unpacked(loaded(_Drawing(config, numbers), workers)), config, device)


def shuffled_batch(config: DataConfig, samples: KeptSamples, index: int, seed: int) -> Batch:
    """Batch ``index`` of a finite set; epochs follow one another without a gap, so a batch may span two."""
    numbers = drawn(len(samples), config.batch, index, seed)
    problems, fields = zip(*(samples[number].restore() for number in numbers), strict=True)
    return with_mirrors(list(problems), list(fields), config.mirrors)


def shuffled_problems(config: DataConfig, count: int, index: int, seed: int) -> list[Problem]:
    """The problems of batch ``index`` of a finite set of ``count`` samples, as memory would hold them."""
    return [_as_kept(sample_problem(config, "train", number, 0)) for number in drawn(count, config.batch, index, seed)]


def _as_kept(problem: Problem) -> Problem:
    return KeptSample.of(problem, np.zeros(problem.shape)).restore()[0]


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
