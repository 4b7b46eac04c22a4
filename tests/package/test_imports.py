"""Importing the package stays cheap, and every public name is there."""

from __future__ import annotations

import ast
import inspect
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import surrogate_plugin
import surrogate_plugin.audit

HEAVY = (
    "torch",
    "numba",
    "llvmlite",
    "pyvista",
    "vtk",
    "vtkmodules",
    "scipy.sparse.linalg",
    "matplotlib",
    "pyphysicell",
    "zarr",
)


def modules_after(statement: str) -> set[str]:
    """What a fresh interpreter has imported after ``statement``."""
    code = f"{statement}\nimport sys, json; print(json.dumps(sorted(sys.modules)))"
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    return set(json.loads(printed.splitlines()[-1]))


@pytest.mark.parametrize(
    "statement",
    [
        "import surrogate_plugin",
        "import surrogate_plugin as sp; sp.Problem, sp.MichaelisMenten, sp.Solution, sp.Flag, sp.Reason",
        "import surrogate_plugin as sp; sp.InvalidProblemError, sp.Domain, sp.Cells, sp.Vessels, sp.TissueState",
        "import surrogate_plugin.registry as r; r.names(r.SOLVERS)",
        "import surrogate_plugin.audit",
        "import surrogate_plugin.cli",
        "import surrogate_adapters, surrogate_training",
    ],
)
def test_nothing_heavy_is_imported_before_it_is_needed(statement: str) -> None:
    loaded = modules_after(statement)
    assert "surrogate_plugin" in loaded or "surrogate_adapters" in loaded
    assert sorted(loaded.intersection(HEAVY)) == []


def test_asking_for_the_engine_imports_no_network() -> None:
    loaded = modules_after("import surrogate_plugin as sp; sp.solve, sp.Engine, sp.Backend, sp.BackendConfig")
    assert not loaded.intersection({"torch", "pyvista", "vtk", "vtkmodules", "pyphysicell"})


@pytest.mark.parametrize(
    ("package", "name"),
    [(package, name) for package in (surrogate_plugin, surrogate_plugin.audit) for name in package.__all__],
)
def test_every_public_name_resolves_and_is_documented(package: ModuleType, name: str) -> None:
    value = getattr(package, name)
    assert name in dir(package)
    if callable(value):
        assert inspect.getdoc(value)


@pytest.mark.parametrize("package", [surrogate_plugin, surrogate_plugin.audit], ids=lambda package: package.__name__)
def test_type_checkers_and_the_interpreter_see_the_same_names(package: ModuleType) -> None:
    tree = ast.parse(Path(str(package.__file__)).read_text())
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    typed = {
        (alias.name, str(statement.module).removeprefix(f"{package.__name__}."))
        for statement in guarded.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }
    assert typed == set(package._HOME.items())
    assert {name for name, _ in typed} == set(package.__all__) - {"__version__"}


@pytest.mark.parametrize("package", [surrogate_plugin, surrogate_plugin.audit], ids=lambda package: package.__name__)
def test_an_unknown_name_is_an_attribute_error(package: ModuleType) -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        package.no_such_name  # noqa: B018
