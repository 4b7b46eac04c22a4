"""A solve that fails stops PhysiCell and saves what it was given, or hands over to the host's own solver."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import surrogate_plugin as sp
from benchmarks.stand_ins.physicell import driver
from surrogate_plugin.testing import Scenario
from tests.hosts.physicell import fixtures as physicell_fixtures
from tests.hosts.physicell.driver import put, write_settings
from tests.hosts.physicell.fixtures import off

pytestmark = physicell_fixtures.MARKS
library, tissue = physicell_fixtures.library, physicell_fixtures.tissue


def broken(host: Any, scenario: Scenario) -> None:
    """Agents that no steady field can serve."""
    put(host, scenario.cells, ["oxygen"], export=-1.0)


def test_an_error_stops_the_simulation_and_saves_what_it_was_given(tissue, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    host, scenario = tissue(15)
    host.attach(write_settings(tmp_path, tolerance=1e-6))
    host.advance(10)
    before = host.density("oxygen")
    broken(host, scenario)
    with pytest.raises(driver.HostError) as caught:
        host.advance()
    message = str(caught.value)
    assert (
        "the solve of oxygen at 0.1 min failed: cell 0 of PhysiCell's list has net export -1; values >= 0 are allowed"
        in message
    )
    assert "\n" not in message
    path = tmp_path / "surrogate-failure.npz"
    assert str(path) in message
    np.testing.assert_array_equal(host.density("oxygen"), before)
    with np.load(path) as saved:
        assert saved["names"].tolist() == ["oxygen"]
        assert saved["rates"].shape == (1, 4, 40)
        np.testing.assert_allclose(saved["volume"], scenario.cells.volume_um3)
        np.testing.assert_array_equal(saved["fixed"][0], scenario.medium("oxygen").fixed)
        np.testing.assert_allclose(saved["field"][0], before, rtol=1e-12)
    with pytest.raises(driver.HostError, match="net export"):  # a host that goes on is not given the last field
        host.advance()


def test_on_error_host_the_old_solver_answers_until_the_next_solve(tissue, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    (host, scenario), (plain, _) = tissue(16), tissue(16)
    for each in (host, plain):
        broken(each, scenario)
    host.attach(write_settings(tmp_path, tolerance=1e-6, on_error="host"))
    for _ in range(3):
        host.advance()
        plain.advance()
        np.testing.assert_array_equal(host.density("oxygen"), plain.density("oxygen"))
    told = capfd.readouterr().err
    assert told.count("net export") == 1
    assert "own solver answers" in told
    assert host.report().handed_back == 3
    put(host, scenario.cells, ["oxygen"])
    host.advance(8)
    assert off(host, scenario) < 2e-6
    assert host.report().solves == 1
    assert not list(tmp_path.glob("*.npz"))


def test_an_error_is_in_the_words_of_the_host(library, tmp_path, monkeypatch):
    """Decay 0, no node, and the only cell that took it up is gone: there are no pixels or sides in PhysiCell."""
    monkeypatch.chdir(tmp_path)
    host = driver.StandIn(library, (17, 12), [("factor", 1e6, 0.0, 1.0)], times_min=(0.01, 0.05, 0.1))
    with pytest.warns(sp.PromiseWarning, match="only cells that take it up or secrete it pull it to a value"):
        host.attach(write_settings(tmp_path, substrates=["factor"]))
    place, volume = [[50.0, 60.0]], [2494.0]
    host.put(place, volume, [[[1.0, 0.0, 0.0, 0.0]]])
    with pytest.warns(sp.PromiseWarning, match="nothing supplies factor"):
        host.advance()
    host.put(np.zeros((0, 2)), np.zeros(0), np.zeros((0, 1, 4)))
    with pytest.raises(driver.HostError) as caught:
        host.advance(10)
    message = str(caught.value)
    assert "the solve of factor at 0.1 min failed: factor has decay rate 0, no active Dirichlet node" in message
    assert not any(word in message for word in ("pixel", "side", "source"))
    host.release()
