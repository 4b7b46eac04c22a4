"""How good the averaged weights are on the validation split, and whether that is still getting better."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from surrogate_training.config import TrainConfig
from surrogate_training.loop.checkpoint import Progress
from surrogate_training.quality import metrics
from surrogate_training.samples.batch import Batch, predict
from surrogate_training.samples.dataset import make_batch

#: The errors whose medians are logged.
MEASURES = ("relative_l2", "max", "smooth_max")


class Validation:
    """The validation split, made when it is first needed.

    Parameters
    ----------
    config : TrainConfig
    device : torch.device
    """

    def __init__(self, config: TrainConfig, device: torch.device) -> None:
        self.config, self.device = config, device
        self._batches: list[Batch] = []

    def measure(self, network: nn.Module, loss: Callable[[nn.Module, Batch], Tensor]) -> dict[str, float]:
        """``validation_loss``, the mean over batches, and the median of each of `MEASURES` over samples."""
        if not self._batches:
            indices = range(self.config.validation_batches)
            self._batches = [make_batch(self.config.data, "validation", index) for index in indices]
        with torch.no_grad():
            losses = [float(loss(network, batch.to(self.device))) for batch in self._batches]
        table = metrics.summarise(measure_batches(network, self._batches, self.device))
        found = {"validation_loss": sum(losses) / len(losses)}
        return found | {name: table[name]["median"] for name in MEASURES}

    def judge(self, progress: Progress, measured: dict[str, float]) -> bool:
        """Note a measurement in ``progress``; whether it is the best so far."""
        progress.validated = progress.step
        value = measured[self.config.stop.monitor]
        if progress.best is not None and not value < progress.best:
            progress.stale += 1
            return False
        progress.best, progress.stale = value, 0
        return True


def measure_batches(network: nn.Module, batches: list[Batch], device: torch.device) -> list[dict[str, float]]:
    """The metrics of every sample over its largest value, fixed values imposed and the rest held to [0, 1]."""
    found = []
    for batch in batches:
        scale = batch.size[:, None, None]
        with torch.no_grad():
            predicted = (predict(network, batch.to(device)).cpu() / scale).clamp(0.0, 1.0)
        target = batch.target / scale
        imposed = torch.where(batch.free, predicted, target)
        for field, exact, free in zip(imposed.numpy(), target.numpy(), batch.free.numpy(), strict=True):
            found.append(metrics.measure(field, exact, ~free))
    return found
