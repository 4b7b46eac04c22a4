"""Films of bounds, uptake and comparisons: one scale for all moments, and the numbers of each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

import surrogate_plugin as sp
from surrogate_plugin.pictures import animation, panels
from surrogate_plugin.pictures.scene import Scene
from tests.exact import exact_field

Drawn = tuple[Scene, panels.Style, Figure]

DOMAIN = sp.Domain((0.0, 0.0), (240.0, 160.0), (16, 24))
#: How far the saved field is from the exact one at each moment, and the decay there.
OFF, DECAY = (0.5, 1.0, 0.25), (0.002, 0.001, 0.004)


class Wrong:
    """Saved fields that are off by a little, or more, in a tissue that decays otherwise at each moment."""

    names = ("a", "b", "c")
    substrates = ("oxygen",)

    def scene(self, index: int, substrate: str) -> Scene:
        source = np.zeros(DOMAIN.shape)
        source[6:9, 10:14] = 38.0
        problem = sp.Problem(source, decay=DECAY[index], boundary="reflecting")
        field = np.where(problem.fixed, source, exact_field(problem) + OFF[index])
        return Scene(self.names[index], DOMAIN, field, substrate, held=problem.fixed, problem=problem, saved=True)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Drawn]:
    """What was drawn of each moment, and how."""
    seen: list[Drawn] = []
    drawing = panels.draw

    def noted(scene: Scene, what: list[str], style: panels.Style) -> Figure:
        made = drawing(scene, what, style)
        seen.append((scene, style, made))
        return made

    monkeypatch.setattr(panels, "draw", noted)
    return seen


def test_every_panel_is_filmed_on_one_scale(tmp_path: Path, drawn: list[Drawn]) -> None:
    what = ["bound", "compare", "uptake"]
    animation.write_film(tmp_path / "a.gif", Wrong(), range(3), "oxygen", what, panels.Style(width=1500))
    with Image.open(tmp_path / "a.gif") as made:
        assert made.n_frames == 3
    (style,) = {id(style): style for _, style, _ in drawn}.values()
    assert style.tops["difference"] == pytest.approx(1.0, rel=1e-5)
    assert style.tops["uptake"] == pytest.approx(0.004, rel=1e-5)
    assert 1.0 <= style.tops["bound"] < 1.5
    assert style.limits is not None
    assert 38.0 <= style.limits[1] <= 39.0
    for (scene, _, _), off, decay in zip(drawn, OFF, DECAY, strict=True):
        assert scene.problem is None  # a film keeps no equations
        assert off * (1 - 1e-5) <= scene.error_map.max() <= 1.5 * off
        assert scene.comparison.difference.max() == pytest.approx(off, rel=1e-5)
        np.testing.assert_allclose(scene.uptake, decay, rtol=1e-6)


def test_the_ends_of_the_colours_are_those_of_the_largest_of_all(tmp_path: Path, drawn: list[Drawn]) -> None:
    animation.write_film(tmp_path / "a.gif", Wrong(), range(3), "oxygen", ["bound", "uptake"], panels.Style(width=600))
    largest = max(float(Wrong().scene(index, "oxygen").error_map.max()) for index in range(3))
    for _, _, made in drawn:
        ends = [axes.images[0].get_clim() for axes in made.axes[:2]]
        assert ends[0] == pytest.approx((0.0, largest), rel=1e-5)
        assert ends[1] == pytest.approx((0.0, max(DECAY)), rel=1e-5)


def test_a_film_without_equations_says_what_is_missing(tmp_path: Path) -> None:
    class Bare(Wrong):
        def scene(self, index: int, substrate: str) -> Scene:
            return Scene(self.names[index], DOMAIN, np.ones(DOMAIN.shape), substrate)

    with pytest.raises(sp.InvalidProblemError, match="a bound on the error needs the equation, which a does not have"):
        animation.write_film(tmp_path / "a.gif", Bare(), range(3), "oxygen", ["bound"], panels.Style())
    assert list(tmp_path.iterdir()) == []
