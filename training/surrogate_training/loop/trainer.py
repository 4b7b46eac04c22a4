"""The training loop: Adam under a cosine, a running average of the weights, and a run that survives being killed."""

from __future__ import annotations

import copy
import json
import math
import time
from contextlib import closing
from pathlib import Path

import torch
from torch import Tensor, nn

from surrogate_plugin.surrogate.networks import build
from surrogate_training.config import TrainConfig, solves_together
from surrogate_training.loop import checkpoint
from surrogate_training.loop.beginning import (
    begin_with,
    choose_learning,
    distinct_samples,
    usable_device,
)
from surrogate_training.loop.checkpoint import Progress
from surrogate_training.loop.distributed import Group
from surrogate_training.loop.interruption import Request, Stopped, stop_requests
from surrogate_training.loop.pending import Heard, PendingLosses
from surrogate_training.loop.rollback import LastGoodEpoch
from surrogate_training.loop.runlog import RunLog
from surrogate_training.loop.throughput import Rates, Throughput
from surrogate_training.loop.validation import Validation
from surrogate_training.progress import Callback, silent
from surrogate_training.samples.batch import Batch, predict
from surrogate_training.samples.made import Stream
from surrogate_training.samples.stream import stream
from surrogate_training.threads import fixed_threads


class Trainer:
    """One run: build or resume, step, validate, checkpoint.

    Parameters
    ----------
    config : TrainConfig
    folder : Path
        Gets the checkpoint, the best weights and the log; created. A checkpoint found there is resumed, and its own
        configuration rules. All processes of a group read the same folder.
    group : Group
        The processes that train together.
    device : str, optional
        Of this process; the configured one if not given.

    Raises
    ------
    DamagedFileError
        If the checkpoint found there is not what was written.
    ValueError
        If something that the configuration names is not there: weights, samples or the device.
    UnwritableError
        If the folder cannot be made.
    """

    def __init__(
        self, config: TrainConfig, folder: Path, group: Group | None = None, device: str | None = None
    ) -> None:  # fmt: skip
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.progress, self.group = folder, Progress(), group or Group()
        saved = checkpoint.load(folder) if (folder / checkpoint.FILE).is_file() else None
        self.config = config = saved[0] if saved else config
        self.device = usable_device(device or config.device)
        torch.manual_seed(config.seed)
        self.network = build(config.network.kind, config.network.hyperparameters).to(self.device)
        if config.start is not None and saved is None:
            begin_with(self.network, config.start)
        choose_learning(self.network, config)
        self.average = copy.deepcopy(self.network).eval()
        rule = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[config.optimiser.kind]
        learning = [parameter for parameter in self.network.parameters() if parameter.requires_grad]
        self.optimiser = rule(learning, lr=config.optimiser.learning_rate, weight_decay=config.optimiser.weight_decay)
        learned = self.network, self.average, self.optimiser
        self.last_good = LastGoodEpoch(*learned) if config.optimiser.roll_back else None
        if saved:
            _, self.progress, tensors = saved
            with checkpoint.damage(folder / checkpoint.FILE):
                checkpoint.restore(tensors, *learned)
                torch.set_rng_state(tensors["random"])
                if self.last_good is not None:
                    self.last_good.resume(checkpoint.part(tensors, "rollback."))
        #: Of the part of the run since this process took it up.
        self.rates = Rates(None, None, 0.0)
        self._distinct = distinct_samples(config)

    def run(self, callback: Callback = silent) -> None:
        """Train to the end of the schedule, or until validation finds nothing better any more.

        Raises
        ------
        Stopped
            After Ctrl-C or SIGTERM, with a checkpoint saved; the message says how to go on.
        FloatingPointError
            If the loss is no longer finite and there is no good epoch to go back to.
        """
        if self.progress.finished:
            return
        log = RunLog(self.folder, self.progress.step, self.config.log.tensorboard) if self.group.leads else None
        try:
            with (
                fixed_threads(self.config.threads),
                stop_requests() as request,
                closing(self._batches(callback)) as batches,
            ):
                self._loop(batches, request, log, callback)
        finally:
            if log is not None:
                log.close()
        if not self.progress.finished:
            raise Stopped(f"stopped at step {self.progress.step}; the same command goes on from there.")

    def step(self, batch: Batch) -> Tensor:
        """One step on one batch; returns its loss, or that of all processes' batches, () float32 on the device.

        Nothing is read back from the device, so that the host may call the next step while this one runs.
        """
        settings, progress = self.config.optimiser, self.progress
        for group in self.optimiser.param_groups:
            group["lr"] = self.learning_rate()
        self.optimiser.zero_grad(set_to_none=True)
        loss = self.loss(self.network, batch)
        if loss.requires_grad:  # problems that only layers which are held see teach nothing
            loss.backward()  # type: ignore[no-untyped-call]
        loss = self.group.average(self.network, loss.detach())
        nn.utils.clip_grad_norm_(self.network.parameters(), settings.clip)
        self.optimiser.step()
        progress.step += 1
        progress.batches += self.group.size
        progress.samples += batch.target.shape[0] * self.group.size
        # The average forgets its random start faster than its decay alone would let it.
        keep = min(settings.average, progress.step / (progress.step + 10.0))
        with torch.no_grad():
            for average, latest in zip(self.average.parameters(), self.network.parameters(), strict=True):
                average.lerp_(latest, 1.0 - keep)
            for kept, buffer in zip(self.average.buffers(), self.network.buffers(), strict=True):
                kept.copy_(buffer)
        return loss

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """The configured loss of a network on a batch."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.precision == "bfloat16"):
            predicted = predict(network, batch)
        return self.config.loss.evaluate(predicted, batch, self.epoch())

    def epoch(self) -> int:
        """How often a finite set of samples has been seen; where samples have no end, so many steps count as one."""
        if self._distinct is None:
            return self.progress.step // self.config.steps_per_epoch
        return self.progress.batches * self.config.data.batch // self._distinct

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
        if not self.group.leads:
            return
        tensors = checkpoint.state(self.network, self.average, self.optimiser)
        if self.last_good is not None:
            tensors |= {f"rollback.{name}": value for name, value in self.last_good.tensors().items()}
        checkpoint.save(self.folder, self.config, self.progress, tensors)

    def _loop(self, batches: Stream, request: Request, log: RunLog | None, callback: Callback) -> None:
        """Step until the run is finished or was asked to stop; of a group, rank 0 decides."""
        progress, validation = self.progress, Validation(self.config, self.device)
        throughput = Throughput(batches, self.device, self.group.size)
        pending = PendingLosses.on(self.device, each=self.last_good is not None)
        lap = saved = validated = time.monotonic()
        stop = False
        while not (progress.finished or stop):
            epoch, batch = self.epoch(), throughput.take()
            loss = self.step(batch)
            pending.add(progress.step, loss, self.optimiser.param_groups[0]["lr"])
            throughput.stepped(batch)
            self.rates = throughput.rates()
            if pending.due:
                self._hear(pending.read(), epoch, log, callback)
            finished = self.done() >= 1.0
            if log is not None and (finished or self._validation_due(validated)):
                self._hear(pending.read(), epoch, log, callback)
                with throughput.paused():
                    self._validate(validation, log, callback)
                saved = validated = time.monotonic()
            finished = finished or self._gave_up()
            now = time.monotonic()
            told = self.group.agree(progress.seconds + now - lap, finished, request.made)
            lap = now
            progress.seconds, progress.finished, stop = told[0], bool(told[1]), bool(told[2])
            if progress.finished or stop or time.monotonic() - saved >= self.config.checkpoint_seconds:
                self._hear(pending.read(), epoch, log, callback)
                self.save()
                saved = time.monotonic()

    def _batches(self, callback: Callback) -> Stream:
        return stream(
            self.config.data,
            self.progress.batches + self.group.rank,
            self.config.workers,
            stride=self.group.size,
            seed=self.config.seed,
            device=self.device,
            together=solves_together(self.config, self.device),
            callback=lambda _, text: callback(self.done(), text),
        )

    def _hear(self, heard: list[Heard], epoch: int, log: RunLog | None, callback: Callback) -> None:
        """Note what steps came to; ``epoch`` is that of the last, which is the only one where runs roll back."""
        progress = self.progress
        for step, loss, learning_rate in heard:
            if self._rolled_back(loss, epoch, callback):
                return
            if not math.isfinite(loss):
                raise FloatingPointError(f"the loss is {loss} at step {step}; lower optimiser.learning_rate.")
            progress.loss = loss if progress.loss is None else 0.98 * progress.loss + 0.02 * loss
            if log is not None:
                log.stepped(step, loss, learning_rate)
        if heard:
            callback(self.done(), f"step {progress.step}  loss {progress.loss:.4f}  {self.rates.text()}")

    def _rolled_back(self, loss: float, epoch: int, callback: Callback) -> bool:
        """Whether a step of this epoch and loss, the same for all processes, led back to the last good epoch."""
        undone = None if self.last_good is None else self.last_good.undoes(loss, self.epoch() > epoch)
        if undone is not None:
            callback(self.done(), json.dumps({"step": self.progress.step, "epoch": epoch, "rolled_back_loss": undone}))
        return undone is not None

    def _validation_due(self, last: float) -> bool:
        """Whether to validate after this step; ``last`` is when it was done last, by the clock."""
        if self.config.validate_steps is not None:
            return self.progress.step % self.config.validate_steps == 0
        return time.monotonic() - last >= self.config.validate_seconds

    def _validate(self, validation: Validation, log: RunLog, callback: Callback) -> None:
        """Measure the averaged weights, keep them if they are the best, and save both together."""
        progress = self.progress
        measured = validation.measure(self.average, self.loss)
        if validation.judge(progress, measured):
            checkpoint.save_best(self.folder, self.config, progress, self.average)
        self.save()
        row: dict[str, float | None] = {"step": progress.step, "samples": progress.samples}
        row |= {"seconds": round(progress.seconds, 1), "learning_rate": self.learning_rate(), "loss": progress.loss}
        row |= measured | self.rates.row()
        log.validated(row)
        callback(self.done(), json.dumps(row))

    def _gave_up(self) -> bool:
        """Whether validation has found nothing better for too long."""
        patience = self.config.stop.patience
        return patience is not None and self.progress.stale >= patience
