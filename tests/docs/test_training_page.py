"""The page on training: its configuration is one, and its commands make a model that its script uses."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.docs.markdown import ROOT

PAGE = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")


def _fenced(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)
    assert found is not None
    return found[1]


def test_a_network_is_trained_published_and_used(tmp_path: Path) -> None:
    shorter = {"minutes = 3": "steps = 2", "test_batches = 10": "test_batches = 1", "[128, 128]": "[64, 64]"}
    text = _fenced("toml")
    for long, short in shorter.items():
        assert long in text
        text = text.replace(long, short)
    (tmp_path / "mine.toml").write_text(text)
    commands = re.findall(r"^surrogate-plugin (.*)$", PAGE, flags=re.MULTILINE)
    assert [command.split()[0] for command in commands] == ["distribution", "train", "train", "publish"]
    on_a_gpu = [command for command in commands if "--device cuda" in command]
    assert [command.replace(" --device cuda --workers 14", "") for command in on_a_gpu] == [commands[1]]
    for command in [each for each in commands if each not in on_a_gpu]:
        words = command.replace("--count 50", "--count 12").split()
        run = [sys.executable, "-m", "surrogate_plugin", *words]
        done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}: {done.stderr}"
    for file in ("seen/distribution.png", "runs/mine/log.csv", "models/mine.json"):
        assert (tmp_path / file).is_file()
    script = _fenced("python") + "\nassert 0 < solution.error_bound <= 0.38"
    said = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert float(said.stdout.split()[-1]) <= 0.38
