"""Krogh's cylinder: the formulas solve their equations, and fields come to them as the spacing falls."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_bvp

from tests.examples.scripts import script

krogh = script("krogh")


@pytest.mark.parametrize("order", ["first", "zero"])
def test_the_formulas_are_those_of_the_radial_equation(order):
    """Solved once more as a boundary value problem along the radius, which shares nothing with either."""

    def taken(field: np.ndarray) -> np.ndarray:
        return krogh.FIRST_ORDER * field if order == "first" else np.full_like(field, krogh.ZERO_ORDER)

    at = np.linspace(krogh.VESSEL_UM, krogh.CYLINDER_UM, 200)
    found = solve_bvp(
        lambda r, c: np.stack([c[1], taken(c[0]) / krogh.DIFFUSIVITY - c[1] / r]),
        lambda inner, outer: np.array([inner[0] - krogh.BLOOD, outer[1]]),
        at,
        np.stack([np.full(200, krogh.BLOOD), np.zeros(200)]),
        tol=1e-9,
    )
    assert found.success
    np.testing.assert_allclose(krogh.FORMULAS[order](at), found.sol(at)[0], atol=1e-6)


@pytest.mark.parametrize("order", ["first", "zero"])
def test_the_error_of_the_lattice_falls_with_the_spacing_and_the_bound_says_nothing_of_it(order):
    coarse, fine = krogh.cylinder(order, 1), krogh.cylinder(order, 8)
    assert fine[0] < coarse[0] / 4
    assert max(coarse[2], fine[2]) <= 1e-6 < fine[0]


@pytest.mark.parametrize("order", ["first", "zero"])
@pytest.mark.parametrize("pixels", [1, 2, 3, 4, 6, 8])
def test_the_estimate_of_the_lattices_error_is_within_a_factor_of_two_of_it(order, pixels):
    error, estimate, _ = krogh.cylinder(order, pixels)
    assert error / 2 < estimate < 2 * error


def test_what_is_missing_is_what_oxygen_is_short_of_the_blood():
    """Zero order, posed as it may not be, is the same lattice's sparse system with a constant sink."""
    field, r, domain, bound = krogh.array("zero", columns=24)
    held = r <= krogh.VESSEL_UM
    matrix = np.zeros((held.size, held.size))
    number = np.arange(held.size).reshape(domain.shape)
    for axis, spacing in enumerate(domain.spacings_um):
        for step in (-1, 1):
            there = np.roll(number, step, axis).ravel()
            matrix[number.ravel(), number.ravel()] -= krogh.DIFFUSIVITY / spacing**2
            matrix[number.ravel(), there] += krogh.DIFFUSIVITY / spacing**2
    matrix[held.ravel()] = np.eye(held.size)[held.ravel()]
    right = np.where(held.ravel(), krogh.BLOOD, krogh.ZERO_ORDER)
    expected = np.linalg.solve(matrix, right).reshape(domain.shape)
    assert np.abs(field - expected).max() <= bound + 1e-9


def test_corners_between_cylinders_have_less_than_their_rim_and_saturating_cells_leave_more():
    fields = {order: krogh.array(order, columns=97)[0] for order in ("first", "zero", "saturating")}
    for order, formula in krogh.FORMULAS.items():
        assert fields[order].min() < formula(np.array(krogh.CYLINDER_UM))
    assert np.all(fields["saturating"] >= fields["zero"] - 1e-5)
