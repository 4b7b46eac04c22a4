"""Make samples once and store them: resumable after a kill, and only what is missing or damaged is made."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import torch
from safetensors.numpy import save_file

from surrogate_plugin.surrogate.card import checksum
from surrogate_plugin.whole_files import replacing, write_text
from surrogate_training.progress import Callback, silent
from surrogate_training.samples.dataset import DataConfig
from surrogate_training.samples.finite import make_samples
from surrogate_training.samples.kept import KeptSample
from surrogate_training.samples.shards import INDEX, SAYS, DamagedShardError, Index, decisive, says, shard_name
from surrogate_training.threads import fixed_threads


@fixed_threads()
def make_shards(
    config: DataConfig,
    folder: Path,
    *,
    samples_a_shard: int = 256,
    workers: int = 1,
    repair: bool = False,
    device: torch.device | None = None,
    callback: Callback = silent,
) -> Index:
    """Store the first ``config.samples`` samples in a folder.

    Parameters
    ----------
    config : DataConfig
        With ``samples``; the samples are those it would train on without shards.
    folder : Path
        Created. Shards already there are kept, so that a killed call goes on where it was.
    samples_a_shard : int
        At 512 x 512, 256 samples are about 0.9 GB.
    workers : int
        Processes that make samples.
    repair : bool
        Hold existing shards to the index and make damaged ones again.
    device : torch.device, optional
        Where fields are solved, many together; workers then draw problems alone.
    callback : Callback

    Returns
    -------
    Index

    Raises
    ------
    ValueError
        If ``config`` asks for no number of samples, or the folder holds others.
    DamagedShardError
        If the folder was finished before and is no longer what was written, and ``repair`` is not set.
    """
    if config.samples is None:
        raise ValueError("data.samples is not set; say how many samples to store.")
    folder.mkdir(parents=True, exist_ok=True)
    total, data = config.samples, decisive(config)
    known = _finished(folder, data, total, samples_a_shard, repair)
    ranges = {
        shard_name(shard): range(first, min(first + samples_a_shard, total))
        for shard, first in enumerate(range(0, total, samples_a_shard))
    }
    missing = [name for name, numbers in ranges.items() if not _stands(folder, name, numbers, data, known, repair)]
    made = total - sum(len(ranges[name]) for name in missing)
    samples = make_samples(config, [number for name in missing for number in ranges[name]], workers, device)
    for name in missing:
        kept: list[KeptSample] = []
        for sample in itertools.islice(samples, len(ranges[name])):
            kept.append(sample)
            made += 1
            callback(made / total, f"sample {made} of {total}")
        _write(folder / name, kept, _says(data, ranges[name]))
    sums = {name: checksum(folder / name) for name in ranges}
    index = Index(data=data, samples=total, samples_a_shard=samples_a_shard, sha256=sums)
    write_text(folder / INDEX, index.model_dump_json(indent=1) + "\n")
    return index


def _finished(folder: Path, data: dict[str, Any], total: int, samples_a_shard: int, repair: bool) -> Index | None:
    """The index of a folder that was finished before; None, and no index, where there is more or less to make."""
    if not (folder / INDEX).exists():
        return None
    try:
        known = Index.read(folder)
    except DamagedShardError:
        if not repair:
            raise
        # Nothing vouches for any shard.
        return Index(data=data, samples=total, samples_a_shard=samples_a_shard, sha256={})
    if known.data != data:
        raise ValueError(f"{folder} holds samples of another configuration; name another folder.")
    if (known.samples, known.samples_a_shard) == (total, samples_a_shard):
        return known
    (folder / INDEX).unlink()
    return None


def _stands(
    folder: Path, name: str, numbers: range, data: dict[str, Any], known: Index | None, repair: bool
) -> bool:  # fmt: skip
    """Whether a shard need not be made; one of an unfinished folder was moved there whole, so it may stay."""
    if known is not None:
        try:
            known.check(folder, name)
        except DamagedShardError:
            if not repair:
                raise
            return False
    return says(folder / name) == _says(data, numbers)


def _says(data: dict[str, Any], numbers: range) -> dict[str, Any]:
    return {"data": data, "first": numbers.start, "count": len(numbers)}


def _write(path: Path, samples: list[KeptSample], says_of_itself: dict[str, Any]) -> None:
    maps = {f"{row}.{name}": value for row, sample in enumerate(samples) for name, value in sample.maps.items()}
    # One entry: safetensors writes several in any order, and a shard made again should have the bytes it had.
    says_of_itself |= {"records": [sample.numbers for sample in samples]}
    with replacing(path) as partial:
        save_file(maps, partial, {SAYS: json.dumps(says_of_itself)})
