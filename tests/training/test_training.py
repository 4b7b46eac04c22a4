"""A training run: it learns, survives being killed bit by bit, stops when it should, and publishes what came of it."""

from __future__ import annotations

import csv
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file

from surrogate_plugin.surrogate.model import load
from surrogate_training.config import TrainConfig, read_config
from surrogate_training.loop import checkpoint, runlog
from surrogate_training.loop.interruption import Stopped
from surrogate_training.loop.trainer import Trainer
from surrogate_training.loop.validation import Validation
from surrogate_training.problems.distributions import Paper
from surrogate_training.publishing.publish import publish
from surrogate_training.quality import metrics
from surrogate_training.samples.batch import predict
from surrogate_training.samples.dataset import DataConfig, make_batch, sample_problem

ROOT = Path(__file__).parents[2]


def tiny(**changes: Any) -> TrainConfig:
    given: dict[str, Any] = {
        "name": "tiny",
        "network": {"hyperparameters": {"width": 16, "head": 16}},
        "data": {"batch": 4, "shape": [24, 24], "other_shapes": 0.3, "sides": [16, 32]},
        "optimiser": {"steps": 12, "warmup_steps": 2, "average": 0.5, "learning_rate": 3e-3},
        "workers": 0,
        "validation_batches": 1,
        "test_batches": 2,
    }
    return TrainConfig.model_validate(given | changes)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / checkpoint.FILE)


FINITE = {"batch": 3, "shape": [16, 24], "other_shapes": 0.0, "samples": 8, "mirrors": 1}
PATIENT = {"monitor": "validation_loss", "patience": 100, "select": "best"}


class KilledError(Exception):
    """Ends a run as a kill would."""


def draw(done: float, text: str) -> None:
    """Draw a random number a step, as a network with dropout would."""
    del done
    if text.startswith("step"):
        torch.rand(1)


@pytest.mark.parametrize(
    ("kill_after", "changes"),
    [
        (1, {}),
        (7, {"precision": "bfloat16", "optimiser": {"kind": "adam", "steps": 9}}),
        (7, {"data": FINITE, "loss": {"kind": "toggle"}, "stop": PATIENT, "validate_steps": 2}),
    ],
)
def test_a_killed_run_goes_on_bit_by_bit(tmp_path: Path, kill_after: int, changes: dict[str, Any]) -> None:
    Trainer(tiny(**changes), tmp_path / "whole").run(draw)
    killed = Trainer(tiny(checkpoint_seconds=0.0, **changes), tmp_path / "killed")

    def kill(done: float, text: str) -> None:
        draw(done, text)
        if killed.progress.step == kill_after + 1:
            raise KilledError

    with pytest.raises(KilledError):
        killed.run(kill)
    resumed = Trainer(tiny(checkpoint_seconds=0.0, **changes), tmp_path / "killed")
    assert resumed.progress.step == kill_after
    resumed.run(draw)
    whole, again = weights(tmp_path / "whole"), weights(tmp_path / "killed")
    assert whole.keys() == again.keys()
    assert all(torch.equal(whole[name], again[name]) for name in whole)
    one, two = (checkpoint.load(tmp_path / name)[1] for name in ("whole", "killed"))
    assert (one.best, one.stale, one.loss, one.validated) == (two.best, two.stale, two.loss, two.validated)
    columns = [rows(tmp_path / name, "step", "validation_loss", "loss") for name in ("whole", "killed")]
    assert columns[0] == columns[1]


def rows(folder: Path, *names: str) -> list[list[str]]:
    with (folder / runlog.FILE).open(newline="") as file:
        return [[row[name] for name in names] for row in csv.DictReader(file)]


def test_training_lowers_the_loss(tmp_path: Path) -> None:
    config = tiny(optimiser={"steps": 100, "warmup_steps": 5, "average": 0.9, "learning_rate": 4e-3})
    trainer = Trainer(config, tmp_path)
    held_out = [make_batch(config.data, "test", index) for index in range(4)]

    def loss() -> float:
        with torch.no_grad():
            return sum(float(trainer.loss(trainer.average, batch)) for batch in held_out)

    before = loss()
    trainer.run()
    assert loss() < 0.85 * before  # an untrained network diffuses already
    assert trainer.learning_rate() == pytest.approx(4e-3 * 0.01)


def test_a_finished_run_is_left_alone(tmp_path: Path) -> None:
    Trainer(tiny(), tmp_path).run()
    before = weights(tmp_path)
    again = Trainer(tiny(seed=9), tmp_path)
    assert again.config.seed == 0  # the configuration it was started with rules
    again.run()
    assert all(torch.equal(before[name], value) for name, value in weights(tmp_path).items())


def test_the_published_network_trains_too() -> None:
    from surrogate_plugin.surrogate.networks import PaperNetwork

    batch = make_batch(
        DataConfig(shape=(24, 40), other_shapes=0.0, batch=1, mirrors=1, distribution=Paper()), "train", 0
    )
    with torch.inference_mode():
        assert predict(PaperNetwork(), batch).shape == (1, 24, 40)


