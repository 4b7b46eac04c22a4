"""What a retraining refuses, each in one sentence that names it, before anything is written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_plugin.surrogate.failures import ModelNotFoundError
from surrogate_training.retraining.retrain import RetrainConfig, retrain
from tests.training import retrain_fixtures
from tests.training.retrain_fixtures import SHAPE, command, record

run, parent, asked = retrain_fixtures.run, retrain_fixtures.parent, retrain_fixtures.asked


def test_bad_input_is_one_sentence(run: Path, parent: Path, tmp_path: Path) -> None:
    unlearnable = record(tmp_path / "still.zarr", [sp.Problem(np.zeros(SHAPE))] * 30)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("mine")
    for name, text in (("cut", '{"name"'), ("list", "[3]")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "retraining.json").write_text(text)
    card = json.loads(parent.with_suffix(".json").read_text())
    card["training"] = {}
    (tmp_path / "odd.json").write_text(json.dumps(card))
    (tmp_path / "odd.safetensors").write_bytes(parent.read_bytes())
    good = {"--record": str(run), "--from": str(parent), "--out": str(tmp_path / "new")}
    for changes, words in (
        ({"--record": str(tmp_path / "none.zarr")}, "there is no recording at"),
        ({"--record": str(unlearnable)}, "has 0 steps of 30 that the network can learn from"),
        ({"--from": "nobody"}, "'nobody'"),
        ({"--from": str(tmp_path / "none.safetensors")}, "the weights none.safetensors are missing"),
        ({"--from": str(tmp_path / "odd.safetensors")}, "does not say how it was trained"),
        ({"--out": str(tmp_path / "notes")}, "holds something other than a retraining"),
        ({"--out": str(parent)}, "holds something other than a retraining"),
        ({"--out": str(tmp_path / "cut")}, "retraining.json is damaged (JSONDecodeError"),
        ({"--out": str(tmp_path / "list")}, "retraining.json is damaged (TypeError"),
        ({"--minutes": "-1"}, "minutes is -1.0"),
        ({"--name": "a/b"}, "name is 'a/b'"),
        ({"--package": "My Model"}, "name is 'My Model'"),
    ):
        told = command(*(word for pair in (good | changes).items() for word in pair))
        assert (told.exit_code, told.stdout) == (2, ""), told.output
        assert words in told.stderr.replace("\n", "")
        assert told.stderr.count("\n") == 1
    assert not (tmp_path / "new").exists()


def test_an_unknown_parent_is_said_before_anything_is_written(
    asked: Callable[..., RetrainConfig], tmp_path: Path
) -> None:
    with pytest.raises(ModelNotFoundError):
        retrain(asked(tmp_path / "out", parent="nobody"))
    assert not (tmp_path / "out").exists()
