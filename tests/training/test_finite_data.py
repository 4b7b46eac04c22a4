"""A finite set of samples: each once an epoch, in memory as in shards, and what was stored is what is read."""

from __future__ import annotations

import itertools
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from surrogate_plugin.equation.problem import MichaelisMenten, Problem
from surrogate_training.problems.distributions import Vessels
from surrogate_training.samples import make_shards as making
from surrogate_training.samples.batch import Batch
from surrogate_training.samples.dataset import DataConfig, make_sample
from surrogate_training.samples.finite import drawn
from surrogate_training.samples.kept import KeptSample
from surrogate_training.samples.make_shards import make_shards
from surrogate_training.samples.shards import INDEX, DamagedShardError, Index, Shards
from surrogate_training.samples.stream import stream


def config(**changes: Any) -> DataConfig:
    given: dict[str, Any] = {"samples": 7, "batch": 2, "shape": (16, 20), "other_shapes": 0.0, "mirrors": 1}
    return DataConfig.model_validate(given | {"distribution": Vessels(saturating=0.5)} | changes)


def batches(data: DataConfig, count: int, workers: int = 0, **options: Any) -> list[Batch]:
    return list(itertools.islice(stream(data, 0, workers, **options), count))


def test_samples_made_anew_are_those_that_memory_would_hold() -> None:
    for workers in (0, 1):
        pairs = zip(batches(config(), 5), batches(config(remade=True), 5, workers), strict=True)
        for held, anew in pairs:
            assert torch.equal(held.image, anew.image)
            assert torch.equal(held.target, anew.target)
    with pytest.raises(ValidationError, match="remade is true"):
        config(remade=True, samples=None)


# The order.


@given(st.integers(1, 12), st.integers(1, 9), st.integers(0, 100))
def test_every_epoch_holds_each_sample_once(count: int, batch: int, seed: int) -> None:
    numbers = [number for index in range(count) for number in drawn(count, batch, index, seed)]
    for epoch in range(batch):  # count batches of this size are as many epochs
        assert sorted(numbers[epoch * count : (epoch + 1) * count]) == list(range(count))


def test_epochs_and_seeds_differ() -> None:
    orders = [tuple(drawn(50, 50, epoch, seed)) for epoch in range(3) for seed in range(3)]
    assert len(set(orders)) == 9


def test_larger_sets_and_larger_batches_begin_with_the_same_problems() -> None:
    small, large = make_sample(config(), 3), make_sample(config(samples=1000, batch=64), 3)
    assert small[0].fingerprint == large[0].fingerprint
    np.testing.assert_array_equal(small[1], large[1])


def test_a_set_of_many_shapes_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"other_shapes is 0\.4"):
        DataConfig(samples=10)


def test_batches_hold_the_samples_that_were_drawn() -> None:
    data = config(mirrors=2)
    heard: list[tuple[float, str]] = []
    batch = batches(data, 3, seed=5, callback=lambda done, text: heard.append((done, text)))[2]
    assert heard == [(number / 7, f"making sample {number} of 7") for number in range(1, 8)]
    assert batch.target.shape[0] == 4
    for row, number in enumerate(drawn(7, 2, 2, 5)):
        problem, field = make_sample(data, number)
        np.testing.assert_allclose(batch.target[2 * row].numpy(), field / problem.largest_imposed, atol=1e-6)
        assert torch.equal(batch.target[2 * row + 1], batch.target[2 * row].flip(1))


# Kept samples.


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"decay": np.linspace(0.01, 0.5, 80).reshape(8, 10), "boundary": {"left": 3.0, "top": "reflecting"}},
        {"uptake": MichaelisMenten(np.linspace(0.0, 2.0, 80).reshape(8, 10), 0.1), "diffusivity": 3.0},
        {"uptake": MichaelisMenten(2.0, 0.1), "spacing": 2.0, "boundary": "periodic"},
    ],
)
def test_a_sample_gives_back_its_problem(changes: dict[str, Any]) -> None:
    source = np.zeros((8, 10))
    source[2, 3:5] = 38.1
    problem = Problem(source, fixed=np.eye(8, 10, dtype=bool) | (source > 0), **changes)
    field = np.random.default_rng(0).random((8, 10))
    restored, again = KeptSample.of(problem, field).restore()
    np.testing.assert_allclose(again, field, rtol=1e-7)
    np.testing.assert_array_equal(restored.fixed, problem.fixed)
    for name in ("source", "decay", "diffusivity", "spacing"):
        np.testing.assert_allclose(getattr(restored, name), getattr(problem, name), rtol=1e-7)
    assert restored.boundary == problem.boundary
    assert (restored.uptake is None) == (problem.uptake is None)
    if restored.uptake and problem.uptake:
        np.testing.assert_allclose(restored.uptake.vmax, problem.uptake.vmax, rtol=1e-7)
        assert restored.uptake.km == problem.uptake.km


