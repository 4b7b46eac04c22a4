"""``surrogate-plugin audit``: tables, JSON and a page of a finished run, and one sentence where it cannot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from surrogate_plugin.audit.auditing import audit
from surrogate_plugin.audit.reading import open_run
from surrogate_plugin.cli import app


def run(*arguments: object, columns: int = 120) -> Result:
    return CliRunner().invoke(app, ["audit", *map(str, arguments)], env={"COLUMNS": str(columns)})


def test_the_table_has_the_figures(output: Path) -> None:
    result = run(output, "--substrate", "oxygen")
    assert result.exit_code == 0, result.output
    entry = audit(open_run(output), substrates=["oxygen"]).entries[-1]
    assert entry.steady is not None
    assert "oxygen (mmHg)" in result.output
    assert f"{entry.steady.largest:.3g}" in result.output
    assert entry.verdict in result.output
    assert "glucose (" not in result.output


def test_verbose_says_what_every_moment_means(output: Path) -> None:
    entries = audit(open_run(output), substrates=["oxygen"]).entries
    said = " ".join(run(output, "--substrate", "oxygen", "--verbose", columns=2000).stdout.split())
    assert len(entries) == 2
    for entry in entries:
        assert f"At {entry.time_min:g} min: {' '.join(entry.sentence.split())}" in said
    assert entries[0].sentence not in run(output, "--substrate", "oxygen", columns=2000).stdout


def test_nothing_is_wider_than_a_narrow_terminal(output: Path) -> None:
    lines = run(output, "--substrate", "oxygen", columns=60).stdout.splitlines()
    assert max(map(len, lines)) <= 60
    assert any("verdict" in line for line in lines)


def test_json_has_every_number(output: Path) -> None:
    said = json.loads(run(output, "--json").stdout)
    entries = audit(open_run(output)).entries
    assert [(each["moment"], each["substrate"]) for each in said["entries"]] == [
        (entry.moment, entry.substrate) for entry in entries
    ]
    for each, entry in zip(said["entries"], entries, strict=True):
        assert entry.steady is not None
        assert each["steady"]["largest"] == entry.steady.largest
        assert each["verdict"] == entry.verdict.value
    assert said["diffusion_step_min"] == 0.01


@pytest.mark.parametrize(
    ("moments", "times"), [("last", [1.0]), ("0.4:0.6", [0.5]), (":", [0.5, 1.0]), ("output00000000", [0.5])]
)
def test_moments_are_chosen(output: Path, moments: str, times: list[float]) -> None:
    said = json.loads(run(output, "--json", "--moments", moments, "--substrate", "oxygen").stdout)
    assert [entry["time_min"] for entry in said["entries"]] == pytest.approx(times)


def test_a_page_is_written_that_names_what_was_found(output: Path, tmp_path: Path) -> None:
    result = run(output, "--report", tmp_path / "audit.html", "-q")
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    page = (tmp_path / "audit.html").read_text(encoding="utf-8")
    for entry in audit(open_run(output)).entries:
        assert entry.verdict in page
        assert entry.sentence.split(":")[0].replace("'", "&#x27;") in page
    assert page.count("<figure>") == 6
    assert "<script" not in page


def test_strict_leaves_with_1_where_an_error_is_shown(output: Path) -> None:
    plain = run(output, "--json")
    shown = any(each["error_at_least"] > each["tolerance"] for each in json.loads(plain.stdout)["entries"])
    assert shown
    assert plain.exit_code == 0
    assert run(output, "-q", "--strict").exit_code == 1
    assert run(output, "-q", "--strict", "--tolerance", "100").exit_code == 0


def test_without_steps_in_time_nothing_is_called_an_error(output: Path) -> None:
    said = json.loads(run(output, "--json", "--steady-only").stdout)
    assert {entry["error_at_least"] for entry in said["entries"]} == {0.0}
    assert all(entry["in_time"] is None for entry in said["entries"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--substrate", "oxigen"], "'oxigen'"),
        (["--moments", "output7"], "'output7'"),
        (["--moments", "a:b"], "60:240"),
        (["--moments", "50:60"], "no moment"),
        (["--threshold", "oxygen"], "oxygen=5"),
        (["--threshold", "oxigen=5"], "'oxigen'"),
        (["--threshold", "oxygen=-5"], "oxygen=5"),
        (["--report", "audit.pdf"], ".html"),
        (["--report", "nowhere/audit.html"], "does not exist"),
        (["--settings", "nowhere.xml"], "nowhere.xml"),
        (["--nodes", "nowhere.csv"], "nowhere.csv"),
    ],
)
def test_what_is_not_allowed_is_one_sentence(output: Path, arguments: list[str], said: str) -> None:
    result = run(output, *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.output
