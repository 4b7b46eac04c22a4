"""Every command, run: one object with the keys of its help, tables in 60 columns, one sentence for bad paths."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

import surrogate_plugin as sp
from surrogate_plugin import registry
from surrogate_plugin.cli import app
from tests.audit.files import write_run
from tests.cli.walking import LEAVES
from tests.hosts.pyphysicell.tissue import tissue
from tests.training.test_training_commands import TINY

#: Those whose runs are too long to be made twice; where they are held to the same.
ELSEWHERE = {"retrain": "tests/training/test_retrain.py", "study": "tests/training/test_study_reports.py"}
PROJECT = Path(__file__).parents[1] / "hosts" / "physicell" / "project"


def run(*arguments: object, width: int = 60, **environment: str | None) -> Result:
    return CliRunner().invoke(app, [str(each) for each in arguments], env={"COLUMNS": str(width), **environment})


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One of each kind of file that commands read."""
    folder = tmp_path_factory.mktemp("inputs")
    source = np.zeros((16, 24))
    source[4:6, 7:9] = 38.0
    problem = sp.Problem(source, decay=0.01)
    problem.save(folder / "problem.npz")
    np.save(folder / "source.npy", source)
    np.save(folder / "field.npy", sp.solve(problem, method="exact").field)
    recorder = sp.Recorder(folder / "run.zarr")
    for step in range(2):
        recorder.append(problem, sp.StepRecord(step, "multigrid", 0.1))
    sim = tissue(1, vessels=0, second=True)
    sim.run(0.5)
    write_run(folder, [sim])
    (folder / "tiny.toml").write_text(TINY)
    (folder / "doubling.py").write_text("def double(given, link):\n    return {'twice': 2 * given['x']}\n")
    (folder / "ensemble.toml").write_text('function = "doubling.py:double"\nsweep.over.x = [1, 2, 3]\n')
    shutil.copytree(PROJECT, folder / "project")
    (folder / "project" / "BioFVM").mkdir()
    assert run("init", folder / "surrogate.toml", "--no-schema", "-q").exit_code == 0
    assert run("example", folder / "vessels.png", "-q").exit_code == 0
    assert (
        run("train", folder / "tiny.toml", "--out", folder / "trained", "--steps", 1, "--batch", 2, "-q").exit_code == 0
    )
    return folder


#: How each command is run on the inputs, and where what it writes goes.
RECIPES: dict[str, Callable[[Path, Path], list[object]]] = {
    "example": lambda i, o: [o / "vessels.png"],
    "solve": lambda i, o: [i / "source.npy", "-o", o / "field.npy", "--verbose"],
    "certify": lambda i, o: [i / "field.npy", "--problem", i / "problem.npz", "-o", o / "bound.npy"],
    "init": lambda i, o: [o / "surrogate.toml"],
    "run": lambda i, o: [i / "surrogate.toml"],
    "ensemble": lambda i, o: [i / "ensemble.toml", "-o", o / "means.png"],
    "schema": lambda i, o: [],
    "view": lambda i, o: [i / "run.zarr", "--size", "200", "-o", o / "oxygen.png"],
    "export": lambda i, o: [i / "run.zarr", o / "fields.vti"],
    "audit": lambda i, o: [i / "output", "--moments", "last", "--report", o / "audit.html"],
    "hosts": lambda i, o: [],
    "demo": lambda i, o: ["mine", "--out", o],
    "doctor": lambda i, o: ["--problems", 1, "--size", 16, "--extremes", 1, "--tissues", 1],
    "warm-up": lambda i, o: [],
    "physicell init": lambda i, o: [i / "project", "--force"],
    "physicell check": lambda i, o: [i / "project" / "config" / "PhysiCell_settings.xml"],
    "train": lambda i, o: [i / "tiny.toml", "--out", o / "run", "--steps", 1, "--batch", 2],
    "publish": lambda i, o: [i / "trained", o / "models"],
    "samples": lambda i, o: [i / "tiny.toml", "--out", o / "shards", "--count", 2],
    "distribution": lambda i, o: [i / "tiny.toml", "--out", o / "seen", "--count", 12],
}
#: What cannot be read, or not be written.
BAD: dict[str, list[str]] = {
    "example": ["{file}/vessels.png"],
    "solve": ["{gone}.npy"],
    "certify": ["{gone}.npy", "--problem", "{gone}.npz"],
    "init": ["{file}/surrogate.toml"],
    "run": ["{gone}.toml"],
    "ensemble": ["{gone}.toml"],
    "schema": ["-o", "{file}/schema.json"],
    "view": ["{gone}.zarr"],
    "export": ["{gone}.zarr", "run.pvd"],
    "audit": ["{gone}"],
    "demo": ["mine", "--out", "{file}"],
    "physicell init": ["{gone}"],
    "physicell check": ["{gone}.xml"],
    "train": ["{gone}.toml", "--out", "run"],
    "publish": ["{gone}", "models"],
    "samples": ["{gone}.toml", "--out", "shards"],
    "distribution": ["{gone}.toml", "--out", "seen"],
    "retrain": ["--record", "{gone}.zarr", "--out", "model"],
    "study": ["losses", "{gone}.toml", "--out", "runs"],
}
#: Nothing that these read or write can be named.
NO_PATHS = {"hosts", "doctor", "warm-up"}
runnable = pytest.mark.parametrize("name", RECIPES)


