"""Whatever an editor or a disk does to a configuration or to settings, they are right or one sentence."""

from __future__ import annotations

import tempfile
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from surrogate_adapters.physicell.choices import Choices
from surrogate_adapters.physicell.choices import load as load_settings
from surrogate_plugin.equation.problem import Problem
from surrogate_plugin.errors import InvalidProblemError
from surrogate_training.config import TrainConfig, read_config
from surrogate_training.errors import sentence
from surrogate_training.loop.trainer import Trainer
from surrogate_training.problems.distributions import Paper
from surrogate_training.samples.dataset import DataConfig, make_batch
from surrogate_training.study.config import StudyConfig
from surrogate_training.toml_files import FOLDER, read_toml
from tests.fuzzing import assert_one_sentence, byte_damages, edits, slow

#: What the commands say in one sentence.
DOCUMENTED = (ValueError, OSError, FloatingPointError)


def told(error: Exception) -> None:
    assert_one_sentence(ValueError(sentence(error)))


def try_config(given: Any) -> None:
    """Read a configuration, and where it is allowed build what it asks for and take a step on a small lattice."""
    try:
        config = TrainConfig.model_validate(given)
        data = config.data.model_copy(update={"shape": (32, 24), "sides": (16, 24), "batch": 1})
        with tempfile.TemporaryDirectory() as folder:
            changes = {"data": data, "start": None}
            trainer = Trainer(config.model_copy(update=changes), Path(folder))
            if data.shards is None:
                trainer.step(make_batch(data, "train", 0))
    except DOCUMENTED as error:
        told(error)


SHIPPED = read_toml("default") | {
    "stop": {"monitor": "relative_l2", "patience": None, "select": "last"},
    "log": {"tensorboard": False},
    "checkpoint_seconds": 60.0,
}


WHOLE = TrainConfig.model_validate(SHIPPED).model_dump(mode="json")
PARTS = WHOLE["data"]["distribution"]["parts"]


@st.composite
def edited_configurations(draw: st.DrawFn) -> dict[str, Any]:
    """The shipped configuration, something changed anywhere, or in one section, or in what is sampled."""
    where = draw(st.sampled_from(["anywhere", "data", "network", "optimiser", "loss", "distribution", "distribution"]))
    if where == "anywhere":
        return dict(draw(edits(draw(st.sampled_from([SHIPPED, WHOLE])))))
    if where == "distribution":
        distribution = draw(edits(draw(st.sampled_from(PARTS))["distribution"]))
        return WHOLE | {"data": WHOLE["data"] | {"distribution": distribution}}
    return WHOLE | {where: draw(edits(WHOLE[where]))}


@settings(max_examples=60)
@given(several=st.lists(edited_configurations(), min_size=6, max_size=6))
def test_an_edited_configuration_trains_or_is_refused(several: list[dict[str, Any]]) -> None:
    for edited in several:  # most are refused at once
        try_config(edited)


@slow
@settings(max_examples=4000)
@given(edited=edited_configurations())
def test_configurations_edited_in_many_ways(edited: dict[str, Any]) -> None:
    try_config(edited)


