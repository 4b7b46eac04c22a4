"""What a retraining needs, as fixtures: a tiny parent, and a run at lengths that the parent has never seen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import surrogate_plugin as sp
from surrogate_plugin.gallery import disc, ring
from surrogate_training.commands import retrain as commands_retrain
from surrogate_training.config import TrainConfig
from surrogate_training.loop.trainer import Trainer
from surrogate_training.publishing.publish import publish
from surrogate_training.retraining.retrain import RetrainConfig

SHAPE = (20, 28)
TINY: dict[str, Any] = {
    "name": "tiny",
    "data": {
        "batch": 2,
        "shape": [24, 24],
        "other_shapes": 0.5,
        "sides": [16, 24],
        "distribution": {"kind": "vessels", "diffusion_length": [3.0, 8.0], "radius": [1.0, 3.0], "most_discs": 4},
    },
    "optimiser": {"steps": 80, "warmup_steps": 2, "average": 0.9, "learning_rate": 5e-3},
    "workers": 0,
    "checkpoint_seconds": 0.0,
    "validation_batches": 1,
    "test_batches": 5,
}


def state(step: int) -> sp.Problem:
    """What the host poses: rings at a diffusion length that the parent has never seen, and they move."""
    rng = np.random.default_rng(step)
    masks = [ring(SHAPE, tuple(rng.uniform(4, 16, 2)), rng.uniform(2.0, 5.0), 1.0) for _ in range(2)]
    cells = disc(SHAPE, (10.0, 14.0 + 4 * np.sin(step)), 5.0)
    decay = 40.0**-2 + 0.01 * cells
    return sp.Problem(38.0 * (masks[0] | masks[1]), decay=decay, boundary="reflecting")


def record(path: Path, problems: list[sp.Problem]) -> Path:
    recorder = sp.Recorder(path)
    for step, problem in enumerate(problems):
        recorder.append(problem, sp.StepRecord(step, "multigrid", 0.1))
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("run") / "run.zarr", [state(step) for step in range(40)])


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parent")
    Trainer(TrainConfig.model_validate(TINY), folder / "run").run()
    publish(folder / "run", folder)
    return folder / "tiny.safetensors"


@pytest.fixture(scope="module")
def asked(run: Path, parent: Path) -> Callable[..., RetrainConfig]:
    """A retraining into a folder, with changes."""

    def ask(out: Path, **changes: Any) -> RetrainConfig:
        given = {"record": run, "parent": str(parent), "out": out, "name": "rings", "steps": 60}
        return RetrainConfig.model_validate(given | changes)

    return ask


def command(*arguments: str) -> Any:
    import typer

    app = typer.Typer()
    app.command()(commands_retrain.retrain)
    return CliRunner().invoke(app, arguments)
