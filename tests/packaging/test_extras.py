"""Each extra: without what it brings there is one sentence with the pip command, and some test runs with it."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from surrogate_plugin.errors import MissingExtraError
from surrogate_plugin.extras import extra
from tests.packaging.build import ROOT

EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]

#: What somebody does who lacks an extra: the extra, a package that it brings, and a program.
PROGRAMS = [
    (
        "pyphysicell",
        "pyphysicell",
        "from pathlib import Path; from surrogate_adapters import demo; demo.run(out=Path('demo'))",
    ),
    ("vivarium", "vivarium", "from surrogate_adapters.vivarium import SurrogateLattice"),
    ("vivarium", "vivarium_multibody", "from surrogate_adapters import vivarium; vivarium.register()"),
    ("process-bigraph", "process_bigraph", "from surrogate_adapters.process_bigraph import SurrogateDiffusion"),
    ("process-bigraph", "bigraph_schema", "from surrogate_adapters import process_bigraph as p; p.register(None)"),
    (
        "tensorboard",
        "tensorboard",
        "from pathlib import Path; from surrogate_training.loop.runlog import RunLog; "
        "RunLog(Path(), step=0, tensorboard=True)",
    ),
    (
        "study",
        "cma",
        "import numpy; from surrogate_training.study.search import _strategy; _strategy(numpy.zeros(2), 4, 1)",
    ),
    ("testing", "pytest", "from surrogate_plugin.testing import AdapterSuite"),
    (
        "film",
        "imageio_ffmpeg",
        "from pathlib import Path; from surrogate_plugin.pictures.animation import check; check(Path('run.mp4'))",
    ),
    (
        "ensemble",
        "distributed",
        "from surrogate_plugin import ensemble; ensemble.run(print, [{'x': 1}], 'out.zarr', scheduler='local')",
    ),
    ("simularium", "simulariumio", "from surrogate_plugin.files.exports.simularium import check; check()"),
]

#: Where the tests of each extra are, which `make test` runs on what constraints.txt pins; or why there is none.
TESTED = {
    "pyphysicell": "tests/hosts/pyphysicell",
    "vivarium": "tests/hosts/vivarium",
    "process-bigraph": "tests/hosts/process_bigraph",
    "mesa": "tests/hosts/mesa",
    "hosts": "the four hosts above",
    "tensorboard": "tests/training/test_training.py",
    "film": "tests/pictures/test_films.py",
    "simularium": "tests/pictures/test_exports.py",
    "ensemble": "tests/ensemble/test_workers.py",
    "testing": "tests/testing",
    "study": "tests/training/test_study_edge_cases.py",
    "docs": "tests/docs",
    "dev": "tests/packaging",
    "cholmod": "none: it is compiled from source against SuiteSparse; a double stands for it",
    "benchmarks": "none: it has what cholmod has",
}


@pytest.mark.parametrize(("name", "package", "program"), PROGRAMS, ids=[f"{name}-{pack}" for name, pack, _ in PROGRAMS])
def test_what_lacks_an_extra_is_told_its_pip_command_in_one_sentence(
    name: str, package: str, program: str, tmp_path: Path
) -> None:
    hidden = f"import sys; sys.modules[{package!r}] = None\n{program}"
    done = subprocess.run([sys.executable, "-c", hidden], capture_output=True, text=True, cwd=tmp_path)
    last = done.stderr.strip().splitlines()[-1]
    assert re.search(rf"\bneeds .*`pip install 'surrogate-plugin\[{name}\]'` brings", last), done.stderr
    assert done.returncode != 0


def test_a_command_that_lacks_an_extra_shows_no_traceback(tmp_path: Path) -> None:
    program = "import sys; sys.modules['pyphysicell'] = None\nfrom surrogate_plugin.cli import main; main()"
    command = [sys.executable, "-c", program, "demo", "--out", str(tmp_path / "demo")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    said = "Error: the demo needs pyphysicell, which `pip install 'surrogate-plugin[pyphysicell]'` brings."
    assert done.stderr.strip().splitlines()[-1] == said
    assert done.returncode == 2


def test_a_module_of_ours_that_is_not_there_is_a_fault_and_no_missing_extra() -> None:
    with pytest.raises(ModuleNotFoundError) as caught, extra("mesa", "this"):
        import surrogate_plugin.no_such_module  # noqa: F401
    assert not isinstance(caught.value, MissingExtraError)


def test_every_extra_says_where_it_is_tested() -> None:
    assert set(TESTED) == set(EXTRAS)
    named = [place for place in TESTED.values() if place.startswith("tests/")]
    assert [place for place in named if not (ROOT / place).exists()] == []


def test_what_the_tests_use_is_installed_for_them() -> None:
    told = " ".join(EXTRAS["dev"])
    assert {"ensemble", "film", "simularium", "tensorboard"} <= set(re.findall(r"[\w-]+", told))
