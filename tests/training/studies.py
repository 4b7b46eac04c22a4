"""A study small enough for tests."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from surrogate_training.study.config import StudyConfig
from surrogate_training.study.measures import MEASURES
from surrogate_training.study.result import Result

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


def rng() -> np.random.Generator:
    """The same draws each time."""
    return np.random.default_rng(0)


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
