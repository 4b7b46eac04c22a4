"""The training commands: from a configuration to a published model, and one sentence where that cannot be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from surrogate_plugin import registry
from surrogate_plugin.cli import app
from surrogate_plugin.cli.plugins import add_commands
from surrogate_training.loop import interruption
from surrogate_training.loop.trainer import Trainer

TINY = """
name = "tiny"
workers = 0
validation_batches = 1
test_batches = 1
[network.hyperparameters]
width = 8
[data]
shape = [16, 16]
other_shapes = 0.0
"""
COMMANDS = ["train", "publish", "samples", "distribution"]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "200"})


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return path


@pytest.mark.parametrize("command", COMMANDS)
def test_help_helps(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert "Usage" in result.output
    assert command in run("--help").output


def test_a_model_is_trained_and_published(config: Path, tmp_path: Path) -> None:
    out, models = tmp_path / "run", tmp_path / "models"
    trained = run("train", config, "--out", out, "--steps", 3, "--batch", 2)
    assert trained.exit_code == 0, trained.output
    assert "finished after 3 steps" in trained.output
    published = run("publish", out, models)
    assert published.exit_code == 0, published.output
    assert "median errors" in published.output
    assert json.loads((models / "tiny.json").read_text())["training"]["samples"] == 24
    again = run("train", config, "--out", out, "--steps", 9)
    assert "is at step 3" in again.output


def test_samples_are_stored_and_trained_on(config: Path, tmp_path: Path) -> None:
    shards = tmp_path / "shards"
    made = run("samples", config, "--out", shards, "--count", 5, "--samples-a-shard", 2)
    assert made.exit_code == 0, made.output
    assert "5 samples in 3 shards" in made.output
    stored = tmp_path / "stored.toml"
    stored.write_text(TINY + f"shards = {str(shards)!r}\n")
    assert run("train", stored, "--out", tmp_path / "run", "--steps", 2, "--batch", 2).exit_code == 0
    path = shards / "00001.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\1")
    refused = run("samples", config, "--out", shards, "--count", 5, "--samples-a-shard", 2)
    assert refused.exit_code == 2
    assert "00001.safetensors" in refused.output
    assert run("samples", config, "--out", shards, "--count", 5, "--samples-a-shard", 2, "--repair").exit_code == 0


def test_a_distribution_is_described(tmp_path: Path) -> None:
    path = tmp_path / "flux.toml"
    path.write_text('[data]\nshape = [32, 40]\n[data.distribution]\nkind = "paper"\nreading = "flux"\n')
    result = run("distribution", path, "--out", tmp_path / "seen", "--count", 12)
    assert result.exit_code == 0, result.output
    assert "12 problems of kind `paper`, 32 x 40" in result.output
    assert (tmp_path / "seen" / "distribution.md").read_text() in result.output
    assert (tmp_path / "seen" / "distribution.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("addition", "says"),
    [
        ("[optimiser]\nlearning_rate = -1.0\n", "optimiser.learning_rate is -1.0"),
        ("samples = 0\n", "data.samples is 0"),
        ("speling = 1\n", "data.speling"),
        ("shards = 'nowhere'\n", "nowhere holds no index.json"),
        ("[data.distribution]\nkind = 'wider'\nkinds = ['flow']\n", "data.distribution.wider.kinds.0 is 'flow'"),
        ("[[[", "line 11"),
    ],
)
def test_a_wrong_configuration_is_one_sentence_and_exit_code_2(
    config: Path, tmp_path: Path, addition: str, says: str
) -> None:
    config.write_text(TINY + addition)
    result = run("train", config, "--out", tmp_path / "run", "--steps", 1)
    assert result.exit_code == 2
    assert says in result.output
    assert result.output.count("\n") == 1, result.output


def test_a_missing_run_is_one_sentence(tmp_path: Path) -> None:
    result = run("publish", tmp_path / "nowhere", tmp_path)
    assert result.exit_code == 2
    assert "does not exist" in result.output


def test_an_interrupted_run_says_how_to_go_on(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(self: Trainer, report: Any) -> None:
        raise interruption.Stopped("stopped at step 7; the same command goes on from there.")

    monkeypatch.setattr(Trainer, "run", stopped)
    result = run("train", config, "--out", tmp_path / "run")
    assert result.exit_code == 130
    assert "the same command goes on" in result.output


def test_a_plugin_adds_its_command_and_a_broken_one_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def good(count: int = 3) -> None:
        """A good command."""
        typer.echo(f"counted to {count}")

    def unreadable(what: object) -> None:
        """The type of its parameter is not to be found."""

    unreadable.__annotations__["what"] = "Nowhere"

    def plugin(name: str, value: Any) -> registry.Plugin:
        status = registry.Status.BROKEN if isinstance(value, str) else registry.Status.LOADED
        problem = value if isinstance(value, str) else ""
        return registry.Plugin(registry.COMMANDS, name, "lab:it", "lab", "1.2", status, value, problem)

    found = tuple(
        plugin(*pair) for pair in (("good", good), ("odd", unreadable), ("hurt", "it hurts"), ("solve", unreadable))
    )
    monkeypatch.setattr(registry, "_loaded", lambda group, path: found if group == registry.COMMANDS else ())
    mine = typer.Typer()
    mine.command("solve")(lambda: typer.echo("solved"))
    add_commands(mine)

    def call(*arguments: str) -> Result:
        return CliRunner().invoke(mine, arguments, env={"COLUMNS": "200"})

    assert "counted to 5" in call("good", "--count", "5").output
    assert "solved" in call("solve").output
    for name, says in (("odd", "'Nowhere' is not defined"), ("hurt", "it hurts")):
        result = call(name, "with", "--any", "arguments")
        assert result.exit_code == 2
        assert f"command '{name}' of lab 1.2 is broken: " in result.output
        assert says in result.output
