"""The gradients that PhysiCell's cells climb, when the C++ header answers for every substrate."""

from __future__ import annotations

import numpy as np
import pytest

from tests.hosts.physicell import fixtures as physicell_fixtures
from tests.hosts.physicell.driver import write_settings
from tests.hosts.physicell.fixtures import off

pytestmark = physicell_fixtures.MARKS
library, tissue = physicell_fixtures.library, physicell_fixtures.tissue


def slopes(field: np.ndarray) -> np.ndarray:
    """Differences along x and y, (ny, nx, 2): central, and of one neighbour on the rim, as PhysiCell has them."""
    by_row, by_column = np.gradient(field, 20.0)
    return np.stack([by_column, by_row], axis=-1)


@pytest.mark.parametrize("substrates", [["oxygen"], ["oxygen", "glucose"]], ids=str)
def test_gradients_are_those_of_the_field_however_many_substrates_are_named(tissue, tmp_path, substrates):
    """The index steps that gradients are reckoned with are set by the first call of the host's own solver."""
    host, scenario = tissue(31, substrates=len(substrates))
    host.attach(write_settings(tmp_path, tolerance=1e-8, substrates=substrates))
    host.advance()
    row, column = scenario.voxels(scenario.cells)
    for name in substrates:
        expected = slopes(scenario.steady(name))[row, column]
        assert np.abs(expected).max() > 1e-3
        np.testing.assert_allclose(host.gradient(name), expected, atol=1e-9)


def test_the_host_is_given_no_step_by_what_sets_its_gradients_up(tissue, tmp_path):
    host, scenario = tissue(32, substrates=2)
    host.attach(write_settings(tmp_path, tolerance=1e-8, substrates=["oxygen", "glucose"]))
    host.advance()
    for name in ("oxygen", "glucose"):
        assert off(host, scenario, name=name) < 1e-7


def test_what_cells_climb_is_solved_for_ten_times_as_accurately(tissue, tmp_path):
    """Of 38 mmHg, 1 % is allowed by default, and 0.1 % where a cell climbs."""
    bounds = {}
    for climbing in (False, True):
        host, scenario = tissue(33)
        if climbing:
            host.climb(3, "oxygen")
        host.attach(write_settings(tmp_path))
        host.advance()
        bounds[climbing] = host.report().bound
        assert off(host, scenario) <= bounds[climbing]
    assert bounds[True] <= 0.038 < bounds[False] <= 0.38


def test_what_cells_climb_and_make_themselves_has_no_node_to_take_a_share_of(tissue, tmp_path):
    host, scenario = tissue(34, vessels=0)
    host.climb(3, "oxygen")
    host.attach(write_settings(tmp_path))
    host.advance()
    assert off(host, scenario) <= host.report().bound <= 1e-3 * scenario.steady("oxygen").max()


def test_gradients_come_with_their_bound(tissue, tmp_path):
    host, scenario = tissue(35, cells=80)
    host.attach(write_settings(tmp_path, tolerance=2.0))
    host.advance()
    row, column = scenario.voxels(scenario.cells)
    off = np.abs(host.gradient("oxygen") - slopes(scenario.steady("oxygen"))[row, column]).max()
    assert 0.0 < off <= host.gradient_bound() == 2.0 * host.report().bound / 20.0


def test_a_tolerance_that_was_chosen_wins(tissue, tmp_path):
    host, _ = tissue(33)
    host.climb(3, "oxygen")
    host.attach(write_settings(tmp_path, tolerance=0.38))
    host.advance()
    assert 0.038 < host.report().bound <= 0.38
