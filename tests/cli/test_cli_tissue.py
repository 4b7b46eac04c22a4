"""Obstacles, membranes, fluxes and uneven pixels on the command line: what they pose, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import surrogate_plugin as sp
from surrogate_plugin.cli import app


@pytest.fixture
def files(tmp_path: Path) -> Path:
    held, tissue, cells = np.zeros((12, 15)), np.ones((12, 15)), np.zeros((12, 15))
    held[2:4, 2:5], tissue[6:9, 4:7], cells[3:8, 8:12] = 1.0, 0.0, 3.0
    for name, array in (("held", held), ("tissue", tissue), ("cells", cells)):
        np.save(tmp_path / f"{name}.npy", array)
    return tmp_path


def solve(files: Path, *arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["solve", str(files / "held.npy"), *map(str, arguments)])
    return result.exit_code, result.output


def test_what_a_tissue_is_made_of_is_posed_and_solved(files: Path) -> None:
    code, said = solve(
        files, "--diffusivity-map", files / "tissue.npy", "--regions", files / "cells.npy", "--permeability", 0.05,
        "--spacing", "2,3", "--boundary", "left=flux:0.1,right=exchange:2:0.5,top=reflecting", "--json",
        "--save-problem", files / "posed.npz", "-o", files / "field.npy", "-o", files / "field.vti",
    )  # fmt: skip
    assert code == 0, said
    assert json.loads(said)["spacing"] == [2.0, 3.0]
    cells = np.load(files / "cells.npy").astype(int)
    expected = sp.Problem(
        np.load(files / "held.npy"), diffusivity=np.load(files / "tissue.npy"), spacing=(2.0, 3.0),
        boundary={"left": sp.Flux(0.1), "right": sp.Exchange(2.0, 0.5), "top": "reflecting"},
        membranes=sp.Membranes.between(cells, 0.05),
    )  # fmt: skip
    assert sp.Problem.load(files / "posed.npz").fingerprint == expected.fingerprint
    exact = sp.solve(expected, method="exact").field
    assert np.abs(np.load(files / "field.npy") - exact).max() <= json.loads(said)["error_bound"] + 1e-9
    assert 'Spacing="3.0 2.0 1"' in (files / "field.vti").read_text()
    result = CliRunner().invoke(
        app, ["certify", str(files / "field.vti"), "--problem", str(files / "posed.npz"), "--json"]
    )
    assert result.exit_code == 0, result.output
    assert json.loads(result.output)["error_bound"] <= 2.0 * json.loads(said)["error_bound"] + 1e-9


def test_the_table_says_what_the_tissue_is(files: Path) -> None:
    code, said = solve(
        files, "--diffusivity-y", 0.25, "--regions", files / "cells.npy", "--permeability", 0.05, "--spacing", "2,3"
    )
    assert code == 0, said
    assert "spacing 2 x 3" in said
    assert "on 18 faces" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ("--boundary", "left=flux:much"),
            "boundary has 'flux:much'; flux:INWARD and exchange:RATE:VALUE are allowed.",
        ),
        (("--boundary", "left=flux:-1"), "flux is -1"),
        (("--boundary", "exchange:1"), "boundary has 'exchange:1'"),
        (("--spacing", "2,3,4"), "spacing has shape (3,)"),
        (("--spacing", "wide"), "spacing is 'wide'; a number, or height,width is allowed."),
        (("--permeability", "1"), "give both, or neither."),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_sentence(files: Path, arguments: tuple[str, ...], words: str) -> None:
    code, said = solve(files, *arguments)
    assert code == 2
    assert words in " ".join(said.split())
