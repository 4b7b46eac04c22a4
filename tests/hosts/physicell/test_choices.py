"""What the settings of PhysiCell ask for is done: tolerances of each substrate, the log, the recording."""

from __future__ import annotations

import csv

import pytest

import surrogate_plugin as sp
from surrogate_adapters.physicell.choices import load
from tests.hosts.physicell import fixtures as physicell_fixtures
from tests.hosts.physicell.driver import put, write_settings
from tests.hosts.physicell.fixtures import off

pytestmark = physicell_fixtures.MARKS
library, tissue = physicell_fixtures.library, physicell_fixtures.tissue


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
    assert [line["reason"] for line in lines] == ["first", "phenotype", "moved"]
    assert [line["agents"] for line in lines] == ["40", "40", "5"]
    assert all(float(line["bound"]) <= 1e-3 for line in lines)
    # The second state was the first one again, and is not recorded twice.
    assert len(sp.Recording(record)) == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("substrates = [", "is not TOML"),
        ("substrates = []", "at least one substrate"),
        ("names = ['oxygen']", "is missing"),
    ],
)
def test_errors_of_the_settings_begin_with_their_path(tmp_path, text, says):
    path = tmp_path / "of this project.toml"
    path.write_text(text)
    with pytest.raises(sp.InvalidProblemError) as error:
        load(path)
    assert str(error.value).startswith(str(path))
    assert says in str(error.value)


def test_the_page_of_a_run_is_complete_when_the_host_is_given_back(tissue, tmp_path):
    host, _ = tissue(22)
    host.attach(write_settings(tmp_path, tolerance=1e-3, report=str(tmp_path / "run.html")))
    host.advance()
    host.detach()
    text = (tmp_path / "run.html").read_text(encoding="utf-8")
    assert "The run is over." in text
    assert "oxygen at step 0" in text
