"""Transparency, channels, orientation, pages and number types: a picture is read as viewers show it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from surrogate_plugin.files import Choice, read_map, read_source
from tests.pictures.drawn import corner, corner_held, refused, save


def test_the_top_row_of_a_picture_is_the_highest_y(tmp_path: Path) -> None:
    pixels = np.zeros((9, 14), dtype=np.uint8)
    pixels[0, 3] = 255
    source = read_source(save(tmp_path / "a.png", pixels), Choice(white=38.0))
    assert source.values.shape == (9, 14)
    assert np.argwhere(source.fixed).tolist() == [[8, 3]]
    assert source.values[8, 3] == 38.0


@pytest.mark.parametrize(
    ("pixels", "mode", "suffix"),
    [
        (np.full((8, 9), 255, np.uint8), None, "png"),
        (np.full((8, 9), 255, np.uint8), "1", "png"),
        (np.full((8, 9), 255, np.uint8), "P", "png"),
        (np.full((8, 9), 255, np.uint8), "CMYK", "tiff"),
        (np.full((8, 9), 255, np.uint8), "YCbCr", "tiff"),
        (np.full((8, 9), 65535, np.uint16), None, "png"),
        (np.full((8, 9), 65535, np.uint16), None, "pgm"),
        (np.full((8, 9, 3), 255, np.uint8), None, "png"),
        (np.full((8, 9, 4), 255, np.uint8), None, "png"),
    ],
)
def test_white_stands_for_the_value_given_in_every_kind_of_picture(
    tmp_path: Path, pixels: np.ndarray, mode: str | None, suffix: str
) -> None:
    path = save(tmp_path / f"a.{suffix}", pixels, mode)
    np.testing.assert_allclose(read_map(path, 38.0).values, 38.0, rtol=1e-12)
    source = read_source(path, Choice(white=38.0, values=True))
    np.testing.assert_allclose(source.values, 38.0, rtol=1e-12)
    assert source.fixed.all()


@pytest.mark.parametrize("suffix", ["png", "tiff", "webp"])
def test_what_is_transparent_is_free_whatever_colour_hides_there(tmp_path: Path, suffix: str) -> None:
    options = {"lossless": True, "exact": True} if suffix == "webp" else {}
    pixels = corner((255, 255, 255, 255), (255, 255, 255, 0))
    source = read_source(save(tmp_path / f"a.{suffix}", pixels, **options))
    assert corner_held(source)
    assert any("ransparent" in note for note in source.notes)
    grey = Image.fromarray(pixels).convert("LA")
    assert corner_held(read_source(save(tmp_path / "b.png", grey)))


def test_black_ink_on_a_transparent_layer_says_what_could_be_meant(tmp_path: Path) -> None:
    path = save(tmp_path / "ink.png", corner((0, 0, 0, 255), (0, 0, 0, 0)))
    source = read_source(path)
    assert not source.fixed.any()
    assert "--channel alpha" in source.nothing
    assert corner_held(read_source(path, Choice(channel="alpha")))
    assert corner_held(read_source(path, Choice(invert=True)))


def test_a_shade_declared_transparent_is_free(tmp_path: Path) -> None:
    pixels = np.full((8, 10), 200, np.uint8)
    pixels[:3, :4] = 100
    assert corner_held(read_source(save(tmp_path / "grey.png", pixels, transparency=200)))
    for held in (False, True):
        ink = Image.fromarray(np.where(corner((1,), (0,))[..., 0] == held, 255, 0).astype(np.uint8)).convert("1")
        opacity = read_source(save(tmp_path / "ink.png", ink, transparency=int(not held)), Choice(channel="alpha"))
        np.testing.assert_array_equal(opacity.fixed, np.asarray(ink)[::-1] == held)
    palette = Image.fromarray(pixels).convert("P")
    ground = palette.getpixel((9, 7))
    assert corner_held(read_source(save(tmp_path / "palette.png", palette, transparency=ground)))
    colours = corner((10, 200, 30), (255, 255, 255))
    assert corner_held(read_source(save(tmp_path / "colours.png", colours, transparency=(255, 255, 255))))


def test_a_channel_is_one_channel(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", corner((255, 0, 20), (0, 255, 20)))
    assert corner_held(read_source(path, Choice(channel="red")))
    assert corner_held(read_source(path, Choice(channel="green", invert=True)))
    assert not corner_held(read_source(path))  # green is the brighter one
    assert any("luminance" in note for note in read_source(path).notes)
    assert not read_source(path, Choice(channel="red")).notes
    assert "no transparency" in refused(path, Choice(channel="alpha"))
    assert "allowed are luminance" in refused(path, Choice(channel="infrared"))
    assert "grey" in refused(save(tmp_path / "b.png", np.eye(8, dtype=np.uint8)), Choice(channel="red"))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_turns_the_picture_as_viewers_do(tmp_path: Path, orientation: int) -> None:
    upright = np.zeros((16, 24), np.uint8)
    upright[:8, :8] = 255
    undo = {
        1: lambda p: p, 2: np.fliplr, 3: lambda p: np.rot90(p, 2), 4: np.flipud, 5: np.transpose,
        6: lambda p: np.rot90(p, 1), 7: lambda p: np.rot90(p.T, 2), 8: lambda p: np.rot90(p, -1),
    }  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = np.ascontiguousarray(undo[orientation](upright))
    source = read_source(save(tmp_path / "a.jpg", stored, quality=95, exif=exif))
    np.testing.assert_array_equal(source.fixed, upright[::-1] > 0)
    assert any("EXIF" in note for note in source.notes) == (orientation > 1)


@pytest.mark.parametrize("suffix", ["tiff", "gif"])
def test_a_page_is_read_and_that_there_are_more_is_said(tmp_path: Path, suffix: str) -> None:
    pages = [np.zeros((8, 9), np.uint8) for _ in range(3)]
    for k, page in enumerate(pages):
        page[0, k] = 255
    first, *others = (Image.fromarray(page) for page in pages)
    path = save(tmp_path / f"pages.{suffix}", first, save_all=True, append_images=others)
    assert np.argwhere(read_source(path).fixed).tolist() == [[7, 0]]
    assert any("Page 1 of 3" in note and "--page" in note for note in read_source(path).notes)
    for k in range(3):
        source = read_source(path, Choice(page=k + 1))
        assert np.argwhere(source.fixed).tolist() == [[7, k]]
    for wrong in (0, 4, -1):
        assert "1 to 3" in refused(path, Choice(page=wrong))


@pytest.mark.parametrize("largest", [1, 128, 255])
def test_a_mask_of_zeros_and_ones_is_a_mask_whatever_its_type(tmp_path: Path, largest: int) -> None:
    pixels = np.zeros((8, 10), np.uint8)
    pixels[:3, :4] = largest
    for name, stored in {"a.png": pixels, "a.tiff": pixels, "b.tiff": pixels.astype(np.int32)}.items():
        source = read_source(save(tmp_path / name, stored), Choice(white=38.0))
        assert corner_held(source)
        assert source.values.max() == 38.0
    assert read_map(tmp_path / "a.png", 0.3).values.max() == pytest.approx(0.3 if largest == 1 else 0.3 * largest / 255)


def test_a_float_picture_holds_values_as_they_are(tmp_path: Path) -> None:
    pixels = np.zeros((8, 10), np.float32)
    pixels[:3, :4] = 21.5
    path = save(tmp_path / "a.tiff", pixels)
    source = read_source(path)
    assert corner_held(source)
    assert source.values.max() == 21.5
    assert "leave it out" in refused(path, Choice(white=38.0))
    assert "leave white out" in refused(path, Choice(white=38.0, values=True))
    assert read_source(path, Choice(white=38.0, threshold=20.0)).values.max() == 38.0
    assert read_map(path, 38.0).values.max() == 21.5


@pytest.mark.parametrize("dtype", [np.int16, np.int32])
def test_whole_numbers_without_a_white_are_never_divided(tmp_path: Path, dtype: type) -> None:
    pixels = np.zeros((8, 10), dtype)
    pixels[:3, :4], pixels[4, 4] = 700, 3
    path = tmp_path / "a.tiff"
    made = Image.fromarray(pixels.astype(np.int32))
    # Pillow writes signed 16-bit pictures from its raw mode alone, so their bytes are put into a 16-bit one's place.
    if dtype is np.int16:
        save(path, pixels.astype(np.uint16), tiffinfo={339: 2})
    else:
        save(path, made)
    with Image.open(path) as opened:
        assert opened.mode == "I"
    sentence = refused(path, Choice(white=38.0))
    assert "from 0 to 700" in sentence
    assert "--threshold" in sentence
    cut = read_source(path, Choice(white=38.0, threshold=500))
    assert corner_held(cut)
    assert cut.values.max() == 38.0
    as_they_are = read_source(path, Choice(values=True))
    assert set(np.unique(as_they_are.values[as_they_are.fixed])) == {3.0, 700.0}
    assert read_map(path, 0.1).values.max() == 700.0
