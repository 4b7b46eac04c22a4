"""The C++ header on a small stand-in for PhysiCell: what agents read, what their counters count, what errors do."""

from __future__ import annotations

import csv
import ctypes
import dataclasses
import gc
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_plugin.testing import AdapterSuite, CellTable, Medium, Scenario
from tests.hosts.physicell import CORNER, Driven, put, write_settings
from tests.physicell_stand_in import driver

pytestmark = pytest.mark.skipif(driver.missing() is not None, reason=f"compiling needs more: {driver.missing()}")

DT = 0.01


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    return driver.build_library(_shared(tmp_path_factory))


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return driver.build_program(_shared(tmp_path_factory))


def _shared(factory: pytest.TempPathFactory) -> Path:
    """One folder for all workers of a run."""
    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "physicell-stand-in"
    folder.mkdir(exist_ok=True)
    return folder


# --- the conformance kit ---


class TestConformance(AdapterSuite):
    outside = "drop"  # the host leaves agents off its domain alone

    @pytest.fixture(autouse=True)
    def _with(self, library: ctypes.CDLL, tmp_path: Path) -> Iterator[None]:
        self.library, self.folder, self.built = library, tmp_path, []
        yield
        for driven in self.built:
            driven.host.release()

    def build(self, scenario: Scenario) -> Driven:
        self.built.append(Driven(self.library, scenario, self.folder))
        return self.built[-1]


# --- one host, step by step ---


@pytest.fixture
def tissue(library: ctypes.CDLL) -> Iterator[Callable[..., tuple[Any, Scenario]]]:
    """Makes a host with a scenario's vessels and cells, steps of 0.01, 0.05 and 0.1 min, not attached yet."""
    made = []

    def make(seed: int = 0, **options: Any) -> tuple[Any, Scenario]:
        times = options.pop("times_min", (DT, 5 * DT, 10 * DT))
        scenario = Scenario.random(seed, (12, 17), **{"crowded": False} | options)
        media = [(m.name, m.diffusivity_um2_per_min, m.decay_per_min, m.initial) for m in scenario.media]
        host = driver.StandIn(library, (17, 12), media, corner_um=CORNER, times_min=times)
        host.set_threads(1)
        for medium in scenario.media:
            for row, column in np.argwhere(medium.fixed):
                host.fix(int(row), int(column), medium.name, float(medium.value[row, column]))
        put(host, scenario.cells, scenario.names)
        made.append(host)
        return host, scenario

    yield make
    for host in made:
        host.release()


def off(host: Any, scenario: Scenario, cells: CellTable | None = None, name: str = "oxygen") -> float:
    """How far the host's density is off the steady field."""
    return float(np.abs(host.density(name) - scenario.steady(name, cells)).max())


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
    with_export = sp.Problem(
        problem.source, fixed=problem.fixed, diffusivity=1e5, decay=problem.decay,
        production=problem.production + made, spacing=20.0, boundary="reflecting",
    )  # fmt: skip
    expected = sp.solve(with_export, method="sparse-direct").field
    np.testing.assert_allclose(host.density("oxygen"), expected, rtol=1e-7)


def scenario_cells(n: int, *, at: Any, uptake: Any, secretion: float = 0.0, target: float = 0.0) -> CellTable:
    """Cells of PhysiCell's usual volume, all at one place or each at its own."""
    numbers = ({"oxygen": np.broadcast_to(float(value), n).copy()} for value in (uptake, secretion, target))
    return CellTable(np.broadcast_to(at, (n, 2)).astype(float), np.full(n, 2494.0), *numbers)


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


def test_the_counters_of_a_crowd_count_too_much_by_what_the_header_says(tissue, tmp_path):
    host, _ = tissue(4, cells=0)
    m = 3
    put(host, scenario_cells(m, at=(130.0, 110.0), uptake=10.0), ["oxygen"])
    host.attach(write_settings(tmp_path, tolerance=1e-9))
    host.advance()
    f_u = DT * 2494.0 / 8000.0 * 10.0
    exact = m * f_u * 8000.0 * host.density("oxygen")[5, 6]
    assert host.internalised("oxygen").sum() / exact - 1 == pytest.approx((m - 1) * f_u / 2, rel=0.02)


def test_no_negative_density_is_written_and_the_excess_is_told(tissue, tmp_path, capfd):
    host, scenario = tissue(5, cells=0, vessels=0)
    host.set_coefficients("oxygen", 1e5, 20.0)
    medium = dataclasses.replace(scenario.medium("oxygen"), decay_per_min=20.0)
    giving = scenario_cells(1, at=(130.0, 110.0), uptake=0.0, secretion=100.0, target=100.0)
    put(host, giving, ["oxygen"])
    host.attach(write_settings(tmp_path, tolerance=1e-6))
    host.call_solver(DT)
    written = host.density("oxygen")
    assert written.min() == written[5, 6] == 0.0
    host.advance()
    too_much = host.density("oxygen") - dataclasses.replace(scenario, media=(medium,)).steady("oxygen", giving)
    report = host.report()
    assert report.excess_voxels == 1
    assert 1.0 < too_much[5, 6] <= report.excess
    too_much[5, 6] = 0.0
    assert np.abs(too_much).max() < 2e-6
    assert capfd.readouterr().err.count("a shorter diffusion_dt lowers this") == 1


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


