"""Discs over parts of their space: what a part promises holds of every problem drawn from it."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surrogate_training.damage import DamagedFileError
from surrogate_training.problems.discs import Discs, Listed, Scene, UnitCube, around, read_scenes, write_scenes

SHAPE = (48, 64)
SMALL = {"radius": (3.0, 3.0), "diffusion_length": (10.0, 10.0)}


def gaps(scene: Scene) -> list[float]:
    """Of each disc what lies between its edge and the nearest earlier disc or side."""
    found = []
    for at, (row, column, radius, _) in enumerate(scene.discs):
        sides = [row, column, SHAPE[0] - 1 - row, SHAPE[1] - 1 - column]
        others = [math.hypot(row - r, column - c) - reach for r, c, reach, _ in scene.discs[:at]]
        found.append(min([*sides, *others]) - radius)
    return found


@given(st.integers(0, 2**32 - 1))
def test_every_disc_lies_inside_and_one_has_the_value_1(seed: int) -> None:
    discs = Discs(sources=(1, 6), radius=(1.0, 5.0), diffusion_length=(5.0, 20.0))
    scene = discs.scene(np.random.default_rng(seed), SHAPE)
    assert 1 <= len(scene.discs) <= 6
    assert scene.discs[-1][3] == 1.0
    assert all(0 < value <= 1 and 1 <= radius <= 5 for _, _, radius, value in scene.discs)
    assert all(min(r, c, SHAPE[0] - 1 - r, SHAPE[1] - 1 - c) >= radius for r, c, radius, _ in scene.discs)
    assert 5.0 <= scene.decay**-0.5 <= 20.0 + 1e-9
    problem = scene.problem(SHAPE)
    assert problem.largest_imposed == 1.0
    assert problem.decay == scene.decay


@given(st.integers(0, 2**32 - 1))
def test_discs_keep_the_gap_that_is_asked_for(seed: int) -> None:
    rng = np.random.default_rng(seed)
    far = Discs(sources=(2, 4), gap=(6.0, 1e6), **SMALL).scene(rng, SHAPE)
    assert min(gaps(far)) >= 6.0
    near = Discs(sources=(2, 8), gap=(0.0, 2.0), **SMALL).scene(rng, SHAPE)
    assert all(0.0 <= gap <= 2.0 for gap in gaps(near))


def test_a_gap_that_no_place_has_is_refused() -> None:
    with pytest.raises(ValueError, match="do not fit into 48 x 64"):
        Discs(sources=(20, 20), gap=(20.0, 1e6), **SMALL).scene(np.random.default_rng(0), SHAPE)
    with pytest.raises(ValueError, match="radius is 30"):
        Discs(radius=(30.0, 30.0)).scene(np.random.default_rng(0), SHAPE)


def test_values_are_uniform_or_1() -> None:
    rng = np.random.default_rng(1)
    ones = [Discs(sources=(5, 5), values="one", **SMALL).scene(rng, SHAPE) for _ in range(20)]
    assert {disc[3] for scene in ones for disc in scene.discs} == {1.0}
    drawn = [Discs(sources=(5, 5), **SMALL).scene(rng, SHAPE).discs[:-1] for _ in range(400)]
    values = np.array([disc[3] for discs in drawn for disc in discs])
    assert values.mean() == pytest.approx(0.5, abs=0.03)
    assert np.histogram(values, 4, (0.0, 1.0))[0] / len(values) == pytest.approx([0.25] * 4, abs=0.05)


def test_uniform_points_of_the_cube_are_uniform_scenes() -> None:
    cube = UnitCube(Discs(sources=(1, 4), **SMALL), SHAPE)
    rng = np.random.default_rng(2)
    scenes = [cube.scene(rng.random(cube.dimensions)) for _ in range(4000)]
    counts = np.bincount([len(scene.discs) for scene in scenes], minlength=5)[1:]
    assert counts / 4000 == pytest.approx([0.25] * 4, abs=0.03)
    rows = np.array([scene.discs[0][0] for scene in scenes])
    assert (rows.min(), rows.max()) == (3, SHAPE[0] - 4)
    assert rows.mean() == pytest.approx((SHAPE[0] - 1) / 2, abs=0.8)
    corners = [cube.scene(np.full(cube.dimensions, end)) for end in (0.0, 1.0)]
    assert [len(scene.discs) for scene in corners] == [1, 4]
    assert corners[1].discs[-1][:2] == (SHAPE[0] - 4.0, SHAPE[1] - 4.0)


@given(st.integers(0, 2**32 - 1))
def test_what_lies_around_a_scene_is_it_mirrored_and_moved_a_little(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scene = Discs(sources=(1, 4), **SMALL).scene(rng, SHAPE)
    other = around(scene, rng, SHAPE, moved=2, changed=0.1)
    assert other.decay == scene.decay
    mirrored = [
        [(abs(r - (SHAPE[0] - 1 - a if up else a)), abs(c - (SHAPE[1] - 1 - b if over else b)))
         for (r, c, _, _), (a, b, _, _) in zip(other.discs, scene.discs, strict=True)]
        for up in (False, True) for over in (False, True)
    ]  # fmt: skip
    assert any(all(down <= 2 and across <= 2 for down, across in each) for each in mirrored)
    for (_, _, radius, value), (_, _, reach, before) in zip(other.discs, scene.discs, strict=True):
        assert radius == reach
        assert value == 1.0 if before == 1.0 else abs(value / before - 1) <= 0.1 + 1e-12


def test_scenes_come_back_from_their_file_and_damage_is_named(tmp_path: Path) -> None:
    path = tmp_path / "worst.json"
    scenes = [Discs(sources=(1, 4), **SMALL).scene(np.random.default_rng(seed), SHAPE) for seed in range(3)]
    write_scenes(path, scenes)
    assert read_scenes(path) == scenes
    listed = Listed(file=path, moved=0, changed=0.0)
    images = {scene.problem(SHAPE).source.sum() for scene in scenes}
    assert {listed.sample(np.random.default_rng(seed), SHAPE).source.sum() for seed in range(30)} == images
    write_scenes(path, scenes[:1])  # another file in its place is seen
    assert {listed.sample(np.random.default_rng(seed), SHAPE).source.sum() for seed in range(9)} == {
        scenes[0].problem(SHAPE).source.sum()
    }
    path.write_text("[]")
    with pytest.raises(DamagedFileError, match="holds no scene"):
        read_scenes(path)
