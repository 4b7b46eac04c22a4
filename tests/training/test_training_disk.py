"""A disk that is full costs a training command one sentence, and nothing that it has written before."""

from __future__ import annotations

import errno
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from surrogate_plugin.cli import app
from surrogate_plugin.whole_files import UnwritableError, replacing, write_text
from surrogate_training.loop import checkpoint
from surrogate_training.loop.runlog import RunLog
from surrogate_training.loop.trainer import Trainer
from surrogate_training.samples.dataset import DataConfig
from surrogate_training.samples.make_shards import make_shards
from tests.fuzzing import assert_one_sentence, files_of
from tests.training.test_training import tiny
from tests.training.test_training_commands import TINY

STUDY = """
kind = "losses"
seeds = [0]
test_per_count = 1
losses = [{ kind = "mae" }]
[base]
workers = 0
validation_batches = 1
validate_steps = 1
[base.network.hyperparameters]
width = 8
[base.data]
batch = 2
shape = [16, 16]
other_shapes = 0.0
distribution = { kind = "paper", sources = [1, 2], radius = [2.0, 2.0] }
[base.optimiser]
steps = 2
"""


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file may grow beyond ``size`` bytes: the kernel refuses the rest, as on a full disk."""
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "200"})


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return path


def assert_refused(result: Result, *said: str) -> None:
    assert result.exit_code == 2, result.output
    _, _, complaint = result.stderr.rstrip("\n").rpartition("Error: ")
    assert "could not be written (" in complaint
    assert all(word in complaint for word in said)
    assert_one_sentence(ValueError(complaint))


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in files_of(folder)}


def test_training_on_a_full_disk_leaves_the_checkpoint_and_goes_on(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    # Kernels that had to be compiled first could not be kept, and would be told of.
    assert run("train", config, "--out", tmp_path / "before", "--steps", 2, "--batch", 1).exit_code == 0
    with room_for(2000):
        assert_refused(run("train", config, "--out", out, "--steps", 2, "--batch", 1), ".safetensors")
    assert files_of(out) == []
    assert run("train", config, "--out", out, "--steps", 2, "--batch", 1).exit_code == 0
    unfinished(out)
    before = contents(out)
    with room_for(2000):
        assert_refused(run("train", config, "--out", out), ".safetensors")
    assert contents(out) == before
    gone_on = run("train", config, "--out", out)
    assert gone_on.exit_code == 0, gone_on.output
    assert checkpoint.load(out)[1].step == 3


def unfinished(run: Path) -> None:
    """Make a finished run one that was killed a step before its end."""
    config, progress, tensors = checkpoint.load(run)
    optimiser = config.optimiser.model_copy(update={"steps": progress.step + 1})
    progress.finished = False
    tensors.pop("random")
    checkpoint.save(run, config.model_copy(update={"optimiser": optimiser}), progress, tensors)


def test_publishing_on_a_full_disk_leaves_the_model_that_was_there(config: Path, tmp_path: Path) -> None:
    out, models = tmp_path / "run", tmp_path / "models"
    assert run("train", config, "--out", out, "--steps", 1, "--batch", 1).exit_code == 0
    for before in ({}, None):
        if before is None:
            assert run("publish", out, models).exit_code == 0
            before = contents(models)
        with room_for(500):
            assert_refused(run("publish", out, models), "tiny.safetensors")
        assert contents(models) == before


def test_samples_on_a_full_disk_go_on_where_there_is_room(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "shards"
    arguments = ("samples", config, "--out", out, "--count", 3, "--samples-a-shard", 1)
    with room_for(500):
        assert_refused(run(*arguments), "00000.safetensors")
    assert files_of(out) == []
    assert run(*arguments).exit_code == 0
    assert len(files_of(out)) == 4


@pytest.mark.parametrize("size", [200, 3000, 20_000])
def test_a_study_on_a_full_disk_goes_on_where_there_is_room(tmp_path: Path, size: int) -> None:
    file, out = tmp_path / "study.toml", tmp_path / "study"
    file.write_text(STUDY)
    with room_for(size):
        assert_refused(run("study", "losses", file, "--out", out))
    assert not [name for name in files_of(out) if ".partial" in name]
    done = run("study", "losses", file, "--out", out)
    assert done.exit_code == 0, done.output


def test_what_cannot_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    write_text(path, "before")
    too_large = r"notes.txt could not be written \(file too large\); what was"
    with pytest.raises(UnwritableError, match=too_large) as caught, room_for(100):
        write_text(path, "x" * 200)
    assert_one_sentence(caught.value)
    with pytest.raises(KeyError), replacing(path) as partial:
        write_and_fail(partial)
    assert contents(tmp_path) == {"notes.txt": b"before"}
    (tmp_path / "file").write_text("")
    with pytest.raises(UnwritableError, match="file exists"):
        write_text(tmp_path / "file" / "notes.txt", "")


def write_and_fail(partial: Path) -> None:
    partial.write_text("half of it")
    raise KeyError


def test_every_writer_says_so_where_no_room_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What only a disk can do, as the kernel puts it."""

    def full(*arguments: Any, **options: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    log = RunLog(tmp_path, 0, False)
    log.validated({"step": 1, "samples": 4, "loss": 0.5})
    before = contents(tmp_path)
    monkeypatch.setattr("os.replace", full)
    data = DataConfig(shape=(16, 16), other_shapes=0.0, samples=1)
    for attempt in (
        lambda: log.validated({"step": 2, "samples": 8, "loss": 0.4}),
        lambda: RunLog(tmp_path, 0, False),
        lambda: make_shards(data, tmp_path / "shards", workers=0),
        lambda: Trainer(tiny(optimiser={"steps": 1}), tmp_path / "run").run(),
    ):
        with pytest.raises(UnwritableError, match=r"could not be written \(no space left on device\)") as caught:
            attempt()
        assert_one_sentence(caught.value)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("tail", ["4,", "x,y,z\n", "3,12,0.4", "\x00\x00\n", "7,8,0.1,0.2\n"])
def test_a_log_cut_short_loses_the_rows_that_are_not_whole(tmp_path: Path, tail: str) -> None:
    log = RunLog(tmp_path, 0, False)
    for step in (1, 2):
        log.validated({"step": step, "samples": 4 * step, "loss": 0.5})
    whole = (tmp_path / "log.csv").read_bytes()
    with (tmp_path / "log.csv").open("a") as file:
        file.write(tail)
    RunLog(tmp_path, 5, False)
    assert (tmp_path / "log.csv").read_bytes() == whole
