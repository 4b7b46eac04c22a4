"""An OME-Zarr of either version holds the same numbers and says the same of them, each in its own form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import surrogate_plugin as sp
from surrogate_plugin.cli import app
from surrogate_plugin.files import exports
from tests.pictures.footage import MadeUp

FILM: Any = MadeUp()


def written(path: Path, version: str) -> Path:
    exports.export(path, FILM, range(3), FILM.substrates, ngff=version)
    return path


def test_both_say_the_same_of_the_same_numbers(tmp_path: Path) -> None:
    import zarr

    old, new = (
        zarr.open_group(written(tmp_path / f"{version}.ome.zarr", version), mode="r") for version in ("0.4", "0.5")
    )
    assert (old.metadata.zarr_format, new.metadata.zarr_format) == (2, 3)
    np.testing.assert_array_equal(np.asarray(new["0"]), np.asarray(old["0"]))
    said, told = dict(old.attrs), dict(new.attrs)
    assert told["surrogate_plugin"] == said["surrogate_plugin"]
    image: Any = said["multiscales"][0]
    assert image.pop("version") == said["omero"].pop("version") == "0.4"
    assert told["ome"] == {
        "version": "0.5",
        "multiscales": [image | {"name": "0.5"}],
        "omero": said["omero"] | {"name": "0.5"},
    }


def test_arrays_of_zarr_3_name_their_axes(tmp_path: Path) -> None:
    path = written(tmp_path / "a.ome.zarr", "0.5")
    array = json.loads((path / "0" / "zarr.json").read_text(encoding="utf-8"))
    assert (array["zarr_format"], array["dimension_names"]) == (3, ["t", "c", "y", "x"])
    assert array["shape"] == [3, 2, 16, 24]
    assert not list(path.rglob(".z*"))


@pytest.mark.parametrize(("first", "then"), [("0.4", "0.5"), ("0.5", "0.4")])
def test_one_takes_the_place_of_the_other_whole(tmp_path: Path, first: str, then: str) -> None:
    once = sorted(
        each.relative_to(tmp_path / "b.ome.zarr") for each in written(tmp_path / "b.ome.zarr", then).rglob("*")
    )
    written(tmp_path / "a.ome.zarr", first)
    again = written(tmp_path / "a.ome.zarr", then)
    assert sorted(each.relative_to(again) for each in again.rglob("*")) == once


def test_without_a_word_it_is_the_one_that_most_programs_read(tmp_path: Path) -> None:
    exports.export(tmp_path / "a.ome.zarr", FILM, [0], FILM.substrates)
    assert json.loads((tmp_path / "a.ome.zarr" / ".zattrs").read_text())["multiscales"][0]["version"] == "0.4"


@pytest.mark.parametrize(
    ("name", "version", "sentence"),
    [
        ("a.ome.zarr", "0.6", "ngff is '0.6'; 0.4 or 0.5 is allowed."),
        ("a.csv", "0.5", "ngff is '0.5', but output 'a.csv' is no .ome.zarr"),
    ],
)
def test_other_versions_and_other_files_are_refused_at_once(
    tmp_path: Path, name: str, version: str, sentence: str
) -> None:
    with pytest.raises(sp.InvalidProblemError) as caught:
        exports.export(tmp_path / name, FILM, [0], FILM.substrates, ngff=version)
    assert sentence in str(caught.value)
    np.save(tmp_path / "field.npy", np.ones((8, 9)))
    arguments = ["export", str(tmp_path / "field.npy"), str(tmp_path / name), "--ngff", version]
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "300"})
    assert result.exit_code == 2
    assert sentence in " ".join(result.output.split())


def test_the_command_writes_what_is_asked_for(tmp_path: Path) -> None:
    np.save(tmp_path / "field.npy", np.linspace(0.0, 1.0, 72).reshape(8, 9))
    arguments = ["export", str(tmp_path / "field.npy"), str(tmp_path / "a.ome.zarr"), "--ngff", "0.5", "--quiet"]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    group = json.loads((tmp_path / "a.ome.zarr" / "zarr.json").read_text(encoding="utf-8"))
    assert group["attributes"]["ome"]["version"] == "0.5"
