"""A model as a package: it installs without a network, answers by its name, and overwrites nobody's work."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from surrogate_plugin import registry
from surrogate_plugin.surrogate.card import ModelCard
from surrogate_plugin.surrogate.failures import DamagedModelError, ModelNotFoundError
from surrogate_plugin.surrogate.model import find, load
from surrogate_training.publishing.package import write_package

WEIGHTS = find("default")
NAME = "ring-vessels_2"

USE = f"""
import numpy as np
import surrogate_plugin as sp
from surrogate_plugin.surrogate.model import find, load

source = np.zeros((128, 128))
source[60:64, 40:46] = 38.0
problem = sp.Problem(source, decay=1 / 400)
engine = sp.Engine(model={NAME!r}, device="cpu", policy="surrogate-first")
solution = engine.solve(problem, tolerance=0.05 * 38.0)
card = load({NAME!r}, "cpu").card
print(solution.method, solution.error_bound <= 0.05 * 38.0, card.name, find({NAME!r}), sep="\\n")
print(*solution.flags, sep="\\n")
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_package(WEIGHTS, NAME, tmp_path_factory.mktemp("made") / "package", version="1.2rc1")


@pytest.fixture(scope="module")
def installed(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("installed")
    source = shutil.copytree(package, tmp_path_factory.mktemp("source") / "package")  # pip leaves its build behind
    options = ["--no-build-isolation", "--no-deps", "--no-index", "--disable-pip-version-check", "--no-cache-dir"]
    command = [sys.executable, "-m", "pip", "install", "--quiet", *options, "--target", str(target), str(source)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return target


def test_an_installed_model_answers_by_its_name(installed: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(installed), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", USE], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    method, certified, name, weights, *flags = done.stdout.splitlines()
    assert (method, certified, name) == ("surrogate", "True", NAME), flags
    assert Path(weights) == installed / "surrogate_model_ring_vessels_2" / f"{NAME}.safetensors"


def test_what_is_installed_says_what_it_is(installed: Path) -> None:
    (distribution,) = importlib.metadata.distributions(path=[str(installed)])
    assert distribution.metadata["Name"].replace("_", "-") == "surrogate-model-ring-vessels-2"
    assert distribution.version == "1.2rc1"
    (entry,) = distribution.entry_points
    assert (entry.group, entry.name) == (registry.MODELS, NAME)
    assert [need.partition(">")[0] for need in distribution.requires] == ["surrogate-plugin"]


def test_the_package_holds_the_weights_and_a_card_of_the_new_name(package: Path) -> None:
    folder = package / "surrogate_model_ring_vessels_2"
    assert (folder / f"{NAME}.safetensors").read_bytes() == WEIGHTS.read_bytes()
    parent, card = (ModelCard.read(path.with_suffix(".json")) for path in (WEIGHTS, folder / f"{NAME}.safetensors"))
    assert card == parent.model_copy(update={"name": NAME})
    assert load(folder, "cpu").card == card
    text = (package / "README.md").read_text()
    assert f"{card.network.parameters:,} parameters" in text
    assert f"| relative_l2 | {card.metrics['relative_l2']['median']:.3g} |" in text
    assert not list(package.rglob(".partial*"))


def test_the_module_names_the_contract_it_was_written_for(package: Path) -> None:
    names: dict[str, object] = {"__file__": "x"}
    exec((package / "surrogate_model_ring_vessels_2" / "__init__.py").read_text(), names)
    assert names["SURROGATE_PLUGIN_CONTRACT"] == registry.CONTRACT_VERSION


@pytest.mark.parametrize(
    "name", ["", "Rings", "2rings", "rings-", "-rings", "ri ngs", "ri.ngs", "a/b", "../up", "rings=x", "ring--s", "ré"]
)
def test_a_name_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"name is .*lower-case letters") as caught:
        write_package(WEIGHTS, name, tmp_path / "package")
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_the_name_of_the_shipped_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="ships with surrogate-plugin"):
        write_package(WEIGHTS, "default", tmp_path / "package")


def register(folder: Path, distribution: str) -> None:
    info = folder / f"{distribution.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{registry.MODELS}]\nrings = taken_{folder.name}:weights\n")
    source = f"from pathlib import Path\ndef weights(): return Path({str(WEIGHTS)!r})\n"
    (folder / f"taken_{folder.name}.py").write_text(source)


@pytest.mark.parametrize(("distribution", "refused"), [("a-lab", True), ("surrogate-model-rings", False)])
def test_a_name_is_free_unless_another_package_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, distribution: str, refused: bool
) -> None:
    installed = tmp_path / ("other" if refused else "own")
    installed.mkdir()
    register(installed, distribution)
    monkeypatch.syspath_prepend(installed)
    if refused:
        with pytest.raises(ValueError, match="'rings', under which a model is registered already"):
            write_package(WEIGHTS, "rings", tmp_path / "package")
    else:
        write_package(WEIGHTS, "rings", tmp_path / "package", version="2.0")
    assert (tmp_path / "package").exists() is not refused


@pytest.mark.parametrize("version", ["", "one", "1.", "1.0+local", "1 0", "1.0\n"])
def test_a_version_that_is_none_is_refused(tmp_path: Path, version: str) -> None:
    with pytest.raises(ValueError, match=r"version is .*joined by dots"):
        write_package(WEIGHTS, "rings", tmp_path / "package", version=version)


def test_a_new_version_replaces_the_old_one_and_leaves_what_was_added(tmp_path: Path) -> None:
    out = write_package(WEIGHTS, "rings", tmp_path / "package")
    (out / "LICENSE").write_text("mine")
    assert write_package(WEIGHTS, "rings", out, version="0.2.0") == out
    assert tomllib.loads((out / "pyproject.toml").read_text())["project"]["version"] == "0.2.0"
    assert (out / "LICENSE").read_text() == "mine"


def test_a_package_cut_short_is_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace, done = os.replace, []

    def killed(source: Path, target: Path) -> None:
        if len(done) == 1:
            raise KeyboardInterrupt
        done.append(target)
        replace(source, target)

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        write_package(WEIGHTS, "rings", tmp_path / "package")
    monkeypatch.undo()
    assert load(write_package(WEIGHTS, "rings", tmp_path / "package") / "surrogate_model_rings", "cpu")


@pytest.mark.parametrize("kind", ["file", "notes", "project", "other"])
def test_anything_else_is_left_as_it_is(tmp_path: Path, kind: str) -> None:
    out = tmp_path / "package"
    if kind == "other":
        write_package(WEIGHTS, "trees", out)
    elif kind == "file":
        out.write_text("notes")
    else:
        out.mkdir()
        (out / ("notes.txt" if kind == "notes" else "pyproject.toml")).write_text("[project]\nname = 'mine'\n")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(FileExistsError, match="something other than a package of the model 'rings'"):
        write_package(WEIGHTS, "rings", out)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_what_is_no_model_is_not_packaged(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError):
        write_package(tmp_path / "none.safetensors", "rings", tmp_path / "package")
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(WEIGHTS.read_bytes()[:-4] + b"oops")
    shutil.copy(WEIGHTS.with_suffix(".json"), damaged.with_suffix(".json"))
    with pytest.raises(DamagedModelError, match="checksum"):
        write_package(damaged, "rings", tmp_path / "package")
    assert not (tmp_path / "package").exists()
