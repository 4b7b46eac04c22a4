"""What is no recording, or a damaged one, is refused in a sentence and left alone."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path

import numpy as np
import pytest
import zarr

import surrogate_plugin as sp
from surrogate_plugin.equation.codec import digest
from surrogate_plugin.recordings.reader import Recording, RecordingError
from surrogate_plugin.recordings.writer import Recorder
from tests.recordings.posed import SHAPE, assert_holds, problems, recorded


def test_an_array_that_lost_a_chunk_is_told_from_one_of_zeros(tmp_path: Path) -> None:
    source = np.zeros(SHAPE)
    source[3, 4] = 1.0
    decay = np.full(SHAPE, 0.1)
    decay[0, 0] = 0.3
    posed = [sp.Problem(source, decay=decay, production=np.eye(*SHAPE)) for _ in range(3)]
    path = recorded(tmp_path / "run.zarr", posed)
    assert_holds(path, posed)
    shutil.rmtree(path / "source" / "c" / "0")
    shutil.rmtree(path / "fixed" / "c" / "1")
    recording = Recording(path)
    with pytest.raises(RecordingError, match=r"step 0 of .* is damaged: source is NaN"):
        recording.problem(0)
    with pytest.raises(RecordingError, match=r"step 1 of .* is damaged: its maps are not those"):
        recording.problem(1)
    other = zarr.open_group(path, mode="r+")["decay"]
    other[2] = 0.2
    with pytest.raises(RecordingError, match=r"step 2 of .* is damaged: its maps are not those"):
        recording.problem(2)
    zarr.open_group(path, mode="r+")["source"][2, 5, 5] = 0.5  # which no operator feels
    other[2] = decay
    with pytest.raises(RecordingError, match=r"step 2 of .* is damaged: its maps are not those"):
        recording.problem(2)
    shutil.rmtree(path / "header" / "c" / "1")
    with pytest.raises(RecordingError, match=r"the header of step 1"):
        Recording(path)


def foreign(path: Path, kind: str) -> None:
    if kind == "file":
        path.write_text("notes")
    elif kind == "folder":
        path.mkdir()
        (path / "notes.txt").write_text("notes")
    elif kind == "group":
        zarr.create_group(path, attributes={"steps": 3})
    elif kind == "array":
        zarr.create_array(path, shape=(3,), dtype="float64")
    else:
        recorded(path, problems(2))
        store = zarr.open_group(path, mode="r+")
        if kind == "later":
            store.attrs["version"] = 99
        elif kind == "short":
            store["decay"].resize((1, *SHAPE))
        elif kind == "lost":
            shutil.rmtree(path / "vmax")
        elif kind == "broken":
            (path / "zarr.json").write_text("{")


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("file", "something other than a recording"),
        ("folder", "something other than a recording"),
        ("group", "something other than a recording"),
        ("array", "something other than a recording"),
        ("lost", "is damaged"),
        ("broken", "something other than a recording"),
        ("later", "has layout 99 of a recording, this package knows 1"),
        ("short", "is damaged"),
    ],
)
def test_what_is_no_recording_is_refused_and_left_alone(tmp_path: Path, kind: str, says: str) -> None:
    path = tmp_path / "run.zarr"
    foreign(path, kind)
    before = sorted((file, file.stat().st_mtime_ns) for file in tmp_path.rglob("*") if file.is_file())
    for attempt in (lambda: Recorder(path).open(SHAPE), lambda: Recording(path)):
        with pytest.raises(RecordingError, match=says) as caught:
            attempt()
        assert "\n" not in str(caught.value)
    assert sorted((file, file.stat().st_mtime_ns) for file in tmp_path.rglob("*") if file.is_file()) == before


def test_a_missing_recording_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="there is no recording at"):
        Recording(tmp_path / "none.zarr")
    assert not (tmp_path / "none.zarr").exists()


@pytest.mark.parametrize("every", [0, -1, 1.5, True, "2"])
def test_every_is_a_whole_number_of_at_least_one(every: object) -> None:
    with pytest.raises(ValueError, match=r"every is .*; a whole number of at least 1"):
        Recorder("run.zarr", every=every)


@pytest.mark.parametrize("name", ["diffusivity", "decay", "production", "uptake"])
def test_a_map_of_one_value_that_was_recorded_as_a_map_is_no_damage(tmp_path: Path, name: str) -> None:
    posed = sp.Problem(np.eye(*SHAPE), production=0.5, uptake=sp.MichaelisMenten(2.0, 0.1))
    full = sp.MichaelisMenten(np.full(SHAPE, 2.0), 0.1) if name == "uptake" else np.full(SHAPE, getattr(posed, name))
    older = copy.copy(posed)
    object.__setattr__(older, name, full)
    assert digest(older.parts) != digest(posed.parts)
    assert_holds(recorded(tmp_path / "run.zarr", [older]), [posed])
