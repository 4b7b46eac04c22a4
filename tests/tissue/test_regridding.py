"""Regridding: nothing is made or lost, constants stay, the adjoint holds, vessels stay vessels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

import surrogate_plugin as sp

SIDES = st.integers(1, 24)
SHAPES = st.tuples(SIDES, SIDES)
CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]])


def random_lattice(seed: int, shape: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.0, 40.0, shape)


@given(old=SHAPES, new=SHAPES, seed=st.integers(0, 2**32 - 1))
def test_the_mean_and_any_constant_stay_and_no_value_leaves_the_range(old, new, seed):
    values = random_lattice(seed, old)
    there = sp.regrid(values, new)
    assert there.shape == new
    assert there.mean() == pytest.approx(values.mean(), rel=1e-13)
    assert np.allclose(sp.regrid(np.full(old, 7.3), new), 7.3, rtol=1e-14, atol=0.0)
    assert values.min() * (1 - 1e-14) <= there.min()
    assert there.max() <= values.max() * (1 + 1e-14)


@given(fine=SHAPES, coarse=SHAPES, seed=st.integers(0, 2**32 - 1))
def test_what_an_uptake_takes_is_the_same_on_both_lattices(fine, coarse, seed):
    """The uptake brought over, times a coarse field, is the uptake times the field brought back."""
    uptake, field = random_lattice(seed, fine), random_lattice(seed + 1, coarse)
    there = (sp.regrid(uptake, coarse) * field).mean()
    assert (uptake * sp.regrid(field, fine)).mean() == pytest.approx(there, rel=1e-12)


@given(shape=SHAPES, times=st.integers(1, 4), seed=st.integers(0, 2**32 - 1))
def test_by_whole_numbers_it_copies_and_averages_blocks(shape, times, seed):
    values = random_lattice(seed, shape)
    finer = sp.regrid(values, (times * shape[0], times * shape[1]))
    assert np.allclose(finer, np.kron(values, np.ones((times, times))), rtol=1e-14)
    assert np.allclose(sp.regrid(finer, shape), values, rtol=1e-13)


@given(shape=SHAPES, new=SHAPES, seed=st.integers(0, 2**32 - 1))
def test_it_treats_rows_and_columns_alike_and_both_directions_alike(shape, new, seed):
    values = random_lattice(seed, shape)
    there = sp.regrid(values, new)
    assert np.allclose(sp.regrid(values.T, new[::-1]), there.T, rtol=1e-13)
    assert np.allclose(sp.regrid(values[::-1, ::-1], new), there[::-1, ::-1], rtol=1e-13)


def test_the_averages_are_those_of_the_overlaps():
    """Against the overlap of each pair of pixels, reckoned one by one."""
    values = random_lattice(3, (5, 7))
    rows, columns = 3, 11
    expected = np.zeros((rows, columns))
    for r, c in np.ndindex(rows, columns):
        for i, j in np.ndindex(5, 7):
            high = min((r + 1) / rows, (i + 1) / 5) - max(r / rows, i / 5)
            wide = min((c + 1) / columns, (j + 1) / 7) - max(c / columns, j / 7)
            expected[r, c] += max(high, 0.0) * max(wide, 0.0) * rows * columns * values[i, j]
    assert np.allclose(sp.regrid(values, (rows, columns)), expected, rtol=1e-12)


def test_it_is_first_order_for_a_smooth_function():
    def averages(n: int) -> np.ndarray:
        x = (np.arange(n) + 0.5) / n
        return np.sin(3.0 * x)[:, np.newaxis] + np.cos(2.0 * x)[np.newaxis, :]

    fine = averages(480)
    errors = [np.abs(sp.regrid(sp.regrid(fine, (n, n)), (480, 480)) - fine).max() for n in (15, 30, 60)]
    assert errors[0] / errors[1] == pytest.approx(2.0, abs=0.15)
    assert errors[1] / errors[2] == pytest.approx(2.0, abs=0.15)


@given(old=SHAPES, new=SHAPES, seed=st.integers(0, 2**32 - 1))
def test_no_vessel_is_lost_and_none_is_invented(old, new, seed):
    rng = np.random.default_rng(seed)
    fixed = rng.random(old) < 0.2
    value = np.where(fixed, rng.uniform(1.0, 38.0, old), 0.0)
    there, held = sp.regrid_fixed(fixed, value, new)
    assert there.any() == fixed.any()
    assert held.max(initial=0.0) == value.max(initial=0.0)
    assert set(held[there]) <= set(value[fixed])
    assert (held[~there] == 0.0).all()
    # Whatever is fixed touches something fixed: its average over the pixel is not 0.
    assert (sp.regrid(fixed, new)[there] > 0.0).all()


@given(old=st.tuples(st.integers(2, 24), st.integers(2, 24)), new=SHAPES, seed=st.integers(0, 2**32 - 1))
def test_a_connected_vessel_stays_connected(old, new, seed):
    """A random walk, one pixel wide, on lattices that are coarser along both axes or finer along both."""
    new = tuple(min(side, most) for side, most in zip(new, old, strict=True)) if new[0] <= old[0] else (
        new[0], max(new[1], old[1])
    )  # fmt: skip
    rng = np.random.default_rng(seed)
    place, fixed = np.array(old) // 2, np.zeros(old, dtype=bool)
    for step in rng.choice([(0, 1), (1, 0), (0, -1), (-1, 0)], 40):
        place = np.clip(place + step, 0, np.array(old) - 1)
        fixed[tuple(place)] = True
    there, _ = sp.regrid_fixed(fixed, np.where(fixed, 38.0, 0.0), new)
    assert ndimage.label(there, structure=CROSS)[1] == 1


@pytest.mark.parametrize(
    ("values", "shape", "message"),
    [
        (np.ones(3), (2, 2), r"values has shape \(3,\)"),
        (np.ones((0, 3)), (2, 2), r"values has shape \(0, 3\)"),
        (np.array([[1.0, np.nan]]), (2, 2), r"values is NaN at \(row 0, column 1\)"),
        (np.ones((2, 2)), (2, 0), r"shape is \(2, 0\); two whole numbers"),
        (np.ones((2, 2)), (2.5, 2), r"shape is \(2.5, 2\)"),
        (np.ones((2, 2)), 4, "shape is 4"),
    ],
)
def test_what_is_no_lattice_is_refused_in_one_sentence(values, shape, message):
    with pytest.raises(sp.InvalidProblemError, match=message):
        sp.regrid(values, shape)


def test_a_mask_and_values_of_two_shapes_are_refused():
    with pytest.raises(sp.InvalidProblemError, match="they must agree"):
        sp.regrid_fixed(np.ones((2, 2), dtype=bool), np.ones((2, 3)), (4, 4))
