"""The double of CompuCell3D is like the host, where that is installed too; the example and the guide run on it."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DOUBLE = Path(__file__).parent / "double"
PROJECT = ROOT / "examples" / "compucell3d_tumour" / "compucell3d_tumour.cc3d"
GUIDE = (ROOT / "adapters" / "surrogate_adapters" / "compucell3d" / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", GUIDE, flags=re.DOTALL)


def run(*arguments: str, double: bool = True, cwd: Path | None = None) -> str:
    """What Python prints, with or without the double as ``cc3d``."""
    path = os.environ.get("PYTHONPATH", "")
    environment = os.environ | ({"PYTHONPATH": os.pathsep.join([str(DOUBLE), path])} if double else {})
    done = subprocess.run([sys.executable, *arguments], env=environment, cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_double_has_the_signatures_of_the_table():
    assert run(str(DOUBLE / "host_signatures.py")).strip() == ""


@pytest.mark.skipif(importlib.util.find_spec("cc3d") is None, reason="CompuCell3D is not installed")
def test_the_host_has_the_signatures_of_the_table(tmp_path):
    # From a copy, so that the double beside it is not the one that is found.
    for name in ("host_signatures.py", "signatures.json"):
        (tmp_path / name).write_text((DOUBLE / name).read_text())
    assert run(str(tmp_path / "host_signatures.py"), double=False).strip() == ""


def test_the_example_runs_as_a_project_of_the_host(tmp_path):
    said = run("-m", "cc3d.run_script", "-i", str(PROJECT), cwd=tmp_path)
    hypoxic = re.search(r"(\d+) of 122 cells are hypoxic", said)
    assert hypoxic is not None
    assert 0 < int(hypoxic[1]) < 120
    bounds = [float(bound) for bound in re.findall(r"within (\S+) mmHg", said)]
    assert len(bounds) == 2  # at the start, and after cells became hypoxic; held in between, since here nothing moves
    assert max(bounds) <= 0.039  # cells climb it: 0.1 %, and the rounding to float32


def test_without_the_host_the_steppable_says_what_is_missing():
    if importlib.util.find_spec("cc3d") is not None:
        pytest.skip("CompuCell3D is installed")
    code = (
        "from surrogate_adapters.compucell3d import SurrogateDiffusion\n"
        "try:\n    SurrogateDiffusion({}, um_per_pixel=1.0, minutes_per_mcs=1.0)\n"
        "except ModuleNotFoundError as error:\n    print(error)"
    )
    assert "cc3d), which is not installed" in run("-c", code, double=False)


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_every_block_of_the_guide_is_a_main_script_that_runs(block, tmp_path):
    """In the place of the example's own."""
    assert "CompuCellSetup.run()" in block
    project = shutil.copytree(PROJECT.parent, tmp_path / "project") / PROJECT.name
    (project.parent / "Simulation" / f"{PROJECT.stem}.py").write_text(block)
    run("-m", "cc3d.run_script", "-i", str(project), cwd=tmp_path)
