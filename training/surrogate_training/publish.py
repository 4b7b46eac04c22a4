"""From a finished run to a model others can load: weights, card, and errors on a test split that selected nothing."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from surrogate_plugin.guard.applicability import Extent, covering
from surrogate_plugin.guard.applicability import measure as measure_extent
from surrogate_plugin.surrogate import features
from surrogate_plugin.surrogate.card import ModelCard, NetworkEntry, Ranges, checksum
from surrogate_plugin.surrogate.networks import build
from surrogate_training import checkpoint, metrics
from surrogate_training.dataset import DataConfig, make_batch, sample_problem
from surrogate_training.validation import measure_batches

_PACKAGES = ("torch", "numpy", "scipy", "numba", "safetensors", "pydantic")


def publish(run: Path, folder: Path, report: Callable[[float], None] = lambda done: None) -> ModelCard:
    """Write ``NAME.safetensors`` and ``NAME.json`` of a run's averaged weights, the last or the best, into ``folder``.

    Parameters
    ----------
    run : Path
        The folder of a run; an unfinished one is published as it stands, and its card says so.
    folder : Path
        Created where it does not exist.
    report : callable
        Hears the share done.

    Returns
    -------
    ModelCard

    Raises
    ------
    FileNotFoundError
        If ``run`` holds no checkpoint.
    """
    config, progress, tensors = checkpoint.load_selected(run)
    average = checkpoint.part(tensors, "average.")
    network = build(config.network.kind, config.network.hyperparameters)
    network.load_state_dict(average)
    network.eval()
    samples: list[dict[str, float]] = []
    for index in range(config.test_batches):
        samples += measure_batches(network, [make_batch(config.data, "test", index)], torch.device("cpu"))
        report((index + 1) / (config.test_batches + 1))
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / f"{config.name}.safetensors"
    save_file(average, weights)
    weights.chmod(0o644)  # safetensors leaves it to its owner alone
    card = ModelCard(
        name=config.name,
        network=NetworkEntry(
            kind=config.network.kind,
            hyperparameters=config.network.hyperparameters,
            parameters=sum(parameter.numel() for parameter in network.parameters()),
            features=features.VERSION,
        ),
        ranges=training_ranges(config.data, batches=max(1, min(600, progress.step))),
        training=_training(config.model_dump(mode="json"), asdict(progress)),
        metrics=metrics.summarise(samples),
        test_samples=len(samples),
        sha256=checksum(weights),
    )
    card.write(weights.with_suffix(".json"))
    report(1.0)
    return card


def training_ranges(data: DataConfig, batches: int) -> Ranges:
    """What the first ``batches`` training batches covered, drawn again without solving them."""
    extents: list[Extent] = []
    for index in range(batches):
        extents += [measure_extent(sample_problem(data, "train", index, row)) for row in range(min(2, data.batch))]
    return covering(extents)


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
