"""Two substrates: the iteration comes to fields that fit each other, and what is said of the way there is so."""

from __future__ import annotations

import numpy as np
import pytest

import surrogate_plugin as sp
from tests.examples.scripts import script

two = script("two_substrates")


@pytest.fixture(scope="module")
def truth() -> list:
    return two.iterate((1e-7, 1e-8), 25)


@pytest.fixture(scope="module")
def found() -> list:
    return two.iterate((0.05, 0.005), 7)


def test_the_uptake_of_each_depends_on_the_other():
    little, much = np.array([[0.1], [0.1]]), np.array([[30.0], [2.0]])
    without_air, without_sugar = np.array([[0.1], [2.0]]), np.array([[30.0], [0.1]])
    assert two.largest_uptakes(without_air)[1] > 4 * two.largest_uptakes(much)[1]
    assert two.largest_uptakes(without_sugar)[0] < 0.5 * two.largest_uptakes(much)[0]
    assert two.states(much) == 0
    assert two.states(without_air) == 1
    assert two.states(little) == 2


def test_both_fields_solve_the_equations_that_they_make_of_each_other(truth):
    """Each once more, by a sparse factorisation, with rates from what cells read of both in the end."""
    domain, at, vessels = two.tissue()
    uptakes = two.largest_uptakes(truth[-1].reads)
    for k, (blood, diffusivity, km) in enumerate(two.SUBSTRATES):
        rates = {"diffusivity_um2_per_min": diffusivity, "decay_per_min": 0.0, "michaelis_km": km}
        config = sp.BackendConfig(domain=domain, boundary="reflecting", **rates)
        cells = sp.Cells(at, two.RADIUS_UM, uptake_per_min=uptakes[k] / km)
        problem = sp.Backend(config).problem(sp.TissueState(cells, sp.Vessels(vessels, 12.0, blood)))
        again = sp.solve(problem, method="sparse-direct").field
        np.testing.assert_allclose(truth[-1].results[k].field, again, atol=1e-6 * blood)


def test_the_bounds_do_not_cover_the_coupling_and_the_estimate_does(found, truth):
    wrong = np.array([np.abs(each.reads - truth[-1].reads).max(axis=1) for each in found])
    bounds = np.array([each.bounds for each in found])
    assert np.all(wrong[0] > 10 * bounds[0])
    for k in range(2, len(found)):
        estimate = two.left(found[: k + 1])
        assert np.all(wrong[k] < estimate)
        assert np.all(estimate < 10 * wrong[k])


def test_changes_fall_round_by_round(found):
    changes = np.array([each.change for each in found])
    assert np.all(changes[1:] < 0.5 * changes[:-1])