def test_a_run_is_published_with_its_card(tmp_path: Path) -> None:
    config = tiny()
    Trainer(config, tmp_path / "run").run()
    card = publish(tmp_path / "run", tmp_path / "models")
    model = load(tmp_path / "models" / "tiny.safetensors", "cpu")
    assert model.card == card
    assert card.test_samples == 8
    assert (tmp_path / "models" / "tiny.safetensors").stat().st_mode & 0o444 == 0o444
    assert {"mae", "relative_l2", "max", "field"} <= set(card.metrics)
    assert model.typical_error == card.metrics["smooth_max"]["median"]
    assert TrainConfig.model_validate(card.training["config"]) == config
    assert (card.training["step"], card.training["samples"], card.training["finished"]) == (12, 192, True)
    assert card.ranges.longest_side_px <= 32
    assert set(card.ranges.boundaries) <= {"absorbing", "reflecting", "value"}
    batch = make_batch(config.data, "test", 0)
    problem = sample_problem(config.data, "test", 0, 0)
    measured = metrics.measure(
        model.predict(problem) / problem.largest_imposed, batch.target[0].numpy(), problem.fixed
    )  # fmt: skip
    assert measured["max"] <= card.metrics["max"]["largest"] * (1 + 1e-4)


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let validations find these values, one after the other, and the last for ever."""

    def measured(*values: float) -> None:
        left = list(values)
        names = ("validation_loss", "relative_l2", "max", "smooth_max")

        def measure(self: Validation, *arguments: Any) -> dict[str, float]:
            return dict.fromkeys(names, left.pop(0) if len(left) > 1 else left[0])

        monkeypatch.setattr(Validation, "measure", measure)

    return measured


def test_a_run_stops_when_nothing_gets_better_and_publishes_its_best(
    tmp_path: Path, measured: Callable[..., None]
) -> None:
    measured(0.5, 0.4, 0.45, 0.4, 0.41)
    stop = {"monitor": "max", "patience": 3, "select": "best"}
    trainer = Trainer(tiny(stop=stop, validate_steps=1), tmp_path)
    kept: dict[int, dict[str, torch.Tensor]] = {}

    def keep(done: float, text: str) -> None:
        del done, text
        kept[trainer.progress.step] = {name: value.clone() for name, value in trainer.average.state_dict().items()}

    trainer.run(keep)
    assert (trainer.progress.step, trainer.progress.finished) == (5, True)
    _, progress, tensors = checkpoint.load_selected(tmp_path)
    assert progress.step == 2
    best = checkpoint.part(tensors, "average.")
    assert all(torch.equal(best[name], kept[2][name]) for name in best)
    assert any(not torch.equal(best[name], kept[5][name]) for name in best)
    assert [row for (row,) in rows(tmp_path, "step")] == ["1", "2", "3", "4", "5"]
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_without_patience_a_run_goes_on(tmp_path: Path, measured: Callable[..., None]) -> None:
    measured(0.5, 0.6)
    trainer = Trainer(tiny(validate_steps=4), tmp_path)
    trainer.run()
    assert (trainer.progress.step, trainer.progress.stale) == (12, 2)
    assert checkpoint.load_selected(tmp_path)[1].step == 12


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_saves_and_says_how_to_go_on(tmp_path: Path, number: int) -> None:
    trainer = Trainer(tiny(), tmp_path)
    before = signal.getsignal(number)

    def interrupt(done: float, text: str) -> None:
        del done, text
        if trainer.progress.step == 3:
            os.kill(os.getpid(), number)

    with pytest.raises(Stopped, match="step 3; the same command goes on"):
        trainer.run(interrupt)
    assert checkpoint.load(tmp_path)[1].step == 3
    assert signal.getsignal(number) == before
    Trainer(tiny(), tmp_path).run()
    assert checkpoint.load(tmp_path)[1].finished


def test_losses_hear_of_epochs(tmp_path: Path) -> None:
    finite = Trainer(tiny(data=FINITE), tmp_path / "finite")
    finite.progress.batches = 5  # 15 problems of 8
    assert finite.epoch() == 1
    endless = Trainer(tiny(steps_per_epoch=4), tmp_path / "endless")
    endless.progress.step = 11
    assert endless.epoch() == 2


def test_tensorboard_gets_the_run(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    Trainer(tiny(log={"tensorboard": True}, validate_steps=6), tmp_path).run()
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [event.step for event in events.Scalars("validation/relative_l2")] == [6, 12]
    assert [event.step for event in events.Scalars("training/loss")] == list(range(1, 13))


def test_the_shipped_configuration_is_valid() -> None:
    config = read_config(ROOT / "training" / "configs" / "default.toml", **{"optimiser.steps": 3, "seed": 4})
    assert (config.optimiser.steps, config.seed, config.name) == (3, 4, "default")


def test_a_wrong_configuration_names_the_field(tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text("[optimiser]\nlearning_rate = -1.0\n")
    with pytest.raises(ValidationError, match="learning_rate"):
        read_config(path)
    path.write_text("speling = 1\n")
    with pytest.raises(ValidationError, match="speling"):
        read_config(path)
