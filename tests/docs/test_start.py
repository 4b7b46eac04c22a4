"""The page that newcomers begin with: its commands and scripts, in their order, from an empty folder."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.markdown import ROOT

PAGE = (ROOT / "docs" / "start.md").read_text(encoding="utf-8")
#: Smaller than on the page, so that a run takes seconds.
SMALLER = {"until=60": "until=6", "until=12": "until=3", "(1200, 2)": "(200, 2)", "(6, 12)": "(3, 6)"}
#: Commands that set up a machine, and the retraining, which has tests of its own and takes minutes.
LEFT_OUT = ("python3 -m venv", "source ", "pip install", "surrogate-plugin doctor", "surrogate-plugin retrain")


def blocks() -> list[tuple[str, str]]:
    return re.findall(r"```(python)?\n(.*?)```", PAGE, flags=re.DOTALL)


def scripts() -> dict[str, str]:
    """The scripts, by the name under which the sentence before tells to save them."""
    names = re.findall(r"as `(\w+\.py)`", PAGE)
    texts = [text for language, text in blocks() if language]
    assert len(names) == len(texts)
    return dict(zip(names, texts, strict=True))


def commands() -> list[str]:
    lines = [line for language, text in blocks() if not language for line in text.splitlines()]
    told = [line for line in lines if line.startswith(("surrogate-plugin ", "python ")) or line.startswith(LEFT_OUT)]
    return [line for line in told if not line.startswith(LEFT_OUT)]


def test_the_path_of_a_newcomer_can_be_walked(tmp_path: Path) -> None:
    pytest.importorskip("pyphysicell")
    for name, text in scripts().items():
        for large, small in SMALLER.items():
            text = text.replace(large, small)
        (tmp_path / name).write_text(text, encoding="utf-8")
    said = {}
    for command in commands():
        words = shlex.split(command)
        start = [sys.executable, "-m", "surrogate_plugin"] if words[0] == "surrogate-plugin" else [sys.executable]
        done = subprocess.run([*start, *words[1:]], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        said[command] = done.stdout
    for file in ("field.png", "own.png", "own.vti", "run.html", "oxygen.png", "audit.html"):
        assert (tmp_path / file).stat().st_size > 1000
    off = re.search(r"off by at most (\S+) mmHg", said["python attached.py"])
    assert off is not None
    assert 0 < float(off[1]) <= 0.38
    assert "5,865 of 65,536 pixels" in next(iter(text for command, text in said.items() if "field.png" in command))
    shares = [float(share) for share in re.findall(r"/ min: (\S+) % below", said["python sweep.py"])]
    assert len(shares) == 4
    assert shares == sorted(shares)
    audited = said["surrogate-plugin audit saves --report audit.html"]
    assert "the step was too long" in " ".join(audited.split())


def test_what_is_left_out_of_the_walk_is_on_the_page() -> None:
    for start in LEFT_OUT:
        assert re.search(rf"^{re.escape(start)}", PAGE, flags=re.MULTILINE)
