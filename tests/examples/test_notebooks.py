"""The notebooks run from top to bottom and still say what is saved in them; what is saved is small and nobody's own."""

from __future__ import annotations

import base64
import importlib.util
import re
from pathlib import Path

import nbformat
import pytest

GALLERY = Path(__file__).parents[2] / "docs" / "gallery"
NOTEBOOKS = sorted(GALLERY.glob("*.ipynb"))

#: Bounds depend on who answered, which is a matter of what was measured on a machine.
_BOUND = re.compile(r"((?:at most|within|bounds:|and)\s+)[\d.]+(?:e[-+]?\d+)?")
_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[-+]?\d+)?")


def runner():
    """``docs/run_notebooks.py``, imported."""
    found = importlib.util.spec_from_file_location("run_notebooks", GALLERY.parent / "run_notebooks.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def said(notebook: nbformat.NotebookNode) -> list[str]:
    """What each cell printed."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return [output.text for output in outputs if output.output_type == "stream"]


def apart(text: str) -> tuple[str, list[float]]:
    """Words, with their numbers taken out, and the numbers that are no bounds."""
    text = _BOUND.sub(r"\1", text)
    return " ".join(_NUMBER.sub("#", text).split()), [float(number) for number in _NUMBER.findall(text)]


def test_there_are_two():
    assert [path.stem for path in NOTEBOOKS] == ["first-steps", "fool-the-guard"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_says_what_is_saved(path, tmp_path):
    saved = nbformat.read(path, as_version=4)
    run = runner().run(path, str(tmp_path))
    assert [cell.source for cell in run.cells] == [cell.source for cell in saved.cells]
    before, now = (apart("\n".join(said(notebook))) for notebook in (saved, run))
    assert now[0] == before[0]
    assert now[1] == pytest.approx(before[1], rel=0.25, abs=1e-6)
    assert len(runner().pictures(run)) == len(runner().pictures(saved))


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
    assert all(len(base64.b64decode(picture)) < 100_000 for picture in runner().pictures(saved))
    assert path.with_suffix(".png").read_bytes() == base64.b64decode(runner().pictures(saved)[0])
    assert not re.search(r"/(home|root|tmp|work|Users)/", path.read_text(encoding="utf-8").replace("image/png", ""))
