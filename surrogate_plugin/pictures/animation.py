"""Moments one after another as a film: a GIF by Pillow, or an MP4 where an encoder is installed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt

from surrogate_plugin.arguments import FloatArray
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.pictures import panels
from surrogate_plugin.pictures.panels import Style
from surrogate_plugin.pictures.scene import Film, Scene
from surrogate_plugin.whole_files import replacing

SUFFIXES = (".gif", ".mp4")
#: What panels draw beside the field, which follows from the equation of a moment.
_DERIVED = {"bound": "error_map", "compare": "comparison", "uptake": "uptake"}

Frame = npt.NDArray[np.uint8]


def check(path: Path) -> None:
    """Refuse what cannot be filmed, before anything is solved.

    Raises
    ------
    InvalidProblemError
    """
    if path.suffix.lower() not in SUFFIXES:
        raise InvalidProblemError(f"output {path.name!r} ends in {path.suffix!r}; films as .gif or .mp4 are allowed.")
    if path.suffix.lower() == ".mp4":
        try:
            import imageio_ffmpeg  # noqa: F401
        except ImportError:
            raise InvalidProblemError(
                "an .mp4 needs an encoder, which `pip install 'surrogate-plugin[film]'` brings; a .gif needs none."
            ) from None


def write_film(
    path: Path,
    film: Film,
    moments: Sequence[int],
    substrate: str,
    what: Sequence[str],
    style: Style,
    *,
    per_second: float = 8.0,
    moved: Callable[[], None] = lambda: None,
) -> Scene:
    """Draw some moments of a film in the same colours, and write them.

    Parameters
    ----------
    path : Path
        .gif or .mp4.
    film : Film
    moments : sequence of int
        Which of them, in this order.
    substrate : str
    what : sequence of str
        Of `panels.PANELS`, side by side.
    style : Style
        Without limits, colours go from the lowest value of all moments, or 0, to the highest; those of bounds, uptake
        and differences to the largest of all moments.
    per_second : float, 1 / s
    moved : callable
        Called twice a moment: when it was solved for, and when it was drawn.

    Returns
    -------
    Scene
        The last moment.

    Raises
    ------
    InvalidProblemError
        If something cannot be drawn, or there is no encoder.
    """
    check(path)
    panels.check(what, style.colours)
    derived = dict.fromkeys((_DERIVED[name] for name in what if name in _DERIVED), True)
    scenes = []
    for index in moments:
        scenes.append(film.scene(index, substrate).light(**derived))
        moved()
    style = _of_all(scenes, what, style)
    frames = _drawn(scenes, what, style, moved)
    with replacing(path) as partial:
        (_write_gif if path.suffix.lower() == ".gif" else _write_mp4)(partial, frames, per_second)
    return scenes[-1]


def _of_all(scenes: Sequence[Scene], what: Sequence[str], style: Style) -> Style:
    """The same colours at every moment: from the lowest to the highest value of all of them."""
    tops: dict[str, Iterator[FloatArray]] = {}
    fields = [each.field for each in scenes]
    if "bound" in what:
        tops["bound"] = (each.error_map for each in scenes)
    if "uptake" in what:
        tops["uptake"] = (each.uptake for each in scenes)
    if "compare" in what:
        tops["difference"] = (each.comparison.difference for each in scenes)
        fields += [field for each in scenes for field in (each.comparison.left, each.comparison.exact)]
    lowest, highest = min(float(field.min()) for field in fields), max(float(field.max()) for field in fields)
    return replace(
        style,
        limits=style.limits or (min(0.0, lowest), highest),
        tops={name: max(float(np.abs(values).max()) for values in maps) for name, maps in tops.items()},
    )


def _drawn(scenes: Sequence[Scene], what: Sequence[str], style: Style, moved: Callable[[], None]) -> Iterator[Frame]:
    for scene in scenes:
        yield panels.pixels(panels.draw(scene, what, style))
        moved()


def _write_gif(path: Path, frames: Iterable[Frame], per_second: float) -> None:
    from PIL import Image

    pictures = (Image.fromarray(frame).quantize(256, method=Image.Quantize.FASTOCTREE) for frame in frames)
    # Pillow joins moments that look the same to one that is shown longer.
    next(pictures).save(
        path, "GIF", save_all=True, append_images=pictures, duration=round(1000 / per_second), loop=0, disposal=1
    )


def _write_mp4(path: Path, frames: Iterator[Frame], per_second: float) -> None:
    import imageio_ffmpeg

    first = next(frames)
    # Encoders of H.264 want even sides.
    rows, columns = (side - side % 2 for side in first.shape[:2])
    writer = imageio_ffmpeg.write_frames(str(path), (columns, rows), fps=per_second, quality=8, macro_block_size=2)
    writer.send(None)
    try:
        for frame in chain([first], frames):
            writer.send(np.ascontiguousarray(frame[:rows, :columns]))
    finally:
        writer.close()
