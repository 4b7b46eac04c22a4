"""From a finished run to a model others can load: weights, card, and errors on a test split that selected nothing."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

from surrogate_plugin.guard.applicability import Extent, covering
from surrogate_plugin.guard.applicability import measure as measure_extent
from surrogate_plugin.surrogate import features
from surrogate_plugin.surrogate.card import ModelCard, NetworkEntry, Ranges, checksum
from surrogate_plugin.surrogate.model import Model
from surrogate_plugin.surrogate.networks import build
from surrogate_plugin.whole_files import replacing
from surrogate_training.config import TrainConfig
from surrogate_training.loop import checkpoint
from surrogate_training.loop.checkpoint import Progress
from surrogate_training.loop.validation import measure_batches
from surrogate_training.problems.distributions import Mixture
from surrogate_training.progress import Callback, silent
from surrogate_training.quality import metrics
from surrogate_training.quality.parts import alone, by_part
from surrogate_training.samples.dataset import DataConfig, make_batch, sample_problem
from surrogate_training.threads import fixed_threads

#: Test problems of each part of a mixture that the card tells of.
PART_PROBLEMS = 40
_PACKAGES = ("torch", "numpy", "scipy", "numba", "safetensors", "pydantic")


@fixed_threads()
def publish(run: Path, folder: Path, callback: Callback = silent) -> ModelCard:
    """Write ``NAME.safetensors`` and ``NAME.json`` of a run's averaged weights, the last or the best, into ``folder``.

    Parameters
    ----------
    run : Path
        The folder of a run; an unfinished one is published as it stands, and its card says so.
    folder : Path
        Created where it does not exist.
    callback : Callback

    Returns
    -------
    ModelCard

    Raises
    ------
    FileNotFoundError
        If ``run`` holds no checkpoint.
    """
    config, progress, network = selected_network(run)
    samples: list[dict[str, float]] = []
    for index in range(config.test_batches):
        samples += measure_batches(network, [make_batch(config.data, "test", index)], torch.device("cpu"))
        callback((index + 1) / (config.test_batches + 1), "measuring on the test split")
    ranges = training_ranges(config.data, batches=max(1, min(600, progress.step)))
    card = write_model(run, folder, ranges=ranges, samples=samples)
    if isinstance(config.data.distribution, Mixture) and config.data.distribution.whole_batches:
        found = by_part(Model(card, network, "cpu"), config.data, PART_PROBLEMS)
        said = {"parts": {name: summary.model_dump(mode="json") for name, summary in found.items()}}
        card = write_model(run, folder, ranges=ranges, samples=samples, more=said)
    callback(1.0, "done")
    return card


def selected_network(run: Path) -> tuple[TrainConfig, Progress, nn.Module]:
    """The network that a run has come to, on the CPU, with its configuration and progress.

    Raises
    ------
    FileNotFoundError
        If ``run`` holds no checkpoint.
    DamagedFileError
        If it is not what was written.
    """
    config, progress, tensors = checkpoint.load_selected(run)
    network = build(config.network.kind, config.network.hyperparameters)
    with checkpoint.damage(run):
        network.load_state_dict(checkpoint.part(tensors, "average."))
    return config, progress, network.eval().requires_grad_(False)


def write_model(
    run: Path, folder: Path, *, ranges: Ranges, samples: list[dict[str, float]], more: Mapping[str, Any] | None = None
) -> ModelCard:
    """Write the weights of `selected_network` into ``folder``, with a card.

    Parameters
    ----------
    run, folder : Path
    ranges : Ranges
        Of the problems that the card covers.
    samples : list of dict of float
        Errors on test problems that selected nothing, as `metrics.measure` gives them.
    more : mapping, optional
        What the card's ``training`` says besides, or instead.
    """
    config, progress, network = selected_network(run)
    weights = folder / f"{config.name}.safetensors"
    # The card is written in full before either takes the place of an earlier model's.
    with replacing(weights.with_suffix(".json")) as card_file, replacing(weights) as weights_file:
        save_file(network.state_dict(), weights_file)
        weights_file.chmod(0o644)  # safetensors leaves it to its owner alone
        card = ModelCard(
            name=config.name,
            network=NetworkEntry(
                kind=config.network.kind,
                hyperparameters=config.network.hyperparameters,
                parameters=sum(parameter.numel() for parameter in network.parameters()),
                features=features.VERSION,
            ),
            ranges=ranges,
            training=_training(config.model_dump(mode="json"), asdict(progress)) | dict(more or {}),
            metrics=metrics.summarise(samples),
            test_samples=len(samples),
            sha256=checksum(weights_file),
        )
        card.write(card_file)
    return card


def training_ranges(data: DataConfig, batches: int) -> Ranges:
    """What the first ``batches`` training batches covered, drawn again without solving them.

    Of a mixture that draws its parts by batches each part counts by itself, however rare it is, so many batches in
    all; so do parts that are not taught, since they are known from an earlier training.
    """
    distribution = data.distribution
    if not (isinstance(distribution, Mixture) and distribution.whole_batches):
        return _covered(data, batches)
    each = max(1, -(-batches // len(distribution.parts)))
    return joined([_covered(alone(data, part), each) for part in distribution.parts])


def _covered(data: DataConfig, batches: int) -> Ranges:
    extents: list[Extent] = []
    for index in range(batches):
        extents += [measure_extent(sample_problem(data, "train", index, row)) for row in range(min(2, data.batch))]
    return covering(extents)


def joined(ranges: Sequence[Ranges]) -> Ranges:
    """Ranges that cover what any of these covers."""
    widest: dict[str, Any] = {}
    for name in Ranges.model_fields:
        values = [getattr(each, name) for each in ranges]
        if name == "boundaries":
            widest[name] = tuple(sorted(set().union(*values)))
        else:
            widest[name] = min(values) if name.startswith("shortest") else max(values)
    return Ranges(**widest)


def _training(config: dict[str, Any], progress: dict[str, Any]) -> dict[str, Any]:
    return {
        "config": config,
        **progress,
        "packages": {name: importlib.metadata.version(name) for name in _PACKAGES},
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {sys.byteorder}-endian",
        "command": "surrogate-plugin train CONFIG --out RUN (CONFIG: the configuration above as TOML), then "
        "surrogate-plugin publish RUN FOLDER",
    }
