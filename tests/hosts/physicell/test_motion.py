"""The C++ header solves anew for what agents have taken from the field held, substrate by substrate."""

from __future__ import annotations

import numpy as np
import pytest

import surrogate_plugin as sp
from benchmarks.stand_ins.physicell import driver
from surrogate_plugin.testing import Medium, Scenario
from tests.hosts.physicell import fixtures as physicell_fixtures
from tests.hosts.physicell.driver import CORNER, put, write_settings
from tests.hosts.physicell.fixtures import DT, scenario_cells

pytestmark = physicell_fixtures.MARKS
library, tissue = physicell_fixtures.library, physicell_fixtures.tissue

SHAPE = (30, 40)


def media() -> tuple[Medium, Medium]:
    """Oxygen that reaches far, and a signal that is gone within 10 um."""
    held = np.zeros(SHAPE, dtype=bool)
    held[:, 0] = True
    none = np.zeros(SHAPE, dtype=bool)
    return (
        Medium("oxygen", 1e5, 0.1, 38.0, held, 38.0 * held),
        Medium("signal", 100.0, 1.0, 0.0, none, np.zeros(SHAPE)),
    )


@pytest.fixture
def swarm(library):
    """Makes a host with cells that eat oxygen and give off a signal; steps of 0.01, 0.1 and 6 min."""
    made = []

    def make(count: int = 60, seed: int = 0):
        place = np.random.default_rng(seed).uniform(0.0, 1.0, (count, 2)) * (800.0, 600.0)
        cells = scenario_cells(count, at=place, uptake=2.0)
        cells.uptake_per_min["signal"] = np.zeros(count)
        cells.secretion_per_min["signal"] = np.full(count, 5.0)
        cells.secretion_target["signal"] = np.full(count, 1.0)
        scenario = Scenario(SHAPE, 20.0, 20.0, media(), cells)
        host = driver.StandIn(
            library,
            (SHAPE[1], SHAPE[0]),
            [(m.name, m.diffusivity_um2_per_min, m.decay_per_min, m.initial) for m in media()],
            corner_um=CORNER,
            times_min=(DT, 10 * DT, 600 * DT),
        )
        host.set_threads(1)
        for row, column in np.argwhere(media()[0].fixed):
            host.fix(int(row), int(column), "oxygen", 38.0)
        put(host, cells, scenario.names)
        made.append(host)
        return host, scenario

    yield make
    for host in made:
        host.release()


def read(host, scenario, cells, name) -> float:
    """How far what cells read is off the steady field of where they are."""
    row, column = scenario.voxels(cells)
    return float(np.abs(host.density(name)[row, column] - scenario.steady(name, cells)[row, column]).max())


def test_cells_that_move_and_secrete_read_a_signal_within_its_tolerance(swarm, tmp_path):
    """Each mechanics step takes them 6 um; solved for each 6 min, they read 0.2 of 0.4 too little."""
    host, scenario = swarm()
    cells, rng = scenario.cells, np.random.default_rng(1)
    host.attach(write_settings(tmp_path, tolerance=0.01, substrates=["oxygen", "signal"]))
    host.advance(2)
    worst = 0.0
    for _ in range(15):
        moved = cells.position_um + rng.normal(0.0, 6.0, cells.position_um.shape)
        cells = cells.at(np.clip(moved, 1.0, (799.0, 599.0)))
        put(host, cells, scenario.names)
        host.advance(10)  # the last of them ends in a mechanics step
        worst = max(worst, read(host, scenario, cells, "signal"))
        assert read(host, scenario, cells, "oxygen") < 0.01 + 0.38
    assert worst < 0.02  # the bound of the solve, and as much again by what moved since
    assert scenario.steady("signal", cells).max() > 0.2


