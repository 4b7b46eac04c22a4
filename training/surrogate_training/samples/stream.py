"""Training batches in their order: without end and none twice, or from a finite set that is shuffled each epoch."""

from __future__ import annotations

import functools

import torch

from surrogate_training.progress import Callback, silent
from surrogate_training.samples import on_device
from surrogate_training.samples.ahead import Ahead
from surrogate_training.samples.batch import Batch
from surrogate_training.samples.dataset import DataConfig, make_batch, sample_problem
from surrogate_training.samples.finite import (
    KeptSamples,
    Remade,
    make_samples,
    shuffled_batch,
    shuffled_problems,
)
from surrogate_training.samples.kept import KeptSample
from surrogate_training.samples.made import InTurn, Stream, unpacked
from surrogate_training.samples.on_device import Drawn
from surrogate_training.samples.packed import Packed
from surrogate_training.samples.shards import Shards
from surrogate_training.samples.workers import loaded

_CPU = torch.device("cpu")


def stream(
    config: DataConfig,
    first: int,
    workers: int,
    *,
    stride: int = 1,
    seed: int = 0,
    device: torch.device = _CPU,
    together: bool = False,
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
    device : torch.device
        Where the network learns.
    together : bool
        Have workers draw problems alone, and a thread of this process solve many of them together on the device, ahead
        of the network. Fields are then the same to within twice their accuracy, and not to the bit.
    callback : Callback
        Hears what share of a finite set is made.
    """
    known = _known(config, workers, device if together else None, callback)
    if together and (known is None or isinstance(known, Remade)):
        return _solved_on(device, config, first, stride, workers, None if known is None else len(known), seed)
    make = functools.partial(_batch, config, known, seed)
    in_memory = isinstance(known, list)
    # Encoding what memory holds is cheap, and workers would each hold a copy of it all.
    workers = 0 if in_memory else workers
    made = loaded(InTurn(make, first, stride), workers, pinned=device.type == "cuda")
    if device.type == "cpu" or workers:
        return Stream(made, makers=max(1, workers))
    ahead = Ahead(made, device, on_device.batches_ahead(config))
    return Stream(ahead, close=ahead.close)


def _solved_on(
    device: torch.device, config: DataConfig, first: int, stride: int, workers: int, count: int | None, seed: int
) -> Stream:
    drawn = loaded(InTurn(functools.partial(_drawn, config, count, seed), first, stride), workers)
    made = on_device.batches(unpacked(drawn), config, device, drawers=max(1, workers))
    ahead = Ahead(made, device, on_device.batches_ahead(config))
    return Stream(ahead, close=ahead.close)


def _batch(config: DataConfig, known: KeptSamples | None, seed: int, index: int) -> Batch:
    """Training batch ``index``, of a finite set if there is one."""
    if known is None:
        return make_batch(config, "train", index)
    return shuffled_batch(config, known, index, seed)


def _drawn(config: DataConfig, count: int | None, seed: int, index: int) -> Packed[Drawn]:
    """What is drawn of training batch ``index``, of a finite set of ``count`` samples if there is one."""
    if count is None:
        problems = [sample_problem(config, "train", index, row) for row in range(config.batch)]
    else:
        problems = shuffled_problems(config, count, index, seed)
    return Packed(Drawn.of(problems, config.mirrors))


def _known(
    config: DataConfig, workers: int, device: torch.device | None, callback: Callback
) -> KeptSamples | None:  # fmt: skip
    """The finite set of a configuration, or None."""
    if config.shards is not None:
        return Shards(config.shards, config)
    if config.samples is None:
        return None
    if config.remade:
        return Remade(config)
    samples: list[KeptSample] = []
    for sample in make_samples(config, range(config.samples), workers, device):
        samples.append(sample)
        callback(len(samples) / config.samples, f"making sample {len(samples)} of {config.samples}")
    return samples
