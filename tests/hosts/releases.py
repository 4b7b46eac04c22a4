"""``python -m tests.hosts.releases``: each host's tests on the oldest and the newest release that its extra admits.

Each release goes into a folder of its own that comes before the environment's, so nothing installed is changed. The
newest is the newest for the Python that runs this; a host may have gone on without it, as Mesa has since 3.4.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
HOSTS = ("pyphysicell", "vivarium", "process-bigraph", "mesa")


def oldest(requirement: str) -> str:
    """The lower end of a requirement: ``mesa==3.3`` of ``mesa>=3.3,<3.6``."""
    name, _, version = re.split(r",", requirement)[0].partition(">=")
    return f"{name}=={version}"


def tests_of(host: str) -> str:
    """The folder of a host's tests, its conformance suite included."""
    return str(ROOT / "tests" / "hosts" / host.replace("-", "_"))


def passes(host: str, requirements: list[str]) -> bool:
    """Whether a host's tests pass with these releases."""
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", folder]
        subprocess.run([*pip, *requirements], check=True)
        found = sorted(path.name.removesuffix(".dist-info") for path in Path(folder).glob("*.dist-info"))
        print(f"{host}: {', '.join(found)}", flush=True)
        path = os.pathsep.join(filter(None, (folder, os.environ.get("PYTHONPATH"))))
        pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tests_of(host)]
        return subprocess.run(pytest, cwd=ROOT, env={**os.environ, "PYTHONPATH": path}).returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("hosts", nargs="*", choices=[*HOSTS, []], metavar="HOST", help=f"of {', '.join(HOSTS)}; all")
    failed = [
        f"{host} ({', '.join(releases)})"
        for host in parser.parse_args().hosts or HOSTS
        for releases in ([oldest(one) for one in EXTRAS[host]], EXTRAS[host])
        if not passes(host, releases)
    ]
    print("failed: " + "; ".join(failed) if failed else "All hosts pass on all releases tried.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
