"""What version 0.1.0 wrote is read, and holds what it held: recordings, training samples, models and settings."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_adapters.physicell import choices
from surrogate_plugin.surrogate.model import load
from surrogate_training.config import read_config
from surrogate_training.samples.dataset import DataConfig
from surrogate_training.samples.shards import Shards
from surrogate_training.study.config import read_study

WRITTEN = Path(__file__).parents[1] / "data" / "written_by_0_1_0"
MAPS = ("source", "fixed", "diffusivity", "decay", "production")
#: How the numbers beside a file say what kind a side is; those that hold a value are that value.
KINDS = {-1.0: "reflecting", -2.0: "periodic"}


def numbers(name: str, row: int | None = None) -> dict[str, np.ndarray]:
    """The arrays beside a file, or those of one of its rows."""
    prefix = "" if row is None else f"{row}."
    with np.load(WRITTEN / f"{name}.npz") as file:
        return {key.removeprefix(prefix): file[key] for key in file.files if key.startswith(prefix)}


def said(name: str) -> Any:
    return json.loads((WRITTEN / f"{name}.json").read_text())


def assert_is(problem: sp.Problem, said: Mapping[str, np.ndarray]) -> None:
    """Value by value, to the bit: numbers are numbers still, and maps maps."""
    for name in MAPS:
        np.testing.assert_array_equal(getattr(problem, name), said[name], strict=True)
    assert problem.spacing == said["spacing"]
    for side, number in zip(problem.boundary.sides, said["sides"].tolist(), strict=True):
        assert (side.kind, side.value) == ((KINDS[number], 0.0) if number in KINDS else ("value", number))
    assert (problem.uptake is None) == ("km" not in said)
    if problem.uptake is not None:
        np.testing.assert_array_equal(problem.uptake.vmax, said["vmax"], strict=True)
        assert problem.uptake.km == said["km"]


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    with zipfile.ZipFile(WRITTEN / "run.zarr.zip") as file:
        file.extractall(tmp_path / "run.zarr")
    return tmp_path / "run.zarr"


def test_a_recording_holds_the_problems_that_were_posed(recording: Path) -> None:
    read = sp.Recording(recording)
    assert (len(read), read.shape) == (6, (9, 13))
    for row in range(len(read)):
        assert_is(read.problem(row), numbers("run", row))


def test_the_problems_of_a_recording_have_the_fields_they_had(recording: Path) -> None:
    read = sp.Recording(recording)
    for row in range(len(read)):
        before = numbers("run", row)["field"]
        found = sp.solve(read.problem(row), method="exact")
        assert np.abs(found.field - before).max() <= found.error_bound + 1e-9 * before.max()


def test_a_recording_says_who_answered_and_why(recording: Path) -> None:
    read, told = sp.Recording(recording), said("run")
    assert read.steps.tolist() == [step["step"] for step in told]
    assert list(read.methods) == [step["method"] for step in told]
    assert read.bounds.tolist() == [step["bound"] for step in told]
    assert [[[str(flag.reason), flag.message] for flag in flags] for flags in read.flags] == [
        step["flags"] for step in told
    ]
    assert [header.digest for header in read.headers] == [step["digest"] for step in told]


def test_a_recording_is_gone_on_with(recording: Path) -> None:
    posed = sp.Recording(recording).problem(1)
    sp.Recorder(recording).append(posed.replace(decay=0.5), sp.StepRecord(0, "multigrid", 0.1))
    read = sp.Recording(recording)
    assert len(read) == 7
    assert_is(read.problem(1), numbers("run", 1))
    assert read.problem(6).decay == 0.5


def test_training_samples_are_the_samples_they_were() -> None:
    shards = Shards(WRITTEN / "shards", DataConfig.model_validate(said("shards")))
    assert len(shards) == 5
    saturating = 0
    for row in range(len(shards)):
        problem, field = shards[row].restore()
        before = numbers("shards", row)
        assert_is(problem, before | {"source": before["source"].astype(np.float64)})
        np.testing.assert_array_equal(field, before["field"].astype(np.float64), strict=True)
        saturating += problem.uptake is not None
    assert 0 < saturating < 5


def test_a_published_model_proposes_the_field_it_proposed() -> None:
    before = numbers("tiny")
    assert (before["sides"] == -1.0).all()
    problem = sp.Problem(before["source"], decay=before["decay"], boundary="reflecting")
    proposed = load(WRITTEN / "tiny.safetensors", "cpu").predict(problem)
    assert np.abs(proposed - before["field"]).max() <= 2e-5 * problem.largest_imposed


def test_a_published_model_answers_as_the_engine_s(tmp_path: Path) -> None:
    for suffix in (".safetensors", ".json"):
        shutil.copy((WRITTEN / "tiny").with_suffix(suffix), tmp_path)
    before = numbers("tiny")
    problem = sp.Problem(before["source"], decay=before["decay"], boundary="reflecting")
    engine = sp.Engine(model=tmp_path / "tiny.safetensors", device="cpu", policy="surrogate-first")
    solution = engine.solve(problem, method="surrogate")
    assert solution.method == "surrogate"
    free = ~problem.fixed
    assert np.abs(solution.field - before["field"])[free].max() <= 2e-5 * problem.largest_imposed


def test_settings_of_a_run_say_what_they_said() -> None:
    assert_within(said("train"), read_config(WRITTEN / "train.toml").model_dump(mode="json"))


def assert_within(before: Any, now: Any) -> None:
    """Everything that was said is said still; a setting that has come since may stand beside it."""
    if not isinstance(before, dict):
        assert now == before
        return
    for name, value in before.items():
        assert name in now
        assert_within(value, now[name])


def test_settings_of_a_study_plan_the_runs_they_planned() -> None:
    planned = [
        [run.folder, run.config.optimiser.steps, run.config.seed, run.config.data.seed]
        for run in read_study(WRITTEN / "study.toml").runs()
    ]
    assert planned == said("study")


@pytest.mark.parametrize("name", ["surrogate", "surrogate-tables"])
def test_settings_of_physicell_say_what_they_said(name: str) -> None:
    read = choices.load(WRITTEN / f"{name}.toml")
    assert {key: getattr(read, key) for key in said("surrogate")[name]} == said("surrogate")[name]
