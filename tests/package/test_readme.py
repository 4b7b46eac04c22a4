"""The README's examples run as they stand."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "adapters").rglob("*.md")]


def _example(heading: str) -> str:
    """The first python example below a heading."""
    below = README.split(f"\n## {heading}\n")[1]
    return re.findall(r"```python\n(.*?)```", below, flags=re.DOTALL)[0]


def test_the_python_example_runs_and_keeps_its_tolerance() -> None:
    example = _example("In Python")
    check = "\nassert solution.error_bound <= 0.38 and solution.field.max() <= 38.0 + 1e-9"
    printed = subprocess.run([sys.executable, "-c", example + check], check=True, capture_output=True, text=True).stdout
    assert "(256, 256)" in printed


def test_the_example_in_time_runs_on_its_own() -> None:
    imports = "import numpy as np\nimport surrogate_plugin as sp\n"
    check = "\nassert first.error_bound < second.error_bound < 0.1 and abs(second.field.sum() - 400 / 1.006**2) < 1.0"
    subprocess.run([sys.executable, "-W", "error", "-c", imports + _example("In time") + check], check=True)


def test_the_example_of_many_problems_runs_after_the_first() -> None:
    check = "\nassert len(solutions) == 8 and max(each.error_bound for each in solutions) <= 0.38"
    code = _example("In Python") + _example("Many at once") + check
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_the_readme_names_every_make_target_it_uses() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"`?make ([a-z-]+)", README)):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_document_points_at_files_that_are_there(document: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", document.read_text())
    missing = [link for link in links if not (document.parent / link).exists()]
    assert not missing


HOST = """
import numpy as np
import pyphysicell as pc

oxygen = pc.Substrate("oxygen", 1e5, 0.1, 38.0, dirichlet_faces={"xmin": (True, 38.0)})
eater = pc.CellType("eater", secretion={"oxygen": pc.SecretionEntry(uptake_rate=10.0)})
domain = pc.Domain(x_min=-100, x_max=100, y_min=-80, y_max=80)
sim = pc.Simulation(pc.Model(domain=domain, substrates=[oxygen], cell_types=[eater]), seed=0)
sim.add_cells(np.zeros((5, 3)), "eater")
"""


def test_the_pyphysicell_example_runs() -> None:
    pytest.importorskip("pyphysicell")
    example = _example("In pyphysicell").replace("until=360", "until=12")
    check = "\nassert link.history and all(entry.bound <= 0.38 for entry in link.history)"
    subprocess.run([sys.executable, "-c", HOST + example + check], check=True, capture_output=True)


def test_the_guide_of_pyphysicell_runs() -> None:
    pytest.importorskip("pyphysicell")
    guide = (ROOT / "adapters/surrogate_adapters/pyphysicell/README.md").read_text()
    example = re.findall(r"```python\n(.*?)```", guide, flags=re.DOTALL)[0].replace("until=60", "until=12")
    check = "\nassert link.history[-1].bound <= 0.38 and not link.notices.counts and 0 < read.min() < read.max() < 38"
    subprocess.run([sys.executable, "-W", "error", "-c", example + check], check=True, capture_output=True)
