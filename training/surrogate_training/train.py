"""The training loop: AdamW under a cosine, a running average of the weights, and a run that survives being killed."""

from __future__ import annotations

import copy
import csv
import json
import math
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from surrogate_plugin.surrogate.networks import build
from surrogate_training import checkpoint, metrics
from surrogate_training.batch import Batch, predict
from surrogate_training.checkpoint import Progress
from surrogate_training.config import TrainConfig
from surrogate_training.dataset import make_batch
from surrogate_training.stream import stream

Report = Callable[[float, str], None]
_MEASURES = ("relative_l2", "max", "smooth_max")
_COLUMNS = ("step", "samples", "seconds", "learning_rate", "loss", "validation_loss", *_MEASURES)


class Trainer:
    """One run: build or resume, step, checkpoint.

    Parameters
    ----------
    config : TrainConfig
    folder : Path
        Holds the checkpoint and ``log.csv``; created. A checkpoint found there is resumed; its own configuration rules.
    """

    def __init__(self, config: TrainConfig, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.progress = folder, Progress()
        saved = checkpoint.load(folder) if (folder / checkpoint.FILE).is_file() else None
        self.config = config = saved[0] if saved else config
        self.device = torch.device(config.device)
        torch.set_num_threads(config.threads)
        torch.manual_seed(config.seed)
        self.network = build(config.network.kind, config.network.hyperparameters).to(self.device)
        self.average = copy.deepcopy(self.network).eval()
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=config.optimiser.learning_rate, weight_decay=config.optimiser.weight_decay
        )
        if saved:
            _, self.progress, tensors = saved
            self.network.load_state_dict(checkpoint.part(tensors, "network."))
            self.average.load_state_dict(checkpoint.part(tensors, "average."))
            checkpoint.restore_optimiser(self.optimiser, tensors)
        self._validation: list[Batch] = []

    def run(self, report: Report = lambda done, text: None) -> None:
        """Train to the end of the schedule; ``report`` hears the share done and a line of text."""
        progress = self.progress
        batches = stream(self.config.data, progress.step, self.config.workers)
        last_save = last_validation = time.monotonic()
        smooth = math.nan
        while self.done() < 1.0:
            started = time.monotonic()
            loss = self.step(next(batches).to(self.device))
            if not math.isfinite(loss):
                raise FloatingPointError(f"the loss is {loss} at step {progress.step}; lower the learning rate.")
            progress.seconds += time.monotonic() - started
            smooth = loss if math.isnan(smooth) else 0.98 * smooth + 0.02 * loss
            report(self.done(), f"step {progress.step}  loss {smooth:.4f}")
            now = time.monotonic()
            if now - last_validation >= self.config.validate_seconds:
                self._log(smooth, report)
                last_validation = time.monotonic()
                progress.seconds += last_validation - now
            if now - last_save >= self.config.checkpoint_seconds:
                self.save()
                last_save = now
        progress.finished = True
        self._log(smooth, report)
        self.save()

    def step(self, batch: Batch) -> float:
        """One step on one batch; returns its loss."""
        settings, progress = self.config.optimiser, self.progress
        for group in self.optimiser.param_groups:
            group["lr"] = self.learning_rate()
        self.optimiser.zero_grad(set_to_none=True)
        loss = self.loss(self.network, batch)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), settings.clip)
        self.optimiser.step()
        progress.step += 1
        progress.samples += batch.target.shape[0]
        # The average forgets its random start faster than its decay alone would let it.
        keep = min(settings.average, progress.step / (progress.step + 10.0))
        with torch.no_grad():
            for average, latest in zip(self.average.parameters(), self.network.parameters(), strict=True):
                average.lerp_(latest, 1.0 - keep)
            for kept, buffer in zip(self.average.buffers(), self.network.buffers(), strict=True):
                kept.copy_(buffer)
        return float(loss.detach())

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """The configured loss of a network on a batch."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.precision == "bfloat16"):
            predicted = predict(network, batch)
        return self.config.loss.evaluate(predicted, batch)

    def done(self) -> float:
        """Share of the schedule behind us."""
        settings = self.config.optimiser
        if settings.steps is not None:
            return self.progress.step / settings.steps
        return self.progress.seconds / (60.0 * settings.minutes)

    def learning_rate(self) -> float:
        """Linear warm-up, then a cosine down to the last rate."""
        settings = self.config.optimiser
        warm = min(1.0, (self.progress.step + 1) / (settings.warmup_steps + 1))
        cosine = 0.5 * (1.0 + math.cos(math.pi * min(1.0, self.done())))
        return settings.learning_rate * warm * (settings.last_rate + (1.0 - settings.last_rate) * cosine)

    def save(self) -> None:
        """Write the checkpoint."""
        checkpoint.save(self.folder, self.config, self.progress, self.network, self.average, self.optimiser)

    def _log(self, loss: float, report: Report) -> None:
        """Measure the averaged weights on the validation split and add a line to ``log.csv``."""
        if not self._validation:
            indices = range(self.config.validation_batches)
            self._validation = [make_batch(self.config.data, "validation", index) for index in indices]
        with torch.no_grad():
            losses = [float(self.loss(self.average, batch.to(self.device))) for batch in self._validation]
        table = metrics.summarise(measure_batches(self.average, self._validation, self.device))
        row = [self.progress.step, self.progress.samples, round(self.progress.seconds, 1), self.learning_rate(), loss]
        row += [sum(losses) / len(losses), *(table[name]["median"] for name in _MEASURES)]
        path = self.folder / "log.csv"
        fresh = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.writer(file)
            if fresh:
                writer.writerow(_COLUMNS)
            writer.writerow(row)
        report(self.done(), json.dumps(dict(zip(_COLUMNS, row, strict=True))))


def measure_batches(network: nn.Module, batches: list[Batch], device: torch.device) -> list[dict[str, float]]:
    """The metrics of every sample of ``batches``, fixed values imposed and the rest held to [0, 1]."""
    found = []
    for batch in batches:
        with torch.no_grad():
            predicted = predict(network, batch.to(device)).cpu().clamp(0.0, 1.0)
        imposed = torch.where(batch.free, predicted, batch.target)
        for field, exact, free in zip(imposed.numpy(), batch.target.numpy(), batch.free.numpy(), strict=True):
            found.append(metrics.measure(field, exact, ~free))
    return found
