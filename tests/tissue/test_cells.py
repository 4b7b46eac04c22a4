"""Cells by radius or by volume, by place or by voxel, and what they produce: the same sums on the pixels, exactly."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import surrogate_plugin as sp

SHAPE, SPACING = (7, 11), 13.0
DOMAIN = sp.Domain.from_lattice(SHAPE, SPACING, origin_um=(-31.7, 4.1), thickness_um=9.0)
SEEDS = st.integers(0, 2**32 - 1)


def numbers(seed: int, cells: int = 30) -> tuple[np.random.Generator, dict[str, np.ndarray]]:
    rng = np.random.default_rng(seed)
    rates = ("uptake_per_min", "secretion_per_min", "secretion_target", "production_per_min")
    return rng, {name: rng.uniform(0, 9, cells) * (rng.random(cells) < 0.7) for name in rates}


def places(rng: np.random.Generator, cells: int = 30) -> np.ndarray:
    return np.column_stack([rng.integers(0, SHAPE[0], cells), rng.integers(0, SHAPE[1], cells)])


def maps(cells: sp.Cells, **options) -> np.ndarray:
    raster = DOMAIN.rasterise(sp.TissueState(cells), **options)
    rates = (raster.uptake_per_min, raster.secretion_per_min, raster.production_per_min)
    return np.array([np.broadcast_to(rate, SHAPE) for rate in rates])


@given(SEEDS)
def test_one_cell_counts_as_a_host_counts_it_rate_times_volume_by_volume_of_a_voxel(seed: int) -> None:
    rng, rates = numbers(seed, 1)
    volume, (row, column) = rng.uniform(0, 5000), places(rng, 1)[0]
    uptake, secretion, production = maps(sp.Cells(voxel=[(row, column)], volume_um3=volume, **rates), deposit="voxel")
    share = volume / DOMAIN.voxel_volume_um3
    u, s, target, made = (rate.item() for rate in rates.values())
    assert uptake[row, column] == share * u
    assert secretion[row, column] == share * s
    assert production[row, column] == share * (s * target + made)
    assert np.count_nonzero(uptake) == (u > 0)


@given(SEEDS)
def test_cells_of_one_voxel_add_up(seed: int) -> None:
    rng, rates = numbers(seed)
    volume, voxel = rng.uniform(0, 5000, 30), places(rng)
    found = maps(sp.Cells(voxel=voxel, volume_um3=volume, **rates), deposit="voxel")
    exact = np.full((3, *SHAPE), Fraction(0))
    for k, (row, column) in enumerate(voxel):
        share = Fraction(volume[k]) / Fraction(DOMAIN.voxel_volume_um3)
        u, s, target, made = (Fraction(rate[k]) for rate in rates.values())
        exact[:, row, column] += share * np.array([u, s, s * target + made])
    np.testing.assert_allclose(found, exact.astype(float), rtol=1e-14)


@given(SEEDS, st.sampled_from(["area", "voxel"]))
def test_a_voxel_is_its_middle_by_rows_and_columns_or_flat(seed: int, deposit: str) -> None:
    rng, rates = numbers(seed)
    voxel, radius = places(rng), rng.uniform(0, 20, 30)
    x, y = DOMAIN.centres_um()
    there = sp.Cells(np.column_stack([x[voxel[:, 1]], y[voxel[:, 0]]]), radius, **rates)
    flat = voxel[:, 0] * SHAPE[1] + voxel[:, 1]
    by_row_and_column = maps(sp.Cells(voxel=voxel, radius_um=radius, **rates), deposit=deposit)
    np.testing.assert_allclose(by_row_and_column, maps(there, deposit=deposit), rtol=1e-9, atol=1e-12)
    assert np.array_equal(by_row_and_column, maps(sp.Cells(voxel=flat, radius_um=radius, **rates), deposit=deposit))


@given(SEEDS, st.sampled_from(["area", "voxel"]))
def test_a_volume_is_that_of_a_sphere_where_cells_are_spread_by_area(seed: int, deposit: str) -> None:
    rng, rates = numbers(seed)
    position, radius = rng.uniform(5, 90, (30, 2)), rng.uniform(0, 20, 30)
    spheres = sp.Cells(position, radius, **rates)
    by_volume = sp.Cells(position, volume_um3=spheres.volume_um3, **rates)
    np.testing.assert_allclose(by_volume.radius_um, radius, rtol=1e-15)
    np.testing.assert_allclose(maps(by_volume, deposit=deposit), maps(spheres, deposit=deposit), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("outside", ["error", "drop", "clamp"])
@pytest.mark.parametrize(
    ("voxel", "message"),
    [
        ([0, 77], r"cells.voxel\[1\] is 77, off the domain of 7 rows and 11 columns \(1 are\)"),
        ([(0, 0), (6, 10), (7, 0)], r"cells.voxel\[2\] is \[7, 0\], off the domain"),
        ([(0, 11), (6, 11)], r"cells.voxel\[0\] is \[0, 11\], off the domain .*\(2 are\)"),
    ],
)
def test_a_voxel_off_the_lattice_is_refused_whatever_becomes_of_places_off_it(voxel, message, outside) -> None:
    state = sp.TissueState(sp.Cells(voxel=voxel, volume_um3=1.0))
    with pytest.raises(sp.InvalidProblemError, match=message):
        DOMAIN.rasterise(state, deposit="voxel", outside=outside)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"position_um": [(0, 0)]}, "cells.radius_um is None, as is cells.volume_um3; exactly one of the two is"),
        ({"radius_um": 1.0}, "cells.position_um is None, as is cells.voxel; exactly one"),
        ({"position_um": [(0, 0)], "radius_um": 1.0, "volume_um3": 1.0}, "cells.radius_um is given, and so is"),
        (
            {"position_um": [(0, 0)], "radius_um": 1.0, "voxel": [0]},
            "cells.position_um is given, and so is",
        ),
        ({"voxel": [3, -1], "radius_um": 1.0}, r"cells.voxel\[1\] is -1.0; whole numbers >= 0"),
        ({"voxel": [(0, 0.5)], "radius_um": 1.0}, r"cells.voxel\[0\] is \[0.0, 0.5\]; whole numbers"),
        ({"voxel": [(0, 0, 0)], "radius_um": 1.0}, r"cells.voxel has shape \(1, 3\); \(n,\) flat indices"),
        ({"voxel": [0, 1], "volume_um3": [1.0]}, r"cells.volume_um3 has shape \(1,\)"),
        ({"voxel": [0], "volume_um3": -1.0}, "cells.volume_um3 is -1"),
        ({"voxel": [0], "volume_um3": 1.0, "production_per_min": [-2.0]}, r"cells.production_per_min\[0\] is -2"),
    ],
)
def test_what_is_missing_or_no_voxel_is_refused_in_one_sentence(given, message) -> None:
    with pytest.raises(sp.InvalidProblemError, match=message):
        sp.Cells(**given)


@pytest.mark.parametrize("voxel", [[], np.empty((0, 2))])
def test_there_may_be_no_cells(voxel) -> None:
    cells = sp.Cells(voxel=voxel, volume_um3=[])
    assert len(cells) == 0
    assert not maps(cells).any()


@pytest.mark.parametrize(
    ("name", "value"), [("voxel", [3, 8]), ("volume_um3", [5.0, 7.0]), ("production_per_min", [0.0, 1.0])]
)
def test_states_are_the_same_only_with_the_same_numbers(name, value) -> None:
    given = {"voxel": [3, 9], "volume_um3": [5.0, 6.0], "production_per_min": [0.0, 2.0]}
    state, twin = sp.TissueState(sp.Cells(**given)), sp.TissueState(sp.Cells(**given))
    assert state.same_as(twin)
    assert state.same_as(pickle.loads(pickle.dumps(state)))
    assert state.same_as(copy.deepcopy(state))
    assert not state.same_as(sp.TissueState(sp.Cells(**given | {name: value})))


def test_cells_by_voxel_are_not_those_by_place() -> None:
    by_voxel, by_place = sp.Cells(voxel=[0], radius_um=1.0), sp.Cells([(-25.2, 10.6)], 1.0)
    assert not sp.TissueState(by_voxel).same_as(sp.TissueState(by_place))


def test_cells_can_be_made_of_others_with_one_number_changed() -> None:
    cells = sp.Cells([(1.0, 2.0)], radius_um=3.0, uptake_per_min=1.0)
    changed = dataclasses.replace(cells, uptake_per_min=2.0)
    assert (changed.uptake_per_min.item(), changed.volume_um3.item()) == (2.0, cells.volume_um3.item())


def test_what_cells_produce_is_solved_for() -> None:
    config = sp.BackendConfig(
        domain=DOMAIN, diffusivity_um2_per_min=500.0, decay_per_min=0.3, boundary="reflecting", tolerance=1e-9
    )
    cells = sp.Cells(voxel=[40, 41], volume_um3=[700.0, 900.0], production_per_min=[2.0, 5.0])
    field = sp.Backend(config).step(sp.TissueState(cells)).field
    made = (700.0 * 2.0 + 900.0 * 5.0) / DOMAIN.voxel_volume_um3
    assert 0.3 * field.sum() == pytest.approx(made, rel=1e-8)  # nothing leaves, so that decay takes what is made


def test_cells_in_voxels_are_not_drawn_without_a_place() -> None:
    from surrogate_plugin.pictures.view import point_data

    with pytest.raises(sp.InvalidProblemError, match="cells that live in voxels have no position_um"):
        point_data(sp.Cells(voxel=[0], radius_um=1.0))
