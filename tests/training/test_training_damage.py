"""Whatever a disk does to a run, its samples or what a study keeps, it is right or one sentence."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from surrogate_plugin.surrogate.card import checksum
from surrogate_training.damage import DamagedFileError
from surrogate_training.errors import sentence
from surrogate_training.loop import checkpoint
from surrogate_training.loop.trainer import Trainer
from surrogate_training.publishing.publish import selected_network
from surrogate_training.retraining.trials import kept_answers
from surrogate_training.samples.dataset import DataConfig, make_batch, make_sample
from surrogate_training.samples.finite import shuffled_batch
from surrogate_training.samples.kept import KeptSample
from surrogate_training.samples.make_shards import make_shards
from surrogate_training.samples.shards import INDEX, Shards, shard_name
from surrogate_training.samples.stream import stream
from surrogate_training.study.config import read_study
from surrogate_training.study.runner import run_study
from tests.fuzzing import assert_one_sentence, edits, file_damages, files_of, fresh, slow
from tests.training.test_training import tiny

#: What the commands say in one sentence.
DOCUMENTED = (ValueError, OSError, FloatingPointError)
SMALL: dict[str, Any] = {
    "network": {"hyperparameters": {"width": 8, "head": 8}},
    "data": {"batch": 1, "shape": [16, 16], "other_shapes": 0.0, "mirrors": 1},
    "stop": {"select": "best"},
    "optimiser": {"steps": 2, "warmup_steps": 0, "roll_back": True},
    "steps_per_epoch": 1,
}
STORED = DataConfig(shape=(16, 16), other_shapes=0.0, samples=3, batch=2, mirrors=1)


def told(error: Exception) -> None:
    assert_one_sentence(ValueError(sentence(error)))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "run"
    Trainer(tiny(**SMALL), folder).run()
    return folder


@pytest.fixture(scope="module")
def older(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run from before checkpoints carried a digest."""
    folder = fresh(run, str(tmp_path_factory.mktemp("older")))
    for name in (checkpoint.FILE, checkpoint.BEST):
        change_metadata(folder / name, lambda metadata: metadata.pop("digest"))
    return folder


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shards") / "shards"
    make_shards(STORED, folder, samples_a_shard=2, workers=0)
    return folder


