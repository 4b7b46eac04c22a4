"""The C++ header on a small stand-in for PhysiCell: what agents read, and what their counters count."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tests.exact import exact_field
from tests.hosts.physicell import fixtures as physicell_fixtures
from tests.hosts.physicell.driver import put, write_settings
from tests.hosts.physicell.fixtures import DT, off, scenario_cells

pytestmark = physicell_fixtures.MARKS
library, tissue = physicell_fixtures.library, physicell_fixtures.tissue


@pytest.mark.parametrize("threads", [1, 4])
def test_agents_read_the_same_field_at_every_held_step(tissue, tmp_path, threads):
    host, scenario = tissue(1, cells=60)
    host.set_threads(threads)
    host.attach(write_settings(tmp_path, tolerance=1e-6))
    host.advance()
    first = host.density("oxygen")
    assert off(host, scenario) <= host.report().bound + 1e-8 <= 1.1e-6
    for _ in range(5):
        host.advance()
        np.testing.assert_allclose(host.density("oxygen"), first, rtol=1e-12)
    assert (host.report().solves, host.report().held) == (1, 5)


def test_agents_that_share_a_voxel_read_the_field_too(tissue, tmp_path):
    host, scenario = tissue(2, cells=0)
    crowd = scenario_cells(12, at=(130.0, 110.0), uptake=10.0, secretion=2.0, target=20.0)
    put(host, crowd, ["oxygen"], export=300.0)
    host.attach(write_settings(tmp_path, tolerance=1e-7))
    host.advance(3)
    made = np.zeros(scenario.shape)
    made[5, 6] = 12 * 300.0 / 8000.0
    problem = scenario.problem("oxygen", crowd)
    with_export = problem.replace(production=problem.production + made)
    expected = exact_field(with_export)
    np.testing.assert_allclose(host.density("oxygen"), expected, rtol=1e-7)


def test_an_agents_own_counter_counts_what_the_field_lost_to_it(tissue, tmp_path):
    host, scenario = tissue(3, cells=50)
    host.attach(write_settings(tmp_path, tolerance=1e-9))
    steps = 7
    host.advance(steps)
    cells, (row, column) = scenario.cells, scenario.voxels(scenario.cells)
    c = host.density("oxygen")[row, column]
    uptake, secretion = cells.uptake_per_min["oxygen"], cells.secretion_per_min["oxygen"]
    made = cells.volume_um3 * secretion * (cells.secretion_target["oxygen"] - c)
    expected = steps * DT * (cells.volume_um3 * uptake * c - made)
    counted = host.internalised("oxygen")
    np.testing.assert_allclose(counted, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())
    taken_up = counted.sum() / (steps * DT) + made.sum()
    assert scenario.inflow("oxygen", host.density("oxygen")) == pytest.approx(taken_up, rel=1e-6)


def test_each_counter_of_a_crowd_counts_its_own_share(tissue, tmp_path):
    """The host works through a voxel's agents one after another, and so the first find more than the last."""
    host, scenario = tissue(4, cells=0)
    crowd = scenario_cells(3, at=(130.0, 110.0), uptake=10.0, secretion=2.0, target=20.0)
    uptake = np.array([0.0, 5.0, 40.0])
    crowd = dataclasses.replace(crowd, uptake_per_min={"oxygen": uptake})
    put(host, crowd, ["oxygen"], export=300.0)
    host.attach(write_settings(tmp_path, tolerance=1e-9))
    steps = 5
    host.advance(steps)
    row, column = scenario.voxels(crowd)
    c = host.density("oxygen")[row, column]
    flux = 2494.0 * (uptake * c - 2.0 * (20.0 - c)) - 300.0
    np.testing.assert_allclose(host.internalised("oxygen"), steps * DT * flux, rtol=1e-10)


def test_inactive_agents_take_no_part(tissue, tmp_path):
    host, scenario = tissue(6)
    host.set_active(3, False)
    host.attach(write_settings(tmp_path, tolerance=1e-6))
    host.advance()
    others = [a for a in range(len(scenario.cells)) if a != 3]
    assert off(host, scenario, scenario.cells.take(others)) < 2e-6


def test_an_agent_on_a_node_reads_its_value(tissue, tmp_path):
    host, scenario = tissue(23)
    row, column = (int(k) for k in np.argwhere(scenario.medium("oxygen").fixed)[0])
    place = (20.0 * column + 3.0, 20.0 * row + 4.0)
    put(host, scenario_cells(1, at=place, uptake=10.0), ["oxygen"])
    host.attach(write_settings(tmp_path))
    host.advance(3)
    value = scenario.medium("oxygen").value[row, column]
    assert host.density("oxygen")[row, column] == pytest.approx(value, rel=1e-12)


def test_a_node_that_is_switched_off_is_free(tissue, tmp_path):
    host, scenario = tissue(7)
    row, column = (int(k) for k in np.argwhere(scenario.medium("oxygen").fixed)[0])
    host.activate(row, column, "oxygen", False)
    host.attach(write_settings(tmp_path, tolerance=1e-6))
    host.advance()
    medium = scenario.medium("oxygen")
    fixed, value = medium.fixed.copy(), medium.value.copy()
    fixed[row, column], value[row, column] = False, 0.0
    less = dataclasses.replace(scenario, media=(dataclasses.replace(medium, fixed=fixed, value=value),))
    assert off(host, less) < 2e-6
    assert off(host, scenario) > 1e-3


def test_coefficients_that_change_are_solved_with_at_once(tissue, tmp_path):
    host, scenario = tissue(8)
    host.attach(write_settings(tmp_path, tolerance=1e-6))
    host.advance(2)
    host.set_coefficients("oxygen", 5e4, 1.0)
    host.advance()
    medium = dataclasses.replace(scenario.medium("oxygen"), diffusivity_um2_per_min=5e4, decay_per_min=1.0)
    assert off(host, dataclasses.replace(scenario, media=(medium,))) < 2e-6
    assert host.report().solves == 2
