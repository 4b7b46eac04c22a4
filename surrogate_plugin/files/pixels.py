"""Pictures as levels: page, orientation, channel, transparency and depth, each respected or said."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from surrogate_plugin.equation.problem import FloatArray
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.files.levels import Kind, Levels, readable
from surrogate_plugin.memory import check_size

if TYPE_CHECKING:
    from PIL import Image

CHANNELS = ("luminance", "red", "green", "blue", "alpha")
#: What white is in each of Pillow's grey modes.
_WHITE = {"1": 1.0, "L": 255.0, "I;16": 65535.0, "I;16B": 65535.0, "I;16L": 65535.0, "I;16N": 65535.0}
#: Formats whose whole numbers Pillow stretches to 16 bits.
_STRETCHED = {"PPM": 65535.0}
#: Red, green and blue in the luminance, in thousandths, so that white is exactly 1.
_LUMINANCE = np.array([299.0, 587.0, 114.0])


def read_picture(path: Path, page: int | None = None, channel: str | None = None) -> Levels:
    """Whatever Pillow reads.

    Parameters
    ----------
    path : Path
    page : int, optional
        From 1; the first, with a note if there are more.
    channel : str, optional
        One of `CHANNELS`; colours become their luminance by default.

    Returns
    -------
    Levels
        Shades from 0 to 1 with the opacity of pictures that have transparency; 32-bit and signed 16-bit whole numbers
        as counts and floating-point pictures as numbers, both as they are.

    Raises
    ------
    InvalidProblemError
        If it is no picture, is damaged or too large, or lacks the page or channel.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    _check_channel(channel)
    notes: list[str] = []
    with readable(path, "a picture") as said:
        try:
            opened = Image.open(path)
        except UnidentifiedImageError:
            raise InvalidProblemError(f"{path} is neither a file of numbers nor a picture that can be read.") from None
        except Image.DecompressionBombError:
            allowed = 2 * (Image.MAX_IMAGE_PIXELS or 0)
            raise InvalidProblemError(f"{path} has more than {allowed:.3g} pixels; a .npy array may have.") from None
        with opened:
            notes += _turn_to(opened, path, page)
            check_size(path, opened.size[::-1])
            picture = ImageOps.exif_transpose(opened)
            if opened.getexif().get(0x0112, 1) != 1:
                notes.append("Turned as its EXIF orientation says.")
            values, kind, opacity = _levels(path, picture, opened.format, channel, notes)
    return Levels(
        np.ascontiguousarray(values[::-1]),
        kind,
        opacity=None if opacity is None else np.ascontiguousarray(opacity[::-1]),
        notes=tuple(notes),
        # Pillow warns of very large pictures; what fits was checked above.
        warnings=tuple(each for each in said if "decompression bomb" not in each),
    )


def _check_channel(channel: str | None) -> None:
    if channel is not None and channel not in CHANNELS:
        raise InvalidProblemError(f"channel is {channel!r}; allowed are {', '.join(CHANNELS)}.")


def _turn_to(opened: Image.Image, path: Path, page: int | None) -> list[str]:
    pages = getattr(opened, "n_frames", 1)
    if page is not None and not 1 <= page <= pages:
        allowed = f"has {pages}; 1 to {pages} are" if pages > 1 else "has one page; 1 is"
        raise InvalidProblemError(f"page is {page}, but {path} {allowed} allowed.")
    if pages == 1:
        return []
    opened.seek((page or 1) - 1)
    return [f"Page {page or 1} of {pages} was read" + ("." if page else "; --page reads another.")]


def _levels(
    path: Path, picture: Image.Image, made_as: str | None, channel: str | None, notes: list[str]
) -> tuple[FloatArray, Kind, FloatArray | None]:
    mode = picture.mode
    white = _STRETCHED.get(made_as or "") if mode == "I" else _WHITE.get(mode)
    if mode in ("I", "F") or white is not None:
        pixels = np.asarray(picture)
        opacity = _keyed(pixels, picture)
        if channel not in (None, "luminance") and not (channel == "alpha" and opacity is not None):
            raise InvalidProblemError(f"channel is {channel!r}, but {path} is grey; no channel is to be named.")
        values = pixels.astype(np.float64) / (white or 1.0)
        kind = Kind.GREY if white else Kind.COUNTS if mode == "I" else Kind.NUMBERS
    else:
        values, opacity = _colours(picture, channel, notes)
        kind = Kind.GREY
    if channel == "alpha":
        if opacity is None:
            raise InvalidProblemError(f"channel is 'alpha', but {path} has no transparency; name another channel.")
        return opacity, Kind.GREY, None
    if opacity is not None and float(opacity.min()) < 1.0:
        notes.append("Transparent pixels are free.")
        return values, kind, opacity
    return values, kind, None


def _keyed(pixels: np.ndarray, picture: Image.Image) -> FloatArray | None:
    """The opacity of a grey picture that declares one of its shades transparent."""
    key = picture.info.get("transparency")
    if not isinstance(key, int):
        return None
    # Pillow counts the white of black-and-white pictures as 255 here, and as True in their pixels.
    shade = bool(key) if pixels.dtype == np.bool_ else key
    return np.where(pixels == shade, 0.0, 1.0)


def _colours(picture: Image.Image, channel: str | None, notes: list[str]) -> tuple[FloatArray, FloatArray | None]:
    """Shades and opacity of a picture in colours, or in grey with transparency."""
    opacity = None
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        opacity = np.asarray(picture.getchannel("A"), dtype=np.float64) / 255.0
    colours = np.asarray(picture.convert("RGB"), dtype=np.float64)
    if channel in ("red", "green", "blue"):
        return colours[..., CHANNELS.index(channel) - 1] / 255.0, opacity
    seen = colours if opacity is None else colours[opacity > 0]
    if channel is None and bool((seen.max(axis=-1, initial=0) > seen.min(axis=-1, initial=255)).any()):
        notes.append("Colours became their luminance; --channel takes one of them.")
    return colours @ _LUMINANCE / 255000.0, opacity
