"""What is installed is what the code needs: declared dependencies, pinned versions, and files that ship."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PACKAGES = [ROOT / "surrogate_plugin", ROOT / "adapters/surrogate_adapters", ROOT / "training/surrogate_training"]
OURS = {package.name for package in PACKAGES}
#: Where the module and the package it comes from have different names.
DISTRIBUTION = {
    "PIL": "pillow",
    "pydantic_core": "pydantic",
    "sksparse": "scikit-sparse",
    "vivarium": "vivarium-core",
}
#: Extras that no test installs.
UNPINNED = {"cholmod", "benchmarks"}
#: Hosts that no package index has.
ELSEWHERE = {"cc3d"}


def normal(requirement: str) -> str:
    """The package name of a requirement, as package indexes spell it."""
    return re.split(r"[\s<>=!~;\[]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def imported(folder: Path) -> Iterator[tuple[str, Path]]:
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            for name in names:
                yield name.partition(".")[0], file


def foreign(folder: Path) -> set[str]:
    names = {name for name, _ in imported(folder)} - set(sys.stdlib_module_names) - OURS
    return {normal(DISTRIBUTION.get(name, name)) for name in names}


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_every_import_is_a_declared_dependency(package: Path) -> None:
    extras = [requirement for extra in PROJECT["optional-dependencies"].values() for requirement in extra]
    declared = {normal(requirement) for requirement in [*PROJECT["dependencies"], *extras]}
    assert foreign(package) - declared - ELSEWHERE == set()


def test_every_dependency_is_used() -> None:
    used = set().union(*(foreign(package) for package in PACKAGES))
    assert {normal(requirement) for requirement in PROJECT["dependencies"]} - used == set()


def test_every_dependency_is_pinned_in_the_constraints() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = {normal(line) for line in lines if "==" in line}
    # What is compiled from source, and what only benchmarks run, are not what the tests were run with.
    extras = {name: needs for name, needs in PROJECT["optional-dependencies"].items() if name not in UNPINNED}
    # What an extra takes from another one, "surrogate-plugin[mesa]", is that other one's.
    wanted = PROJECT["dependencies"] + extras["dev"] + [need for extra in extras.values() for need in extra]
    wanted = [need for need in wanted if normal(need) != "surrogate-plugin"]
    assert {normal(requirement) for requirement in wanted} - pinned == set()
    assert [
        line for line in lines if line and not line.startswith("#") and not re.fullmatch(r"[\w.-]+==[\w.]+", line)
    ] == []


def test_every_package_is_typed_for_its_users() -> None:
    for package in PACKAGES:
        assert (package / "py.typed").is_file()


def test_every_folder_of_code_is_a_package() -> None:
    for package in PACKAGES:
        folders = {file.parent for file in package.rglob("*.py")}
        assert [folder for folder in folders if not (folder / "__init__.py").is_file()] == []
