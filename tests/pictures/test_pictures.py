"""Pictures: what of them is held, which way is up, and one sentence where a picture could mean several things."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from scipy import ndimage

from surrogate_plugin import InvalidProblemError
from surrogate_plugin.files import Census, Choice, Source, read_map, read_source


def save(path: Path, pixels: np.ndarray | Image.Image, mode: str | None = None, **options: object) -> Path:
    made = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    (made.convert(mode) if mode else made).save(path, **options)
    return path


def tree(finer: int = 1, size: int = 160, width: float = 5.0, seed: int = 0) -> Image.Image:
    """Winding vessels and discs, white on black, drawn ``finer`` times finer than ``size`` pixels."""
    rng = np.random.default_rng(seed)
    canvas = Image.new("L", (size * finer, size * finer))
    pen = ImageDraw.Draw(canvas)
    for _ in range(5):
        x, y, angle = *(rng.random(2) * size), 6.28 * rng.random()
        points = []
        for _ in range(25):
            points.append((x * finer, y * finer))
            angle += 0.4 * rng.normal()
            x, y = x + size / 25 * np.cos(angle), y + size / 25 * np.sin(angle)
        pen.line(points, fill=255, width=round(width * finer), joint="curve")
    for _ in range(3):
        x, y = rng.random(2) * size * finer
        radius = 2 * width * finer
        pen.ellipse([x - radius, y - radius, x + radius, y + radius], fill=255)
    return canvas


def smoothed(resampling: Image.Resampling, width: float = 5.0) -> Image.Image:
    return tree(4, width=width).resize((160, 160), resampling)


def as_jpeg(picture: Image.Image, quality: int) -> Image.Image:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=quality)
    return Image.open(stream)


def shades(picture: Image.Image) -> np.ndarray:
    """Parts of white, row 0 at the lowest y."""
    return np.asarray(picture.convert("L"))[::-1] / 255


def truth(picture: Image.Image) -> np.ndarray:
    """The pixels at least half white, row 0 at the lowest y."""
    return shades(picture) >= 0.5


def refused(path: Path, choice: Choice | None = None) -> str:
    with pytest.raises(InvalidProblemError) as caught:
        read_source(path, choice)
    assert "\n" not in str(caught.value)
    return str(caught.value)


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


def corner(colour: tuple[int, ...], ground: tuple[int, ...]) -> np.ndarray:
    """A picture of 8 x 10 pixels whose upper left 3 x 4 are of another colour."""
    pixels = np.full((8, 10, len(colour)), ground, dtype=np.uint8)
    pixels[:3, :4] = colour
    return pixels


def corner_held(source: Source) -> bool:
    expected = np.zeros((8, 10), bool)
    expected[5:, :4] = True
    return bool((source.fixed == expected).all())


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


def test_a_picture_larger_than_a_solve_can_be_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    import struct
    import zlib

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    path = tmp_path / "bomb.png"
    for side in (13_000, 60_000):  # beyond what Pillow warns of, and what it refuses
        header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b""))
        sentence = refused(path)
        assert "bomb.png" in sentence
    assert "pixels" in sentence


def test_what_does_not_fit_into_memory_is_said_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from surrogate_plugin import memory

    path = save(tmp_path / "mask.png", tree())
    monkeypatch.setattr(memory, "available_bytes", lambda: 1_000_000)
    assert "of memory are free" in refused(path)
    monkeypatch.setattr(memory, "available_bytes", lambda: None)
    assert read_source(path).fixed.any()


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is told in /proc")
def test_a_limit_on_this_process_counts_too(tmp_path: Path) -> None:
    path = save(tmp_path / "large.png", tree().resize((3000, 3000)))  # 1.8 GB in a solve
    code = f"""
import resource
from pathlib import Path
from PIL import Image
from surrogate_plugin.files import read_source
taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (taken + 10**9,) * 2)
try:
    read_source(Path({str(path)!r}))
except ValueError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "takes about 1.8 GB" in done.stdout


@pytest.mark.parametrize("suffix", ["png", "jpg", "tiff", "gif", "bmp", "webp"])
def test_a_damaged_picture_is_read_or_refused_and_nothing_else(tmp_path: Path, suffix: str) -> None:
    whole = save(tmp_path / f"whole.{suffix}", tree(size=48)).read_bytes()
    path = tmp_path / f"damaged.{suffix}"
    rng, outcomes = np.random.default_rng(0), set()
    for _ in range(60):
        damaged = bytearray(whole)
        for place in rng.integers(0, len(whole), size=rng.integers(1, 8)):
            damaged[place] = rng.integers(256)
        path.write_bytes(damaged[: rng.integers(1, len(whole) + 1)] if rng.random() < 0.5 else damaged)
        try:
            read = read_source(path, Choice(threshold=0.5))
        except InvalidProblemError as error:
            outcomes.add("refused" if path.name in str(error) else "refused without its name")
        else:
            outcomes.add("read")
            assert read.values.ndim == 2
            assert set(np.unique(read.values)) <= {0.0, 1.0}
    assert "refused" in outcomes
    assert "refused without its name" not in outcomes
