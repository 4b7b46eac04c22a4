"""A finished run is drawn and exported: what its cells saw, beside what they should have."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from surrogate_plugin.audit.auditing import audit
from surrogate_plugin.audit.film import RunFilm
from surrogate_plugin.audit.reading import open_run
from surrogate_plugin.cli import app


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "120"})


def test_a_scene_is_a_moment_as_the_audit_reads_it(output: Path) -> None:
    found = open_run(output)
    film, moment = RunFilm(found), found.moment(found.names[-1])
    scene = film.scene(1, "oxygen")
    np.testing.assert_array_equal(scene.field, moment.seen["oxygen"].field)
    assert (scene.time, scene.units, tuple(film.substrates)) == (moment.time_min, "mmHg", found.facts.substrates)
    assert scene.cells is not None
    np.testing.assert_array_equal(scene.cells.level, moment.at_cells(moment.seen["oxygen"].field))
    np.testing.assert_array_equal(scene.cells.radius_um, moment.radius_um)


def test_the_difference_drawn_is_that_of_the_audit(output: Path) -> None:
    found = open_run(output)
    entry = audit(found, substrates=["oxygen"], in_time=False).entries[-1]
    assert entry.steady is not None
    comparison = RunFilm(found).scene(-1, "oxygen").comparison
    assert comparison.name == "saved"
    assert float(np.abs(comparison.difference).max()) == pytest.approx(entry.steady.largest, rel=1e-6)


def test_a_run_is_drawn_and_exported_with_its_cells(output: Path, tmp_path: Path) -> None:
    drawn = run(
        "view", output, "--substrate", "oxygen", "--what", "cells,levels,hypoxia", "-o", tmp_path / "a.png", "--json"
    )
    assert drawn.exit_code == 0, drawn.output
    said = json.loads(drawn.stdout)
    exported = run("export", output, tmp_path / "a.csv")
    assert exported.exit_code == 0, exported.output
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    last = [row for row in rows if row["moment"] == said["moment"]]
    assert len(last) == said["cells"] > 0
    moment = open_run(output).moment(said["moment"])
    for substrate in said["substrates"]:
        levels = moment.at_cells(moment.seen[substrate].field)
        assert [float(row[substrate]) for row in last] == levels.tolist()
    refused = run("view", output, "--substrate", "iron", "-o", tmp_path / "b.png")
    assert (refused.exit_code, "substrate is 'iron'; " in refused.stderr) == (2, True)
    refused = run("view", output, "--method", "exact", "-o", tmp_path / "b.png")
    assert (refused.exit_code, "is a finished run, which --method is not for" in refused.stderr) == (2, True)
