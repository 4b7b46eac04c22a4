"""Masks: what is held of pictures that are anti-aliased, compressed, inverted or of many shades, and what is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage

from surrogate_plugin import InvalidProblemError
from surrogate_plugin.files import Census, Choice, read_source
from tests.pictures.drawn import refused, save, shades, smoothed, tree, truth


@pytest.mark.parametrize("quality", [95, 85, 75])
def test_a_mask_saved_as_jpeg_holds_the_vessels_and_none_of_the_artefacts(tmp_path: Path, quality: int) -> None:
    mask = tree()
    path = save(tmp_path / "mask.jpg", mask, quality=quality)
    with Image.open(path) as stored:
        assert np.count_nonzero(np.asarray(stored)) > 1.3 * np.count_nonzero(np.asarray(mask))
    source = read_source(path, Choice(white=38.0))
    assert np.count_nonzero(source.fixed != truth(mask)) <= 0.002 * np.count_nonzero(truth(mask))
    assert set(np.unique(source.values)) == {0.0, 38.0}
    assert not source.warnings


@pytest.mark.parametrize("width", [2.0, 5.0, 12.0])
@pytest.mark.parametrize("resampling", list(Image.Resampling))
def test_an_anti_aliased_mask_is_cut_at_half_white(tmp_path: Path, resampling: Image.Resampling, width: float) -> None:
    mask = smoothed(resampling, width)
    for path in (save(tmp_path / "mask.png", mask), save(tmp_path / "mask.jpg", mask, quality=85)):
        source = read_source(path, Choice(white=38.0))
        # JPEG may take a pixel across where it was near half white already.
        near = 0.0 if path.suffix == ".png" else 0.15
        assert np.abs(shades(mask) - 0.5)[source.fixed != truth(mask)].max(initial=0.0) <= near
        assert set(np.unique(source.values)) == {0.0, 38.0}
        assert "mask, cut at 0.5 of white" in source.rule


def probabilities() -> np.ndarray:
    return np.uint8(255 * ndimage.gaussian_filter(np.asarray(tree(), dtype=float) / 255, 3))


def photograph(seed: int = 0) -> np.ndarray:
    """Noise whose spectrum falls as natural scenes' do."""
    rng = np.random.default_rng(seed)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(160), np.fft.fftfreq(160)))
    frequency[0, 0] = 1.0
    scene = np.fft.ifft2(np.fft.fft2(rng.normal(size=(160, 160))) / frequency**1.3).real
    return np.uint8(255 * (scene - scene.min()) / np.ptp(scene))


def camera() -> np.ndarray:
    noise = 0.1 * np.random.default_rng(0).normal(size=(160, 160))
    return np.uint8(255 * np.clip(0.2 + 0.6 * np.asarray(tree()) / 255 + noise, 0, 1))


def drawn_values() -> np.ndarray:
    """Vessels of different brightness, on purpose."""
    pixels = np.zeros((160, 160), np.uint8)
    pixels[10:60, 10:60], pixels[100:103, 100:103] = 255, 128
    return pixels


