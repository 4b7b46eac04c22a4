"""The tumour whose core dies: the formula of its rim, how the rim is measured, and how near they come."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from tests.examples.scripts import script

tumour = script("necrotic_tumour")


@pytest.mark.parametrize(("radius", "core"), [(300.0, 40.0), (400.0, 200.0), (900.0, 700.0)])
def test_the_expected_rim_is_that_of_the_radial_equation(radius, core):
    """Integrated outwards from a core that nothing flows into."""
    found = solve_ivp(
        lambda r, c: [c[1], tumour.UPTAKE / tumour.DIFFUSIVITY * c[0] - c[1] / r],
        (core, radius),
        [tumour.NECROTIC, 0.0],
        rtol=1e-10,
    )
    surface = found.y[0, -1]
    assert tumour.expected_rim(radius, surface, tumour.UPTAKE) == pytest.approx(radius - core, rel=1e-5)


def test_where_there_is_enough_for_the_middle_no_core_is_expected():
    assert np.isnan(tumour.expected_rim(50.0, 38.0, tumour.UPTAKE))


def test_the_rim_of_a_ring_around_a_core_is_measured():
    grid = np.stack(np.meshgrid(np.arange(-300, 301, 10.0), np.arange(-300, 301, 10.0)), axis=-1).reshape(-1, 2)
    at = grid[np.hypot(*grid.T) <= 300.0]
    state = np.where(np.hypot(*at.T) <= 200.0, tumour.DEAD, tumour.RESTING)
    radius, rim = tumour.measured_rim(at, state)
    assert radius == pytest.approx(300.0 + tumour.RADIUS_UM, abs=10.0)
    assert rim == pytest.approx(100.0, abs=10.0)
    assert np.isnan(tumour.measured_rim(at, np.full(len(at), tumour.RESTING))[1])


def test_the_core_dies_and_the_rim_is_about_what_the_formula_says():
    backend, result, at, state, rows = tumour.run(24 * 11.0, np.random.default_rng(5))
    assert backend.summary().largest_bound <= backend.config.tolerance
    away = [float(np.median(np.hypot(*at[state == k].T))) for k in (tumour.DEAD, tumour.RESTING, tumour.DIVIDING)]
    assert away == sorted(away)
    assert np.all(np.diff(rows[:, 3]) >= 0)
    measured, expected = rows[-12:, 5], rows[-12:, 6]
    assert np.all(np.abs(measured / expected - 1) < 0.25)
    # Dead cells take nothing up, so oxygen hardly changes across the core and never falls to 0 there.
    inside = result.sample(at[state == tumour.DEAD])
    assert inside.min() > 0.5 * tumour.NECROTIC
    assert np.median(inside) < tumour.HYPOXIC
