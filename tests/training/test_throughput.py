"""What a run says of its pace: samples made and consumed a second, and the share of time that its network waited."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from surrogate_training.config import TrainConfig
from surrogate_training.loop import throughput
from surrogate_training.loop.runlog import RunLog
from surrogate_training.loop.throughput import Rates, Throughput
from surrogate_training.loop.trainer import Trainer
from surrogate_training.samples.batch import Batch
from surrogate_training.samples.dataset import DataConfig, make_batch
from surrogate_training.samples.made import Made, Stream

DATA = DataConfig(shape=(16, 16), other_shapes=0.0, batch=2, mirrors=2)


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(throughput, "time", clock)
    return clock


def slow(clock: Clock, batch: Batch, seconds: float) -> Iterator[Made]:
    """Batches of which each takes so many seconds to get, and half as many to make."""
    while True:
        clock.now += seconds
        yield Made(batch, seconds / 2)


@pytest.mark.parametrize("processes", [1, 3])
def test_rates_are_samples_over_seconds(clock: Clock, processes: int) -> None:
    batch = make_batch(DATA, "train", 0)
    pace = Throughput(Stream(slow(clock, batch, 1.0), makers=2), torch.device("cpu"), processes)
    assert pace.rates() == Rates(None, None, 0.0)
    for _ in range(5):
        taken = pace.take()
        clock.now += 3.0  # a step
        pace.stepped(taken)
    with pace.paused():
        clock.now += 50.0
    # The first batch, for which makers have yet to begin, does not count: four of 4 samples, 1 + 3 seconds each.
    assert pace.rates() == Rates(made=processes * 2 * 4 / 0.5, consumed=processes * 4 * 4 / 16.0, waited=4.0 / 16.0)


def test_batches_that_are_ready_keep_nobody_waiting(clock: Clock) -> None:
    pace = Throughput(Stream(slow(clock, make_batch(DATA, "train", 0), 0.0), makers=1), torch.device("cpu"))
    for _ in range(3):
        taken = pace.take()
        clock.now += 1.0
        pace.stepped(taken)
    assert pace.rates().waited == 0.0


def tiny(**changes: Any) -> TrainConfig:
    given: dict[str, Any] = {
        "network": {"hyperparameters": {"width": 8, "head": 8}},
        "data": DATA.model_dump(),
        "optimiser": {"steps": 4, "warmup_steps": 1},
        "validate_steps": 2,
        "validation_batches": 1,
    }
    return TrainConfig.model_validate(given | changes)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_run_says_its_rates_at_every_step_and_writes_them_down(tmp_path: Path, workers: int) -> None:
    lines: list[str] = []
    trainer = Trainer(tiny(workers=workers), tmp_path)
    trainer.run(lambda _, text: lines.append(text))
    steps = [line for line in lines if line.startswith("step ")]
    assert len(steps) == 4
    assert all("can be made), waiting" in line for line in steps[1:])
    assert trainer.rates.made is not None
    assert trainer.rates.consumed is not None
    assert trainer.rates.made > 0.0
    assert 0.0 <= trainer.rates.waited <= 1.0
    with (tmp_path / "log.csv").open(newline="") as file:
        written = list(csv.DictReader(file))
    assert float(written[1]["consumed_per_second"]) == round(trainer.rates.consumed, 2)
    assert float(written[1]["made_per_second"]) == round(trainer.rates.made, 2)
    assert float(written[1]["waited"]) == round(trainer.rates.waited, 4)


def test_a_log_from_before_keeps_its_columns_when_its_run_goes_on(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("step,samples,loss\n10,80,0.5\n")
    log = RunLog(tmp_path, 10, tensorboard=False)
    log.validated({"step": 20, "samples": 160, "made_per_second": 5.0, "loss": 0.25})
    log.close()
    assert (tmp_path / "log.csv").read_text().split() == ["step,samples,loss", "10,80,0.5", "20,160,0.25"]
    again = RunLog(tmp_path, 20, tensorboard=False)  # which drops what is no row below this head
    again.close()
    assert (tmp_path / "log.csv").read_text().count("\n") == 3
