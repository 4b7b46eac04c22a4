"""A PhysiCell project to set up, and the command that does."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from surrogate_adapters.physicell import embedding, project
from surrogate_adapters.physicell.commands import app
from surrogate_adapters.physicell.embedding import Embedding
from surrogate_adapters.physicell.patching import patched_main

HERE = Path(__file__).parent

EXAMPLE = HERE.parents[2] / "examples" / "physicell"

HEADER, SETTINGS = "custom_modules/surrogate_backend.hpp", "config/surrogate.toml"

GUIDE = (Path(embedding.__file__).parent / "README.md").read_text()

PYTHON = Embedding(Path("/venv/bin/python"), Path("/py/include"), Path("/py/lib/libpython3.11.so"), "linux")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["init", *map(str, arguments)], env={"COLUMNS": "200"})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project as it is before: `examples/physicell/main.cpp` without our two lines."""
    made = tmp_path / "a project"
    shutil.copytree(HERE / "project", made)
    (made / "BioFVM").mkdir()
    lines = (EXAMPLE / "main.cpp").read_text().splitlines(keepends=True)
    (made / "main.cpp").write_text("".join(line for line in lines if line.strip() not in our_lines()))
    return made


def our_lines() -> tuple[str, str]:
    return project.PLACES.include, project.PLACES.attach


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def put_former_files(folder: Path) -> None:
    """A project as an earlier release has set it up: its files beside main.cpp."""
    former = project.FORMER
    text = patched_main((folder / "main.cpp").read_text())
    text = text.replace(project.PLACES.include, former.include).replace(project.PLACES.attach, former.attach)
    (folder / "main.cpp").write_text(text)
    (folder / former.settings).write_text(f"python = {sys.executable!r}\nsubstrates = ['oxygen']\n")
    (folder / project.HEADER).write_text("// an earlier one\n")
