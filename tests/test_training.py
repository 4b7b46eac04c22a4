"""The trainer: samples with names, losses as written, a run that learns and survives being killed."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from safetensors.torch import load_file

from surrogate_plugin.problem import Problem
from surrogate_plugin.solvers.sparse_direct import SparseDirect
from surrogate_plugin.surrogate import features
from surrogate_plugin.surrogate.model import load
from surrogate_training import checkpoint, metrics
from surrogate_training.batch import predict
from surrogate_training.cli import main
from surrogate_training.config import TrainConfig, read_config
from surrogate_training.dataset import DataConfig, Split, batch_shape, make_batch, sample_problem
from surrogate_training.distributions import Paper, Vessels
from surrogate_training.losses import MultiscaleLoss, multiscale, to_image
from surrogate_training.publish import publish
from surrogate_training.stream import stream
from surrogate_training.symmetry import Symmetry
from surrogate_training.train import Trainer

ROOT = Path(__file__).parents[1]


def tiny(**changes: Any) -> TrainConfig:
    given_: dict[str, Any] = {
        "name": "tiny",
        "network": {"hyperparameters": {"width": 16, "head": 16}},
        "data": {"batch": 4, "shape": [24, 24], "other_shapes": 0.3, "sides": [16, 32]},
        "optimiser": {"steps": 12, "warmup_steps": 2, "average": 0.5, "learning_rate": 3e-3},
        "workers": 0,
        "validation_batches": 1,
        "test_batches": 2,
    }
    return TrainConfig.model_validate(given_ | changes)


# Samples.


@given(st.integers(0, 10**6), st.sampled_from(["train", "validation", "test"]), st.integers(0, 10**6))
def test_a_sample_s_name_is_all_it_depends_on(seed: int, split: Split, index: int) -> None:
    config = DataConfig(seed=seed, shape=(20, 28), other_shapes=0.5, sides=(16, 40))
    one, two = (sample_problem(config, split, index, 1) for _ in range(2))
    assert one.shape == batch_shape(config, split, index)
    assert one.fingerprint == two.fingerprint
    np.testing.assert_array_equal(one.source, two.source)
    assert one.largest_imposed > 0
    assert not one.fixed.all()


def test_no_two_samples_are_the_same_in_any_split() -> None:
    config = DataConfig(shape=(32, 32), other_shapes=0.0)
    splits: tuple[Split, ...] = ("train", "validation", "test")
    names = [(split, index, row) for split in splits for index in range(20) for row in range(4)]
    assert len({sample_problem(config, *name).fingerprint for name in names}) == len(names)
    assert sample_problem(config, "train", 0, 0).fingerprint != sample_problem(
        config.model_copy(update={"seed": 1}), "train", 0, 0
    ).fingerprint  # fmt: skip


def test_targets_solve_the_problem_and_inputs_are_its_features() -> None:
    config = DataConfig(shape=(24, 40), other_shapes=0.0, batch=6, mirrors=1)
    batch = make_batch(config, "train", 3)
    solver = SparseDirect()
    for row in range(config.batch):
        problem = sample_problem(config, "train", 3, row)
        exact = solver.solve(solver.prepare(problem), problem).field / problem.largest_imposed
        np.testing.assert_allclose(batch.target[row].numpy(), exact, atol=5 * config.accuracy)
        np.testing.assert_array_equal(batch.blocks[row].numpy(), features.encode(problem))
        np.testing.assert_array_equal(batch.free[row].numpy(), ~problem.fixed)


def test_training_batches_hold_mirror_images_and_test_batches_none() -> None:
    config = DataConfig(shape=(24, 40), other_shapes=0.0, batch=2, mirrors=4)
    batch = make_batch(config, "train", 1)
    assert batch.target.shape == (8, 24, 40)
    assert torch.equal(batch.target[1], batch.target[0].flip(1))
    assert torch.equal(batch.free[7], batch.free[4].flip(0, 1))
    np.testing.assert_array_equal(
        batch.blocks[6].numpy(), features.encode(Symmetry(rows=True).problem(sample_problem(config, "train", 1, 1)))
    )
    assert make_batch(config, "test", 1).target.shape == (2, 24, 40)


def test_workers_change_no_sample() -> None:
    config = DataConfig(shape=(16, 16), other_shapes=0.5, sides=(16, 24), batch=2)
    alone, helped = stream(config, 5, 0), stream(config, 5, 2)
    for _ in range(4):
        one, two = next(alone), next(helped)
        assert torch.equal(one.blocks, two.blocks)
        assert torch.equal(one.target, two.target)


@given(st.integers(0, 2**32 - 1))
def test_the_study_s_problems_are_the_study_s(seed: int) -> None:
    problem = Paper().sample(np.random.default_rng(seed), (64, 80))
    assert problem.largest_imposed == 1.0
    assert problem.decay == 1 / 400
    assert 81 <= problem.fixed.sum() <= 20 * 81
    alone = Paper(sources=(1, 1)).sample(np.random.default_rng(seed), (12, 12))
    assert alone.fixed.sum() == 81  # whole, however close to the edge


@given(st.integers(0, 2**32 - 1))
def test_tissues_stay_within_what_was_asked_for(seed: int) -> None:
    asked = Vessels(diffusion_length=(4.0, 9.0), largest_contrast=20.0, shortest_length=1.0)
    problem = asked.sample(np.random.default_rng(seed), (40, 48))
    assert 1 / 81 * (1 - 1e-9) <= np.min(problem.decay) <= np.max(problem.decay) <= 20 / 16 * (1 + 1e-9)
    assert np.max(problem.decay) / np.min(problem.decay) <= 20 * (1 + 1e-9)
    assert problem.fixed.any()
    assert 0 < problem.source.max() <= 1.0


def test_tissues_are_varied() -> None:
    problems = [Vessels().sample(np.random.default_rng(seed), (64, 64)) for seed in range(60)]
    kinds = {side.kind for problem in problems for side in problem.boundary.sides}
    assert kinds == {"value", "reflecting"}
    assert {isinstance(problem.decay, np.ndarray) for problem in problems} == {True, False}
    assert max(np.max(p.decay) / np.min(p.decay) for p in problems) > 10


# Losses and metrics.


def test_the_loss_is_the_formula() -> None:
    error = torch.tensor([[[1.0, -1.0], [3.0, 1.0]], [[0.0, 0.0], [2.0, 0.0]]])
    config = MultiscaleLoss(scales={1: 1.0, 2: 10.0}, mean_square=0.5, peak=0.2, gradient=0.1)
    mean, root = 8 / 8, (math.sqrt(12 / 4) + math.sqrt(4 / 4)) / 2
    pooled_mean, pooled_root = (1.0 + 0.5) / 2, (1.0 + 0.5) / 2
    gradient = (2 + 2 + 0 + 2) / 4 + (2 + 2 + 2 + 0) / 4
    peak = ((84 / 4) ** 0.25 + (16 / 4) ** 0.25) / 2
    expected = mean + 0.5 * root + 10 * (pooled_mean + 0.5 * pooled_root) + 0.2 * peak + 0.1 * gradient
    assert float(multiscale(error, config)) == pytest.approx(expected, rel=1e-5)


def test_smooth_error_costs_more_than_rough_error_of_the_same_size() -> None:
    rough = torch.ones(1, 32, 32)
    rough[:, ::2, ::2] = rough[:, 1::2, 1::2] = -1.0
    config = MultiscaleLoss(gradient=0.0)
    assert float(multiscale(torch.ones(1, 32, 32), config)) > 2 * float(multiscale(rough, config))


def test_a_perfect_network_has_no_loss_and_a_finite_gradient() -> None:
    error = torch.zeros(2, 32, 32, requires_grad=True)
    loss = multiscale(error, MultiscaleLoss())
    loss.backward()
    assert float(loss.detach()) < 1e-3
    assert error.grad is not None
    assert bool(error.grad.isfinite().all())


@given(st.integers(8, 40), st.integers(8, 40))
def test_blocks_become_the_image_that_decode_writes(rows: int, columns: int) -> None:
    problem = Problem(np.full((rows, columns), 1.0), fixed=np.zeros((rows, columns), np.bool_))
    frame = features.Frame.around((rows, columns))
    pixels = np.random.default_rng(0).random((*frame.blocks, 64), np.float32)
    image = to_image(torch.from_numpy(pixels)[None], (rows, columns))[0].numpy()
    np.testing.assert_allclose(image, features.decode(pixels, problem), rtol=1e-7)


def test_metrics_are_taken_where_they_say() -> None:
    exact = np.array([[1.0, 0.6], [0.15, 0.01]])
    predicted = np.array([[1.0, 0.7], [0.17, 0.02]])
    found = metrics.measure(predicted, exact, exact == 1.0)
    assert found["mae"] == pytest.approx(0.13 / 4)
    assert found["max"] == pytest.approx(0.1)
    assert (found["sources"], found["field"]) == pytest.approx((0.0, 0.13 / 3))
    assert (found["r1"], found["r2"]) == pytest.approx((0.1, 0.02))
    assert "r3" not in found
    expected = math.sqrt((0.01 + 0.0004 + 0.0001) / (1 + 0.36 + 0.0225 + 0.0001))
    assert found["relative_l2"] == pytest.approx(expected)
    table = metrics.summarise([{"a": 1.0}, {"a": 3.0, "b": 5.0}])
    assert table["a"] == pytest.approx({"mean": 2.0, "median": 2.0, "p95": 2.9, "p99": 2.98, "largest": 3.0})
    assert table["b"]["mean"] == 5.0


# Runs.


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / checkpoint.FILE)


@pytest.mark.parametrize("kill_after", [1, 7])
def test_a_killed_run_goes_on_bit_by_bit(tmp_path: Path, kill_after: int) -> None:
    Trainer(tiny(), tmp_path / "whole").run()

    class KilledError(Exception):
        pass

    killed = Trainer(tiny(checkpoint_seconds=0.0), tmp_path / "killed")

    def kill(done: float, text: str) -> None:
        del done, text
        if killed.progress.step == kill_after + 1:
            raise KilledError

    with pytest.raises(KilledError):
        killed.run(kill)
    resumed = Trainer(tiny(checkpoint_seconds=0.0), tmp_path / "killed")
    assert resumed.progress.step == kill_after
    resumed.run()
    whole, again = weights(tmp_path / "whole"), weights(tmp_path / "killed")
    assert whole.keys() == again.keys()
    assert all(torch.equal(whole[name], again[name]) for name in whole)


def test_training_lowers_the_loss(tmp_path: Path) -> None:
    config = tiny(optimiser={"steps": 150, "warmup_steps": 5, "average": 0.9, "learning_rate": 4e-3})
    trainer = Trainer(config, tmp_path)
    held_out = [make_batch(config.data, "test", index) for index in range(4)]

    def loss() -> float:
        with torch.no_grad():
            return sum(float(trainer.loss(trainer.average, batch)) for batch in held_out)

    before = loss()
    trainer.run()
    assert loss() < 0.75 * before
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


# Configuration and command line.


def test_the_shipped_configuration_is_valid() -> None:
    config = read_config(ROOT / "training" / "configs" / "default.toml", **{"optimiser.steps": 3, "seed": 4})
    assert (config.optimiser.steps, config.seed, config.name) == (3, 4, "default")


def test_a_wrong_configuration_names_the_field(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text("[optimiser]\nlearning_rate = -1.0\n")
    with pytest.raises(ValidationError, match="learning_rate"):
        read_config(path)
    assert main(["train", "--config", str(path), "--out", str(tmp_path)]) == 2
    assert "learning_rate" in capsys.readouterr().err
    path.write_text("speling = 1\n")
    with pytest.raises(ValidationError, match="speling"):
        read_config(path)


def test_the_command_line_trains_and_publishes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "tiny.toml"
    config.write_text(
        'name = "tiny"\nworkers = 0\nvalidation_batches = 1\ntest_batches = 1\n'
        "[network.hyperparameters]\nwidth = 8\n"
        "[data]\nshape = [16, 16]\nother_shapes = 0.0\n"
    )
    run, models = tmp_path / "run", tmp_path / "models"
    assert main(["train", "--config", str(config), "--out", str(run), "--steps", "3", "--batch", "2"]) == 0
    assert main(["publish", str(run), str(models)]) == 0
    assert json.loads((models / "tiny.json").read_text())["training"]["samples"] == 24
    assert "median errors" in capsys.readouterr().out
    assert main(["publish", str(tmp_path / "nowhere"), str(models)]) == 2
    assert "does not exist" in capsys.readouterr().err