def change_metadata(path: Path, change: Any) -> None:
    """Edit what a safetensors file says beside its tensors."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    change(header["__metadata__"])
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + length :])


# Checkpoints.


def go_on(folder: Path, whole: Path | None = None) -> None:
    """Resume, take a step and publish what can be."""
    for attempt in (lambda: resumed(folder, whole), lambda: selected_network(folder)):
        try:
            attempt()
        except DOCUMENTED as error:
            told(error)


def resumed(folder: Path, whole: Path | None) -> None:
    there = (folder / checkpoint.FILE).is_file()
    trainer = Trainer(tiny(**SMALL), folder)
    if whole is not None and there:
        expected = load_file(whole / checkpoint.FILE)
        found = checkpoint.state(trainer.network, trainer.average, trainer.optimiser)
        assert all(torch.equal(value, expected[name]) for name, value in found.items())
    trainer.step(make_batch(trainer.config.data, "train", 0))


def damage_run(original: Path, data: st.DataObject, whole: Path | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = fresh(original, folder)
        file = path / data.draw(st.sampled_from([checkpoint.FILE, checkpoint.BEST]))
        if data.draw(st.booleans()):
            data.draw(file_damages())(file)
        else:
            part = data.draw(st.sampled_from(["config", "progress"]))

            def change(metadata: dict[str, Any]) -> None:
                metadata[part] = json.dumps(data.draw(edits(json.loads(metadata[part]))))

            change_metadata(file, change)
        go_on(path, whole)


@settings(max_examples=25)
@given(data=st.data())
def test_a_damaged_checkpoint_is_gone_on_from_bit_by_bit_or_refused(run: Path, data: st.DataObject) -> None:
    damage_run(run, data, run)


@settings(max_examples=25)
@given(data=st.data())
def test_a_damaged_checkpoint_without_a_digest_is_gone_on_from_or_refused(older: Path, data: st.DataObject) -> None:
    damage_run(older, data, None)


@slow
@settings(max_examples=1500)
@given(data=st.data())
def test_runs_damaged_in_many_ways(run: Path, older: Path, data: st.DataObject) -> None:
    damage_run(*data.draw(st.sampled_from([(run, data, run), (older, data, None)])))


def test_one_flipped_bit_of_a_checkpoint_is_damage(run: Path, tmp_path: Path) -> None:
    path = fresh(run, str(tmp_path))
    content = bytearray((path / checkpoint.FILE).read_bytes())
    content[-5000] ^= 1
    (path / checkpoint.FILE).write_bytes(content)
    with pytest.raises(DamagedFileError, match="its digest is not that of what it holds") as caught:
        Trainer(tiny(**SMALL), path)
    assert_one_sentence(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        lambda tensors: tensors.pop("random"),
        lambda tensors: tensors.pop("network.stem.weight"),
        lambda tensors: tensors.update({"random": torch.zeros(3)}),
        lambda tensors: tensors.update({"optimiser.0.exp_avg": torch.zeros(2)}),
        lambda tensors: tensors.update({"optimiser.99.exp_avg": torch.zeros(2)}),
        lambda tensors: tensors.update({"optimiser.x": torch.zeros(2)}),
        lambda tensors: tensors.update({"average.stem.weight": torch.zeros(8)}),
        lambda tensors: tensors.update({"rollback.backup.average.stem.weight": torch.zeros(8)}),
        lambda tensors: tensors.clear(),
    ],
)
def test_a_checkpoint_of_something_else_is_refused(older: Path, tmp_path: Path, change: Any) -> None:
    path = fresh(older, str(tmp_path))
    tensors = load_file(path / checkpoint.FILE)
    with_metadata: dict[str, str] = {}
    change_metadata(path / checkpoint.FILE, with_metadata.update)
    change_metadata(path / checkpoint.FILE, lambda metadata: with_metadata.update(metadata))
    change(tensors)
    save_file(tensors, path / checkpoint.FILE, with_metadata)
    with pytest.raises(DamagedFileError, match=r"checkpoint\.safetensors is damaged .*; put back a copy") as caught:
        Trainer(tiny(**SMALL), path)
    assert_one_sentence(caught.value)


def test_a_device_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    if torch.backends.mps.is_available():
        pytest.skip("it is there")
    with pytest.raises(ValueError, match=r"device is 'mps', which cannot be used here \(.*\); try 'cpu'\."):
        Trainer(tiny(device="mps"), tmp_path)


# Shards.


def read_all(folder: Path) -> None:
    stored = Shards(folder, STORED)
    for index in range(2):
        shuffled_batch(STORED, stored, index, 0)


def sums(folder: Path) -> dict[str, str]:
    return {name: checksum(folder / name) for name in files_of(folder) if name != INDEX}


def read_or_refused(folder: Path) -> None:
    try:
        read_all(folder)
    except DOCUMENTED as error:
        told(error)


def damage_shards(original: Path, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = fresh(original, folder)
        index = json.loads((path / INDEX).read_text())
        counts = {name: value for name, value in index.items() if name != "data"}
        for tree in [counts] * 14 + [index] * 2:
            (path / INDEX).write_text(json.dumps(index | data.draw(edits(tree))))
            read_or_refused(path)
        (path / INDEX).write_text(json.dumps(index))
        file = path / data.draw(st.sampled_from(files_of(path)))
        data.draw(file_damages())(file)
        if file.name != INDEX and file.is_file() and data.draw(st.booleans()):  # somebody who knows of the checksums
            (path / INDEX).write_text(json.dumps(index | {"sha256": sums(path)}))
        read_or_refused(path)


@settings(max_examples=40)
@given(data=st.data())
def test_damaged_samples_are_read_or_refused(shards: Path, data: st.DataObject) -> None:
    damage_shards(shards, data)


@slow
@settings(max_examples=1500)
@given(data=st.data())
def test_samples_damaged_in_many_ways(shards: Path, data: st.DataObject) -> None:
    damage_shards(shards, data)


@pytest.mark.parametrize("value", [3e38, -1.0, float("nan"), float("inf")])
def test_a_stored_field_that_no_problem_has_is_damage(value: float) -> None:
    problem, field = make_sample(STORED, 0)
    field[3, 3] = value
    with np.errstate(all="ignore"):
        sample = KeptSample.of(problem, field)
    with pytest.raises(DamagedFileError, match="its field is not one of its problem") as caught:
        sample.restore()
    assert_one_sentence(caught.value)


def test_samples_of_another_distribution_are_told_apart_in_a_sentence(shards: Path, tmp_path: Path) -> None:
    path = fresh(shards, str(tmp_path))
    index = json.loads((path / INDEX).read_text())
    index["data"]["distribution"] |= {"kind": "x" * 300, "km": "x" * 300}
    (path / INDEX).write_text(json.dumps(index))
    with pytest.raises(ValueError, match=r"data\.distribution is .* were made with .*; make them equal") as caught:
        read_all(path)
    assert_one_sentence(caught.value)


def test_what_a_worker_cannot_read_is_one_sentence(shards: Path, tmp_path: Path) -> None:
    path = fresh(shards, str(tmp_path))
    for shard in (0, 1):
        (path / shard_name(shard)).write_bytes(b"nothing")
    config = STORED.model_copy(update={"samples": None, "shards": path})
    with pytest.raises(DamagedFileError, match="does not have its checksum; remake it") as caught:
        next(stream(config, 0, 1))
    assert_one_sentence(caught.value)


def test_a_worker_that_is_killed_is_one_sentence() -> None:
    config = DataConfig(shape=(16, 16), other_shapes=0.0, batch=1, mirrors=1)
    others = set(multiprocessing.active_children())
    batches = stream(config, 0, 1)
    next(batches)
    (worker,) = set(multiprocessing.active_children()) - others
    os.kill(worker.pid or 0, signal.SIGKILL)
    worker.join()
    with pytest.raises(ChildProcessError, match="a process that makes samples was ended from outside") as caught:
        for _ in batches:
            pass
    told(caught.value)


@pytest.mark.parametrize("changes", [{"samples_a_shard": 0}, {"samples": -1}, {"version": 2}, {"samples": 1.5}])
def test_an_index_with_absurd_numbers_is_refused(shards: Path, tmp_path: Path, changes: dict[str, Any]) -> None:
    path = fresh(shards, str(tmp_path))
    (path / INDEX).write_text(json.dumps(json.loads((path / INDEX).read_text()) | changes))
    with pytest.raises(DamagedFileError, match=r"index\.json is damaged") as caught:
        read_all(path)
    assert_one_sentence(caught.value)


# What studies and retrainings keep.


@pytest.mark.parametrize("text", ["", "{", "[3]", '{"kind": "seeds"}', "\x00"])
def test_damaged_files_of_studies_and_retrainings_are_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "study.json").write_text(text)
    (tmp_path / "parent.json").write_text(text)
    for attempt in (
        lambda: run_study(read_study("study-seeds"), tmp_path),
        lambda: kept_answers(tmp_path / "parent.json", dict),
    ):
        with pytest.raises(DamagedFileError, match=r"json is damaged .*; remove it") as caught:
            attempt()
        assert_one_sentence(caught.value)
