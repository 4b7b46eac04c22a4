"""From one lattice to another without stairs: convex, exact for straight slopes, smooth, and at home on a torus."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import surrogate_plugin as sp
from surrogate_adapters.compucell3d.interpolation import smooth

SIDES = st.integers(2, 12)
REFLECTING, PERIODIC = sp.Boundary.parse("reflecting"), sp.Boundary.parse("periodic")


@given(SIDES, SIDES, st.integers(1, 30), st.integers(1, 30), st.integers(0, 2**32 - 1))
def test_no_value_leaves_the_range_of_the_old_ones(rows, columns, new_rows, new_columns, seed):
    field = np.random.default_rng(seed).random((rows, columns))
    brought = smooth(field, (new_rows, new_columns), REFLECTING)
    assert brought.shape == (new_rows, new_columns)
    assert field.min() - 1e-12 <= brought.min() <= brought.max() <= field.max() + 1e-12


@given(st.integers(4, 12), st.integers(1, 60), st.floats(-3, 3), st.floats(0, 9))
def test_a_straight_slope_between_two_sides_is_kept(columns, new_columns, slope, offset):
    """Values held one spacing outside continue the slope, so that it is straight up to the edges."""
    low, high = (max(0.0, offset + abs(slope) * place) for place in (0.0, columns + 1.0))
    held = sp.Boundary.parse({"left": low, "right": high}, unnamed="reflecting")
    places = np.arange(1, columns + 1) / (columns + 1)
    brought = smooth(np.tile(low + (high - low) * places, (2, 1)), (2, new_columns), held)
    at = ((np.arange(new_columns) + 0.5) * columns / new_columns + 0.5) / (columns + 1)
    assert np.allclose(brought, low + (high - low) * at, atol=1e-12)


@given(SIDES, st.integers(1, 5), st.integers(0, 11), st.integers(0, 2**32 - 1))
def test_around_a_torus_a_field_moved_is_brought_moved(side, times, by, seed):
    field = np.random.default_rng(seed).random((side, 3))
    shape = side * times, 3 * times
    moved = smooth(np.roll(field, by, axis=0), shape, PERIODIC)
    assert np.allclose(moved, np.roll(smooth(field, shape, PERIODIC), by * times, axis=0), atol=1e-12)


@pytest.mark.parametrize("times", [2, 3, 4, 8])
def test_slopes_are_of_second_order(times):
    """Of a smooth function on half the spacing a quarter of the error, in values and in slopes."""

    def off(side):
        def averages(n):
            edges = np.linspace(0.0, 2.0 * np.pi, n + 1)
            return np.tile(np.diff(-np.cos(edges)) * n / (2.0 * np.pi), (2, 1))

        brought = smooth(averages(side), (2, side * times), PERIODIC)
        error, pixel = brought - averages(side * times), 2.0 * np.pi / (side * times)
        return np.array([np.abs(error).max(), np.abs(np.diff(error, axis=1)).max() / pixel])

    assert (off(64) < 0.27 * off(32)).all()