# Shards.


def test_shards_train_like_samples_in_memory_whoever_makes_them(tmp_path: Path) -> None:
    index = make_shards(config(), tmp_path, samples_a_shard=3, workers=2)
    assert [index.samples, len(index.sha256)] == [7, 3]
    for samples in (7, 4):
        expected = batches(config(samples=samples), 5, seed=1)
        stored = batches(config(samples=samples, shards=tmp_path), 5, seed=1)
        for one, two in zip(expected, stored, strict=True):
            assert torch.equal(one.target, two.target)
            assert torch.equal(one.free, two.free)
    sent = pickle.loads(pickle.dumps(Shards(tmp_path, config())))  # as a worker gets it
    assert sent[6].numbers == KeptSample.of(*make_sample(config(), 6)).numbers


class KilledError(Exception):
    """Ends a call as a kill would."""


def test_a_killed_call_goes_on_and_makes_nothing_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def kill(done: float, text: str) -> None:
        if text.startswith("sample 5 of"):
            raise KilledError

    with pytest.raises(KilledError):
        make_shards(config(), tmp_path, samples_a_shard=2, workers=0, callback=kill)
    with pytest.raises(DamagedShardError, match="finish making them"):
        Shards(tmp_path, config())
    asked: list[list[int]] = []
    make_samples = making.make_samples

    def listen(data: DataConfig, numbers: list[int], *others: Any) -> Any:
        asked.append(numbers)
        return make_samples(data, numbers, *others)

    monkeypatch.setattr(making, "make_samples", listen)
    index = make_shards(config(), tmp_path, samples_a_shard=2, workers=0)
    assert asked == [[4, 5, 6]]
    make_shards(config(), tmp_path / "whole", samples_a_shard=2, workers=0)
    assert index == Index.read(tmp_path / "whole")


def test_more_samples_are_added_to_those_that_are_there(tmp_path: Path) -> None:
    make_shards(config(samples=4), tmp_path, samples_a_shard=2, workers=0)
    first = (tmp_path / "00000.safetensors").stat().st_mtime_ns
    assert make_shards(config(), tmp_path, samples_a_shard=2, workers=0).samples == 7
    assert (tmp_path / "00000.safetensors").stat().st_mtime_ns == first
    assert len(Shards(tmp_path, config())) == 7


@pytest.mark.parametrize("harm", ["changed", "missing", "no index", "mad index"])
def test_a_damaged_folder_is_named_and_repaired(tmp_path: Path, harm: str) -> None:
    before = make_shards(config(), tmp_path, samples_a_shard=3, workers=0)
    shard, index = tmp_path / "00001.safetensors", tmp_path / INDEX
    named = shard if harm in ("changed", "missing") else index
    if harm == "changed":
        content = bytearray(shard.read_bytes())
        content[-5] ^= 1
        shard.write_bytes(content)
    elif harm == "mad index":
        index.write_text("{")
    else:
        named.unlink()
    with pytest.raises(DamagedShardError, match=named.name):
        batches(config(shards=tmp_path), 4)
    if harm != "no index":
        with pytest.raises(DamagedShardError, match="--repair"):
            make_shards(config(), tmp_path, samples_a_shard=3, workers=0)
    assert make_shards(config(), tmp_path, samples_a_shard=3, workers=0, repair=True) == before
    assert len(batches(config(shards=tmp_path), 4)) == 4


def test_samples_of_another_configuration_are_refused(tmp_path: Path) -> None:
    make_shards(config(), tmp_path, workers=0)
    with pytest.raises(ValueError, match=r"data\.seed is 3"):
        Shards(tmp_path, config(seed=3))
    with pytest.raises(ValueError, match=r"data\.samples is 9.*holds 7"):
        Shards(tmp_path, config(samples=9))
    with pytest.raises(ValueError, match="another configuration"):
        make_shards(config(seed=3), tmp_path, workers=0)
    with pytest.raises(ValueError, match=r"data\.samples is not set"):
        make_shards(config(samples=None), tmp_path / "endless", workers=0)
