"""The sdist and the wheel hold what they should and nothing else, and are the same bytes each time they are made."""

from __future__ import annotations

import os
import shutil
import tarfile
import tomllib
import zipfile
from dataclasses import dataclass
from email.parser import Parser
from pathlib import Path

import pytest

import surrogate_plugin
from tests.packaging.build import ROOT, make_sdist, make_wheel

SECONDS = 1_700_000_000
PACKAGES = ("surrogate_plugin", "adapters/surrogate_adapters", "training/surrogate_training")
#: What lies in the packages of a checkout that was used, and is nobody's to have.
LEFT_BEHIND = ("__pycache__", ".pyc", ".egg-info")
BESIDE = {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "MANIFEST.in", "constraints.txt"}


@dataclass(frozen=True)
class Made:
    tree: Path
    sdist: Path
    wheel: Path

    def in_sdist(self) -> set[str]:
        """Names in the sdist, below its one folder, without what setuptools writes."""
        with tarfile.open(self.sdist) as archive:
            names = {name.partition("/")[2] for name in archive.getnames()}
        return {name for name in names if name not in ("PKG-INFO", "setup.cfg") and ".egg-info" not in name}

    def in_wheel(self) -> dict[str, bytes]:
        with zipfile.ZipFile(self.wheel) as archive:
            return {name: archive.read(name) for name in archive.namelist()}


def copy_of_the_tree(folder: Path) -> Path:
    """What is built from, with the rest of a checkout beside it; its files are of now."""
    folder.mkdir()
    for name in sorted(BESIDE):
        shutil.copyfile(ROOT / name, folder / name)
    for name in (*PACKAGES, "tests/package", "examples"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("*.egg-info"))
    return folder


def files_of(tree: Path, package: str) -> set[str]:
    files = {file.relative_to(tree).as_posix() for file in (tree / package).rglob("*") if file.is_file()}
    return {file for file in files if not any(mark in file for mark in LEFT_BEHIND)}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("made")
    tree = copy_of_the_tree(folder / "tree")
    sdist = make_sdist(tree, folder, SECONDS)
    return Made(tree, sdist, make_wheel(sdist, folder, SECONDS))


def test_the_wheel_has_every_file_of_the_packages_and_no_other(made: Made) -> None:
    wanted = {
        file.removeprefix("adapters/").removeprefix("training/")
        for package in PACKAGES
        for file in files_of(made.tree, package)
    }
    about = f"surrogate_plugin-{surrogate_plugin.__version__}.dist-info/"
    assert {name for name in made.in_wheel() if not name.startswith(about)} == wanted
    for kind in (".safetensors", ".json", ".toml", ".hpp", ".css", ".md", "py.typed"):
        assert any(name.endswith(kind) for name in wanted), kind
    assert {name.removeprefix(about) for name in made.in_wheel() if name.startswith(about)} == {
        "METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE", "top_level.txt",
    }  # fmt: skip


def test_the_sdist_has_what_it_is_built_from_and_no_more(made: Made) -> None:
    packages = {file for package in PACKAGES for file in files_of(made.tree, package)}
    assert made.in_sdist() == packages | BESIDE


def test_the_wheel_of_the_sdist_is_that_of_the_tree(made: Made, tmp_path: Path) -> None:
    assert make_wheel(made.tree, tmp_path, SECONDS).read_bytes() == made.wheel.read_bytes()


def test_both_are_the_same_bytes_when_made_again(made: Made, tmp_path: Path) -> None:
    tree = copy_of_the_tree(tmp_path / "another-tree")
    for file in tree.rglob("*.py"):
        os.utime(file, (1_500_000_000, 1_500_000_000))
    (tmp_path / "out").mkdir()
    sdist = make_sdist(tree, tmp_path / "out", SECONDS)
    assert sdist.read_bytes() == made.sdist.read_bytes()
    assert make_wheel(sdist, tmp_path / "out", SECONDS).read_bytes() == made.wheel.read_bytes()


def test_the_metadata_say_what_the_project_does(made: Made) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (text,) = (contents for name, contents in made.in_wheel().items() if name.endswith(".dist-info/METADATA"))
    told = Parser().parsestr(text.decode())
    assert told["Name"] == project["name"]
    assert told["Version"] == surrogate_plugin.__version__
    assert told["License-Expression"] == project["license"]
    assert set(told.get_all("Provides-Extra", [])) == set(project["optional-dependencies"])
    required = [need for need in told.get_all("Requires-Dist", []) if "extra ==" not in need]
    assert len(required) == len(project["dependencies"])
