"""Oxygen around the vessels of a picture: the tree that is grown, what is read of pictures, and what is said."""

from __future__ import annotations

import re

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import distance_transform_edt

from tests.examples.running import run
from tests.examples.scripts import script

example = script("vessel_mask")


def test_the_grown_tree_obeys_murray_fills_the_disc_and_leaves_its_middle_bare():
    tree = example.grown(np.random.default_rng(0))
    starts, ends = tree.position_um, tree.end_um
    for place in np.unique(starts, axis=0)[1::25]:
        out, into = np.all(starts == place, axis=1), np.all(ends == place, axis=1)
        if into.any():
            assert (tree.radius_um[into] ** 3).sum() == pytest.approx((tree.radius_um[out] ** 3).sum())
    begun = {tuple(place) for place in starts}
    tips = np.array([place for place in ends if tuple(place) not in begun])
    assert len(tips) > 200
    assert np.hypot(*tips.T).min() > 0.99 * example.BARE * example.DISC_UM
    vessels, inside = example.made_here(30.0)
    away = 30.0 * distance_transform_edt(~vessels)
    ring = inside & (np.hypot(*np.meshgrid(*2 * [np.arange(100) * 30.0 - 1485.0])) > 0.5 * example.DISC_UM)
    assert away[ring].max() < 250.0
    assert away[inside].max() < 600.0


def test_between_two_straight_vessels_oxygen_is_a_cosine_hyperbolic(tmp_path):
    mask = np.zeros((12, 61), np.uint8)
    mask[:, [0, 60]] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    chosen = example.options().parse_args([str(tmp_path / "mask.png"), "--um-per-pixel", "3"])
    vessels, inside = example.tissue_of(chosen)
    solution = example.sp.solve(example.problem_of(vessels, inside, chosen), tolerance=1e-6)
    x = 3.0 * (np.arange(61) - 30)
    fall = np.sqrt(chosen.uptake / example.DIFFUSIVITY)
    expected = chosen.blood * np.cosh(fall * x) / np.cosh(fall * 90.0)
    np.testing.assert_allclose(solution.field, np.tile(expected, (12, 1)), rtol=1e-3)


def test_nothing_passes_the_rim_of_the_field_of_view_and_rows_go_up(tmp_path):
    mask, seen = np.zeros((40, 60), np.uint8), np.zeros((40, 60), np.uint8)
    mask[10, 20:40] = 255  # in the upper half of the picture
    seen[5:30, 10:50] = 255
    Image.fromarray(mask).save(tmp_path / "mask.gif")
    Image.fromarray(seen).save(tmp_path / "seen.gif")
    arguments = [str(tmp_path / "mask.gif"), "--field-of-view", str(tmp_path / "seen.gif"), "--um-per-pixel", "5"]
    chosen = example.options().parse_args(arguments)
    vessels, inside = example.tissue_of(chosen)
    assert np.flatnonzero(vessels.any(axis=1)).tolist() == [29]
    field = example.sp.solve(example.problem_of(vessels, inside, chosen), tolerance=1e-6).field
    cut = np.s_[10:35, 10:50]
    assert np.all(field[~inside] == 0.0)
    alone = example.problem_of(vessels[cut], inside[cut], chosen)
    np.testing.assert_allclose(field[cut], example.sp.solve(alone, tolerance=1e-6).field, atol=2e-6)


def test_dark_vessels_of_a_photograph_are_found():
    rows, columns = np.indices((400, 400))
    disc = np.hypot(rows - 200, columns - 200) < 190
    vessel = np.abs(rows - 200 - 40 * np.sin(columns / 60.0)) < 3.5
    vessel |= np.abs(columns - 150 - 0.2 * rows) < 2.5
    colour = np.stack([200.0 * disc, (120.0 - 0.1 * columns) * disc, 60.0 * disc], axis=-1)
    colour[vessel & disc, 1] *= 0.7
    colour += np.random.default_rng(0).normal(0.0, 1.0, colour.shape)
    found, inside = example.segmented(colour)
    inner = np.hypot(rows - 200, columns - 200) < 150
    assert inside[inner].all()
    assert not inside[~disc].any()
    assert found[vessel & inner].mean() > 0.9
    beside = distance_transform_edt(~vessel) > 4
    assert found[beside & inner].mean() < 0.02


def test_a_tighter_bound_leaves_less_open_and_the_lattice_more_than_either(tmp_path):
    said = run("vessel_mask.py", "--um-per-pixel", "20", folder=tmp_path)
    bounds = [float(each) for each in re.findall(r"the bound is (\S+) mmHg", said)]
    *by_bounds, by_lattice = [float(each) for each in re.findall(r"it open of (\S+)%", said)]
    assert len(bounds) == len(by_bounds) == 3
    assert bounds == sorted(bounds, reverse=True)
    assert by_bounds == sorted(by_bounds, reverse=True)
    assert by_lattice > by_bounds[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["mask.png"], "--um-per-pixel is missing"),
        (["mask.png", "--um-per-pixel", "5", "--field-of-view", "seen.png"], "seen.png has (4, 4) pixels"),
    ],
)
def test_what_cannot_be_meant_is_said(tmp_path, monkeypatch, capsys, arguments, words):
    Image.fromarray(np.eye(8, dtype=np.uint8) * 255).save(tmp_path / "mask.png")
    Image.fromarray(np.eye(4, dtype=np.uint8) * 255).save(tmp_path / "seen.png")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["vessel_mask.py", *arguments])
    with pytest.raises(SystemExit) as refused:
        example.main()
    assert words in str(refused.value) + capsys.readouterr().err
