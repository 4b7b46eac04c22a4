"""The configurations that ship with the package are found by name, wherever it is installed and from a checkout."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from surrogate_plugin.cli import app
from surrogate_training.config import read_config
from surrogate_training.study.config import read_study
from surrogate_training.toml_files import FOLDER, ConfigurationError, read_toml, shipped
from tests.package.test_packaging import ROOT


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "200"})
    return result.exit_code, result.output


def test_they_are_among_the_files_that_are_installed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    patterns = project["tool"]["setuptools"]["package-data"]["*"]
    installed = {path for pattern in patterns for path in FOLDER.parent.glob(pattern)}
    assert {FOLDER / f"{name}.toml" for name in shipped()} <= installed
    assert not list(FOLDER.glob("*.py"))  # else it were a package, and the patterns would begin there


def test_a_checkout_has_them_where_it_had_them() -> None:
    for name in shipped():
        assert (ROOT / "training" / "configs" / f"{name}.toml").samefile(FOLDER / f"{name}.toml")
        assert read_toml(ROOT / "training" / "configs" / f"{name}.toml") == read_toml(name)


def test_each_can_be_read_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_config("default").name == "default"
    for kind in ("losses", "seeds", "training-set-size"):
        assert read_study(f"study-{kind}").kind == kind
    code, output = run("distribution", "default", "--out", tmp_path / "seen", "--count", 12)
    assert (code, "12 problems" in output) == (0, True), output


def test_a_file_of_one_s_own_comes_before_one_that_ships(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("default").write_text("seed = 7\n")
    assert read_config("default").seed == 7


@pytest.mark.parametrize(
    "command", [("train", "nowhere.toml"), ("samples", "nowhere"), ("study", "seeds", "configs/default.toml")]
)
def test_one_that_is_not_there_is_one_sentence_that_names_those_that_are(tmp_path: Path, command: tuple[str]) -> None:
    code, output = run(*command, "--out", tmp_path / "out")
    assert code == 2
    said = f"there is no configuration {command[-1]}; name a TOML file, or one that ships: default, plain, study-"
    assert said in output
    assert output.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", [b"\xff\xfe", b"[[[", b"a = " + b"[" * 20_000, b"a = 1\na = 2\n"])
def test_what_is_no_toml_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odd.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"odd\.toml is not TOML") as caught:
        read_toml(path)
    assert "\n" not in str(caught.value)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_toml(tmp_path)
