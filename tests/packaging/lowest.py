"""``python -m tests.packaging.lowest DIST``: the smoke tests with the lowest versions that pyproject.toml declares.

What the package names itself is of its lowest version; what that needs is as pip chooses it. It downloads an old torch,
which on Linux brings the libraries of CUDA, some 3 GB. The oldest hosts are for ``python -m tests.hosts.releases``.
"""

from __future__ import annotations

import argparse
import re
import tomllib
from pathlib import Path

from tests.packaging.build import ROOT
from tests.packaging.environment import TOOLS, fresh, the_wheel
from tests.packaging.smoke import WITH_A_HOST, WITHOUT_A_HOST

#: What the smoke tests need of the extras, beside the package itself.
EXTRAS = ("testing", "pyphysicell")


def lowest(requirement: str) -> str:
    """The lower end of a requirement: ``mesa==3.3`` of ``mesa>=3.3,<3.6``."""
    name, _, version = re.split(r",", requirement)[0].partition(">=")
    return f"{name}=={version}"


def declared() -> list[str]:
    """What the package requires, and what the extras that are tested here do."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return project["dependencies"] + [need for extra in EXTRAS for need in project["optional-dependencies"][extra]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dist", type=Path, metavar="DIST", help="the folder that holds the wheel")
    wheel = the_wheel(parser.parse_args().dist)
    # Others' warnings of one another are not ours to mend in releases of years ago.
    with fresh(["error::Warning:surrogate_"]) as environment:
        constraints = environment.away / "lowest.txt"
        constraints.write_text("".join(f"{lowest(need)}\n" for need in declared()))
        print(constraints.read_text(), flush=True)
        environment.install(f"{wheel}[{','.join(EXTRAS)}]", *TOOLS, constraints=constraints)
        environment.run("surrogate-plugin", "doctor", "--problems", "2", "--extremes", "20", "--tissues", "5")
        environment.test([*WITHOUT_A_HOST, *WITH_A_HOST])


if __name__ == "__main__":
    main()
