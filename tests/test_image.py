"""Files in and out: which way is up, which value is white, and one sentence for what cannot be read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from surrogate_plugin import InvalidProblemError, image


def picture(path: Path, pixels: np.ndarray, mode: str | None = None) -> Path:
    made = Image.fromarray(pixels)
    (made.convert(mode) if mode else made).save(path)
    return path


def test_the_top_row_of_a_picture_is_the_highest_y(tmp_path: Path) -> None:
    pixels = np.zeros((9, 14), dtype=np.uint8)
    pixels[0, 3] = 255
    lattice = image.read_lattice(picture(tmp_path / "a.png", pixels), white=38.0)
    assert lattice.shape == (9, 14)
    assert lattice[8, 3] == pytest.approx(38.0)
    assert np.count_nonzero(lattice) == 1


@pytest.mark.parametrize(
    ("pixels", "mode", "suffix"),
    [
        (np.full((8, 9), 255, np.uint8), None, "png"),
        (np.full((8, 9), 255, np.uint8), "1", "png"),
        (np.full((8, 9), 255, np.uint8), "P", "png"),
        (np.full((8, 9), 65535, np.uint16), None, "png"),
        (np.full((8, 9, 3), 255, np.uint8), None, "png"),
        (np.full((8, 9, 4), 255, np.uint8), None, "png"),
        (np.full((8, 9), 1.0, np.float32), None, "tiff"),
    ],
)
def test_white_stands_for_the_value_given_in_every_kind_of_picture(
    tmp_path: Path, pixels: np.ndarray, mode: str | None, suffix: str
) -> None:
    lattice = image.read_lattice(picture(tmp_path / f"a.{suffix}", pixels, mode), white=38.0)
    np.testing.assert_allclose(lattice, np.full((8, 9), 38.0), rtol=1e-12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(field=hnp.arrays(np.float64, st.tuples(st.integers(8, 20), st.integers(8, 20)), elements=st.floats(0, 1e12)))
def test_numbers_come_back_as_they_went(tmp_path: Path, field: np.ndarray) -> None:
    image.write_field(tmp_path / "field.npy", field)
    np.testing.assert_array_equal(image.read_lattice(tmp_path / "field.npy"), field)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(field=hnp.arrays(np.float64, st.tuples(st.integers(8, 20), st.integers(8, 20)), elements=st.floats(0, 1)))
def test_a_grey_picture_comes_back_to_within_its_256_shades(tmp_path: Path, field: np.ndarray) -> None:
    field[0, 0] = 1.0
    image.write_field(tmp_path / "field.png", field, colours="gray")
    np.testing.assert_allclose(image.read_lattice(tmp_path / "field.png"), field, atol=2 / 255)


def test_a_scene_keeps_positions_and_spacing(tmp_path: Path) -> None:
    pyvista = pytest.importorskip("pyvista")
    field = np.random.default_rng(0).random((8, 13))
    image.write_field(tmp_path / "deep" / "field.vti", field, spacing=20.0)
    scene = pyvista.read(tmp_path / "deep" / "field.vti")
    assert scene.dimensions == (13, 8, 1)
    index = scene.find_closest_point((20.0 * (5 + 0.5), 20.0 * (2 + 0.5), 0.0))
    assert scene.point_data["field"][index] == field[2, 5]


def test_a_constant_field_is_a_picture_too(tmp_path: Path) -> None:
    image.write_field(tmp_path / "field.png", np.zeros((8, 8)))
    with Image.open(tmp_path / "field.png") as made:
        assert made.size == (8, 8)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("missing.npy", None, "not a file"),
        ("text.png", b"hello", "neither"),
        ("text.npy", b"hello", "cannot be read"),
        ("empty.npy", b"", "cannot be read"),
        ("cut.png", "cut", "cannot be read"),
        ("cube.npy", np.zeros((2, 3, 4)), r"shape \(2, 3, 4\)"),
        ("words.npy", np.array([["a"]]), "dtype"),
        ("complex.npy", np.zeros((8, 8), complex), "complex"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(tmp_path: Path, name: str, content: object, says: str) -> None:
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, np.ndarray):
        np.save(path, content)
    elif content == "cut":
        picture(path, np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8))
        path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(InvalidProblemError, match=says) as caught:
        image.read_lattice(path)
    assert "\n" not in str(caught.value)


def test_unknown_outputs_and_colours_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidProblemError, match=r"\.npy, \.png, \.vti"):
        image.write_field(tmp_path / "field.jpeg2000", np.zeros((8, 8)))
    with pytest.raises(InvalidProblemError, match="no-such-map"):
        image.write_field(tmp_path / "field.png", np.zeros((8, 8)), colours="no-such-map")
