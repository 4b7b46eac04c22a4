"""Substrates that the C++ header leaves to PhysiCell: each is stepped alone, to the last bit as the host would."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.stand_ins.physicell import driver
from tests.hosts.physicell import fixtures as physicell_fixtures
from tests.hosts.physicell.driver import put, write_settings
from tests.hosts.physicell.fixtures import DT, off, scenario_cells

pytestmark = physicell_fixtures.MARKS
library, tissue = physicell_fixtures.library, physicell_fixtures.tissue


def same(host, plain, *names: str) -> None:
    for name in names:
        np.testing.assert_array_equal(host.density(name), plain.density(name), strict=True)


@pytest.mark.parametrize("threads", [1, 3])
def test_what_is_not_named_is_the_same_bit_by_bit(tissue, tmp_path, threads):
    (host, _), (plain, _) = tissue(51, substrates=3, cells=60), tissue(51, substrates=3, cells=60)
    host.attach(write_settings(tmp_path, tolerance=1e-3, substrates=["glucose"]))
    host.set_threads(threads)
    for each in (host, plain):
        each.advance(25)
    same(host, plain, "oxygen", "drug")
    assert np.abs(host.density("glucose") - plain.density("glucose")).max() > 1e-3
    np.testing.assert_allclose(host.internalised("drug"), plain.internalised("drug"), rtol=1e-12)


@pytest.mark.parametrize("named", [["oxygen"], ["oxygen", "glucose"]], ids=str)
def test_naming_some_saves_the_hosts_solver(tissue, tmp_path, named):
    """It is called in the first step, and before that once more on a rough field, if there are others to be stepped."""
    host, _ = tissue(56, substrates=2)
    host.attach(write_settings(tmp_path, tolerance=1e-3, substrates=named))
    host.advance(25)
    assert host.solver_calls() == 2


def test_coefficients_that_change_in_mid_run_are_left_as_the_host_has_them(tissue, tmp_path):
    """Its solver keeps those of its first call, with us and without us."""
    (host, _), (plain, _) = tissue(52, substrates=2), tissue(52, substrates=2)
    for each in (host, plain):
        each.advance(2)
        each.set_coefficients("glucose", 1e3, 2.0)
    host.attach(write_settings(tmp_path, tolerance=1e-3))
    for each in (host, plain):
        each.advance(8)
    same(host, plain, "glucose")


def test_nodes_of_what_is_not_named_come_and_go(tissue, tmp_path):
    (host, _), (plain, _) = tissue(53, substrates=2), tissue(53, substrates=2)
    host.attach(write_settings(tmp_path, tolerance=1e-3))
    for each in (host, plain):
        each.advance(2)
        each.fix(3, 4, "glucose", 9.0)
        each.advance(3)
        each.activate(3, 4, "glucose", False)
        each.advance(3)
    same(host, plain, "glucose")


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("diffusivity", [0.0, 1e-8])
def test_what_does_not_diffuse_is_stepped_whether_named_or_not(library, tmp_path, named, diffusivity):
    """Debris: it decays, cells make it and take it up, a node holds it, and nothing spreads."""
    hosts = []
    for _ in range(2):
        media = [("oxygen", 1e5, 0.1, 38.0), ("debris", diffusivity, 0.02, 4.0)]
        host = driver.StandIn(library, (17, 12), media, corner_um=(0.0, 0.0), times_min=(DT, 5 * DT, 10 * DT))
        host.fix(0, 0, "oxygen", 38.0)
        host.fix(5, 5, "debris", 7.0)
        place = np.array([[30.0, 50.0], [31.0, 52.0], [200.0, 110.0]])
        rates = np.array([[[10.0, 0, 0, 0], [0, 2.0, 30.0, 0]]] * 2 + [[[10.0, 0, 0, 0], [5.0, 0, 0, 40.0]]])
        host.put(place, np.full(3, 2494.0), rates)
        hosts.append(host)
    host, plain = hosts
    host.attach(write_settings(tmp_path, tolerance=1e-3, substrates=["oxygen"] + ["debris"] * named))
    for each in hosts:
        each.advance(40)
    same(host, plain, "debris")
    assert host.density("debris")[5, 5] == 7.0
    assert host.density("debris").max() > 7.0
    for each in hosts:
        each.release()


def test_a_run_with_nothing_but_what_does_not_diffuse_goes_on_as_it_would(library, tmp_path):
    media = [("debris", 0.0, 0.02, 4.0)]
    host, plain = (driver.StandIn(library, (17, 12), media, times_min=(DT, 5 * DT, 10 * DT)) for _ in range(2))
    host.attach(write_settings(tmp_path, substrates=["debris"]))
    for each in (host, plain):
        each.advance(12)
    same(host, plain, "debris")
    for each in (host, plain):
        each.release()


def test_an_error_hands_every_substrate_to_the_host(tissue, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (host, scenario), (plain, _) = tissue(54, substrates=2), tissue(54, substrates=2)
    for each in (host, plain):
        put(each, scenario.cells, scenario.names, export=-1.0)
    host.attach(write_settings(tmp_path, tolerance=1e-6, on_error="host"))
    for each in (host, plain):
        each.advance(4)
    same(host, plain, "oxygen", "glucose")
    put(host, scenario.cells, scenario.names)
    host.advance(8)
    assert off(host, scenario) < 2e-6


def test_what_is_named_takes_nothing_from_the_others(tissue, tmp_path):
    """Cells that take up both: only the exchange with oxygen is put at rest."""
    host, _ = tissue(55, substrates=2, cells=0, vessels=0)
    cells = scenario_cells(1, at=(130.0, 110.0), uptake=10.0)
    host.put(cells.position_um + physicell_fixtures.CORNER, cells.volume_um3, np.full((1, 2, 4), [10.0, 0, 0, 0]))
    host.fix(0, 0, "oxygen", 38.0)
    host.attach(write_settings(tmp_path, tolerance=1e-3))
    host.advance(3)
    total = host.density("glucose").sum() * 8000.0
    host.advance()
    lost = total - host.density("glucose").sum() * 8000.0
    assert lost == pytest.approx(DT * 0.05 * total + DT * 2494.0 * 10.0 * host.density("glucose")[5, 6], rel=0.02)