MANY_SHADES = {
    "probabilities": probabilities,
    "photograph": photograph,
    "camera": camera,
    "white noise": lambda: np.random.default_rng(0).integers(0, 256, (160, 160), dtype=np.uint8),
    "ramp": lambda: np.tile(np.arange(160, dtype=np.uint8), (160, 1)),
    "drawn values": drawn_values,
    "labels": lambda: np.uint8(85 * (np.arange(160) // 40) * np.ones((160, 1), int)),
}


@pytest.mark.parametrize("name", MANY_SHADES)
def test_a_picture_of_many_shades_is_held_only_as_somebody_says(tmp_path: Path, name: str) -> None:
    pixels = MANY_SHADES[name]()
    path = save(tmp_path / "picture.png", pixels)
    sentence = refused(path, Choice(white=38.0))
    assert "--threshold" in sentence
    assert "--values" in sentence
    cut = read_source(path, Choice(white=38.0, threshold=0.4))
    np.testing.assert_array_equal(cut.fixed, pixels[::-1] / 255 >= 0.4)
    assert set(np.unique(cut.values)) == {0.0, 38.0}
    graded = read_source(path, Choice(white=38.0, values=True))
    np.testing.assert_array_equal(graded.fixed, pixels[::-1] > 0)
    np.testing.assert_allclose(graded.values, 38.0 / 255 * pixels[::-1], rtol=1e-12)
    both = read_source(path, Choice(white=38.0, values=True, threshold=0.4))
    np.testing.assert_array_equal(both.fixed, cut.fixed)
    np.testing.assert_allclose(both.values[both.fixed], graded.values[both.fixed])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.integers(8, 40),
    dark=st.integers(0, 254),
    contrast=st.integers(1, 255),
    depth=st.sampled_from(["L", "P", "I;16", "RGB", "LA"]),
)
def test_any_two_shades_are_a_mask_of_the_brighter(
    tmp_path: Path, seed: int, size: int, dark: int, contrast: int, depth: str
) -> None:
    bright = min(dark + contrast, 255)
    mask = np.random.default_rng(seed).random((size, size + 3)) < 0.3
    mask[0, 0], mask[0, 1] = True, False
    pixels = np.where(mask, bright, dark).astype(np.uint16 if depth == "I;16" else np.uint8)
    path = save(tmp_path / "mask.png", pixels, None if depth in ("L", "I;16") else depth)
    np.testing.assert_array_equal(read_source(path, Choice(white=5.0)).fixed, mask[::-1])


def test_dark_vessels_on_white_are_warned_of_and_inverted_on_demand(tmp_path: Path) -> None:
    mask = smoothed(Image.Resampling.LANCZOS)
    path = save(tmp_path / "ink.jpg", Image.fromarray(255 - np.asarray(mask)), quality=85)
    plain = read_source(path)
    assert any("--invert" in warning for warning in plain.warnings)
    inverted = read_source(path, Choice(white=38.0, invert=True))
    assert np.count_nonzero(inverted.fixed != truth(mask)) <= 0.02 * np.count_nonzero(truth(mask))
    assert not inverted.warnings
    twice = read_source(save(tmp_path / "mask.png", mask), Choice(invert=True))
    assert any("without --invert" in warning for warning in twice.warnings)


@pytest.mark.parametrize("shade", [0, 255])
def test_a_picture_of_one_shade_says_so(tmp_path: Path, shade: int) -> None:
    source = read_source(save(tmp_path / "a.png", np.full((8, 9), shade, np.uint8)))
    assert source.fixed.all() == (shade > 0)
    if shade:
        assert "100 %" in source.warnings[0]
    else:
        assert source.nothing.endswith("are black")


def test_a_threshold_that_holds_nothing_names_the_brightest(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", np.full((8, 9), 51, np.uint8))
    assert "0.2 of white" in read_source(path, Choice(threshold=0.5)).nothing
    for wrong in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(InvalidProblemError, match="threshold"):
            Choice(threshold=wrong)
    assert "up to 1" in refused(path, Choice(threshold=128))
    for wrong in (-1.0, float("nan"), float("inf")):
        with pytest.raises(InvalidProblemError, match="white"):
            Choice(white=wrong)


def test_a_mask_held_at_zero_is_held(tmp_path: Path) -> None:
    source = read_source(save(tmp_path / "sinks.png", tree()), Choice(white=0.0))
    np.testing.assert_array_equal(source.fixed, truth(tree()))
    assert not source.values.any()


def test_the_census_counts_groups_as_an_eye_does(tmp_path: Path) -> None:
    pixels = np.zeros((12, 12), np.uint8)
    pixels[1, 1] = pixels[2, 2] = pixels[3, 1] = 255  # touching at corners
    pixels[8:10, 8:10] = 255
    source = read_source(save(tmp_path / "a.png", pixels), Choice(white=38.0))
    census = Census.take(source.values, source.fixed)
    assert (census.pixels, census.of, census.groups, census.values) == (7, 144, 2, (38.0,))
    assert str(census) == "7 of 144 pixels (4.86 %) in 2 groups, at 38"
    values = np.arange(144.0).reshape(12, 12)
    assert "6 values from" in str(Census.take(values, np.isin(values, [3, 20, 50, 70, 90, 143])))
    assert str(Census.take(values, np.zeros((12, 12), bool))) == "none"
