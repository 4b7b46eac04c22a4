"""What a study says: laws of the training-set size, the table, the plots, and the documents that hold them."""

from __future__ import annotations

import inspect
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from surrogate_plugin.cli.sections import Sections
from surrogate_training.commands.study import Kind, study
from surrogate_training.documents import write_into
from surrogate_training.study import laws as study_laws
from surrogate_training.study import plots as study_plots
from surrogate_training.study import table as study_table
from surrogate_training.study.config import read_study
from surrogate_training.study.folder import claim
from surrogate_training.study.kinds import FIGURES, run_any
from surrogate_training.study.measures import MEASURES
from tests.fuzzing import files_of
from tests.training import studies
from tests.training.studies import ROOT, TINY, made_up

tiny, unplotted = studies.tiny, studies.unplotted


@given(st.floats(0.1, 1.0), st.floats(0.001, 0.012))
def test_a_logarithmic_law_is_found_and_told_from_a_power(a: float, b: float) -> None:
    sizes = [64, 256, 1024, 4096]
    errors = [a - b * math.log(n) for n in sizes]
    logarithmic, power = study_laws.fit("logarithmic", sizes, errors), study_laws.fit("power", sizes, errors)
    assert (logarithmic.first, logarithmic.second) == pytest.approx((a, b))
    assert logarithmic.r_squared == pytest.approx(1.0)
    assert power.r_squared <= 1.0 - 1e-9
    assert "logarithmic law shows" in study_laws.verdict(logarithmic, power)
    assert f"{1e3 * b * math.log(2):.2f}" in study_laws.verdict(logarithmic, power)


@given(st.floats(0.1, 50.0), st.floats(0.3, 1.5))
def test_a_power_law_is_found_and_told_from_a_logarithm(c: float, p: float) -> None:
    sizes = [64, 256, 1024, 4096]
    errors = [c * n**-p for n in sizes]
    logarithmic, power = study_laws.fit("logarithmic", sizes, errors), study_laws.fit("power", sizes, errors)
    assert (power.first, power.second) == pytest.approx((c, p), rel=1e-4)
    assert power.r_squared == pytest.approx(1.0)
    assert study_laws.verdict(logarithmic, power).startswith("The power law fits better")
    np.testing.assert_allclose(power.at(np.array(sizes)), errors, rtol=1e-4)


def test_a_law_is_the_best_of_its_kind() -> None:
    sizes, errors = [10, 30, 100, 300], [0.5, 0.31, 0.22, 0.11]
    for kind in ("logarithmic", "power"):
        law = study_laws.fit(kind, sizes, errors)  # type: ignore[arg-type]
        for first, second in ((1.01, 1.0), (0.99, 1.0), (1.0, 1.01), (1.0, 0.99)):
            other = study_laws.Law(law.kind, law.first * first, law.second * second, 0.0)
            missed, least = (np.square(x.at(np.array(sizes, float)) - errors).sum() for x in (other, law))
            assert least < missed


def test_an_error_that_does_not_fall_follows_no_law() -> None:
    flat, rising = [0.1, 0.1, 0.1], [0.1, 0.11, 0.12]
    for errors in (flat, rising):
        laws = [study_laws.fit(kind, [1, 2, 4], errors) for kind in ("logarithmic", "power")]  # type: ignore[arg-type]
        assert "does not fall" in study_laws.verdict(*laws)
    for sizes, bad in (([4, 4], [0.1, 0.2]), ([1, 2], [0.1, 0.0])):
        with pytest.raises(ValueError, match="sizes"):
            study_laws.fit("power", sizes, bad)


ZEROS = {"mae": 0.2, "relative_l2": 1.0}


def test_the_table_gives_mean_and_spread_over_seeds(tiny: Path) -> None:
    config = read_study(tiny, sizes=(8, 16, 32))
    text = study_table.table(config, made_up(config), ZEROS)
    rows = [line for line in text.splitlines() if line.startswith("| 16 ")]
    assert len(rows) == 1
    assert rows[0].count("10.50 ± 0.71") == len(MEASURES)
    assert "| 0 everywhere |  | 200.00 |" in text
    partial = study_table.table(config, made_up(config)[:2], ZEROS)
    assert "2 of 6 runs" in partial
    assert "Too few sizes" in partial
    seeds = read_study(tiny, kind="seeds")
    assert "1.10 times the smallest" in study_table.table(seeds, made_up(seeds), ZEROS)


def test_losses_are_ranked_with_their_spread_beside_that_of_the_seeds(tiny: Path) -> None:
    config = read_study(tiny, kind="losses", losses=({"kind": "mae"}, {"kind": "step"}, {"kind": "exp"}))
    errors = {"mae": 0.02, "step": 0.01, "exp": 0.04}
    results = [replace(r, measures={**r.measures, "mae": errors[r.variant] + r.seed / 1000}) for r in made_up(config)]
    results = [replace(r, measures={**r.measures, "max": 1 / errors[r.variant]}) for r in results]
    said = study_table.conclusion(config, results)
    assert "step 10.50 ± 0.71, mae 20.50 ± 0.71, exp 40.50 ± 0.71" in said
    assert "; exp has 3.86 times the error of step." in said
    assert "in the maximum exp" in said
    assert "spread by 15.28 (standard deviation), the seeds of one loss by 0.71" in said
    assert "the loss matters more than the seed, as the paper found" in said
    alike = [replace(r, measures={**r.measures, "mae": 0.02 + r.seed / 100}) for r in made_up(config)]
    assert "the loss matters no more than the seed" in study_table.conclusion(config, alike)


