"""``python -m tests.packaging.clean DIST``: install the wheel into a clean environment, and test it from there.

First with what the package requires and nothing else, where every command has to answer, every module to import or to
name an extra, and a picture to be solved; then with the smoke tests; then with a host.
"""

from __future__ import annotations

import argparse
import tomllib
from pathlib import Path

from tests.packaging.build import ROOT
from tests.packaging.environment import TOOLS, Environment, fresh, the_wheel
from tests.packaging.smoke import WITH_A_HOST, WITHOUT_A_HOST

_COMMANDS = (
    ["--version"],
    ["--help"],
    ["example", "vessels.png"],
    ["solve", "vessels.png", "--white", "38", "--boundary", "reflecting", "-o", "field.png", "-o", "field.vti",
     "--report", "solve.html", "--quiet"],
    ["view", "field.vti", "-o", "view.png"],
    ["hosts"],
    ["doctor", "--problems", "2", "--extremes", "20", "--tissues", "5"],
)  # fmt: skip


def use(environment: Environment) -> None:
    """What somebody does who has just installed the package."""
    for command in _COMMANDS:
        environment.run("surrogate-plugin", *command)
    environment.run("python", "-m", "tests.packaging.every_module")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dist", type=Path, metavar="DIST", help="the folder that holds the wheel")
    wheel = the_wheel(parser.parse_args().dist)
    warnings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]["filterwarnings"]
    with fresh(warnings) as environment:
        environment.install(str(wheel))
        use(environment)
        environment.install(f"{wheel}[testing]", *TOOLS)
        environment.test(WITHOUT_A_HOST)
        environment.install(f"{wheel}[pyphysicell]")
        environment.run("surrogate-plugin", "demo", "--out", "demo", "--steps", "2", "--cells", "200")
        environment.test(WITH_A_HOST)


if __name__ == "__main__":
    main()
