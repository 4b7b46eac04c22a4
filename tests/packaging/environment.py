"""An environment of its own, in a folder outside the checkout, with copies of tests and examples alone."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tomllib
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.packaging.build import ROOT

CONSTRAINTS = ROOT / "constraints.txt"
#: What our tests need beside the extra `testing`.
TOOLS = ("hypothesis", "pytest-xdist", "setuptools>=77")


class Environment:
    """A virtual environment, and a folder to run in.

    Parameters
    ----------
    folder : Path
        Where both are made.
    warnings : sequence of str
        What pytest makes of warnings, as lines of ``filterwarnings``.
    """

    def __init__(self, folder: Path, warnings: Sequence[str]) -> None:
        self.away = folder / "away"
        self.bin = folder / "environment" / ("Scripts" if os.name == "nt" else "bin")
        venv.create(self.bin.parent, with_pip=True)
        for name in ("tests", "examples"):
            shutil.copytree(ROOT / name, self.away / name, ignore=shutil.ignore_patterns("__pycache__"))
        (self.away / "pytest.ini").write_text(_pytest_ini(warnings))

    def install(self, *requirements: str, constraints: Path = CONSTRAINTS) -> None:
        """Install packages; what they need comes in the versions that ``constraints`` says."""
        pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--progress-bar", "off"]
        self.run("python", *pip, "-c", str(constraints), *requirements)

    def run(self, program: str, *arguments: str) -> None:
        """Run a program of the environment in its folder; what fails ends this process."""
        command = shlex.join([program, *arguments])
        print(f"$ {command}", flush=True)
        done = subprocess.run([self.bin / program, *arguments], cwd=self.away, env=_environment())
        if done.returncode != 0:
            sys.exit(f"{command}\nended with exit code {done.returncode}.")

    def test(self, tests: Sequence[str]) -> None:
        """Run tests, named as from the repository's root."""
        self.run("python", "-m", "pytest", "-q", "-n=2", "-p", "no:cacheprovider", *tests)


@contextmanager
def fresh(warnings: Sequence[str]) -> Iterator[Environment]:
    """An environment that is gone afterwards."""
    with TemporaryDirectory(prefix="surrogate-plugin-") as folder:
        yield Environment(Path(folder), warnings)


def _environment() -> dict[str, str]:
    """That of this process, without what would lead python back to the checkout or to the user's packages."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return {**kept, "PYTHONNOUSERSITE": "1"}


def _pytest_ini(warnings: Sequence[str]) -> str:
    """The checkout's settings but for its folders: tests import what is installed."""
    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    lines = {
        "addopts": [shlex.quote(option) for option in options["addopts"] if not option.startswith(("-n", "--doctest"))],
        "pythonpath": ["."],
        "xfail_strict": ["true"],
        "markers": options["markers"],
        "filterwarnings": warnings,
    }
    told = [f"{name} =\n" + "".join(f"    {line}\n" for line in values) for name, values in lines.items()]
    return "[pytest]\n" + "".join(told)


def the_wheel(folder: Path) -> Path:
    """The one wheel in a folder."""
    wheels = sorted(folder.glob("*.whl"))
    if len(wheels) != 1:
        sys.exit(f"{folder} holds {len(wheels)} wheels; one, as `make dist` leaves it, is allowed.")
    return wheels[0].resolve()
