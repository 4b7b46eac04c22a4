"""The notebooks run from top to bottom and still say what is saved in them; what is saved is small and nobody's own."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tests.examples.saying import alike

GALLERY = Path(__file__).parents[2] / "docs" / "gallery"
RUNNER = GALLERY.parent / "run_notebooks.py"
NOTEBOOKS = sorted(GALLERY.glob("*.ipynb"))


def said(notebook: nbformat.NotebookNode) -> list[str]:
    """What each cell printed."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return [output.text for output in outputs if output.output_type == "stream"]


def pictures(notebook: nbformat.NotebookNode) -> list[bytes]:
    """The pictures that are shown, PNG."""
    shown = [output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", [])]
    return [base64.b64decode(data["image/png"]) for data in shown if "image/png" in data]


def test_there_are_two():
    assert [path.stem for path in NOTEBOOKS] == ["first-steps", "fool-the-guard"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_says_what_is_saved(path, tmp_path):
    subprocess.run([sys.executable, str(RUNNER), path.stem, "--into", str(tmp_path)], check=True, capture_output=True)
    saved, run = (nbformat.read(folder / path.name, as_version=4) for folder in (GALLERY, tmp_path))
    assert [cell.source for cell in run.cells] == [cell.source for cell in saved.cells]
    for before, now in zip(said(saved), said(run), strict=True):
        assert alike(before, now), f"{before}\nis saved, and now it is\n{now}"
    assert len(pictures(run)) == len(pictures(saved)) > 0


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_is_saved_is_small_and_of_no_machine(path):
    saved = nbformat.read(path, as_version=4)
    nbformat.validate(saved)
    assert set(saved.metadata) == {"kernelspec", "language_info"}
    for cell in saved.cells:
        assert cell.metadata == {}
        if cell.cell_type == "code":
            assert cell.execution_count is None
            assert all(output.output_type in ("stream", "display_data") for output in cell.outputs)
    assert said(saved)
    assert all(len(picture) < 100_000 for picture in pictures(saved))
    assert path.with_suffix(".png").read_bytes() == pictures(saved)[0]
    assert not re.search(r"/(home|root|tmp|work|Users)/", path.read_text(encoding="utf-8").replace("image/png", ""))