def test_the_plot_shows_each_seed_the_mean_and_both_laws(tiny: Path, tmp_path: Path) -> None:
    config = read_study(tiny, sizes=(8, 16, 32))
    results = [replace(r, measures={**r.measures, "mae": int(r.variant) ** -0.5}) for r in made_up(config)]
    study_plots.draw(config, results, tmp_path)
    assert {path.name for path in tmp_path.glob("*.png")} == {"training-set-size.png", "by-sources.png"}
    axes = study_plots.figure_of(config, results).axes
    labels = axes[0].get_legend_handles_labels()[1]
    assert any("ln" in label and "R^2" in label for label in labels)
    assert any("$p$ = 0.500" in label and "$R^2$ = 1.000" in label for label in labels)
    assert [len(line.get_xdata()) for line in axes[0].lines[:2]] == [6, 3]
    assert len(axes) == 2


def test_a_document_gets_the_table_in_its_place(tmp_path: Path) -> None:
    path = tmp_path / "study.md"
    path.write_text("before\n<!-- losses -->\nold\n<!-- end of losses -->\nafter\n")
    for text in ("new\n", "newer\n"):
        write_into(path, "losses", text)
        assert path.read_text() == f"before\n<!-- losses -->\n{text}<!-- end of losses -->\nafter\n"
    with pytest.raises(ValueError, match="no place"):
        write_into(path, "seeds", "new\n")


@pytest.mark.parametrize("kind", [kind.value for kind in Kind])
def test_the_page_has_a_place_for_every_study_and_its_cost(kind: str, tmp_path: Path) -> None:
    page = tmp_path / "study.md"
    page.write_text((ROOT / "docs" / "study.md").read_text())
    for name in (kind, f"cost of {kind}"):
        write_into(page, name, "written\n")
        assert f"<!-- {name} -->\nwritten\n<!-- end of {name} -->" in page.read_text()
    assert kind in FIGURES


def test_the_command_runs_a_study_and_refuses_another_kind(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = typer.Typer()
    app.command()(study)
    monkeypatch.setattr("surrogate_training.loop.curves.draw", lambda *given: None)
    document = tmp_path / "study.md"
    document.write_text("<!-- losses -->\n<!-- end of losses -->\n")
    refused = CliRunner().invoke(app, ["losses", str(tiny), "--out", str(tmp_path / "out")])
    assert refused.exit_code == 2
    assert not (tmp_path / "out").exists()
    tiny.write_text(
        TINY.replace(
            '"training-set-size"\nsizes = [8, 32]', '"losses"\nlosses = [{kind = "mae"}, {kind = "rand"}]'
        ).replace("seeds = [0, 1]", "seeds = [1]")
    )
    arguments = ["losses", str(tiny), "--out", str(tmp_path / "out"), "--document", str(document)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert "| rand | 1 |" in document.read_text()
    assert (tmp_path / "study-losses.png").read_bytes() == (tmp_path / "out" / "losses.png").read_bytes()
    (tmp_path / "out" / "rand-seed-1" / "result.json").unlink()
    held = (tmp_path / "out" / "study.json").stat().st_mtime_ns
    part = CliRunner().invoke(app, ["losses", str(tiny), "--out", str(tmp_path / "out"), "--report"])
    assert (tmp_path / "out" / "study.json").stat().st_mtime_ns == held
    assert "1 of 2 runs" in part.stdout  # what is finished is reported on, and nothing is trained
    assert not (tmp_path / "out" / "rand-seed-1" / "result.json").exists()
    nothing = CliRunner().invoke(app, ["losses", str(tiny), "--out", str(tmp_path / "none"), "--report"])
    assert nothing.exit_code == 2
    assert "holds no study" in nothing.stderr
    assert json.loads((tmp_path / "out" / "mae-seed-1" / "result.json").read_text())["seed"] == 1
    said = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).stdout)
    table = (tmp_path / "out" / "table.md").read_text()
    assert said == {"kind": "losses", "folder": str(tmp_path / "out"), "table": table, "estimate": None}
    assert set(said) == set(Sections.read(inspect.getdoc(study)).json)


def test_a_report_on_a_study_of_which_nothing_is_finished_says_so(tiny: Path, tmp_path: Path) -> None:
    folder, config = tmp_path / "study", read_study(tiny)
    claim(folder, config, (), begin=True)
    with pytest.raises(ValueError, match=r"nothing of the study in .* is finished yet"):
        run_any(config, folder, train=False)
    assert files_of(folder) == ["study.json"]
