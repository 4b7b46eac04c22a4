"""The command for a GPU's figures works on CPU tensors and judges what it shows; no document takes those figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import surrogate_plugin as sp
from benchmarks import gpu, gpu_methods, gpu_rows
from benchmarks.gpu_methods import Fields, problem_of

CPU = torch.device("cpu")


def test_the_quick_trial_prints_certified_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gpu.main(["--device", "cpu", "--quick", "--alone", "--json", str(tmp_path / "figures.json")])
    printed = capsys.readouterr().out
    assert "No figure here says anything of a GPU." in printed
    rows = json.loads((tmp_path / "figures.json").read_text())["rows"]
    assert {row["batch"] for row in rows} == {1, 3}
    assert {row["name"] for row in rows} >= {way.name for way in gpu_methods.OURS[:2]}
    for row in rows:
        assert row["name"] in printed
        assert row["settled"] == 1.0
        assert row["error"] <= row["certified"] <= 0.01


def test_what_fails_is_left_out_and_the_others_are_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    usual, broken = gpu_methods.Way.ready, gpu_methods.OURS[1]

    def ready(way: gpu_methods.Way, *given: Any) -> gpu_methods.Work:
        work = usual(way, *given)
        calls = iter(range(100))

        def fails_later() -> Fields:
            if way is broken and next(calls) == 2:
                raise RuntimeError("CUDA error: an illegal memory access was encountered\nmore lines")
            return work()

        return fails_later

    monkeypatch.setattr(gpu_methods.Way, "ready", ready)
    monkeypatch.setattr(gpu, "_training", lambda *given: 1 / 0)
    rivals = [gpu_methods.Rival(name, lambda *given: {}["nothing"], "torch", "") for name in ("one", "another")]
    monkeypatch.setattr(gpu, "RIVALS", rivals)
    gpu.main(["--device", "cpu", "--quick", "--json", str(tmp_path / "build" / "figures.json")])
    figures = json.loads((tmp_path / "build" / "figures.json").read_text())
    assert {row["name"] for row in figures["rows"]} == {gpu_methods.OURS[0].name, gpu_methods.OURS[2].name}
    printed = capsys.readouterr().out
    for what in ("illegal memory access was encountered)", "training (ZeroDivisionError", "one (KeyError", "another ("):
        assert what in printed
    assert "more lines" not in printed


def test_after_its_minutes_nothing_more_is_begun(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="no figure of the guarded step"):
        gpu.main(["--device", "cpu", "--quick", "--minutes", "0"])
    assert capsys.readouterr().out.count("no time was left") > 4


def test_fields_that_bring_no_bound_are_certified_and_the_wrong_ones_show() -> None:
    problem = problem_of(0, (24, 24))
    exact = sp.solve(problem, method="exact").field
    found = Fields([exact, exact + np.where(problem.fixed, 0.0, 0.02 * problem.largest_imposed)])
    row = gpu_rows.judged("two fields", [problem, problem], found, [exact, exact], 0.01, [2.0, 1.0, 9.0])
    assert row.settled == 0.5
    assert row.seconds == 2.0
    assert row.error == pytest.approx(0.02)
    assert row.certified >= row.error


def test_large_batches_are_tissues_and_their_mirror_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_methods, "DRAWN", 3)
    problems = gpu_methods.problems_of(12, (24, 24))
    assert len({problem.fingerprint for problem in problems}) == 12
    for seed in range(3):
        drawn = problem_of(seed, (24, 24))
        assert np.array_equal(problems[seed].source, drawn.source)
        assert np.array_equal(problems[seed + 9].source, drawn.source[::-1, ::-1])
    assert len(gpu_methods.problems_of(2, (24, 24))) == 2


def test_others_solve_the_same_problems() -> None:
    exact = sp.solve(problem_of(1, (24, 24)), method="exact").field
    gpu_methods._assemble(1, (24, 24))
    assert np.abs(gpu_methods._amg(1, (24, 24), 1e-10) - exact).max() < 1e-6 * exact.max()
    ours = gpu_methods._all_cores([1], (24, 24), 0.01, CPU)()
    assert np.abs(ours.fields[0] - exact).max() <= ours.bounds[0] <= 0.01 * exact.max()


def test_who_cannot_take_part_is_left_out_with_the_reason() -> None:
    for rival in gpu_methods.RIVALS:
        if rival.gpu:
            assert rival.missing(CPU) == "it needs a GPU"


@pytest.mark.parametrize("given", [["--device", "cpu"], ["--device", "cpu", "--quick"]])
def test_no_document_takes_the_figures_of_a_cpu(
    given: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = tmp_path / "gpu.md"
    document.write_text("<!-- benchmarks.gpu -->\n<!-- end of benchmarks.gpu -->\n")
    with pytest.raises(SystemExit):
        gpu.main([*given, "--document", str(document)])
    assert "takes the figures of a GPU alone" in capsys.readouterr().err
    assert document.read_text().count("\n") == 2


def test_the_document_has_a_place_for_the_table_and_says_that_it_is_empty() -> None:
    text = (Path(__file__).parents[2] / "docs" / "gpu.md").read_text()
    _, _, rest = text.partition("<!-- benchmarks.gpu -->\n")
    table, end, _ = rest.partition("<!-- end of benchmarks.gpu -->")
    assert end
    assert table.startswith("No figure of a GPU is on record yet.") or "| fields/s |" in table