def try_text(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "odd.toml"
        path.write_bytes(content)
        try:
            read_config(path, **{"data.batch": 2, "optimiser.steps": 1})
        except DOCUMENTED as error:
            told(error)


@settings(max_examples=60)
@given(damage=byte_damages())
def test_a_damaged_toml_file_is_read_or_refused(damage: Any) -> None:
    try_text(damage((FOLDER / "default.toml").read_bytes()))


@settings(max_examples=40)
@given(edited=edits(read_toml("study-losses")))
def test_an_edited_study_is_read_or_refused(edited: dict[str, Any]) -> None:
    try:
        assert StudyConfig.model_validate(edited).runs()
    except ValidationError as error:
        told(error)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"optimiser": {"minutes": float("inf")}}, "optimiser.minutes is inf: Input should be a finite number."),
        ({"optimiser": {"learning_rate": 1e308}}, "optimiser.learning_rate is 1e+308: Input should be less than"),
        ({"network": {"hyperparameters": {"mixers": 10**9}}}, "network: mixers is 1000000000; a whole number from 0"),
        ({"name": "../models/default"}, "name: name is '../models/default'; at most 100 letters"),
        ({"data": {"distribution": {"kind": "\n"}}}, "data.distribution: Input tag"),
        ({"device": "tpu"}, "device is 'tpu': "),
        ({"data": {"shape": [10**9, 10**9]}}, "data.shape.0 is 1000000000: "),
        ({"data": {"sides": [400, 96]}}, "the shorter one comes first"),
        ({"data": {"distribution": {"kind": "vessels", "radius": [3.0, 1.0]}}}, "the lower one comes first"),
        ({"data": {"distribution": {"kind": "vessels", "km": [0.0, 0.5]}}}, "km.0 is 0.0: "),
        ({"data": {"distribution": {"kind": "paper", "sources": [0, 0]}}}, "sources.0 is 0: "),
        ({"loss": {"kind": "multiscale", "scales": {"0": 1.0}}}, "scales"),
        (
            {"loss": {"kind": "multiscale", "scales": {}, "relative": 0, "peak": 0, "gradient": 0}},
            "all weights are 0",
        ),
    ],
)
def test_what_could_never_be_trained_is_refused_by_name(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TrainConfig.model_validate(changes)
    assert says in sentence(caught.value)
    told(caught.value)


def test_discs_that_do_not_fit_are_told() -> None:
    wide = DataConfig.model_validate({"shape": [16, 16], "distribution": {"kind": "paper", "radius": [9.0, 9.0]}})
    with pytest.raises(ValueError, match="radius is 9; discs of at most 7 pixels fit into a side of 16") as caught:
        make_batch(wide.model_copy(update={"other_shapes": 0.0}), "train", 0)
    told(caught.value)


@pytest.mark.parametrize("source", [np.ones((16, 16)), np.zeros((16, 16))])
def test_a_distribution_that_teaches_nothing_is_told(monkeypatch: pytest.MonkeyPatch, source: Any) -> None:
    monkeypatch.setattr(Paper, "sample", lambda self, rng, shape: Problem(source, decay=0.1))
    config = DataConfig(shape=(16, 16), other_shapes=0.0, distribution=Paper())
    with pytest.raises(ValueError, match="of 1000 problems of 16 x 16 pixels none has a value or a supply") as caught:
        make_batch(config, "train", 0)
    told(caught.value)


# Settings of adapters.

SETTINGS = """
substrates = ["oxygen", "glucose"]
model = "default"
method = "guarded"
policy = "surrogate-first"
device = "cpu"
refresh = 6.0
on_error = "host"
record = "run.zarr"
log = "log.csv"

[tolerance]
oxygen = 0.38
glucose = 0.1
"""


def try_settings(read: Any) -> None:
    try:
        found = read()
        assert found.names
        assert isinstance(found.tolerances, float | dict | None)
    except InvalidProblemError as error:
        assert_one_sentence(error)


@settings(max_examples=100)
@given(edited=edits(tomllib.loads(SETTINGS)), damage=byte_damages())
def test_settings_of_an_adapter_are_read_or_refused(edited: dict[str, Any], damage: Any) -> None:
    try_settings(lambda: Choices(**edited))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "surrogate.toml"
        path.write_bytes(damage(SETTINGS.encode()))
        try_settings(lambda: load_settings(path))


@pytest.mark.parametrize("content", [b"\xff", b"a = " + b"[" * 20_000, b"self = 1\n", b'"a\\nb" = 1\n'])
def test_settings_that_no_parser_likes_are_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "surrogate.toml"
    path.write_bytes(content)
    with pytest.raises(InvalidProblemError) as caught:
        load_settings(path)
    assert_one_sentence(caught.value)
