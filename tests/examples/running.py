"""Examples in a process of their own, as users start them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.examples.scripts import EXAMPLES

#: A number as examples print it.
NUMBER = r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?"


def run(name: str, *arguments: str, folder: Path) -> str:
    """Run ``examples/name`` in a folder; what it said. Fails where the example does, or uses what is deprecated."""
    command = [sys.executable, "-W", "error::DeprecationWarning:__main__", str(EXAMPLES / name), *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def numbers(pattern: str, said: str) -> list[float]:
    """The numbers that stand where ``pattern`` says ``#``, in the first place that it matches."""
    found = re.search(re.escape(pattern).replace(r"\#", f"({NUMBER})"), said)
    assert found is not None, f"{pattern!r} is nowhere in:\n{said}"
    return [float(each) for each in found.groups()]
