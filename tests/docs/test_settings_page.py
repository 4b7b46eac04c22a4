"""The page of the settings file shows the file that is written, and runs and errors as they are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import surrogate_plugin as sp
from surrogate_plugin.files import draw_example
from surrogate_plugin.running.going import Going
from surrogate_plugin.running.outputs import check_outputs, write_outputs
from surrogate_plugin.settings.template import settings_text

PAGE = (Path(__file__).parents[2] / "docs" / "settings.md").read_text(encoding="utf-8")
TOML = re.findall(r"```toml\n(.*?)```", PAGE, flags=re.DOTALL)
(CELLS,) = re.findall(r"```\n(x_um,.*?)```", PAGE, flags=re.DOTALL)


def test_the_page_has_the_whole_file() -> None:
    assert TOML[-1] == settings_text()


@pytest.mark.parametrize("number", range(len(TOML) - 1))
def test_the_runs_of_the_page_run(tmp_path: Path, number: int) -> None:
    draw_example(tmp_path / "vessels.png")
    (tmp_path / "cells.csv").write_text(CELLS)
    path = tmp_path / "surrogate.toml"
    path.write_text(re.sub(r"duration_min = .*", "duration_min = 16.0", TOML[number]))
    read = sp.load_settings(path, "run")
    check_outputs(read)
    run = Going(read)
    assert run.run()
    assert all(told.reached for told in run.told.values())
    assert {each.name for each in write_outputs(run)} >= {each.name for each in read.output.files}


@pytest.mark.parametrize(
    "text",
    [
        "\n" * 11 + "tolerence = 1",
        "\n" * 2 + "spacing_um = 1",
        "\n" * 5 + "[substrates.oxygen]\ndecay_per_min = -0.1",
        "\n" * 13 + "[[sources]]\nfile = 'vesels.png'",
        "\n" * 8 + "model = default",
    ],
)
def test_the_errors_of_the_page_are_those_that_are_raised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("vessels.png").touch()
    Path("surrogate.toml").write_text(text)
    with pytest.raises(sp.InvalidProblemError) as caught:
        sp.load_settings("surrogate.toml")
    assert str(caught.value) in PAGE.split("\n")


def test_the_page_names_every_host() -> None:
    for host in ("pyphysicell", "Mesa", "CompuCell3D", "Vivarium", "process-bigraph", "PhysiCell (C++)"):
        assert f"\n| {host} | " in PAGE
