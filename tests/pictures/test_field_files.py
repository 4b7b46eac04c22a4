"""Fields to files: what is written beside them, and nothing lost where a disk is full."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from surrogate_plugin import InvalidProblemError
from surrogate_plugin.files import Choice, Told, check_writable, draw_example, read_field, read_source, write_field

TOLD = Told("multigrid", error_bound=0.0123456789, tolerance=0.38, units="mmHg", length_units="µm")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(field=hnp.arrays(np.float64, st.tuples(st.integers(8, 20), st.integers(8, 20)), elements=st.floats(0, 1)))
def test_a_grey_picture_comes_back_to_within_its_256_shades(tmp_path: Path, field: np.ndarray) -> None:
    field[0, 0] = 1.0
    write_field(tmp_path / "field.png", field, colours="gray")
    back = read_source(tmp_path / "field.png", Choice(values=True))
    np.testing.assert_allclose(back.values, field, atol=2 / 255)


def test_a_path_may_be_text(tmp_path: Path) -> None:
    draw_example(str(tmp_path / "vessels.png"))
    source = read_source(str(tmp_path / "vessels.png"), Choice(white=38.0))
    write_field(str(tmp_path / "field.npy"), source.values)
    np.testing.assert_array_equal(read_field(str(tmp_path / "field.npy")).values, source.values)
    assert source.fixed.any()


def test_a_scene_keeps_positions_spacing_and_what_is_known(tmp_path: Path) -> None:
    pyvista = pytest.importorskip("pyvista")
    field = np.random.default_rng(0).random((8, 13))
    write_field(tmp_path / "deep" / "field.vti", field, spacing=20.0, told=TOLD)
    scene = pyvista.read(tmp_path / "deep" / "field.vti")
    assert scene.dimensions == (13, 8, 1)
    index = scene.find_closest_point((20.0 * (5 + 0.5), 20.0 * (2 + 0.5), 0.0))
    assert scene.point_data["field"][index] == field[2, 5]
    for name, value in TOLD.items().items():
        assert scene.field_data[name][0] == value


@pytest.mark.parametrize("bound", [float("inf"), 1e-300, 0.0])
def test_any_bound_is_written_in_full(tmp_path: Path, bound: float) -> None:
    pyvista = pytest.importorskip("pyvista")
    write_field(tmp_path / "field.vti", np.eye(8), told=Told(error_bound=bound))
    assert pyvista.read(tmp_path / "field.vti").field_data["error_bound"][0] == bound
    write_field(tmp_path / "field.png", np.eye(8), told=Told(error_bound=bound))
    with Image.open(tmp_path / "field.png") as made:
        assert float(made.text["error_bound"]) == bound


def test_a_picture_says_what_is_known_and_what_its_colours_mean(tmp_path: Path) -> None:
    write_field(tmp_path / "field.png", 38.0 * np.eye(8), spacing=20.0, told=TOLD)
    with Image.open(tmp_path / "field.png") as made:
        text = made.text
    assert {name: text[name] for name in ("method", "units", "length_units")} == {
        "method": "multigrid", "units": "mmHg", "length_units": "µm",
    }  # fmt: skip
    numbers = {name: float(text[name]) for name in ("error_bound", "tolerance", "spacing", "highest_colour")}
    assert numbers == {"error_bound": 0.0123456789, "tolerance": 0.38, "spacing": 20.0, "highest_colour": 38.0}


def test_a_constant_field_is_a_picture_too(tmp_path: Path) -> None:
    write_field(tmp_path / "field.png", np.zeros((8, 8)))
    with Image.open(tmp_path / "field.png") as made:
        assert made.size == (8, 8)


def test_unknown_outputs_and_colours_are_refused(tmp_path: Path) -> None:
    for act in (check_writable, lambda path, **options: write_field(path, np.zeros((8, 8)), **options)):
        with pytest.raises(InvalidProblemError, match=r"\.npy, \.png, \.vti"):
            act(tmp_path / "field.jpeg2000")
        with pytest.raises(InvalidProblemError, match="no-such-map"):
            act(tmp_path / "field.png", colours="no-such-map")


def test_what_cannot_be_written_is_known_before(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file")
    (tmp_path / "folder.npy").mkdir()
    for path, says in {
        tmp_path / "file" / "field.npy": "not a folder",
        tmp_path / "file" / "deeper" / "field.npy": "not a folder",
        tmp_path / "folder.npy": "is a folder",
    }.items():
        with pytest.raises(OSError, match=says):
            check_writable(path)
    with pytest.raises(OSError, match="make room"):
        check_writable(tmp_path / "field.npy", pixels=10**15)
    before = set(tmp_path.rglob("*"))
    check_writable(tmp_path / "new" / "folder" / "field.npy", pixels=100)
    assert set(tmp_path.rglob("*")) == before


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder in which nobody may write")
def test_a_folder_that_takes_no_files_is_known_before() -> None:
    with pytest.raises(OSError, match="cannot be written"):
        check_writable(Path("/proc/field.npy"))


@pytest.mark.skipif(os.name != "posix", reason="limits the size of files as a full disk would")
@pytest.mark.parametrize("suffix", ["npy", "png", "vti"])
def test_a_full_disk_is_one_sentence_and_costs_nothing_that_was_there(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"field.{suffix}"
    path.write_bytes(b"from before")
    code = f"""
import resource
from pathlib import Path
import numpy as np
from surrogate_plugin.files import write_field
resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
try:
    write_field(Path({str(path)!r}), np.random.default_rng(0).random((128, 128)))
except OSError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert f"{path} could not be written (file too large)" in done.stdout
    assert done.stdout.count("\n") == 1
    assert path.read_bytes() == b"from before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name != "posix", reason="limits the size of files as a full disk would")
def test_a_series_on_a_full_disk_keeps_the_frames_before(tmp_path: Path) -> None:
    pyvista = pytest.importorskip("pyvista")
    code = f"""
import resource
from pathlib import Path
import numpy as np
from surrogate_plugin import Domain
from surrogate_plugin.pictures.view import Series
film = Series(Path({str(tmp_path)!r}), "oxygen")
domain = Domain((0.0, 0.0), (2560.0, 2560.0), (128, 128))
field = np.random.default_rng(0).random((128, 128))
film.add(0.0, domain, {{"oxygen": field}}, told={{"error_bound": 0.25, "units": "mmHg"}})
resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
try:
    film.add(6.0, domain, {{"oxygen": field}})
except OSError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "oxygen_0001.vti could not be written" in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["oxygen.pvd", "oxygen_0000.vti"]
    assert "oxygen_0001" not in (tmp_path / "oxygen.pvd").read_text()
    kept = pyvista.read(tmp_path / "oxygen_0000.vti")
    assert (kept.field_data["error_bound"][0], kept.field_data["units"][0]) == (0.25, "mmHg")


def test_the_example_is_a_mask_and_never_overwrites(tmp_path: Path) -> None:
    path = tmp_path / "vessels.png"
    draw_example(path)
    draw_example(path)
    source = read_source(path, Choice(white=38.0))
    assert source.fixed.shape == (256, 256)
    assert 0.03 < source.fixed.mean() < 0.3
    assert not source.warnings
    path.write_bytes(b"mine")
    with pytest.raises(InvalidProblemError, match="there already"):
        draw_example(path)
    assert path.read_bytes() == b"mine"
    with pytest.raises(InvalidProblemError, match="png"):
        draw_example(tmp_path / "vessels.jpg")
