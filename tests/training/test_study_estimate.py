"""What a study would cost: counted exactly, timed here; and the published scale, whose costs nobody pays unasked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from surrogate_training.commands.study import Kind, study
from surrogate_training.config import TrainConfig
from surrogate_training.study.config import StudyConfig, read_study
from surrogate_training.study.edge_cases_config import EdgeCasesConfig
from surrogate_training.study.estimate import estimate, multiply_adds, trainings
from surrogate_training.study.kinds import read_any
from tests.training import studies

tiny = studies.tiny
KINDS = [kind.value for kind in Kind]


def test_the_published_network_takes_as_many_multiply_adds_as_the_study_says() -> None:
    config = TrainConfig.model_validate({"network": {"kind": "paper"}, "data": {"distribution": {"kind": "paper"}}})
    assert multiply_adds(config) == pytest.approx(35e9, rel=0.05)


def test_what_a_study_does_is_counted(tiny: Path) -> None:
    cost = estimate(read_study(tiny))
    assert cost.runs == 4
    assert cost.learnt == 4 * 4 * 4  # runs, steps and samples a step
    assert cost.solved == 2 * (8 + 16) + 4 * 4  # a set of 32 is not seen in 16 samples; validation besides
    assert cost.searched == 0
    assert cost.multiply_adds == 3 * cost.learnt * multiply_adds(read_study(tiny).runs()[0].config)
    assert cost.memory == 32 * 32 * 32 * 8 / 1e9
    assert cost.seconds == pytest.approx(cost.a_sample * cost.learnt + cost.a_solve * cost.solved)


@pytest.mark.parametrize("kind", KINDS)
def test_every_study_that_ships_has_a_published_scale(kind: str) -> None:
    config = read_any(f"study-{kind}", published=True)
    reduced = read_any(f"study-{kind}")
    assert config.kind == reduced.kind == kind
    assert config.seeds == reduced.seeds
    for run in trainings(config):
        assert run.data.shape == (512, 512)
        assert run.device == "cuda"
        assert run.data.remade
        seen = run.data.batch * run.optimiser.steps  # type: ignore[operator]
        assert seen == 100 * 320000 or isinstance(config, EdgeCasesConfig | StudyConfig)
        run.data.distribution.sample(studies.rng(), run.data.shape)
    if isinstance(config, StudyConfig):
        assert config.distribution.radius == (5.0, 5.0)
        assert config.distribution.decay == 1 / 400
    widths = [run.network.hyperparameters["width"] for run in trainings(config)]
    assert widths.count(64) >= len(widths) - 2 * len(config.seeds)


def test_the_published_training_sets_are_all_seen_a_hundred_times() -> None:
    runs = trainings(read_any("study-training-set-size", published=True))
    assert {run.data.samples for run in runs} == {4000, 8000, 16000, 40000, 80000, 160000, 320000}
    assert all(run.optimiser.steps * run.data.batch == 100 * run.data.samples for run in runs)  # type: ignore[operator]


def test_the_command_says_the_cost_and_trains_nothing(tiny: Path, tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(study)
    told = CliRunner().invoke(app, ["training-set-size", str(tiny), "--estimate", "--json"])
    assert told.exit_code == 0
    assert json.loads(told.stdout)["estimate"]["learnt"] == 64
    assert (
        "4 runs learn from 64 samples, each time one is seen"
        in CliRunner().invoke(app, ["training-set-size", str(tiny), "--estimate"]).stdout
    )
    assert list(tmp_path.iterdir()) == [tiny]
    refused = CliRunner().invoke(app, ["training-set-size", str(tiny)])
    assert refused.exit_code == 2
    assert "--out is missing" in refused.stderr
