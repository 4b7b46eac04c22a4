"""What the C++ header tells of: writes from outside, dying cells, nodes that change, substrates that do not fit."""

from __future__ import annotations

import dataclasses
import warnings

import numpy as np
import pytest

import surrogate_plugin as sp
from benchmarks.stand_ins.physicell import driver
from tests.hosts.physicell import fixtures as physicell_fixtures
from tests.hosts.physicell.driver import put, write_settings
from tests.hosts.physicell.fixtures import DT, off, scenario_cells

pytestmark = physicell_fixtures.MARKS
library, tissue = physicell_fixtures.library, physicell_fixtures.tissue


def counted(host) -> dict[tuple[str, str], int]:
    """What was told, without that this fixture's steps are short."""
    return {key: times for key, times in host.report().notices.items() if key[0] != "not quasi-steady"}


def test_what_somebody_writes_is_told_of_once_and_put_back(tissue, tmp_path, capfd):
    host, scenario = tissue(61, substrates=2)
    host.attach(write_settings(tmp_path, tolerance=1e-6, substrates=["oxygen", "glucose"], log=str(tmp_path / "log")))
    host.advance(6)  # the last of them ended in a mechanics step, in which somebody may write
    field = host.density("glucose")
    field[4:6, 3] += 1e-12
    host.write("glucose", field)
    with pytest.warns(sp.PromiseWarning, match="glucose was written from outside before 0.06 min, in 2 voxels"):
        host.advance()
    assert off(host, scenario, name="glucose") < 2e-6
    host.write("glucose", 0.0 * field)
    host.advance(4)
    assert counted(host) == {("written from outside", "glucose"): 2}
    host.detach()
    assert "surrogate: glucose: written from outside, 2 times." in capfd.readouterr().err
    lines = [line.split(",") for line in (tmp_path / "log").read_text().splitlines()]
    assert ["glucose", "written from outside", "", "notice", "", "", "2 times", ""] in [line[1:] for line in lines]
    assert all(float(minutes) >= 0 for minutes, *_ in lines[1:])


@pytest.mark.parametrize("substrates", [["oxygen"], ["oxygen", "glucose"]])
@pytest.mark.parametrize("calls", [1, 2, 3, 4, 5])
@pytest.mark.filterwarnings("ignore:oxygen was written from outside")
def test_what_is_written_between_the_hosts_steps_is_put_back_before_agents_read(tissue, tmp_path, calls, substrates):
    host, scenario = tissue(61, substrates=2)
    host.attach(write_settings(tmp_path, tolerance=1e-6, substrates=substrates))
    host.advance(10 + calls)
    field = host.density("oxygen")
    written = field.copy()
    written[2:9, 3:8] += 5.0
    written[0, 0] = 0.0
    host.write("oxygen", written)
    host.advance(6 - calls)  # to the mechanics step at 0.15 min
    row, column = scenario.voxels(scenario.cells)
    np.testing.assert_array_equal(host.density("oxygen"), field)
    np.testing.assert_array_equal(host.seen("oxygen"), field[row, column])
    assert counted(host) == {("written from outside", "oxygen"): 1}


def test_a_dying_cell_that_releases_what_it_held_is_told_of(tissue, tmp_path):
    host, scenario = tissue(62)
    put(host, scenario.cells.eating(5.0), ["oxygen"])
    host.attach(write_settings(tmp_path, tolerance=1e-6))
    host.advance(4)
    host.kill_last(1.0)
    with pytest.warns(sp.PromiseWarning, match="by cells that died and released what they held"):
        host.advance()
    assert off(host, scenario, scenario.cells.eating(5.0).take(range(39))) < 2e-6
    host.kill_last(0.0)
    host.advance()
    assert counted(host) == {("written from outside", "oxygen"): 1}


@pytest.mark.parametrize("change", ["value", "off", "new", "gone with the rest"])
def test_nodes_that_change_between_two_solves_are_solved_for_at_once(tissue, tmp_path, change):
    host, scenario = tissue(63, times_min=(DT, 50 * DT, 100 * DT))
    host.attach(write_settings(tmp_path, tolerance=1e-6))
    # Those that are nodes are looked at in each call, and which voxels are before agents read, at 0.5 min.
    before = 50 if change == "new" else 3
    host.advance(before)
    medium = scenario.medium("oxygen")
    fixed, value = medium.fixed.copy(), medium.value.copy()
    nodes = [tuple(int(k) for k in node) for node in np.argwhere(fixed)]
    if change == "value":
        value[nodes[0]] = 11.0
        host.fix(*nodes[0], "oxygen", 11.0)
    elif change == "off":
        fixed[nodes[0]], value[nodes[0]] = False, 0.0
        host.activate(*nodes[0], "oxygen", False)
    elif change == "new":
        fixed[6, 9], value[6, 9] = True, 21.0
        host.fix(6, 9, "oxygen", 21.0)
    else:
        for node in nodes[1:]:
            fixed[node], value[node] = False, 0.0
            host.activate(*node, "oxygen", False)
    with pytest.warns(sp.PromiseWarning, match=f"the Dirichlet nodes of oxygen changed at {before * DT:g} min"):
        host.advance()
    changed = dataclasses.replace(medium, fixed=fixed, value=value)
    assert off(host, dataclasses.replace(scenario, media=(changed,))) < 2e-6
    host.advance(5)
    assert host.report().solves == 2
    assert counted(host) == {("nodes changed", "oxygen"): 1}


