"""Films: as many moments as were asked for, in the same colours, from the first to the last."""

from __future__ import annotations

import builtins
import gc
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import surrogate_plugin as sp
from surrogate_plugin.pictures import animation, panels
from surrogate_plugin.pictures.scene import Scene, chosen_moments

DOMAIN = sp.Domain((0.0, 0.0), (240.0, 160.0), (16, 24))


class Rising:
    """Everywhere 1, 2, 3, 4."""

    names = ("a", "b", "c", "d")
    substrates = ("oxygen",)

    def scene(self, index: int, substrate: str) -> Scene:
        return Scene(self.names[index], DOMAIN, np.full(DOMAIN.shape, index + 1.0), substrate)


def middle(picture: Image.Image) -> Any:
    width, height = picture.size
    return picture.convert("RGB").getpixel((int(0.4 * width), height // 2))


def test_a_gif_has_every_moment_in_the_same_colours(tmp_path: Path) -> None:
    import matplotlib

    steps: list[None] = []
    animation.write_film(
        tmp_path / "a.gif", Rising(), [0, 1, 3], "oxygen", ["field"], panels.Style("viridis", width=300), per_second=10,
        moved=lambda: steps.append(None),
    )  # fmt: skip
    assert len(steps) == 6
    with Image.open(tmp_path / "a.gif") as made:
        assert made.n_frames == 3
        assert made.size[0] == 300
        for frame, level in enumerate((1 / 4, 2 / 4, 4 / 4)):
            made.seek(frame)
            assert made.info["duration"] == 100
            # The palette of a GIF has 256 colours.
            assert middle(made) == pytest.approx(matplotlib.colormaps["viridis"](level, bytes=True)[:3], abs=12)


def test_an_mp4_has_every_moment(tmp_path: Path) -> None:
    encoder = pytest.importorskip("imageio_ffmpeg", reason="the extra film is not installed")
    style = panels.Style("gray", width=301)
    animation.write_film(tmp_path / "a.mp4", Rising(), range(4), "oxygen", ["field"], style)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the reader leaves its own pipes to be collected
        frames = encoder.read_frames(str(tmp_path / "a.mp4"))
        columns, rows = next(frames)["size"]
        shades = [np.frombuffer(frame, np.uint8).reshape(rows, columns, 3)[rows // 2, 120] for frame in frames]
        del frames
        gc.collect()
    assert columns == 300
    assert [int(shade.mean()) for shade in shades] == pytest.approx([64, 128, 191, 255], abs=12)


def test_without_an_encoder_an_mp4_is_refused_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    importing = builtins.__import__

    def without(name: str, *others: Any, **named: Any) -> Any:
        if name == "imageio_ffmpeg":
            raise ImportError(name)
        return importing(name, *others, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(sp.InvalidProblemError, match=r"needs an encoder.*surrogate-plugin\[film\].*a \.gif needs none"):
        animation.check(tmp_path / "a.mp4")


def test_other_formats_and_panels_that_there_are_not_are_refused(tmp_path: Path) -> None:
    with pytest.raises(sp.InvalidProblemError, match=r"'a\.avi' ends in '\.avi'"):
        animation.check(tmp_path / "a.avi")
    with pytest.raises(sp.InvalidProblemError, match="what has 'depth'"):
        animation.write_film(tmp_path / "a.gif", Rising(), [0], "oxygen", ["depth"], panels.Style())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "most", "chosen"),
    [
        (None, None, [0, 1, 2, 3]),
        (None, 2, [0, 3]),
        ("1:3", None, [1, 2]),
        ("::2", None, [0, 2]),
        ("-2:", None, [2, 3]),
        ("2", None, [2, 3]),
    ],
)
def test_moments_are_chosen_as_python_counts(text: str | None, most: int | None, chosen: list[int]) -> None:
    assert chosen_moments(Rising(), text, most) == chosen


@pytest.mark.parametrize("text", ["a:b", "1:2:3:4", "0:4:0", "9:12", ""])
def test_moments_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(sp.InvalidProblemError, match="moments is"):
        chosen_moments(Rising(), text)
