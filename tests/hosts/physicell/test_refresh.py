"""When the C++ header solves: as often as it is told, before phenotype steps, and as agents come and go."""

from __future__ import annotations

import numpy as np
import pytest

from tests.hosts.physicell import fixtures as physicell_fixtures
from tests.hosts.physicell.driver import put, write_settings
from tests.hosts.physicell.fixtures import off

pytestmark = physicell_fixtures.MARKS
library, tissue = physicell_fixtures.library, physicell_fixtures.tissue


@pytest.mark.parametrize(("refresh", "solves"), [("phenotype", 4), ("mechanics", 7), (0.03, 11), (1000.0, 1)], ids=str)
def test_it_solves_as_often_as_it_is_told(tissue, tmp_path, refresh, solves):
    host, _ = tissue(9)
    host.attach(write_settings(tmp_path, refresh=refresh))
    host.advance(31)  # to the phenotype step at 0.3 min
    assert (host.report().solves, host.report().held) == (solves, 31 - solves)


def test_the_phenotype_step_finds_the_field_of_where_the_cells_are_now(tissue, tmp_path):
    host, scenario = tissue(10)
    host.attach(write_settings(tmp_path, tolerance=1e-6))
    host.advance(9)
    moved = scenario.moved(11, scenario.cells)
    put(host, moved, ["oxygen"])
    host.advance(2)
    row, column = scenario.voxels(moved)
    np.testing.assert_allclose(host.seen("oxygen"), scenario.steady("oxygen", moved)[row, column], atol=2e-6)


def test_attached_halfway_it_still_solves_before_the_phenotype_step(tissue, tmp_path):
    host, scenario = tissue(24)
    host.advance(14)
    host.attach(write_settings(tmp_path, tolerance=1e-6))
    host.advance(3)
    moved = scenario.moved(25, scenario.cells)
    put(host, moved, ["oxygen"])
    host.advance(4)  # the last of them, at 0.2 min, ends in a phenotype step
    row, column = scenario.voxels(moved)
    np.testing.assert_allclose(host.seen("oxygen"), scenario.steady("oxygen", moved)[row, column], atol=2e-6)
    assert host.report().solves == 2


def test_the_field_is_held_bit_by_bit_where_cells_have_moved(tissue, tmp_path):
    host, scenario = tissue(12)
    host.attach(write_settings(tmp_path, tolerance=10.0))
    host.advance(6)  # the last of them ended in a mechanics step
    held = host.density("oxygen")
    put(host, scenario.moved(13, scenario.cells), ["oxygen"])
    host.advance()
    assert host.report().solves == 1
    np.testing.assert_array_equal(host.density("oxygen"), held)


def test_it_solves_when_cells_come_and_go(tissue, tmp_path):
    host, scenario = tissue(14)
    host.attach(write_settings(tmp_path, tolerance=1e-6))
    host.advance()
    for count in (12, 0, 30):
        cells = scenario.cells.take(range(count))
        put(host, cells, ["oxygen"])
        host.advance()
        assert off(host, scenario, cells) < 2e-6
    assert host.report().solves == 4
