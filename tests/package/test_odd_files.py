"""What is no plain file, where one is meant: a pipe that nobody writes into, a device, a loop of links."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from surrogate_plugin import cli
from surrogate_plugin.plain_files import read_plain
from surrogate_plugin.surrogate.failures import ModelError
from surrogate_plugin.surrogate.model import load
from surrogate_plugin.whole_files import UnwritableError, replacing
from tests.fuzzing import assert_one_sentence
from tests.surrogate.test_model import write_model

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")


def pipe(path: Path) -> None:
    os.mkfifo(path)


def listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind(str(path))


@pytest.mark.parametrize("make", [pipe, listening])
@pytest.mark.parametrize("by_link", [False, True])
def test_a_file_takes_the_place_of_a_file_alone(tmp_path: Path, make, by_link: bool) -> None:
    there = tmp_path / "there"
    make(there)
    before, asked = there.lstat(), there
    if by_link:
        asked = tmp_path / "link"
        asked.symlink_to(there)
    with pytest.raises(UnwritableError, match="it is a device, a pipe or a socket") as caught, replacing(asked):
        pass
    assert_one_sentence(caught.value)
    assert there.lstat().st_ino == before.st_ino
    assert not stat.S_ISREG(there.lstat().st_mode)
    assert {path.name for path in tmp_path.iterdir()} <= {"there", "link"}


def never_read(path: Path) -> None:
    """A pipe into which nobody writes: whoever opened it would wait for ever."""
    os.mkfifo(path)


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def sparse(path: Path) -> None:
    """A file of a terabyte that takes no room."""
    with path.open("wb") as stream:
        stream.truncate(2**40)


def loop(path: Path) -> None:
    path.symlink_to(path.name)


ODD = [never_read, endless, sparse, loop, Path.mkdir]
odd = pytest.mark.parametrize("make", ODD, ids=lambda make: make.__name__)


@odd
def test_what_is_no_plain_file_is_not_read(tmp_path: Path, make) -> None:
    make(tmp_path / "there")
    with pytest.raises(OSError) as caught:  # noqa: PT011 - which of them is the system's
        read_plain(tmp_path / "there", most=1000)
    assert caught.value.strerror


@pytest.mark.parametrize("length", [0, 1, 999, 1000])
def test_a_plain_file_is_read_whole(tmp_path: Path, length: int) -> None:
    content = bytes(range(256)) * 4
    (tmp_path / "there").write_bytes(content[:length])
    assert read_plain(tmp_path / "there", most=1000) == content[:length]


def test_a_pipe_of_a_shell_is_read(tmp_path: Path) -> None:
    """As of ``<(echo ...)``: it has no name in any folder, and somebody writes."""
    reading, writing = os.pipe()
    os.write(writing, b"x" * 1001)
    os.close(writing)
    with pytest.raises(OSError, match="longer than 1,000 bytes"):
        read_plain(Path(f"/dev/fd/{reading}"), most=1000)
    os.close(reading)


@odd
@pytest.mark.parametrize("part", [".json", ".safetensors"])
def test_a_model_one_of_whose_files_is_none_is_refused(tmp_path: Path, make, part: str) -> None:
    weights = write_model(tmp_path)
    weights.with_suffix(part).unlink()
    make(weights.with_suffix(part))
    with pytest.raises(ModelError) as caught:
        load(weights, "cpu")
    assert_one_sentence(caught.value)


@pytest.mark.parametrize("name", ["x" * 300, "x" * 3000, "a\nb", "x/" * 3000])
def test_a_model_by_a_name_that_no_file_has_is_refused(tmp_path: Path, name: str) -> None:
    for asked in (f"{tmp_path}/{name}.safetensors", name.strip("/")):
        with pytest.raises(ModelError) as caught:
            load(asked, "cpu")
        assert_one_sentence(caught.value)


def test_weights_that_change_while_they_are_read_are_those_of_the_card_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was held to the checksum is what is used: the file is opened once."""
    weights, other = write_model(tmp_path), write_model(tmp_path, "other", seed=1)
    expected = load(weights, "cpu").network.state_dict()

    def replaced(path: Path, most: int) -> bytes:
        content = read_plain(path, most)
        if path == weights:
            os.truncate(weights, 100)
            weights.write_bytes(other.read_bytes())
        return content

    monkeypatch.setattr("surrogate_plugin.surrogate.model.read_plain", replaced)
    found = load(weights, "cpu").network.state_dict()
    assert all(found[name].equal(expected[name]) for name in expected)


@odd
def test_commands_tell_what_is_no_file(tmp_path: Path, make) -> None:
    for suffix, arguments in {
        ".toml": [["run"], ["ensemble"], ["train", "--out", "run"], ["distribution", "--out", "seen"]],
        ".npz": [["certify", str(tmp_path / "field.npy"), "--problem"]],
        ".xml": [["physicell", "check"]],
    }.items():
        np.save(tmp_path / "field.npy", np.eye(8))
        make(path := (tmp_path / "there").with_suffix(suffix))
        for given in arguments:
            result = CliRunner().invoke(cli.app, [*given, str(path)], env={"COLUMNS": "2000"})
            assert result.exit_code == 2, (given, result.output)
            (said,) = result.stderr.splitlines()
            assert said.startswith("Error: ")
            assert said.endswith(".")