@pytest.fixture(autouse=True)
def _demo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A demo that is over at once, and a cache and a folder of one's own."""

    def grow(out: Path) -> None:
        print(f"A tumour grew into {out}.")

    found = (registry.Plugin(registry.DEMOS, "mine", "lab:it", "lab", "1", registry.Status.LOADED, grow),)
    for each in ("_loaded", "_found"):
        known = getattr(registry, each)
        monkeypatch.setattr(
            registry, each, lambda group, path, known=known: found if group == registry.DEMOS else known(group, path)
        )
    monkeypatch.chdir(tmp_path)


def test_every_command_is_run_here_or_elsewhere() -> None:
    assert set(RECIPES) | set(ELSEWHERE) == set(LEAVES)
    assert set(BAD) | NO_PATHS == set(LEAVES)
    for place in ELSEWHERE.values():
        assert '"--json"' in (Path(__file__).parents[2] / place).read_text(encoding="utf-8")


def documented(name: str) -> set[str]:
    return {key.strip() for keys in LEAVES[name].sections.json for key in keys.split(",")}


@runnable
def test_json_is_one_object_with_the_keys_that_help_tells(name: str, inputs: Path, tmp_path: Path) -> None:
    result = run(*name.split(), *RECIPES[name](inputs, tmp_path), "--json")
    assert result.exit_code == 0, result.output
    assert result.stdout.count("\n") == 1
    said: Any = json.loads(result.stdout)
    assert isinstance(said, dict)
    assert set(said) == documented(name)
    for path in said.get("written", []):
        assert Path(path if isinstance(path, str) else path["path"]).exists()


@runnable
def test_tables_are_read_in_60_columns(name: str, inputs: Path, tmp_path: Path) -> None:
    result = run(*name.split(), *RECIPES[name](inputs, tmp_path), FORCE_COLOR="1", NO_COLOR="1")
    assert result.exit_code == 0, result.output
    assert result.stdout.strip()
    assert "…" not in result.stdout
    assert "\x1b" not in result.output
    if name != "schema":  # which is for programs
        framed = [line for line in result.stdout.splitlines() if line[:1] in "│┃┏└┡├╭╰"]
        assert max(map(len, framed), default=0) <= 60


@runnable
def test_quiet_is_quiet(name: str, inputs: Path, tmp_path: Path) -> None:
    if "--quiet" not in LEAVES[name].options:
        return
    result = run(*name.split(), *RECIPES[name](inputs, tmp_path), "--quiet")
    assert result.exit_code == 0, result.output
    assert result.output == ""


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("more", [[], ["--json"], ["--quiet"]])
def test_a_bad_path_is_one_sentence_and_exit_code_2(name: str, more: list[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file, and no folder")
    places = {"gone": str(tmp_path / "gone"), "file": str(tmp_path / "file")}
    result = run(*name.split(), *(each.format(**places) for each in BAD[name]), *more, NO_COLOR="1", FORCE_COLOR="1")
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert result.stderr.endswith(".\n")
    assert "\x1b" not in result.stderr
