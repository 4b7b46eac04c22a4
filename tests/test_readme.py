"""The README's examples run as they stand."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = (Path(__file__).parents[1] / "README.md").read_text()


def test_the_python_example_runs_and_keeps_its_tolerance() -> None:
    example = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)[0]
    check = "\nassert solution.error_bound <= 0.38 and solution.field.max() <= 38.0 + 1e-9"
    printed = subprocess.run([sys.executable, "-c", example + check], check=True, capture_output=True, text=True).stdout
    assert "(256, 256)" in printed


def test_the_readme_names_every_make_target_it_uses() -> None:
    makefile = (Path(__file__).parents[1] / "Makefile").read_text()
    for target in set(re.findall(r"`?make ([a-z-]+)", README)):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE)


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
    example = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)[1].replace("until=360", "until=12")
    check = "\nassert link.history and all(entry.bound <= 0.38 for entry in link.history)"
    subprocess.run([sys.executable, "-c", HOST + example + check], check=True, capture_output=True)
