"""A program of its own with the C++ header in it starts the Python of an environment, or says why it cannot."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from surrogate_plugin.testing import Medium, Scenario
from tests.hosts.physicell import fixtures as physicell_fixtures
from tests.hosts.physicell.driver import write_settings
from tests.hosts.physicell.fixtures import scenario_cells

pytestmark = physicell_fixtures.MARKS
program = physicell_fixtures.program


def run(program: Path, settings: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    bare = {key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "LD_LIBRARY_PATH", "TMPDIR")}
    threads = {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    command = [str(program), str(settings)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=settings.parent, env=bare | threads | environment
    )


def test_a_program_starts_the_python_of_an_environment_once(program, tmp_path):
    done = run(program, write_settings(tmp_path, tolerance=1e-6, python=sys.executable))
    assert done.returncode == 0, done.stderr
    place = np.array([(100.0 + 40.0 * a, 30.0 + 30.0 * a) for a in range(6)])
    fixed = np.zeros((12, 20), dtype=bool)
    fixed[:, 0] = True
    medium = Medium("oxygen", 1e5, 0.1, 10.0, fixed, 38.0 * fixed)
    cells = scenario_cells(6, at=place, uptake=10.0)
    scenario = Scenario((12, 20), 20.0, 20.0, (medium,), cells)
    row, column = scenario.voxels(cells)
    seen = [float(line) for line in done.stdout.split()]
    np.testing.assert_allclose(seen, scenario.steady("oxygen")[row, column], atol=2e-6)
    by_environment = run(program, write_settings(tmp_path, tolerance=1e-6), SURROGATE_PYTHON=sys.executable)
    assert by_environment.stdout == done.stdout


def test_python_leaves_the_simulation_the_threads_it_asked_for(program, tmp_path):
    """The program asks OpenMP for one thread, and fails if it has another number in the end."""
    settings = write_settings(tmp_path, python=sys.executable)
    done = run(program, settings, OMP_NUM_THREADS="2", NUMBA_NUM_THREADS="2")
    assert done.returncode == 0, done.stderr


def test_a_program_says_which_python_it_could_not_use(program, tmp_path):
    done = run(program, write_settings(tmp_path, python=str(tmp_path / "python")))
    assert done.returncode == 1
    assert f"there is no Python at '{tmp_path / 'python'}'" in done.stderr
    bare = Path(sys.base_prefix) / "bin" / "python3"
    if bare.exists():
        done = run(program, write_settings(tmp_path, python=str(bare)))
        assert "cannot load surrogate_plugin: No module named" in done.stderr
    other = tmp_path / "other" / "bin" / "python"
    other.parent.mkdir(parents=True)
    other.touch()
    (tmp_path / "other" / "pyvenv.cfg").write_text("version = 2.7.18\n")
    done = run(program, write_settings(tmp_path, python=str(other)))
    assert "is Python 2.7, but this program was linked with libpython3" in done.stderr
    assert done.returncode == 1


def test_no_torch_is_loaded_where_the_network_is_not_asked(program, tmp_path):
    """What is loaded after each solve is written down by a module that this Python imports as it starts."""
    (tmp_path / "sitecustomize.py").write_text(
        "import pathlib, sys\n"
        "from surrogate_adapters.physicell import bridge\n"
        "solve = bridge.Bridge.solve\n"
        "def solve_and_tell(*arguments):\n"
        "    answers = solve(*arguments)\n"
        f"    pathlib.Path({str(tmp_path / 'loaded')!r}).write_text(' '.join(sys.modules))\n"
        "    return answers\n"
        "bridge.Bridge.solve = solve_and_tell\n"
    )
    done = run(program, write_settings(tmp_path, python=sys.executable), PYTHONPATH=str(tmp_path))
    assert done.returncode == 0, done.stderr
    loaded = (tmp_path / "loaded").read_text().split()
    assert "numpy" in loaded
    assert "torch" not in loaded
