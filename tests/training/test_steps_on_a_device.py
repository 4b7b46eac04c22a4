"""A step on a device of its own reads nothing back; losses are read together, and nothing else changes by that.

No GPU is needed: tensors of the device "meta" have no values, so that whoever asks for one is told of it, and code that
is not for a CPU takes the way that it takes on a GPU.
"""

from __future__ import annotations

import contextlib
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from surrogate_training.config import TrainConfig
from surrogate_training.loop import checkpoint
from surrogate_training.loop.pending import PendingLosses
from surrogate_training.loop.trainer import Trainer
from surrogate_training.samples.dataset import DataConfig, make_batch, sample_problem
from surrogate_training.samples.posed import Posed, with_images

ELSEWHERE = torch.device("meta")


def tiny(**changes: Any) -> TrainConfig:
    given: dict[str, Any] = {
        "network": {"hyperparameters": {"width": 8, "head": 8}},
        "data": {"batch": 2, "mirrors": 2, "shape": [16, 24], "other_shapes": 0.0},
        "optimiser": {"steps": 7, "warmup_steps": 1, "average": 0.5},
        "workers": 0,
        "validation_batches": 1,
    }
    return TrainConfig.model_validate(given | changes)


def test_the_stand_in_for_a_gpu_has_no_values_to_read() -> None:
    value = torch.ones((), device=ELSEWHERE)
    for read in (float, bool, Tensor.item, Tensor.cpu):
        with pytest.raises((NotImplementedError, RuntimeError)):
            read(value)
    with pytest.raises(RuntimeError):
        torch.ones(2, device=ELSEWHERE) + torch.ones(2)


COMPACT = {"hyperparameters": {"width": 8, "head": 8, "wider": 4}}
DRAWN: dict[str, dict[str, Any]] = {"plain": {"kind": "vessels", "saturating": 0.5}, "wider": {"kind": "wider"}}


@pytest.mark.parametrize(
    ("network", "drawn", "loss"),
    [
        ({"kind": "paper"}, "plain", {"kind": "huber"}),
        ({"kind": "paper"}, "plain", {"kind": "invhuber"}),
        (COMPACT, "plain", {"kind": "multiscale", "cycle": 1.0}),
        (COMPACT, "wider", {"kind": "multiscale", "cycle": 1.0}),
    ],
)
def test_a_step_reads_nothing_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, network: dict[str, Any], drawn: str, loss: dict[str, Any]
) -> None:
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: contextlib.nullcontext())  # which knows no such device
    data = tiny().data.model_dump() | {"distribution": DRAWN[drawn]}
    trainer = Trainer(tiny(network=network, data=data, loss=loss), tmp_path, device="meta")
    batch = make_batch(trainer.config.data, "train", 0).to(ELSEWHERE)
    for _ in range(2):
        assert trainer.step(batch).device.type == "meta"
    assert trainer.progress.step == 2


def test_on_a_cpu_each_loss_is_read_at_once_and_elsewhere_many_together() -> None:
    cpu, far, deciding = (
        PendingLosses.on(torch.device("cpu")), PendingLosses.on(ELSEWHERE), PendingLosses.on(ELSEWHERE, each=True),
    )  # fmt: skip
    for pending in (cpu, far, deciding):
        pending.add(1, torch.tensor(0.5), 1e-3)
    assert (cpu.due, far.due, deciding.due) == (True, False, True)
    for step in range(2, 100):
        far.add(step, torch.tensor(1.0 / step), 1e-3)
    assert far.due
    assert [heard.step for heard in far.read()] == list(range(1, 100))
    assert (far.due, far.read()) == (False, [])


@pytest.fixture
def few_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have losses read every third step, as on a GPU they are read now and then."""
    monkeypatch.setattr(PendingLosses, "on", lambda *_, **__: PendingLosses(3))


def test_a_run_that_reads_losses_together_is_the_same_run(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    heard: list[list[str]] = []
    for name in ("each", "together"):
        lines: list[str] = []
        Trainer(tiny(), tmp_path / name).run(lambda _, text, lines=lines: lines.append(text))  # type: ignore[misc]
        heard.append([line for line in lines if line.startswith("step")])
        request.getfixturevalue("few_reads")
    one, two = (load_file(tmp_path / name / checkpoint.FILE) for name in ("each", "together"))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert checkpoint.load(tmp_path / "each")[1].loss == checkpoint.load(tmp_path / "together")[1].loss
    assert [line.split()[1] for line in heard[0]] == [str(step) for step in range(1, 8)]
    assert [line.split()[1] for line in heard[1]] == ["3", "6", "7"]


@pytest.mark.usefixtures("few_reads")
def test_a_loss_that_is_no_number_is_found_before_anything_is_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = Trainer.loss

    def loss(trainer: Trainer, network: nn.Module, batch: Any) -> Tensor:
        found = taken(trainer, network, batch)
        return found * math.nan if trainer.progress.step == 4 else found

    monkeypatch.setattr(Trainer, "loss", loss)
    with pytest.raises(FloatingPointError, match="step 5"):
        Trainer(tiny(checkpoint_seconds=0.0), tmp_path).run()
    assert checkpoint.load(tmp_path)[1].step == 4
    finite = load_file(tmp_path / checkpoint.FILE)
    assert all(bool(value.isfinite().all()) for name, value in finite.items() if name.startswith("network."))


@pytest.mark.parametrize("drawn", ["plain", "wider"])
def test_images_of_samples_are_made_without_reading_back(drawn: str) -> None:
    config = DataConfig.model_validate(tiny().data.model_dump() | {"distribution": DRAWN[drawn]})
    posed = Posed.ready([sample_problem(config, "train", 0, row) for row in range(2)], 4).to(ELSEWHERE)
    batch = with_images(posed, torch.empty((2, *config.shape), dtype=torch.float64, device=ELSEWHERE), 4)
    assert (batch.target.shape, batch.target.device.type) == ((8, *config.shape), "meta")
    assert batch.rings.device.type == "cpu"


def test_what_a_batch_is_made_of_goes_to_the_device() -> None:
    batch = make_batch(DataConfig(batch=1, mirrors=1, shape=(16, 16), other_shapes=0.0), "train", 0).to(ELSEWHERE)
    assert {batch.image.device.type, batch.target.device.type, batch.free.device.type} == {"meta"}
