"""The README's examples run as they stand."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

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