def test_coefficients_that_change_are_taken_up(tissue, tmp_path):
    host, scenario = tissue(8)
    host.attach(write_settings(tmp_path, tolerance=1e-6))
    host.advance()
    host.set_coefficients("oxygen", 5e4, 1.0)
    host.advance(10)
    medium = dataclasses.replace(scenario.medium("oxygen"), diffusivity_um2_per_min=5e4, decay_per_min=1.0)
    assert off(host, dataclasses.replace(scenario, media=(medium,))) < 2e-6


# --- when it solves ---


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


def test_uptake_goes_on_being_counted_once_where_cells_have_moved(tissue, tmp_path):
    host, scenario = tissue(12)
    host.attach(write_settings(tmp_path, tolerance=1e-6))
    host.advance(6)  # the last of them ended in a mechanics step
    held = host.density("oxygen")
    put(host, scenario.moved(13, scenario.cells), ["oxygen"])
    host.advance()
    assert host.report().solves == 1
    np.testing.assert_allclose(host.density("oxygen"), held, rtol=1e-12)


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


# --- what can go wrong ---


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
    assert "the solve at 0.1 min failed: agent 0 has net export -1; values >= 0 are allowed" in message
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


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"substrates": ["oxigen"]}, "the host has no substrate 'oxigen'; it has oxygen."),
        ({"substrates": []}, "substrates is []"),
        ({"tolerance": -1.0}, "tolerance is -1.0"),
        ({"refresh": "often"}, "refresh is 'often'; 'phenotype', 'mechanics' or a number of minutes > 0 is allowed."),
        ({"refresh": 0.0}, "refresh is 0.0; 'phenotype', 'mechanics' or a number of minutes > 0 is allowed."),
        ({"colour": "red"}, "there is no key colour; keys are substrates, tolerance,"),
        ({"on_error": "panic"}, "on_error is 'panic'; input should be 'stop' or 'host'."),
        ({"log": "no/such/folder.csv"}, "no/such/folder.csv"),
    ],
)
def test_settings_that_are_not_allowed_are_refused_when_it_attaches(tissue, tmp_path, keys, sentence):
    host, _ = tissue(17)
    with pytest.raises(driver.HostError) as caught:
        host.attach(write_settings(tmp_path, **keys))
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert host.has_own_solver()


@pytest.mark.parametrize(("text", "sentence"), [("substrates = [", "is not TOML"), ("", "substrates is missing")])
def test_a_file_that_is_no_settings_is_refused(tissue, tmp_path, text, sentence):
    host, _ = tissue(18)
    path = tmp_path / "surrogate.toml"
    with pytest.raises(driver.HostError, match="cannot read the settings"):
        host.attach(path)
    path.write_text(text)
    with pytest.raises(driver.HostError, match=sentence):
        host.attach(path)


@pytest.mark.parametrize(
    ("nodes", "spacing_um", "sentence"),
    [((6, 5, 3), 20.0, "has 3 layers of voxels"), ((6, 5, 1), (20.0, 10.0, 20.0), "20 x 10 um; square")],
)
def test_only_one_layer_of_square_voxels_is_taken(library, tmp_path, nodes, spacing_um, sentence):
    host = driver.StandIn(library, nodes, [("oxygen", 1e5, 0.1, 1.0)], spacing_um=spacing_um)
    with pytest.raises(driver.HostError, match=sentence):
        host.attach(write_settings(tmp_path))
    host.release()


def test_a_substrate_that_does_not_diffuse_is_refused(library, tmp_path):
    host = driver.StandIn(library, (6, 5), [("matrix", 0.0, 0.1, 1.0)])
    with pytest.raises(driver.HostError, match="'matrix' has diffusion coefficient 0"):
        host.attach(write_settings(tmp_path, substrates=["matrix"]))
    host.release()


def test_attached_once_and_detached_once(tissue, tmp_path):
    host, _ = tissue(19)
    settings = write_settings(tmp_path)
    host.attach(settings)
    assert not host.has_own_solver()
    with pytest.raises(driver.HostError, match="attached already"):
        host.attach(settings)
    host.detach()
    assert host.has_own_solver()
    with pytest.raises(driver.HostError, match="nothing is attached"):
        host.detach()


# --- settings and records ---