def test_nodes_that_change_where_a_solve_is_due_anyway_are_nothing_to_tell(tissue, tmp_path):
    host, _ = tissue(64)
    host.attach(write_settings(tmp_path))
    host.advance(10)
    host.fix(6, 9, "oxygen", 21.0)
    host.advance()  # at 0.1 min, before a phenotype step
    assert counted(host) == {}


def test_nothing_is_told_where_nothing_is_amiss(tissue, tmp_path):
    """Cells come, move, change their rates and go, with three threads, and nodes are applied by somebody."""
    host, scenario = tissue(65, cells=60)
    host.set_threads(3)
    host.attach(write_settings(tmp_path, tolerance=1e-6))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for turn in range(30):
            put(host, scenario.moved(turn, scenario.cells.take(range(30 + turn % 7))), ["oxygen"])
            host.advance(3)
    assert counted(host) == {}


def test_a_slow_substrate_is_told_of_at_attach_by_name_and_number(library, tmp_path):
    host = driver.StandIn(library, (50, 40), [("antigen", 10.0, 1e-3, 0.0), ("oxygen", 1e5, 0.1, 38.0)])
    host.fix(0, 0, "antigen", 1.0)
    host.fix(0, 0, "oxygen", 38.0)
    with pytest.warns(sp.PromiseWarning) as told:
        host.attach(write_settings(tmp_path, substrates=["oxygen", "antigen"]))
    assert len(told) == 1
    assert "antigen comes to rest in about 910 min, and a step is 6 min" in str(told[0].message)
    assert host.report().notices == {("not quasi-steady", "antigen"): 1}
    host.release()


def test_a_short_refresh_is_no_reason_to_call_a_substrate_slow(library, tmp_path):
    """What cells do, they do in phenotype steps."""
    host = driver.StandIn(library, (17, 12), [("oxygen", 1e5, 0.1, 38.0)])
    host.fix(0, 0, "oxygen", 38.0)
    host.attach(write_settings(tmp_path, refresh=0.01))
    assert host.report().notices == {}
    host.release()


def test_what_nothing_pulls_to_a_value_is_told_of_at_attach_and_refused_at_the_first_solve(library, tmp_path):
    host = driver.StandIn(library, (17, 12), [("factor", 1e3, 0.0, 1.0)])
    with pytest.warns(sp.PromiseWarning, match="factor has decay rate 0 and no active Dirichlet node"):
        host.attach(write_settings(tmp_path, substrates=["factor"], on_error="host"))
    host.release()


def test_a_slow_substrate_that_only_cells_pull_is_told_of_with_a_number_too(library, tmp_path):
    host = driver.StandIn(library, (50, 40), [("antigen", 10.0, 0.0, 0.0)])
    with pytest.warns(sp.PromiseWarning) as told:
        host.attach(write_settings(tmp_path, substrates=["antigen"]))
    assert "antigen has decay rate 0" in str(told[0].message)
    assert "antigen comes to rest in about 1.01e+04 min, and a step is 6 min" in str(told[1].message)
    host.release()


def test_what_was_there_and_nothing_supplies_is_told_of(tissue, tmp_path):
    host, _ = tissue(66, cells=3, vessels=0)
    put(host, scenario_cells(3, at=(130.0, 110.0), uptake=10.0), ["oxygen"])
    host.attach(write_settings(tmp_path, tolerance=1e-6))
    with pytest.warns(sp.PromiseWarning, match="nothing supplies oxygen"):
        host.advance(3)
    assert host.density("oxygen").max() == 0.0
    assert counted(host) == {("nothing supplies it", "oxygen"): 1}


def test_what_cells_make_later_is_no_false_alarm(tissue, tmp_path, capfd):
    """Interferon: 0 at first, no node, and no cell secretes it yet."""
    host, scenario = tissue(67, cells=3, vessels=0)
    host.write("oxygen", np.zeros(scenario.shape))
    put(host, scenario_cells(3, at=(130.0, 110.0), uptake=10.0), ["oxygen"])
    host.attach(write_settings(tmp_path, tolerance=1e-6))
    host.advance(3)
    giving = scenario_cells(3, at=(130.0, 110.0), uptake=0.0, secretion=1.0, target=10.0)
    put(host, giving, ["oxygen"])
    host.advance(10)
    assert off(host, scenario, giving) < 2e-6
    assert counted(host) == {}
    host.detach()
    assert "nothing supplied" not in capfd.readouterr().err


def test_what_is_0_throughout_is_told_of_in_the_end(tissue, tmp_path, capfd):
    host, scenario = tissue(68, cells=3, vessels=0)
    host.write("oxygen", np.zeros(scenario.shape))
    put(host, scenario_cells(3, at=(130.0, 110.0), uptake=10.0), ["oxygen"])
    host.attach(write_settings(tmp_path, tolerance=1e-6))
    host.advance(12)
    host.detach()
    assert "surrogate: oxygen: nothing supplied it" in capfd.readouterr().err
