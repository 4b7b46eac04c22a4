"""A picture to begin with: a tree of vessels, white on black, its edges smoothed as drawing programs do."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.whole_files import UnwritableError, said_of, whole

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

_SIDE, _FINER = 256, 4


def draw_example(path: str | Path, seed: int = 10) -> None:
    """Write the example, a PNG of 256 x 256 pixels; the same for the same seed.

    Raises
    ------
    InvalidProblemError
        If the name does not end in .png, or another file has it.
    UnwritableError
        If the file cannot be written.
    """
    from PIL import Image, ImageDraw

    path = Path(path)
    if path.suffix.lower() != ".png":
        raise InvalidProblemError(f"the example is a picture, but {path.name!r} does not end in .png.")
    canvas = Image.new("L", (_SIDE * _FINER, _SIDE * _FINER))
    rng = np.random.default_rng(seed)
    pen = ImageDraw.Draw(canvas)
    for start, angle in (((0.0, 0.3), 0.2), ((1.0, 0.62), math.pi - 0.3)):
        _grow(pen, rng, start, angle, 0.022, 5)
    stream = io.BytesIO()
    canvas.resize((_SIDE, _SIDE), Image.Resampling.BOX).save(stream, "PNG")
    _write_new(path, stream.getvalue())


def _grow(
    pen: ImageDraw, rng: np.random.Generator, start: tuple[float, float], angle: float, width: float, left: int
) -> None:
    """A winding vessel that forks into two thinner ones; lengths in sides of the picture."""
    x, y = start
    points = [start]
    for _ in range(14):
        angle += 0.16 * rng.normal()
        x, y = x + 0.013 * math.cos(angle), y + 0.013 * math.sin(angle)
        points.append((x, y))
    side = _SIDE * _FINER
    radius = width / 2
    pen.line([(side * a, side * b) for a, b in points], fill=255, width=round(side * width), joint="curve")
    pen.ellipse([side * (x - radius), side * (y - radius), side * (x + radius), side * (y + radius)], fill=255)
    if left:
        for turn in (0.55, -0.5):
            _grow(pen, rng, (x, y), angle + turn * (0.8 + 0.4 * rng.random()), 0.75 * width, left - 1)


def _write_new(path: Path, content: bytes) -> None:
    """Write a file, or find it there as it would be written."""
    try:
        if path.exists() and (path.is_dir() or path.read_bytes() != content):
            raise InvalidProblemError(f"{path} is there already; another name is allowed.")
    except OSError as error:
        raise UnwritableError(f"{path} cannot be written ({said_of(error)}).") from None
    with whole(path) as stream:
        stream.write(content)
