"""The example's solver, and its package as a registry sees it once it is installed."""

from __future__ import annotations

import importlib.util
import sys
import tomllib
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "examples" / "pyamg_solver"


def module() -> Any:
    """The example as a module."""
    if "pyamg_solver" not in sys.modules:
        spec = importlib.util.spec_from_file_location("pyamg_solver", FOLDER / "pyamg_solver.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules["pyamg_solver"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules["pyamg_solver"])
    return sys.modules["pyamg_solver"]


def install(folder: Path) -> None:
    """What an installer writes of the package's own pyproject.toml."""
    project = tomllib.loads((FOLDER / "pyproject.toml").read_text())["project"]
    info = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    text = ""
    for group, entries in project["entry-points"].items():
        text += f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in entries.items())
    (info / "entry_points.txt").write_text(text)
