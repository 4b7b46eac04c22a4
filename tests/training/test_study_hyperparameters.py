"""The study of hyperparameters: one at a time around a base whose runs all of them share."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from surrogate_training.study import plots as study_plots
from surrogate_training.study import table as study_table
from surrogate_training.study.config import StudyConfig, read_study
from surrogate_training.study.result import Result
from surrogate_training.study.runner import run_study
from surrogate_training.study.sensitivity import conclusion, sensitivities
from tests.training import studies
from tests.training.studies import ROOT, made_up

tiny, unplotted = studies.tiny, studies.unplotted
TWO = (
    {"name": "optimiser.learning_rate", "values": (1e-3, 2e-3)},
    {"name": "loss.w", "values": (1.0, 3.0)},
    {"name": "loss.w2", "values": (40.0, 4000.0), "loss": {"kind": "step"}},
)


def hyperparameters(tiny: Path, given: Any = TWO, **changes: Any) -> StudyConfig:
    return read_study(tiny, kind="hyperparameters", hyperparameters=given, **changes)


def test_hyperparameters_change_one_at_a_time_and_share_the_base(tiny: Path) -> None:
    config = hyperparameters(tiny, seeds=(0,))
    runs = {run.variant: run.config for run in config.runs()}
    assert list(runs) == ["base learning_rate=0.001", "base", "base w=3", "step w2=40", "step"]
    base = runs["base"]
    assert base.optimiser.learning_rate == 2e-3
    slower = runs["base learning_rate=0.001"]
    assert slower.optimiser.learning_rate == 1e-3
    assert slower.model_copy(update={"optimiser": base.optimiser}) == base
    assert runs["base w=3"].model_copy(update={"loss": base.loss}) == base
    assert runs["step w2=40"].model_copy(update={"loss": base.loss}) == base
    assert runs["step"].loss.w2 == 4000.0  # type: ignore[union-attr]


def test_batches_of_all_sizes_see_as_many_samples(tiny: Path) -> None:
    config = hyperparameters(tiny, [{"name": "data.batch", "values": [2, 4, 8]}], seeds=(0,))
    seen = {run.config.data.batch: run.config for run in config.runs()}
    assert sorted(seen) == [2, 4, 8]
    assert {batch * each.optimiser.steps for batch, each in seen.items()} == {16}  # type: ignore[operator]
    assert {batch * each.validate_steps for batch, each in seen.items()} == {8}  # type: ignore[operator]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ([], "hyperparameters is empty"),
        ([{"name": "optimiser.speed", "values": [1, 2]}], "optimiser.speed"),
        ([{"name": "optimiser.learning_rate", "values": [1e-3, -1.0]}], "learning_rate"),
        ([{"name": "network.hyperparameters.height", "values": [1, 2]}], "height"),
        ([{"name": "loss.w", "values": [1.0]}], "values"),
    ],
)
def test_what_cannot_be_varied_is_refused_before_anything_runs(tiny: Path, wrong: Any, named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        hyperparameters(tiny, wrong)


def with_errors(config: StudyConfig, errors: dict[str, float]) -> list[Result]:
    return [replace(r, measures={**r.measures, "mae": errors[r.variant] * (1 + r.seed / 100)}) for r in made_up(config)]


def test_the_most_important_one_comes_first_beside_what_the_seed_does(tiny: Path) -> None:
    config = hyperparameters(tiny)
    errors = {"base learning_rate=0.001": 0.02, "base": 0.01, "base w=3": 0.008, "step w2=40": 0.05, "step": 0.01}
    found = sensitivities(config, with_errors(config, errors))
    assert [(each.label, round(each.ratio, 6)) for each in found] == [
        ("w2 of step", 5.0), ("learning rate", 2.0), ("w", 1.25)
    ]  # fmt: skip
    assert found[0].seeds == pytest.approx(0.01 / 2**0.5, rel=0.2)
    said = conclusion(found)
    assert "w2 of step 5.00, learning rate 2.00, w 1.25" in said
    assert "another w: with 3 its error is 1.25 times smaller" in said


def test_a_network_that_ran_away_is_told_of_and_spoils_no_other_figure(tiny: Path) -> None:
    config = hyperparameters(tiny)
    errors = {"base learning_rate=0.001": 0.02, "base": 0.01, "base w=3": 1e3, "step w2=40": 0.05, "step": 0.01}
    results = with_errors(config, errors)
    found = sensitivities(config, results)
    assert [each.label for each in found] == ["w", "w2 of step", "learning rate"]
    assert [(point.value, count) for point, count in found[0].runaways] == [(3.0, len(config.seeds))]
    assert found[0].ratio == 1.0
    assert f"{len(config.seeds)} of {len(config.seeds)} with w 3" in conclusion(found)
    highest = max(axes.get_ylim()[1] for axes in study_plots.figure_of(config, results).axes if axes.get_visible())
    assert highest < 1e3 * 0.2  # thousandths


def test_the_table_has_a_row_for_every_value_and_the_figure_a_panel_for_each(tiny: Path, tmp_path: Path) -> None:
    config = hyperparameters(tiny)
    results = made_up(config)
    rows = [line for line in study_table.table(config, results, {"mae": 0.2}).splitlines() if line.startswith("| ")]
    assert [row.split(" | ")[:2] for row in rows[1:-1]] == [
        ["| learning rate", "0.001"], ["| learning rate", "0.002 (base)"], ["| w", "1 (base)"], ["| w", "3"],
        ["| w2 of step", "40"], ["| w2 of step", "4000 (base)"],
    ]  # fmt: skip
    assert len({row.count("|") for row in rows}) == 1
    figure = study_plots.figure_of(config, results)
    assert [axes.get_title() for axes in figure.axes if axes.get_visible()] == [
        "learning rate (1.00x)", "w (1.00x)", "w2 of step (1.00x)"
    ]  # fmt: skip
    study_plots.draw(config, results, tmp_path)
    assert (tmp_path / "hyperparameters.png").is_file()


@pytest.mark.usefixtures("unplotted")
def test_a_study_killed_in_a_run_gives_the_same_table(tiny: Path, tmp_path: Path) -> None:
    config = hyperparameters(tiny, TWO[:1], seeds=(0,))
    run_study(config, tmp_path / "whole")
    run_study(config.model_copy(update={"hyperparameters": config.hyperparameters}), tmp_path / "killed")
    for lost in (tmp_path / "killed" / "base-seed-0").iterdir():
        lost.unlink()
    run_study(config, tmp_path / "killed")
    assert (tmp_path / "killed" / "table.md").read_bytes() == (tmp_path / "whole" / "table.md").read_bytes()


def test_the_shipped_one_varies_at_least_five_with_three_values_and_two_seeds() -> None:
    config = read_study(ROOT / "training/configs/study-hyperparameters.toml")
    assert sum(len(each.values) >= 3 for each in config.hyperparameters) >= 5
    assert len(config.seeds) >= 2
    labels = {point.label for point in config.design() if point.is_base}
    assert labels == {each.label for each in config.hyperparameters}
