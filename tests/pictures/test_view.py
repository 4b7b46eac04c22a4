"""What `view` draws: the right value at the right place, and a sentence where there is nothing to draw."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_plugin.pictures import panels, surface
from surrogate_plugin.pictures.scene import Dots, Scene

DOMAIN = sp.Domain((100.0, -50.0), (240.0, 160.0), (16, 24))


def scene(field: np.ndarray, **known: Any) -> Scene:
    return Scene("now", DOMAIN, field, length_units="um", **known)


def pixel(made: Any, axes: Any, x: float, y: float) -> tuple[int, int, int]:
    """The colour of the picture at a place of the tissue."""
    made.canvas.draw()
    pixels = np.asarray(made.canvas.buffer_rgba())
    column, up = axes.transData.transform((x, y))
    red, green, blue, _ = pixels[pixels.shape[0] - 1 - int(up), int(column)]
    return int(red), int(green), int(blue)


def colour(name: str, level: float) -> tuple[int, ...]:
    import matplotlib

    return tuple(int(part) for part in matplotlib.colormaps[name](level, bytes=True)[:3])


@pytest.mark.parametrize("place", [(0, 0), (0, 23), (15, 0), (4, 17)])
def test_every_pixel_is_where_its_tissue_is(place: tuple[int, int]) -> None:
    field = np.zeros(DOMAIN.shape)
    field[place] = 1.0
    made = panels.draw(scene(field), ["field"], panels.Style("viridis"))
    x, y = (centres[index] for centres, index in zip(DOMAIN.centres_um(), reversed(place), strict=True))
    assert pixel(made, made.axes[0], x, y) == colour("viridis", 1.0)
    assert pixel(made, made.axes[0], 220.0 + (220.0 - x), 30.0 + (30.0 - y)) == colour("viridis", 0.0)


def test_row_0_is_at_the_bottom() -> None:
    field = np.zeros(DOMAIN.shape)
    field[0] = 1.0
    made = panels.draw(scene(field), ["field"], panels.Style("viridis"))
    made.canvas.draw()
    bright = np.all(np.asarray(made.canvas.buffer_rgba())[..., :3] == colour("viridis", 1.0), axis=-1)
    rows = np.flatnonzero(bright[:, : int(0.8 * bright.shape[1])].any(axis=1))
    assert rows.min() > 0.7 * bright.shape[0]


def test_vessels_are_red_where_they_hold() -> None:
    held = np.zeros(DOMAIN.shape, dtype=bool)
    held[3, 5] = True
    made = panels.draw(scene(np.ones(DOMAIN.shape), held=held), ["field"])
    x, y = DOMAIN.centres_um()
    assert pixel(made, made.axes[0], x[5], y[3]) == (255, 59, 78)
    assert pixel(made, made.axes[0], x[5], y[12]) != (255, 59, 78)


def cells() -> Dots:
    position = np.array([(150.0, 0.0), (300.0, 80.0)])
    level = np.array([0.0, 1.0])
    return Dots(position, np.array([12.0, 12.0]), ("a", "b"), np.arange(2), level, np.array([True, False]))


def test_cells_have_the_colour_of_what_they_read() -> None:
    made = panels.draw(
        scene(np.linspace(0, 1, 384).reshape(16, 24), cells=cells()), ["levels"], panels.Style("viridis")
    )
    assert pixel(made, made.axes[0], 150.0, 0.0) == pytest.approx(colour("viridis", 0.0), abs=2)
    assert pixel(made, made.axes[0], 300.0, 80.0) == pytest.approx(colour("viridis", 1.0), abs=2)


def test_cells_are_counted_by_type() -> None:
    made = panels.draw(scene(np.ones(DOMAIN.shape), cells=cells()), ["cells"])
    assert [text.get_text() for text in made.axes[0].get_legend().get_texts()] == ["a: 1", "b: 0", "dead: 1"]


def test_hypoxia_is_measured() -> None:
    field = np.ones(DOMAIN.shape)
    field[:4] = 0.25
    made = panels.draw(scene(field, cells=cells()), ["hypoxia"], panels.Style(threshold=0.5))
    assert made.axes[0].get_title() == "25 % of the tissue is below 0.5, 1 of 2 cells"


def posed() -> sp.Problem:
    source = np.zeros(DOMAIN.shape)
    source[5, 7] = 3.0
    return sp.Problem(source, decay=0.02)


def test_the_difference_and_the_bound_are_those_of_the_field() -> None:
    problem = posed()
    exact = sp.solve(problem, method="sparse-direct").field
    wrong = np.where(problem.fixed, exact, 1.1 * exact)
    seen = scene(wrong, problem=problem, saved=True, units="mM")
    np.testing.assert_allclose(seen.comparison.difference, wrong - exact, atol=1e-9)
    assert np.all(seen.error_map >= np.abs(wrong - exact) - 1e-12)
    made = panels.draw(seen, ["compare", "bound"])
    titles = [axes.get_title() for axes in made.axes if axes.get_title()]
    assert titles == [
        "saved", "exact", f"difference, at most {np.abs(wrong - exact).max():.3g} mM",
        f"error at most {seen.error_map.max():.3g} mM",
    ]  # fmt: skip


@pytest.mark.parametrize("rendering", [True, False])
def test_the_surface_is_highest_where_the_field_is(rendering: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if rendering and not surface.can_render():
        pytest.skip("pyvista does not draw on this machine")
    monkeypatch.setattr(surface, "can_render", lambda: rendering)
    rows, columns = np.mgrid[:60, :60]
    domain = sp.Domain((0.0, 0.0), (60.0, 60.0), (60, 60))
    hill = np.exp(-((rows - 30.0) ** 2 + (columns - 30.0) ** 2) / 50.0)
    for field, there in ((hill, True), (0.0 * hill, False)):
        pixels = surface.surface_pixels(Scene("now", domain, field), "viridis", (0.0, 1.0)).astype(int)
        drawn = np.any(pixels != pixels[0, 0], axis=-1)
        assert drawn.mean() > 0.1
        assert not drawn[0].any()
        assert not drawn[-1].any()
        yellow = pixels[..., 0] - pixels[..., 2] > 100
        assert yellow.any() == there
        if there:
            assert np.nonzero(yellow)[0].mean() < np.nonzero(drawn)[0].mean() - 50


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("cells", "holds no cells"),
        ("levels", "holds no cells"),
        ("vessels", "which pixels are held"),
        ("bound", "a bound on the error needs the equation"),
        ("compare", "a comparison with the exact field needs the equation"),
        ("uptake", "what is taken up needs the equation"),
        ("hypoxia", "needs --threshold"),
        ("fields", "what has 'fields'; field, surface"),
    ],
)
def test_what_cannot_be_drawn_is_said_in_one_sentence(what: str, says: str) -> None:
    with pytest.raises(sp.InvalidProblemError, match=says):
        panels.draw(scene(np.ones(DOMAIN.shape)), [what])
