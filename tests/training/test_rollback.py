"""Rolling back: which epoch is undone, and a run that ends where its last good epoch did, killed in between or not."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file
from torch import Tensor, nn

from surrogate_training.config import TrainConfig
from surrogate_training.loop import checkpoint
from surrogate_training.loop.rollback import LastGoodEpoch, Rollback
from surrogate_training.loop.trainer import Trainer
from surrogate_training.samples.batch import Batch

EPOCH = 3


def tiny(roll_back: bool = True, steps: int = 4 * EPOCH, **changes: Any) -> TrainConfig:
    given: dict[str, Any] = {
        "network": {"hyperparameters": {"width": 8, "head": 8}},
        "data": {"batch": 2, "shape": [16, 16], "other_shapes": 0.0},
        "optimiser": {"steps": steps, "warmup_steps": 1, "average": 0.5, "roll_back": roll_back},
        "steps_per_epoch": EPOCH,
        "workers": 0,
        "validation_batches": 1,
    }
    return TrainConfig.model_validate(given | changes)


def explode(monkeypatch: pytest.MonkeyPatch, epoch: int, factor: float) -> None:
    """Let the loss of one epoch be so many times what it is."""
    loss = Trainer.loss

    def exploded(self: Trainer, network: nn.Module, batch: Batch) -> Tensor:
        return loss(self, network, batch) * (factor if self.epoch() == epoch and network is self.network else 1.0)

    monkeypatch.setattr(Trainer, "loss", exploded)


def learned(trainer: Trainer) -> dict[str, Tensor]:
    tensors = checkpoint.state(trainer.network, trainer.average, trainer.optimiser)
    return {name: value.clone() for name, value in tensors.items()}


def equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


# The rule.


def test_a_jump_of_more_than_ten_mean_changes_is_undone() -> None:
    def after(loss: float) -> bool:
        rollback = Rollback()
        assert not any(rollback.restores(earlier) for earlier in (1.0, 0.9, 1.0, 0.9))
        return rollback.restores(loss)

    assert not after(0.9 + 0.99)
    assert after(0.9 + 1.01)
    assert not after(0.0)  # a fall is no jump
    assert after(math.nan)
    assert after(math.inf)


def test_the_epoch_undone_is_forgotten_and_only_recent_changes_count() -> None:
    rollback = Rollback(window=2)
    for loss in (100.0, 1.0, 0.9, 0.8):
        assert not rollback.restores(loss)
    assert rollback.restores(3.0)
    assert rollback.restores(3.0)
    assert not rollback.restores(0.85)
    assert rollback.losses == [100.0, 1.0, 0.9, 0.8, 0.85]


def test_there_is_nothing_to_say_before_there_is_a_change() -> None:
    rollback = Rollback()
    assert not rollback.restores(1.0)
    assert not rollback.restores(1e9)


# The run.


@pytest.mark.parametrize("factor", [1e4, math.nan])
def test_a_run_whose_last_epoch_explodes_ends_where_the_one_before_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, factor: float
) -> None:
    explode(monkeypatch, 3, factor)
    trainer = Trainer(tiny(), tmp_path)
    at: dict[int, dict[str, Tensor]] = {}
    said: list[dict[str, float]] = []

    def hear(done: float, text: str) -> None:
        del done
        at.setdefault(trainer.progress.step, learned(trainer))
        if "rolled_back_loss" in text:
            said.append(json.loads(text))

    trainer.run(hear)
    assert (trainer.progress.step, trainer.progress.finished) == (4 * EPOCH, True)
    assert equal(learned(trainer), at[3 * EPOCH])
    assert not equal(at[3 * EPOCH], at[2 * EPOCH])
    # What is not a number is undone at every step, a jump at the end of its epoch.
    steps = [4 * EPOCH] if math.isfinite(factor) else [10, 11, 12]
    assert [(row["step"], row["epoch"]) for row in said] == [(step, 3) for step in steps]


@pytest.mark.parametrize("kill_after", [2, 8, 9])
def test_a_killed_run_rolls_back_bit_by_bit_as_an_uninterrupted_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kill_after: int
) -> None:
    explode(monkeypatch, 2, 1e4)
    whole = Trainer(tiny(), tmp_path / "whole")
    whole.run()
    assert whole.last_good is not None
    assert len(whole.last_good.rule.losses) == 3  # of 4 epochs
    killed = Trainer(tiny(checkpoint_seconds=0.0), tmp_path / "killed")

    def kill(done: float, text: str) -> None:
        del done, text
        if killed.progress.step == kill_after + 1:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        killed.run(kill)
    resumed = Trainer(tiny(), tmp_path / "killed")
    assert resumed.progress.step == kill_after
    resumed.run()
    one, two = (load_file(tmp_path / name / checkpoint.FILE) for name in ("whole", "killed"))
    assert {"rollback.epochs", "rollback.steps"} < one.keys()
    assert equal(one, two)


def test_without_a_jump_a_run_is_what_it_is_without_rolling_back(tmp_path: Path) -> None:
    for roll_back in (False, True):
        Trainer(tiny(roll_back, steps=7), tmp_path / str(roll_back)).run()
    without, with_it = (load_file(tmp_path / name / checkpoint.FILE) for name in ("False", "True"))
    assert not any(name.startswith("rollback.") for name in without)
    assert equal(without, {name: value for name, value in with_it.items() if not name.startswith("rollback.")})


def test_rolling_back_is_off_unless_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not TrainConfig().optimiser.roll_back
    explode(monkeypatch, 3, math.nan)
    with pytest.raises(FloatingPointError, match="step 10"):
        Trainer(tiny(False), tmp_path).run()


def test_a_loss_that_is_no_number_before_there_is_a_backup_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    explode(monkeypatch, 0, math.nan)
    with pytest.raises(FloatingPointError, match="step 1"):
        Trainer(tiny(), tmp_path).run()


def test_weights_that_are_no_numbers_are_never_a_backup() -> None:
    network, average = nn.Linear(2, 1), nn.Linear(2, 1)
    last_good = LastGoodEpoch(network, average, torch.optim.Adam(network.parameters()))
    assert last_good.undoes(1.0, epoch_ends=True) is None
    good = network.weight.detach().clone()
    nn.init.constant_(network.weight, math.nan)
    assert last_good.undoes(0.9, epoch_ends=True) == 0.9
    assert torch.equal(network.weight, good)


@pytest.mark.parametrize("kind", ["toggle", "rand"])
def test_losses_that_change_by_turns_are_refused(kind: str) -> None:
    with pytest.raises(ValidationError, match=f"roll_back is true, but epochs of the loss '{kind}'"):
        tiny(loss={"kind": kind})
    tiny(False, loss={"kind": kind})
