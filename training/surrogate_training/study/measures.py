"""What a study measures: a network's own field, sources included, on problems with each number of sources alike."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import nn

from surrogate_training.problems.distributions import Paper
from surrogate_training.quality.metrics import SOURCE_COUNT, FloatArray, measure
from surrogate_training.samples.batch import Batch, predict
from surrogate_training.samples.dataset import DataConfig, make_batch
from surrogate_training.study.config import StudyConfig

#: What the table, the plots and ``results.csv`` show, in this order.
MEASURES = ("mae", "sources", "field", "r1", "r2", "r3", "max", "relative_l2")


def balanced_batches(config: StudyConfig) -> dict[int, Batch]:
    """A batch of the test split for each number of sources; no run changes it, and it picks nothing."""
    low, high = config.distribution.sources
    return {count: _batch(config, count) for count in range(low, high + 1)}


def _batch(config: StudyConfig, count: int) -> Batch:
    distribution: Paper = config.distribution.model_copy(update={"sources": (count, count)})
    changes = {"distribution": distribution, "batch": config.test_per_count, "samples": None, "other_shapes": 0.0}
    data: DataConfig = config.base.data.model_copy(update=changes)
    return make_batch(data, "test", count)


def measure_raw(network: nn.Module, batches: dict[int, Batch]) -> list[dict[str, float]]:
    """The metrics of each sample, as the network says it: nothing imposed and nothing clipped, as in the study."""
    device = next((parameter.device for parameter in network.parameters()), torch.device("cpu"))
    with torch.no_grad():
        fields = {count: predict(network, batch.to(device)).cpu().numpy() for count, batch in batches.items()}
    return _measured(fields, batches)


def measure_zeros(batches: dict[int, Batch]) -> list[dict[str, float]]:
    """The metrics of a field of 0 everywhere, which a raw error flatters where fields are mostly small."""
    return _measured({count: np.zeros(batch.target.shape, np.float32) for count, batch in batches.items()}, batches)


def _measured(fields: dict[int, FloatArray], batches: dict[int, Batch]) -> list[dict[str, float]]:
    found = []
    for count, batch in batches.items():
        for predicted, exact, free in zip(fields[count], batch.target.numpy(), batch.free.numpy(), strict=True):
            found.append({**measure(predicted, exact, ~free), SOURCE_COUNT: float(count)})
    return found


def mean_measures(samples: Iterable[dict[str, float]]) -> dict[str, float]:
    """Mean over samples of each of `MEASURES`; a region that no sample has is left out."""
    samples = list(samples)
    values = {name: [sample[name] for sample in samples if name in sample] for name in MEASURES}
    return {name: float(np.mean(found)) for name, found in values.items() if found}