def test_only_the_substrate_concerned_is_solved_for(swarm, tmp_path):
    host, scenario = swarm()
    settings = write_settings(tmp_path, substrates=["oxygen", "signal"], log=str(tmp_path / "log.csv"), tolerance=0.2)
    host.attach(settings)
    host.advance(2)
    cells = scenario.cells.at(np.clip(scenario.cells.position_um + 15.0, 0.0, (799.0, 599.0)))
    put(host, cells, scenario.names)
    host.advance(10)
    lines = [line.split(",") for line in (tmp_path / "log.csv").read_text().splitlines()]
    assert [line[1] for line in lines if line[2] == "first"] == ["oxygen", "signal"]
    assert [line[1] for line in lines if line[2] == "moved"] == ["signal"]
    moved = next(line for line in lines if line[2] == "moved")
    assert float(moved[-1]) > 0.2  # how far the field before was off


def test_cells_that_stay_are_not_solved_for_again(swarm, tmp_path):
    host, _ = swarm()
    host.attach(write_settings(tmp_path, tolerance=1e-9, substrates=["oxygen", "signal"]))
    host.advance(50)
    assert (host.report().solves, host.report().held) == (1, 49)


@pytest.mark.filterwarnings("ignore:cells moved or changed")
@pytest.mark.filterwarnings("ignore:.*comes to rest in")
@pytest.mark.parametrize("seed", range(4))
def test_what_is_held_on_is_said_to_be_off_by_about_what_it_is(swarm, tmp_path, seed):
    """The estimate is no bound: it is held to a factor, for one cell that moves, for all, and for rates that change."""
    rng = np.random.default_rng(100 + seed)
    host, scenario = swarm(seed=seed)
    host.attach(write_settings(tmp_path, tolerance=1e-6, substrates=["oxygen", "signal"], refresh=1e6))
    host.advance()
    before = {name: scenario.steady(name) for name in scenario.names}
    one = scenario.cells.position_um.copy()
    one[seed] += 40.0
    everywhere = rng.uniform(0.0, 1.0, one.shape) * (800.0, 600.0)
    one = np.clip(one, 0.0, (799.0, 599.0))
    for cells in (scenario.cells.at(one), scenario.cells.at(everywhere), scenario.cells.eating(1.3)):
        put(host, cells, scenario.names)
        host.advance(20)
        for s, name in enumerate(scenario.names):
            if name == "signal" and cells.position_um is scenario.cells.position_um:
                assert host.report(s).excess == 0.0  # more appetite for oxygen is nothing to the signal
                continue
            off = float(np.abs(scenario.steady(name, cells) - before[name]).max())
            assert 0.3 * off < host.report(s).excess < 4.0 * off


def test_births_that_make_up_for_deaths_are_noticed(swarm, tmp_path):
    """As many as before, and others elsewhere."""
    host, scenario = swarm()
    host.attach(write_settings(tmp_path, tolerance=0.01, substrates=["oxygen", "signal"]))
    host.advance()
    place = scenario.cells.position_um.copy()
    place[:5] = (400.0, 300.0)
    put(host, scenario.cells.at(place), scenario.names)
    host.advance(10)
    assert read(host, scenario, scenario.cells.at(place), "signal") < 0.02


def test_a_number_of_minutes_is_kept_to_and_what_cells_read_is_told(swarm, tmp_path):
    host, scenario = swarm()
    host.attach(write_settings(tmp_path, tolerance=0.01, substrates=["oxygen", "signal"], refresh=2.0))
    host.advance(2)
    put(host, scenario.cells.at(np.clip(scenario.cells.position_um + 15.0, 0.0, (799.0, 599.0))), scenario.names)
    with pytest.warns(sp.PromiseWarning, match="cells moved or changed their rates") as told:
        host.advance(40)
    assert any("voxels, since signal was last solved for" in str(one.message) for one in told)
    report = host.report(1)
    assert report.solves == 1
    assert report.excess > 0.01
    assert report.excess_voxels > 50
    assert report.notices["cells read more than the bound", "signal"] >= 3
