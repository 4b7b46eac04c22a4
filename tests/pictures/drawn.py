"""Pictures of vessels, drawn, smoothed and saved as people save them, and what was meant."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from surrogate_plugin import InvalidProblemError
from surrogate_plugin.files import Choice, Source, read_source


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


def corner(colour: tuple[int, ...], ground: tuple[int, ...]) -> np.ndarray:
    """A picture of 8 x 10 pixels whose upper left 3 x 4 are of another colour."""
    pixels = np.full((8, 10, len(colour)), ground, dtype=np.uint8)
    pixels[:3, :4] = colour
    return pixels


def corner_held(source: Source) -> bool:
    expected = np.zeros((8, 10), bool)
    expected[5:, :4] = True
    return bool((source.fixed == expected).all())
