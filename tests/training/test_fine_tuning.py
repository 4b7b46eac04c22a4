"""The training behind a retraining: what its batches are drawn from, and the weights that it begins with."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from surrogate_plugin.surrogate.model import load
from surrogate_training.config import TrainConfig
from surrogate_training.loop.trainer import Trainer
from surrogate_training.problems.distributions import Mixture, Part, Vessels
from surrogate_training.problems.recordings import Recorded
from surrogate_training.retraining.fine_tuning import base_of, fine_tuning, training_of
from surrogate_training.samples.dataset import batch_distribution, batch_shape, make_batch, sample_problem
from tests.training import retrain_fixtures
from tests.training.retrain_fixtures import TINY

run, parent = retrain_fixtures.run, retrain_fixtures.parent


def test_half_of_the_batches_are_recorded_and_each_part_keeps_its_lattice(run: Path, parent: Path) -> None:
    trained = training_of(load(parent, "cpu").card)
    config = fine_tuning(trained, parent, Recorded(path=run), name="a", seed=3, minutes=1.0, steps=None)
    kinds = []
    for index in range(60):
        drawn = batch_distribution(config.data, "train", index)
        kinds.append(drawn.kind)
        shape = batch_shape(config.data, "train", index)
        assert sample_problem(config.data, "train", index, 1).shape == shape
        assert (shape == (20, 24)) == (drawn.kind == "recorded")  # a side longer than any of the parent's is cut
    assert 20 <= kinds.count("recorded") <= 40
    assert make_batch(config.data, "train", kinds.index("recorded")).target.shape == (8, 20, 24)
    assert config.optimiser.learning_rate < trained.optimiser.learning_rate
    assert (config.loss, config.network) == (trained.loss, trained.network)


def test_what_was_trained_on_a_gpu_is_retrained_on_a_cpu(run: Path, parent: Path) -> None:
    trained = training_of(load(parent, "cpu").card).model_copy(update={"device": "cuda", "samples_on": "device"})
    config = fine_tuning(trained, parent, Recorded(path=run), name="a", seed=3, minutes=1.0, steps=None)
    assert (config.device, config.samples_on) == ("cpu", "auto")


def test_it_begins_with_the_parent_s_weights(run: Path, parent: Path, tmp_path: Path) -> None:
    trained = training_of(load(parent, "cpu").card)
    config = fine_tuning(trained, parent, Recorded(path=run), name="a", seed=3, minutes=1.0, steps=None)
    trainer, weights = Trainer(config, tmp_path / "run"), load_file(parent)
    for network in (trainer.network, trainer.average):
        assert all(torch.equal(weights[name], value) for name, value in network.state_dict().items())
    save_file({"other": torch.zeros(3)}, tmp_path / "other.safetensors")
    wrong = config.model_copy(update={"start": tmp_path / "other.safetensors"})
    with pytest.raises(ValueError, match=r"start is .*, whose weights are not those of the configured network"):
        Trainer(wrong, tmp_path / "wrong")


def test_a_retrained_model_can_be_retrained(run: Path, tmp_path: Path) -> None:
    trained = TrainConfig.model_validate(TINY)
    gone, there = Recorded(path=tmp_path / "gone.zarr"), Recorded(path=run)
    parts = (Part(distribution=Vessels()), Part(distribution=gone), Part(distribution=there))
    data = trained.data.model_copy(update={"distribution": Mixture(parts=parts, whole_batches=True)})
    again = trained.model_copy(update={"data": data})
    assert base_of(again).distribution == Vessels()
    new = Recorded(path=run, vary=0.2)
    config = fine_tuning(again, run, new, name="b", seed=0, minutes=1.0, steps=None)
    assert isinstance(config.data.distribution, Mixture)
    assert [(part.distribution, part.weight) for part in config.data.distribution.parts] == [
        (Vessels(), 1.0), (there, 1.0), (new, 2.0)
    ]  # fmt: skip
    only = data.model_copy(update={"distribution": Mixture(parts=parts[1:])})
    with pytest.raises(ValueError, match="trained on recordings alone"):
        base_of(trained.model_copy(update={"data": only}))
