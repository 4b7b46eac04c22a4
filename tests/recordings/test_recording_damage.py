"""Whatever a disk does to a recording, it is read right or refused in one sentence."""

from __future__ import annotations

import json
import pickle
import struct
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import surrogate_plugin as sp
from surrogate_plugin.recordings.reader import Recording, RecordingError
from surrogate_plugin.recordings.store import MOST_HEADER_BYTES
from surrogate_plugin.recordings.writer import Recorder
from tests.fuzzing import assert_one_sentence, file_damages, files_of, fresh, json_edits, slow
from tests.recordings.posed import SHAPE, assert_holds, assert_same, problems, record, recorded

POSED = problems(4)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recorded(tmp_path_factory.mktemp("sound") / "run.zarr", POSED)


@pytest.fixture(scope="module")
def older(sound: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording from before chunks carried a checksum."""
    path = fresh(sound, str(tmp_path_factory.mktemp("older")))
    without_checksums(path)
    return path


def without_checksums(path: Path) -> None:
    for name in files_of(path):
        file = path / name
        if name.endswith("/zarr.json"):
            layout = json.loads(file.read_text())
            layout["codecs"] = [codec for codec in layout["codecs"] if codec["name"] != "crc32c"]
            file.write_text(json.dumps(layout))
        elif name != "zarr.json":
            file.write_bytes(file.read_bytes()[:-4])


def read(path: Path, headers: tuple[Any, ...] | None) -> bool:
    """Whether all that can be read of a recording is right; False where something is refused."""
    try:
        recording = Recording(path)
    except RecordingError as error:
        assert_one_sentence(error)
        return False
    assert len(POSED) - 1 <= len(recording) <= len(POSED)  # one fewer is what a kill leaves
    if headers is not None:
        assert recording.headers == headers[: len(recording)]
    refused = 0
    for index in range(len(recording)):
        try:
            assert_same(recording.problem(index), POSED[index])
        except RecordingError as error:
            assert_one_sentence(error)
            refused += 1
    return refused == 0


def appended(path: Path) -> None:
    """Go on with a recording that may be damaged; where that is not refused, what is appended is there."""
    try:
        recorder = Recorder(path)
        recorder.open(SHAPE)
    except RecordingError as error:
        assert_one_sentence(error)
        return
    recorder.append(POSED[0], record(len(POSED)))


def damage_something(original: Path, data: st.DataObject, headers: tuple[Any, ...] | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = fresh(original, folder)
        for _ in range(data.draw(st.integers(1, 2))):
            there = files_of(path)
            file = path / data.draw(st.sampled_from(there))
            if file.name == "zarr.json" and data.draw(st.booleans()):
                try:
                    json_edits(file, data)
                except ValueError:  # no JSON any more, after the first damage
                    continue
            else:
                data.draw(file_damages())(file)
        read(path, headers)
        appended(path)


@settings(max_examples=50)
@given(data=st.data())
def test_a_damaged_recording_is_read_right_or_refused(sound: Path, data: st.DataObject) -> None:
    damage_something(sound, data, Recording(sound).headers)


@settings(max_examples=50)
@given(data=st.data())
def test_a_damaged_recording_without_checksums_is_read_right_or_refused(older: Path, data: st.DataObject) -> None:
    damage_something(older, data, None)


@slow
@settings(max_examples=4000)
@given(data=st.data())
def test_recordings_damaged_in_many_ways(sound: Path, older: Path, data: st.DataObject) -> None:
    if data.draw(st.booleans()):
        damage_something(older, data, None)
    else:
        damage_something(sound, data, Recording(sound).headers)


@pytest.mark.parametrize("how", ["lost", "empty", "half", "folder", "noise"])
def test_each_file_of_a_recording_may_be_damaged(sound: Path, tmp_path: Path, how: str) -> None:
    refused = 0
    names = files_of(sound)
    for number, name in enumerate(names):
        path = fresh(sound, str(tmp_path / str(number)))
        content = (path / name).read_bytes()
        (path / name).unlink()
        if how == "folder":
            (path / name).mkdir()
        elif how != "lost":
            noise = np.random.default_rng(number).bytes(len(content))
            (path / name).write_bytes({"empty": b"", "half": content[: len(content) // 2], "noise": noise}[how])
        refused += not read(path, Recording(sound).headers)
    assert refused == len(names)


@pytest.mark.parametrize("steps", [float("inf"), float("nan"), -1, 3.7, 3.0, True, None, "4", [4], 10**30, 5, 2])
def test_steps_is_a_whole_number_that_the_arrays_have(sound: Path, tmp_path: Path, steps: Any) -> None:
    path = fresh(sound, str(tmp_path))
    said = json.loads((path / "zarr.json").read_text())
    said["attributes"]["steps"] = steps
    (path / "zarr.json").write_text(json.dumps(said))
    for attempt in (lambda: Recording(path), lambda: Recorder(path).open(SHAPE)):
        with pytest.raises(RecordingError, match="is damaged: ") as caught:
            attempt()
        assert_one_sentence(caught.value)
    said["attributes"]["steps"] = 4
    (path / "zarr.json").write_text(json.dumps(said))
    assert_holds(path, POSED)  # nothing was cut off


@pytest.mark.parametrize("shape", [[9], [9, 13, 1], [0, 13], [9.0, 13], "9x13", None, [-9, 13], [13, 9]])
def test_shape_is_two_whole_numbers_that_the_arrays_have(sound: Path, tmp_path: Path, shape: Any) -> None:
    path = fresh(sound, str(tmp_path))
    said = json.loads((path / "zarr.json").read_text())
    said["attributes"]["shape"] = shape
    (path / "zarr.json").write_text(json.dumps(said))
    with pytest.raises(RecordingError, match="is damaged: "):
        Recording(path)


def test_a_chunk_that_claims_to_be_longer_than_its_file_never_reaches_blosc(older: Path, tmp_path: Path) -> None:
    """Blosc would copy two gigabytes from behind the end of the file, which ends the process."""
    path = fresh(older, str(tmp_path))
    file = path / "source" / "c" / "1" / "0" / "0"
    version, inner, _, size, *_ = struct.unpack("<BBBBIII", file.read_bytes()[:16])
    most = 2**31 - 17
    file.write_bytes(struct.pack("<BBBBIII", version, inner, 2, size, most, 2**15, most + 16) + bytes(84))
    with pytest.raises(RecordingError, match=r"source of step 1 cannot be read .*its chunk is of 100 bytes"):
        Recording(path).problem(1)


def test_what_a_header_says_of_its_maps_is_held_to_them(older: Path, tmp_path: Path) -> None:
    import zarr

    path = fresh(older, str(tmp_path))
    headers: Any = zarr.open_group(path, mode="r+")["header"]
    text = bytes(headers[2])
    pixels = json.loads(text)["free_pixels"]
    changed = text.replace(b'"free_pixels":%d' % pixels, b'"free_pixels":%d' % (pixels - 1))
    headers[2] = np.frombuffer(changed.ljust(len(text))[: len(text)], np.uint8)
    with pytest.raises(RecordingError, match="its header is not that of its maps"):
        Recording(path).problem(2)


def test_a_recording_of_older_layout_is_read_and_gone_on_with(older: Path, tmp_path: Path) -> None:
    path = fresh(older, str(tmp_path))
    assert_holds(path, POSED)
    Recorder(path).append(POSED[1], record(4))
    assert_holds(path, [*POSED, POSED[1]])


def test_a_header_longer_than_any_is_refused_by_the_recorder(tmp_path: Path) -> None:
    path = recorded(tmp_path / "run.zarr", POSED[:1])
    chatter = (sp.Flag(sp.Reason.NETWORK_FAILED, "x" * MOST_HEADER_BYTES),)
    with pytest.raises(RecordingError, match="at most 1048576 are allowed"):
        Recorder(path).append(POSED[1], record(1, flags=chatter))
    assert_holds(path, POSED[:1])


def test_a_recording_can_be_copied_and_pickled(sound: Path) -> None:
    again = pickle.loads(pickle.dumps(Recording(sound)))
    assert again.headers == Recording(sound).headers
    assert_same(again.problem(1), POSED[1])
