"""Agents read the field whatever they do with it: rates that change, odd volumes, strong secretion, many threads."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tests.hosts.physicell import fixtures as physicell_fixtures
from tests.hosts.physicell.driver import put, write_settings
from tests.hosts.physicell.fixtures import DT, off, scenario_cells

pytestmark = physicell_fixtures.MARKS
library, tissue = physicell_fixtures.library, physicell_fixtures.tissue


def rates_of(cells, times: float = 1.0) -> np.ndarray:
    rates = (cells.uptake_per_min["oxygen"], cells.secretion_per_min["oxygen"], cells.secretion_target["oxygen"])
    return np.stack([*(times * rate for rate in rates[:2]), rates[2], np.zeros(len(cells))], axis=-1)[:, None, :]


@pytest.mark.filterwarnings("ignore:cells moved or changed their rates")
@pytest.mark.parametrize("times", [0.0, 0.3, 40.0])
def test_rates_that_a_rule_changes_do_not_come_between_cells_and_the_field(tissue, tmp_path, times):
    """The host goes on with the old ones until a volume is set; only a solve may change what cells read."""
    host, scenario = tissue(41, cells=60, secreting=False, times_min=(DT, 5 * DT, 100 * DT))
    host.attach(write_settings(tmp_path, tolerance=1e-6, refresh=1000.0))
    host.advance(2)
    held = host.density("oxygen")
    host.rule(rates_of(scenario.cells, times))
    for _ in range(8):
        host.advance()
        np.testing.assert_array_equal(host.density("oxygen"), held)
    assert host.report().notices["cells read more than the bound", "oxygen"] > 0
    assert off(host, scenario) < 2e-6


def test_the_next_phenotype_step_finds_the_field_of_the_rates_that_a_rule_set(tissue, tmp_path):
    host, scenario = tissue(42, cells=60)
    host.attach(write_settings(tmp_path, tolerance=1e-6))
    host.advance(4)
    host.rule(rates_of(scenario.cells, 3.0))
    host.advance(7)
    cells = scenario.cells.eating(3.0).giving(3.0)
    row, column = scenario.voxels(cells)
    np.testing.assert_allclose(host.seen("oxygen"), scenario.steady("oxygen", cells)[row, column], atol=2e-6)


def test_the_volume_is_the_one_that_uptake_goes_by(tissue, tmp_path, capfd):
    """The phenotype's may be another, and an agent asked for its volume tells that one, and scolds."""
    host, scenario = tissue(43, cells=60)
    host.attach(write_settings(tmp_path, tolerance=1e-6, refresh="mechanics"))
    host.advance(2)
    for agent in range(60):
        host.set_phenotype_volume(agent, 3 * 2494.0)
    host.advance(5)  # the last of them is solved for
    assert host.report().solves == 2
    assert off(host, scenario) < 2e-6
    assert "Do not ask" not in capfd.readouterr().out


def test_what_is_secreted_strongly_is_read_as_it_is_solved_for(tissue, tmp_path):
    """Within one diffusion step these cells give off many times what the field holds."""
    host, scenario = tissue(44, cells=0, vessels=0)
    host.set_coefficients("oxygen", 1e5, 20.0)
    medium = dataclasses.replace(scenario.medium("oxygen"), decay_per_min=20.0)
    scenario = dataclasses.replace(scenario, media=(medium,))
    giving = scenario_cells(3, at=(130.0, 110.0), uptake=0.0, secretion=1000.0, target=1000.0)
    put(host, giving, ["oxygen"])
    host.attach(write_settings(tmp_path, tolerance=1e-6))
    for _ in range(3):
        host.call_solver(DT)
        assert off(host, scenario, giving) < 2e-6
        host.advance()
        assert off(host, scenario, giving) < 2e-6
    report = host.report()
    assert (report.excess, report.excess_voxels) == (0.0, 0)


def test_threads_that_meet_in_one_voxel_change_nothing(tissue, tmp_path):
    host, _ = tissue(45, cells=0)
    crowd = scenario_cells(400, at=(130.0, 110.0), uptake=20.0, secretion=5.0, target=30.0)
    put(host, crowd, ["oxygen"])
    host.set_threads(4)
    host.attach(write_settings(tmp_path, tolerance=1e-6))
    host.advance()
    held = host.density("oxygen")
    for _ in range(50):
        host.advance()
    np.testing.assert_array_equal(host.density("oxygen"), held)
    assert host.report().notices.get(("written from outside", "oxygen")) is None


def test_cells_that_come_in_their_first_step_take_up_once(tissue, tmp_path):
    host, scenario = tissue(46, cells=20)
    host.attach(write_settings(tmp_path, tolerance=1e-6))
    host.advance(2)
    more = scenario_cells(40, at=(150.0, 90.0), uptake=25.0)
    put(host, more, ["oxygen"])
    for _ in range(4):
        host.advance()
        assert off(host, scenario, more) < 2e-6


def test_a_host_that_is_let_go_takes_up_by_itself_again(tissue, tmp_path):
    (host, _), (plain, _) = tissue(47, cells=60), tissue(47, cells=60)
    host.attach(write_settings(tmp_path, tolerance=1e-6))
    host.advance(3)
    host.detach()
    plain.advance(3)
    plain.write("oxygen", host.density("oxygen"))
    before = host.internalised("oxygen") - plain.internalised("oxygen")
    for each in (host, plain):
        each.advance(5)
    np.testing.assert_array_equal(host.density("oxygen"), plain.density("oxygen"))
    np.testing.assert_allclose(host.internalised("oxygen") - plain.internalised("oxygen"), before, rtol=1e-12)


def test_rates_not_in_force_yet_stay_so_for_the_substrates_of_the_host(tissue, tmp_path):
    """Glucose is the host's: a rule's rates reach it when the host says so, with us and without us, and afterwards."""
    (host, scenario), (plain, _) = tissue(48, cells=60, substrates=2), tissue(48, cells=60, substrates=2)
    host.attach(write_settings(tmp_path, tolerance=1e-6))
    several = np.repeat(rates_of(scenario.cells, 7.0), 2, axis=1)
    for each in (host, plain):
        each.advance(3)
        each.rule(several)
        each.advance(4)
    np.testing.assert_array_equal(host.density("glucose"), plain.density("glucose"))
    host.detach()
    for each in (host, plain):
        each.advance(2)
    np.testing.assert_array_equal(host.density("glucose"), plain.density("glucose"))
