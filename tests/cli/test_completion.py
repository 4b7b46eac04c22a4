"""What a shell is offered: commands, options and values, and nothing but silence where something is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_plugin import registry
from surrogate_plugin.cli import completion
from surrogate_plugin.pictures.panels import PANELS
from tests.cli.walking import LEAVES


def offered(command: str, name: str, incomplete: str = "", **typed: object) -> list[str]:
    """What is offered for an option of a command, with what stands on the line already."""
    leaf = LEAVES[command]
    (parameter,) = (each for each in leaf.command.params if name in each.opts)
    context = leaf.command.context_class(leaf.command, info_name=leaf.path[-1])
    context.params = typed
    return [item.value for item in parameter.shell_complete(context, incomplete)]


def test_methods_are_those_that_are_installed() -> None:
    assert set(offered("solve", "--method")) == {"guarded", "surrogate", "exact", *registry.names(registry.SOLVERS)}
    assert offered("solve", "--method", "mul") == ["multigrid"]
    assert offered("view", "--method", "sp") == ["spectral", "sparse-direct"][::-1]


def test_values_with_a_list_of_their_own() -> None:
    assert offered("solve", "--policy", "sur") == ["surrogate-first"]
    assert offered("solve", "--boundary", "re") == ["reflecting"]
    assert "magma" in offered("view", "--colours")
    assert offered("retrain", "--from") == list(registry.names(registry.MODELS))
    assert offered("demo", "name") == list(registry.names(registry.DEMOS))
    assert "default" in offered("train", "config")
    assert not [name for name in offered("train", "config") if name.startswith("study")]


def test_help_names_what_is_offered() -> None:
    def said(command: str, name: str) -> str:
        (parameter,) = (each for each in LEAVES[command].command.params if name in each.opts)
        return str(parameter.help)

    for panel in PANELS:
        assert panel in said("view", "--what")
    for plugin in registry.discover(registry.SOLVERS):
        assert plugin.name in said("solve", "--method") or plugin.distribution != "surrogate_plugin"


def test_panels_go_on_after_a_comma() -> None:
    assert offered("view", "--what") == list(PANELS)
    assert offered("view", "--what", "field,bo") == ["field,bound"]


def test_substrates_and_moments_are_those_of_the_run_on_the_line(output: Path) -> None:
    assert set(offered("audit", "--substrate", run=output)) == {"oxygen", "glucose"}
    assert offered("view", "--substrate", "gl", path=output) == ["glucose"]
    assert offered("audit", "--moments", run=output) == ["last", "output00000000", "output00000001"]


def test_a_run_that_is_damaged_or_gone_offers_nothing(output: Path, tmp_path: Path) -> None:
    assert offered("audit", "--substrate", run=tmp_path / "gone") == []
    for path in output.glob("*.xml"):
        path.write_text("<nothing")
    assert offered("audit", "--substrate", run=output) == []
    assert offered("audit", "--substrate") == []


def test_a_recording_has_its_substrate(tmp_path: Path) -> None:
    source = np.zeros((16, 24))
    source[4, 7] = 38.0
    sp.Recorder(tmp_path / "run.zarr").append(sp.Problem(source, decay=0.01), sp.StepRecord(0, "multigrid", 0.1))
    assert len(offered("view", "--substrate", path=tmp_path / "run.zarr")) == 1


def test_a_completion_that_fails_is_silent() -> None:
    def broken(ctx: object) -> list[str]:
        raise RuntimeError("the disk is gone")

    assert completion._tolerant(broken)(None, [], "") == []


@pytest.mark.parametrize(
    ("words", "offers"),
    [
        ("surrogate-plugin so", ["solve"]),
        ("surrogate-plugin physicell ", ["init", "check"]),
        ("surrogate-plugin solve vessels.png --tol", ["--tolerance"]),
        ("surrogate-plugin solve --method alg", ["algebraic"]),
    ],
)
def test_a_shell_is_answered(words: str, offers: list[str]) -> None:
    asked = {
        **os.environ,
        "_SURROGATE_PLUGIN_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    code = "import sys; from surrogate_plugin.cli import main; sys.argv[0] = 'surrogate-plugin'; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=asked)
    assert done.stderr == ""
    assert done.stdout.split() == offers
