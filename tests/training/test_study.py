"""The study's runner: every run once, files that say what came of them, and laws that are found where they hold."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import typer
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn
from typer.testing import CliRunner

from surrogate_plugin.surrogate.networks import build
from surrogate_training.commands.study import study
from surrogate_training.documents import write_into
from surrogate_training.loop import checkpoint
from surrogate_training.loop.trainer import Trainer
from surrogate_training.losses.study import StudyLoss
from surrogate_training.study import laws as study_laws
from surrogate_training.study import plots as study_plots
from surrogate_training.study import table as study_table
from surrogate_training.study.config import StudyConfig, read_study
from surrogate_training.study.measures import MEASURES, balanced_batches, mean_measures, measure_raw, measure_zeros
from surrogate_training.study.result import Result
from surrogate_training.study.runner import run_study

ROOT = Path(__file__).parents[2]
TINY = """
kind = "training-set-size"
sizes = [8, 32]
seeds = [0, 1]
test_per_count = 2
[base]
workers = 0
validate_steps = 2
validation_batches = 1
[base.network]
kind = "paper"
hyperparameters = { width = 2 }
[base.data]
batch = 4
mirrors = 1
shape = [32, 32]
other_shapes = 0.0
[base.data.distribution]
kind = "paper"
sources = [1, 3]
radius = [2.0, 2.0]
decay = 0.04
[base.loss]
kind = "exp"
[base.optimiser]
steps = 4
warmup_steps = 1
average = 0.5
"""


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return path


@pytest.fixture
def unplotted(monkeypatch: pytest.MonkeyPatch) -> None:
    """No plots, which take longer than these runs."""
    monkeypatch.setattr("surrogate_training.loop.curves.draw", lambda *given: None)
    monkeypatch.setattr("surrogate_training.study.plots.draw", lambda *given: None)


def lines(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def made_up(config: StudyConfig, error: float = 0.01) -> list[Result]:
    """Results of every run without training: the error grows a little with the seed."""
    measures = dict.fromkeys(MEASURES, error)
    return [
        Result(run.variant, run.seed, 4, {k: v * (1 + 0.1 * run.seed) for k, v in measures.items()}, {1: measures})
        for run in config.runs()
    ]


# Runs.


@pytest.mark.usefixtures("unplotted")
def test_a_study_leaves_a_line_a_run_and_a_table_and_repeats_nothing(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[Path] = []
    run = Trainer.run
    monkeypatch.setattr(
        Trainer, "run", lambda self, *given: (trained.append(self.folder), run(self, *given))[1]
    )  # fmt: skip
    config, out = read_study(tiny), tmp_path / "out"
    told: list[float] = []
    results = run_study(config, out, lambda done, text: told.append(done))
    names = ["8-seed-0", "32-seed-0", "8-seed-1", "32-seed-1"]
    assert [folder.name for folder in trained] == names
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert "4 of 4 runs" in (out / "table.md").read_text()
    assert [(row["variant"], row["seed"]) for row in lines(out / "results.csv")] == [
        ("8", "0"), ("32", "0"), ("8", "1"), ("32", "1")
    ]  # fmt: skip
    by_sources = lines(out / "by_sources.csv")
    assert len(by_sources) == 4 * 3
    # The source counts are balanced, so the whole is the mean of its parts.
    parts = [float(row["mae"]) for row in by_sources if (row["variant"], row["seed"]) == ("32", "1")]
    assert results[-1].measures["mae"] == pytest.approx(np.mean(parts))

    for lost in (out / names[2]).iterdir():  # as if the study had been killed in its third run
        lost.unlink()
    before = (out / "results.csv").read_bytes()
    assert run_study(config, out) == results
    assert [folder.name for folder in trained[4:]] == [names[2]]
    assert (out / "results.csv").read_bytes() == before


@pytest.mark.usefixtures("unplotted")
def test_a_study_may_grow_but_not_change(tiny: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    config = read_study(tiny, sizes=(8, 16), seeds=(0,))
    run_study(config, out)
    assert len(run_study(read_study(tiny, sizes=(8, 16, 24), seeds=(0,)), out)) == 3
    for change in ({"test_per_count": 3}, {"base": config.base.model_copy(update={"validate_steps": 1})}):
        with pytest.raises(ValueError, match=f"another '{next(iter(change))}'"):
            run_study(config.model_copy(update=change), out)


@pytest.mark.usefixtures("unplotted")
def test_the_validation_split_picks_the_weights_that_are_measured(tiny: Path, tmp_path: Path) -> None:
    rough = "learning_rate = 0.2\nsteps = 6"  # so that the last weights are not the best
    tiny.write_text(TINY.replace("steps = 4", rough).replace("validate_steps = 2", "validate_steps = 1"))
    config, out = read_study(tiny, sizes=(8, 16), seeds=(0, 1)), tmp_path / "out"
    results = run_study(config, out)
    for result, run in zip(results, config.runs(), strict=True):
        log = lines(out / run.folder / "log.csv")
        best = min(log, key=lambda row: float(row[config.base.stop.monitor]))
        assert result.picked_step == int(best["step"])
        network = build("paper", {"width": 2}).eval()
        tensors = checkpoint.load(out / run.folder, checkpoint.BEST)[2]
        network.load_state_dict(checkpoint.part(tensors, "average."))
        assert result.measures == mean_measures(measure_raw(network, balanced_batches(config)))
    assert min(result.picked_step for result in results) < 6


# What is run and measured.


def test_variants_differ_in_what_is_compared_and_in_nothing_else(tiny: Path) -> None:
    config = read_study(tiny)
    small, large = (run.config for run in config.runs()[:2])
    assert (small.data.samples, large.data.samples) == (8, 32)
    assert small.model_copy(update={"data": large.data}) == large
    assert small.data.model_copy(update={"samples": 32}) == large.data
    losses = read_study(tiny, kind="losses", losses=(StudyLoss(kind="mae"), StudyLoss(kind="exp", w=0.5)))
    assert [run.folder for run in losses.runs()[:2]] == ["mae-seed-0", "exp-w=0.5-seed-0"]
    first, second = (run.config for run in losses.runs()[:2])
    assert first != second
    assert first.model_copy(update={"loss": second.loss}) == second
    zero, one = (run.config for run in read_study(tiny, kind="seeds").runs())
    assert zero.seed != one.seed
    assert zero.data.seed != one.data.seed


class Nothing(nn.Module):
    """A network that sees no field anywhere."""

    def forward(self, image: torch.Tensor, saturation: torch.Tensor) -> torch.Tensor:
        del saturation
        return torch.zeros_like(image[:, 0])


def test_each_number_of_sources_is_tested_alike_and_sources_count(tiny: Path) -> None:
    batches = balanced_batches(read_study(tiny))
    assert list(batches) == [1, 2, 3]
    assert {batch.target.shape for batch in batches.values()} == {(2, 32, 32)}
    assert torch.equal(batches[2].target, balanced_batches(read_study(tiny))[2].target)
    fixed = [int((~batch.free).sum()) for batch in batches.values()]
    assert fixed[0] == 2 * 13
    assert fixed[0] < fixed[1] < fixed[2]
    found = measure_raw(Nothing(), batches)
    assert found == measure_zeros(batches)
    assert [sample["source_count"] for sample in found] == [1, 1, 2, 2, 3, 3]
    exact = batches[1].target[0].numpy()
    assert found[0]["mae"] == pytest.approx(exact.mean())
    assert found[0]["sources"] == 1.0  # nothing is imposed before it is measured
    assert found[0]["relative_l2"] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"sizes": [8]}, "sizes"),
        ({"sizes": [2, 8]}, "sizes"),
        ({"sizes": [8, 8]}, "sizes"),
        ({"kind": "losses"}, "losses"),
        ({"seeds": []}, "seeds"),
        ({"kind": "epochs"}, "kind"),
        ({"base": {"validate_steps": 1, "optimiser": {"steps": 1}}}, "distribution"),
        ({"base": {"validate_steps": 1, "data": {"distribution": {"kind": "paper"}}}}, "steps"),
        ({"base": {"optimiser": {"steps": 1}, "data": {"distribution": {"kind": "paper"}}}}, "validate_steps"),
    ],
)
def test_a_study_that_cannot_be_run_is_refused(tiny: Path, changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        read_study(tiny, **changes)


@pytest.mark.parametrize("kind", ["training-set-size", "losses", "seeds"])
def test_the_configurations_that_are_shipped_can_be_read(kind: str) -> None:
    config = read_study(ROOT / f"training/configs/study-{kind}.toml")
    assert config.kind == kind
    assert len(config.seeds) >= 3
    if kind == "training-set-size":
        assert len(config.sizes) >= 4
        assert max(config.sizes) >= 16 * min(config.sizes)


# Laws.


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


# What people read.


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
    assert json.loads((tmp_path / "out" / "mae-seed-1" / "result.json").read_text())["seed"] == 1
