"""Samples solved together on a device are those that workers solve one after the other, to their accuracy."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from surrogate_plugin.equation.problem import Problem
from surrogate_plugin.surrogate.scale import value_scale
from surrogate_training.config import TrainConfig, solves_together
from surrogate_training.loop import checkpoint
from surrogate_training.loop.beginning import solving_device
from surrogate_training.loop.trainer import Trainer
from surrogate_training.problems.distributions import Distribution, Mixture, Paper, Part, Vessels, Wider
from surrogate_training.samples import on_device, solving
from surrogate_training.samples.batch import Batch
from surrogate_training.samples.dataset import DataConfig, exact_field, sample_problem, with_mirrors
from surrogate_training.samples.finite import make_samples
from surrogate_training.samples.make_shards import make_shards
from surrogate_training.samples.posed import Posed, with_images
from surrogate_training.samples.solving import exact_fields
from surrogate_training.samples.stream import stream
from tests.exact import exact_field as by_another

CPU = torch.device("cpu")
MIXED = Mixture(
    parts=(
        Part(distribution=Vessels(saturating=0.5)),
        Part(distribution=Wider()),
        Part(distribution=Paper(radius=(3.0, 3.0), sources=(1, 3))),
    )
)


def data(**changes: Any) -> DataConfig:
    given: dict[str, Any] = {"batch": 3, "shape": (24, 32), "other_shapes": 0.5, "sides": (16, 40), "mirrors": 2}
    return DataConfig.model_validate(given | {"distribution": MIXED} | changes)


def drawn(config: DataConfig, count: int) -> list[Problem]:
    return [sample_problem(config, "train", index, row) for index in range(count) for row in range(config.batch)]


@pytest.mark.parametrize("distribution", [Vessels(), Vessels(saturating=1.0, constant_decay=0.0), Wider(), MIXED])
def test_fields_are_exact_to_what_was_asked(distribution: Distribution) -> None:
    problems = drawn(data(distribution=distribution, accuracy=1e-5), 4)
    for problem, field in zip(problems, exact_fields(problems, 1e-5, CPU), strict=True):
        assert (field.shape, field.dtype) == (problem.shape, torch.float64)
        error = np.abs(field.numpy() - by_another(problem)).max()
        assert error <= 1e-5 * value_scale(problem)


def test_what_does_not_settle_on_the_device_is_solved_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    problems = drawn(data(), 3)
    solve = solving.solve
    sizes: list[int] = []

    def unsure(stack: Any, **options: Any) -> Any:
        answers = solve(stack, **options)
        sizes.append(stack.count)
        answers.settled[::2] = False
        answers.field[::2] = np.nan
        return answers

    monkeypatch.setattr(solving, "solve", unsure)
    fields = exact_fields(problems, 1e-4, CPU)
    pairs = zip(problems, fields, strict=True)
    alike = [np.array_equal(field.numpy(), exact_field(problem, 1e-4)) for problem, field in pairs]
    assert sum(alike) >= sum((size + 1) // 2 for size in sizes) > 0
    for problem, field in zip(problems, fields, strict=True):
        assert np.abs(field.numpy() - by_another(problem)).max() <= 1e-4 * value_scale(problem)


def test_what_multigrid_is_not_for_never_goes_to_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    source = np.zeros((64, 64))
    source[2, 2] = 1.0
    jumps = np.where(np.random.default_rng(3).random(source.shape) < 0.5, 1e-7, 1.0)
    rough = Problem(source, diffusivity=jumps, decay=1e-4)
    assert solving.Multigrid().refusal(rough) is not None
    monkeypatch.setattr(solving, "solve", lambda *_, **__: pytest.fail("it was solved on the device"))
    (field,) = exact_fields([rough], 1e-4, CPU)
    np.testing.assert_array_equal(field.numpy(), exact_field(rough, 1e-4))


def alike(one: Batch, two: Batch, accuracy: float) -> None:
    for name in ("image", "saturation", "walls", "rings", "free"):
        assert torch.equal(getattr(one, name), getattr(two, name)), name
    torch.testing.assert_close(one.target, two.target, rtol=0.0, atol=2 * accuracy)
    torch.testing.assert_close(one.size, two.size, rtol=1e-3, atol=0.0)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(
    "changes",
    [{}, {"samples": 7, "other_shapes": 0.0}, {"samples": 7, "other_shapes": 0.0, "remade": True}],
    ids=["endless", "kept", "remade"],
)
def test_a_stream_is_the_same_however_it_is_made(
    monkeypatch: pytest.MonkeyPatch, workers: int, changes: dict[str, Any]
) -> None:
    monkeypatch.setattr(on_device, "MOST_TOGETHER", 3)
    config = data(**changes)
    alone, together = (stream(config, 5, workers, stride=3, seed=4, together=way) for way in (False, True))
    for one, two in itertools.islice(zip(alone, together, strict=True), 4):
        alike(one, two, config.accuracy)
    assert together.rate is not None
    assert together.rate > 0.0
    together.close()


def test_a_stream_goes_on_anywhere() -> None:
    whole, later = (stream(data(), first, 0, together=True) for first in (0, 2))
    for _ in range(2):
        next(whole)
    alike(next(whole), next(later), data().accuracy)
    whole.close()
    later.close()


def test_stored_samples_are_those_of_workers(tmp_path: Path) -> None:
    config = data(samples=5, other_shapes=0.0)
    for sample, other in zip(make_samples(config, range(5), 0, CPU), make_samples(config, range(5), 0), strict=True):
        (problem, field), (same, known) = sample.restore(), other.restore()
        assert problem.fingerprint == same.fingerprint
        np.testing.assert_allclose(field, known, atol=2 * config.accuracy * value_scale(problem))
    index = make_shards(config, tmp_path, samples_a_shard=2, workers=0, device=CPU)
    assert index.samples == 5
    stored, made = (stream(each, 0, 0) for each in (data(shards=tmp_path, other_shapes=0.0), config))
    alike(next(stored), next(made), config.accuracy)


def tiny(**changes: Any) -> TrainConfig:
    given: dict[str, Any] = {
        "network": {"hyperparameters": {"width": 8, "head": 8, "wider": 4}},
        "data": data().model_dump(),
        "optimiser": {"steps": 5, "warmup_steps": 1},
        "validation_batches": 1,
        "samples_on": "device",
        "workers": 0,
    }
    return TrainConfig.model_validate(given | changes)


class KilledError(Exception):
    """Ends a run as a kill would."""


def test_a_killed_run_goes_on_with_the_same_samples(tmp_path: Path) -> None:
    Trainer(tiny(), tmp_path / "whole").run()
    killed = Trainer(tiny(checkpoint_seconds=0.0), tmp_path / "killed")

    def kill(done: float, text: str) -> None:
        del done, text
        if killed.progress.step == 4:
            raise KilledError

    with pytest.raises(KilledError):
        killed.run(kill)
    Trainer(tiny(), tmp_path / "killed").run()
    (_, one, whole), (_, two, again) = (checkpoint.load(tmp_path / name) for name in ("whole", "killed"))
    assert (one.step, one.samples, one.batches) == (two.step, two.samples, two.batches)
    for name, value in whole.items():
        if name.startswith(("network.", "average.")):
            torch.testing.assert_close(again[name], value, rtol=1e-3, atol=1e-4, msg=name)


def test_auto_is_the_device_where_that_is_a_gpu() -> None:
    gpu = torch.device("cuda")
    ways: dict[str, tuple[bool, bool]] = {"auto": (False, True), "workers": (False, False), "device": (True, True)}
    for way, expected in ways.items():
        config = tiny(samples_on=way)
        assert (solves_together(config, CPU), solves_together(config, gpu)) == expected


@pytest.mark.skipif(torch.cuda.is_available(), reason="the GPU is there")
def test_a_gpu_that_is_not_there_is_missed_only_where_it_is_asked_for() -> None:
    assert solving_device(tiny(device="cuda", samples_on="auto")) is None
    assert solving_device(tiny(device="cpu", samples_on="auto")) is None
    with pytest.raises(ValueError, match="device is 'cuda', which cannot be used here"):
        solving_device(tiny(device="cuda", samples_on="device"))


@pytest.mark.parametrize("shape", [(24, 32), (26, 18), (17, 20)], ids=str)
@pytest.mark.parametrize("distribution", [Vessels(saturating=0.5), Wider(), Paper(radius=(2.0, 2.0))])
@pytest.mark.parametrize("mirrors", [1, 3, 4])
def test_images_made_on_a_device_are_those_that_are_encoded(
    shape: tuple[int, int], distribution: Distribution, mirrors: int
) -> None:
    config = data(distribution=distribution, shape=shape, other_shapes=0.0)
    for index in range(3):
        problems = [sample_problem(config, "train", index, row) for row in range(2)]
        fields = [np.random.default_rng(row).random(shape) for row in range(2)]
        made = with_images(Posed.ready(problems, mirrors), torch.from_numpy(np.stack(fields)), mirrors)
        alike(made, with_mirrors(problems, fields, mirrors), 0.0)
        assert torch.equal(made.size, with_mirrors(problems, fields, mirrors).size)