def test_each_substrate_may_have_a_table_with_its_tolerance(tissue, tmp_path):
    host, scenario = tissue(20, substrates=2)
    path = tmp_path / "surrogate.toml"
    path.write_text("tolerance = 0.3\n[substrates.glucose]\ntolerance = 1e-5\n[substrates.oxygen]\n")
    host.attach(path)
    host.advance()
    assert host.report(0).bound <= 1e-5
    assert host.report(1).bound <= 0.3
    assert off(host, scenario, name="glucose") <= 1e-5


def test_log_and_recording_have_an_entry_for_each_solve(tissue, tmp_path):
    host, scenario = tissue(21)
    log, record = tmp_path / "log.csv", tmp_path / "run.zarr"
    host.attach(write_settings(tmp_path, tolerance=1e-3, log=str(log), record=str(record)))
    host.advance(11)
    put(host, scenario.cells.take(range(5)), ["oxygen"])
    host.advance()
    with log.open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["reason"] for line in lines] == ["first", "phenotype", "agents"]
    assert [line["agents"] for line in lines] == ["40", "40", "5"]
    assert all(float(line["bound"]) <= 1e-3 for line in lines)
    # The second state was the first one again, and is not recorded twice.
    assert len(sp.Recording(record)) == 2


# --- memory ---


def test_nothing_is_left_behind_by_held_and_by_solved_calls(tissue, tmp_path):
    host, scenario = tissue(22, times_min=(DT, 1000 * DT, 2000 * DT))
    host.attach(write_settings(tmp_path, tolerance=1e-3))
    tables = [scenario.cells.take(range(n)) for n in (20, 21)]

    def solve_often(times: int) -> None:
        for k in range(times):
            put(host, tables[k % 2], ["oxygen"])
            host.advance()

    solve_often(200)
    before = blocks_in_use()
    solve_often(400)
    # Python's own caches fill up by some hundred; one object left behind by each solve would be 400.
    assert blocks_in_use() - before < 400
    in_use = bytes_in_use()
    host.advance(10_000)
    assert abs(bytes_in_use() - in_use) < 4096
    assert host.report().held >= 9_980


def blocks_in_use() -> int:
    """What Python's objects take, without those that only wait for being collected."""
    gc.collect()
    return sys.getallocatedblocks()


def bytes_in_use() -> int:
    """What malloc has handed out, by its own account; 0 where it keeps none."""
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "mallinfo2"):
        return 0

    class Info(ctypes.Structure):
        _fields_ = tuple((name, ctypes.c_size_t) for name in (
            "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"
        ))  # fmt: skip

    libc.mallinfo2.restype = Info
    info = libc.mallinfo2()
    return int(info.uordblks + info.hblkhd)


# --- a program of its own ---


def run(program: Path, settings: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    bare = {key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "LD_LIBRARY_PATH", "TMPDIR")}
    threads = {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    command = [str(program), str(settings)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=settings.parent, env=bare | threads | environment
    )


def test_a_program_starts_the_python_of_an_environment_once(program, tmp_path):
    done = run(program, write_settings(tmp_path, tolerance=1e-6, python=sys.executable))
    assert done.returncode == 0, done.stderr
    place = np.array([(100.0 + 40.0 * a, 30.0 + 30.0 * a) for a in range(6)])
    fixed = np.zeros((12, 20), dtype=bool)
    fixed[:, 0] = True
    medium = Medium("oxygen", 1e5, 0.1, 10.0, fixed, 38.0 * fixed)
    cells = scenario_cells(6, at=place, uptake=10.0)
    scenario = Scenario((12, 20), 20.0, 20.0, (medium,), cells)
    row, column = scenario.voxels(cells)
    seen = [float(line) for line in done.stdout.split()]
    np.testing.assert_allclose(seen, scenario.steady("oxygen")[row, column], atol=2e-6)
    by_environment = run(program, write_settings(tmp_path, tolerance=1e-6), SURROGATE_PYTHON=sys.executable)
    assert by_environment.stdout == done.stdout


def test_a_program_says_which_python_it_could_not_use(program, tmp_path):
    done = run(program, write_settings(tmp_path, python=str(tmp_path / "python")))
    assert done.returncode == 1
    assert f"there is no Python at '{tmp_path / 'python'}'" in done.stderr
    bare = Path(sys.base_prefix) / "bin" / "python3"
    if bare.exists():
        done = run(program, write_settings(tmp_path, python=str(bare)))
        assert "cannot load surrogate_plugin: No module named" in done.stderr
    other = tmp_path / "other" / "bin" / "python"
    other.parent.mkdir(parents=True)
    other.touch()
    (tmp_path / "other" / "pyvenv.cfg").write_text("version = 2.7.18\n")
    done = run(program, write_settings(tmp_path, python=str(other)))
    assert "is Python 2.7, but this program was linked with libpython3" in done.stderr
    assert done.returncode == 1
