"""What is no plain file, where one is meant: a pipe that nobody writes into, a device, a loop of links."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from surrogate_plugin.whole_files import UnwritableError, replacing
from tests.fuzzing import assert_one_sentence

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
