"""What a run without a host cannot be of is told before anything is solved: file, line, what is allowed."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import surrogate_plugin as sp
from surrogate_plugin.cli import app
from surrogate_plugin.running.going import Going
from surrogate_plugin.running.outputs import check_outputs
from surrogate_plugin.settings.keys import RUN
from surrogate_plugin.settings.reading import load_settings
from surrogate_plugin.settings.template import settings_text, toml_value
from tests.fuzzing import NASTY, assert_one_sentence, byte_damages, edits
from tests.running.scenes import DOMAIN, DOSE, DRUG, OXYGEN, TIME, VESSEL, going, mask, written

LARGEST = "max_uptake_by_type = { cell = 9 }\n"
BOTH_UPTAKES = f"michaelis_km = 5.0\n{LARGEST}uptake_by_type = {{ cell = 1 }}\n"
CELLS = "[cells]\nfile = 'cells.csv'\nradius_um = 8.0\n"
SOURCE = "[[sources]]\nfile = 'vessels.csv'\n"


def refusal(folder: Path, *parts: str) -> str:
    """The sentence, without the path that it begins with."""
    with pytest.raises(sp.InvalidProblemError) as caught:
        going(folder, *parts)
    assert_one_sentence(caught.value)
    assert str(folder) in str(caught.value)
    return str(caught.value).replace(f"{folder}/", "")


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ((OXYGEN, VESSEL), "surrogate.toml: [domain] is missing;"),
        (("[domain]\n", OXYGEN, VESSEL), "line 1: domain: spacing_um and size_um are missing; one of them is needed."),
        (("[domain]\nspacing_um = 5.0\n", OXYGEN, VESSEL), "spacing_um stands alone; size_um, shape or a picture"),
        (("[domain]\nsize_um = [64.0, 32.0]\n", OXYGEN, VESSEL), "size_um stands alone; spacing_um or shape is needed"),
        (("[domain]\nsize_um = [64.0, 33.0]\nspacing_um = 2.0\n", OXYGEN), "a height of 33, which is 16.5 pixels"),
        ((DOMAIN, "size_um = [1.0, 2.0]\n", OXYGEN), "shape times spacing_um is [160.0, 120.0]; they must agree"),
        (("[domain]\nsize_um = [64.0, 32.0]\nshape = [10, 10]\n", OXYGEN, VESSEL), "square ones are allowed"),
        (("[domain]\nshape = [9, 9]\nspacing_um = [1, 2]\n", OXYGEN, VESSEL), "line 1: domain.thickness_um is None,"),
        (("substrates = ['oxygen']\n", DOMAIN, VESSEL), "line 1: a run without a host needs a table for each"),
        ((DOMAIN, VESSEL), "a run without a host needs a table for each substrate"),
        ((DOMAIN, "[substrates.oxygen]\ndecay_per_min = 1\n"), "line 5: substrates.oxygen.diffusivity_um2_per_min is"),
        ((DOMAIN, OXYGEN), "nothing supplies oxygen, so its field is 0 everywhere;"),
        ((DOMAIN, OXYGEN.replace("2.0", "0"), "production_per_min = 1.0\n"), "no unique steady state"),
        ((DOMAIN, OXYGEN, VESSEL, "substrate = 'oxigen'\n"), "substrate is 'oxigen'; the substrates are oxygen."),
        ((DOMAIN, OXYGEN, DRUG, VESSEL, TIME), "substrate is missing; needed is the name of one of oxygen, drug."),
        ((DOMAIN, OXYGEN, VESSEL, VESSEL.replace("45.0", "4500.0")), "line 12: vessels[1]: "),
        ((DOMAIN, OXYGEN.replace("2.0", "0"), VESSEL, "until_min = 2.0\n", TIME), "no unique steady state"),
        ((DOMAIN, DRUG, DOSE), "[time] is missing; drug goes on in time, which needs duration_min and dt_min."),
        ((DOMAIN, OXYGEN, VESSEL, "from_min = 1.0\n"), "[time] is missing, but something comes or goes;"),
        ((DOMAIN, DRUG, DOSE, "[time]\nduration_min = 1\ndt_min = 2\n"), "time.dt_min is 2 of a duration_min of 1;"),
        ((DOMAIN, DRUG, DOSE, "[time]\nduration_min = 1\ndt_min = 1e-12\n"), "from one to 10,000,000 steps are"),
        ((DOMAIN, OXYGEN, "uptake_by_type = { tumour = 1 }\n", VESSEL), "names 'tumour', but there are no cells;"),
        ((DOMAIN, OXYGEN, "uptake_by_type = { cel = 1 }\n", VESSEL, CELLS), "the types of cells are 'cell'; the nea"),
        ((DOMAIN, OXYGEN, LARGEST, VESSEL, CELLS), "line 8: max_uptake_by_type needs michaelis_km, at which"),
        (
            (DOMAIN, OXYGEN, BOTH_UPTAKES, VESSEL, CELLS),
            "max_uptake_by_type and uptake_by_type are given; one of them is allowed.",
        ),
        ((DOMAIN, OXYGEN, "decay_file = 'cells.csv'\n", VESSEL), "substrates.oxygen: "),
    ],
)  # fmt: skip
def test_what_is_no_run_has_its_sentence(tmp_path: Path, parts: tuple[str, ...], says: str) -> None:
    (tmp_path / "cells.csv").write_text("x_um,y_um\n5,30\n")
    assert says in refusal(tmp_path, *parts)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("", "cells.csv is empty; a line with the names of the columns is needed."),
        ("x_um\n1\n", "cells.csv, line 1: column 'y_um' is missing;"),
        ("x_um,y\n1,2\n", "column 'y_um' is missing; x_um, y_um, radius_um, volume_um3, type may be there"),
        ("x_um,y_um,tpye\n1,20,a\n", "cells.csv, line 1: column 'tpye' is unknown; the nearest is 'type'."),
        ("x_um,y_um,x_um\n1,20,3\n", "column 'x_um' is there twice; once is allowed."),
        ("x_um,y_um\n1,20\n\n2\n", "cells.csv, line 4: there are 1 columns; 2 are allowed."),
        ("x_um,y_um\n1,left\n", "cells.csv, line 2: y_um is 'left'; a finite number is allowed."),
        ("x_um,y_um\n1,nan\n", "cells.csv, line 2: y_um is 'nan'; a finite number is allowed."),
        ("x_um,y_um\n1,1e200\n", "cells.csv, line 2: y_um is '1e200'; a finite number is allowed."),
        ("x_um,y_um,radius_um\n1,20,-3\n", "cells.csv, line 2: radius_um is '-3'; a number >= 0 is allowed."),
        ("x_um,y_um\n1,20\n900,20\n", "line 3: the cell at (900, 20) um is off the lattice; x from -20 to 140 and"),
        ('x_um,y_um\n"1,20\n', "cells.csv, line 2: this is no line of a table."),
    ],
)
def test_a_table_of_cells_has_lines_of_its_own(tmp_path: Path, table: str, says: str) -> None:
    (tmp_path / "cells.csv").write_text(table)
    said = refusal(tmp_path, DOMAIN, OXYGEN, VESSEL, CELLS)
    assert said.startswith("surrogate.toml, line 12: cells: ")
    assert says in said


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("x_um,y_um,value\n1,20,3\n", "has no column 'radius_um', which is needed."),
        ("x_um,y_um,radius_um\n1,20,3\n", "has no column 'value', which is needed."),
        ("x_um,y_um,radius_um,value\n", "has no vessels; a line for each is allowed."),
        ("x_um,y_um,radius_um,value,end_x_um\n1,20,3,4,5\n", "has one of the columns end_x_um and end_y_um;"),
        ("1,2\n3,4\n", "line 1: domain: shape is [12, 16], but the picture in [[sources]] has [2, 2]."),
    ],
)
def test_a_table_of_vessels_has_too(tmp_path: Path, table: str, says: str) -> None:
    (tmp_path / "vessels.csv").write_text(table)
    assert says in refusal(tmp_path, DOMAIN, OXYGEN, SOURCE)


def test_a_picture_that_is_none_or_holds_nothing_is_told_with_its_line(tmp_path: Path) -> None:
    source = "[[sources]]\nfile = 'vessels.png'\nvalue = 38.0\n"
    (tmp_path / "vessels.png").write_bytes(b"no picture")
    assert "line 8: sources[0]: " in refusal(tmp_path, DOMAIN, OXYGEN, source)
    mask(tmp_path / "vessels.png", np.zeros((12, 16), dtype=bool))
    assert "vessels.png holds nothing" in refusal(tmp_path, DOMAIN, OXYGEN, source)
    mask(tmp_path / "vessels.png", np.eye(12, 15, dtype=bool))
    assert "line 1: domain: shape is [12, 16], but the picture" in refusal(tmp_path, DOMAIN, OXYGEN, source)
    mask(tmp_path / "others.png", np.eye(12, 16, dtype=bool))
    domain, others = DOMAIN.replace("shape = [12, 16]\n", ""), source.replace("vessels", "others")
    said = refusal(tmp_path, domain, OXYGEN, others, source)
    assert "line 10: sources[1].file has [12, 15] pixels (rows, columns), but the lattice has [12, 16];" in said


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ("['a.xyz']", "line 13: output.files[0]: output 'a.xyz' is of no kind that is known"),
        ("['a.png', 'a.png']", "output.files[1]: a.png is named twice; another name is allowed."),
        ("['cells.csv']", "cells.csv is of cells, of which there are none; [cells] names a table."),
        ("['a.png']\ncolours = 'pink elephant'", "colours is 'pink elephant'"),
    ],
)
def test_outputs_that_cannot_be_written_are_refused_before_the_solve(tmp_path: Path, files: str, says: str) -> None:
    path = written(tmp_path, DOMAIN, OXYGEN, VESSEL, f"[output]\nfiles = {files}\n")
    with pytest.raises(sp.InvalidProblemError, match=r"surrogate\.toml, line 1") as caught:
        check_outputs(load_settings(path, RUN))
    assert_one_sentence(caught.value)
    assert says in str(caught.value)
    made = CliRunner().invoke(app, ["run", str(path)])
    assert made.exit_code == 2
    assert made.stdout == ""


def test_a_picture_says_which_of_several_substrates_it_is_of(tmp_path: Path) -> None:
    parts = (DOMAIN, OXYGEN, DRUG, DOSE, VESSEL, "substrate = 'oxygen'\n", TIME)
    path = written(tmp_path, *parts, "[output]\nfiles = ['field.png']\n")
    with pytest.raises(sp.InvalidProblemError, match="is of one substrate, and does not say which"):
        check_outputs(load_settings(path, RUN))


def test_the_command_writes_what_was_asked_for_and_says_how_good_it_is(tmp_path: Path) -> None:
    (tmp_path / "cells.csv").write_text("x_um,y_um,type,weight\n5,30,a,3\n75,30,b,4\n")
    names = ["oxygen.npy", "oxygen.png", "all.vti", "series.pvd", "seen.csv"]
    path = written(
        tmp_path, "method = 'exact'\nreport = 'run.html'\n", DOMAIN, OXYGEN, "units = 'mmHg'\n",
        "uptake_by_type = { a = 5.0 }\n", VESSEL, CELLS, f"[output]\nfiles = {[f'out/{name}' for name in names]}\n",
    )  # fmt: skip
    made = CliRunner().invoke(app, ["run", str(path), "--json"])
    assert made.exit_code == 0, made.output
    said = json.loads(made.stdout)
    assert {Path(each).name for each in said["written"]} >= {*names, "run.html"}
    assert all(Path(each).is_file() for each in said["written"])
    oxygen = said["substrates"]["oxygen"]
    assert oxygen["error_bound"] <= 1e-6
    assert oxygen["units"] == "mmHg"
    field = np.load(tmp_path / "out" / "oxygen.npy")
    assert oxygen["values"] == {"lowest": field.min(), "highest": 38.0}
    lines = (tmp_path / "out" / "seen.csv").read_text().splitlines()
    assert [line.split(",")[3] for line in lines] == ["type", "a", "b"]


def test_a_file_that_is_not_there_is_one_that_init_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = CliRunner().invoke(app, ["run"])
    assert made.exit_code == 2
    assert "there is no surrogate.toml; `surrogate-plugin init surrogate.toml` writes one." in made.stderr


def test_a_tolerance_that_is_not_reached_is_exit_code_1(tmp_path: Path) -> None:
    path = written(tmp_path, "tolerance = 1e-90\n", DOMAIN, OXYGEN, VESSEL)
    made = CliRunner().invoke(app, ["run", str(path), "--json"])
    assert made.exit_code == 1
    assert json.loads(made.stdout)["tolerances_reached"] is False


FILES = {
    "cells.csv": b"x_um,y_um,radius_um,type\n5,30,8,tumour\n75,30,8,stroma\n",
    "vessels.csv": b"x_um,y_um,radius_um,value\n45,60,14,38\n",
}
SETTINGS: dict[str, Any] = {
    "tolerance": 0.38, "stepping": "steady",
    "domain": {"size_um": [160.0, 120.0], "spacing_um": 10, "shape": [12, 16], "origin_um": [-20.0, 5.0]},
    "substrates": {"oxygen": {
        "decay_per_min": 0.1, "diffusivity_um2_per_min": 1e4, "uptake_by_type": {"tumour": 1.0},
        "sides": {"left": {"flux": 2.0}, "top": 38.0},
    }},
    "vessels": [{"position_um": [45.0, 60.0], "radius_um": 14, "value": 38.0, "until_min": 2.0}],
    "sources": [{"file": "vessels.csv"}], "cells": {"file": "cells.csv"},
    "time": {"duration_min": 2.0, "dt_min": 1.0},
}  # fmt: skip


def try_run(folder: Path) -> None:
    """Right, or one sentence; large lattices and many steps are right, and not waited for."""
    try:
        read = load_settings(folder / "surrogate.toml", RUN)
        if read.domain is not None and max([*(read.domain.shape or ()), *(read.domain.size_um or ())], default=0) > 1e4:
            return
        run = Going(read)
        if run.solves <= 10:
            assert run.run()
    except sp.InvalidProblemError as error:
        assert_one_sentence(error)


@settings(max_examples=120)
@given(edited=edits(SETTINGS, NASTY[1:]))
def test_edited_settings_run_or_are_refused_in_one_sentence(edited: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, content in FILES.items():
            (Path(folder) / name).write_bytes(content)
        text = "".join(f"{toml_value({key: value})[2:-2]}\n" for key, value in edited.items())
        (Path(folder) / "surrogate.toml").write_text(text)
        try_run(Path(folder))


@settings(max_examples=120)
@given(name=st.sampled_from(sorted(FILES)), damage=byte_damages())
def test_damaged_tables_run_or_are_refused_in_one_sentence(name: str, damage: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for each, content in FILES.items():
            (Path(folder) / each).write_bytes(damage(content) if each == name else content)
        text = "".join(f"{toml_value({key: value})[2:-2]}\n" for key, value in SETTINGS.items())
        (Path(folder) / "surrogate.toml").write_text(text)
        try_run(Path(folder))


def test_what_init_writes_runs_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "surrogate.toml").write_text(settings_text())
    made = CliRunner().invoke(app, ["run", str(tmp_path / "surrogate.toml")])
    assert made.exit_code == 0, made.output
    assert (tmp_path / "oxygen.png").is_file()
    assert (tmp_path / "run.html").is_file()


def test_vessels_drawn_by_example_are_run_around(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    command = CliRunner()
    for line in (["example", "vessels.png"], ["init", "--picture", "vessels.png"], ["run", "--json"]):
        made = command.invoke(app, line)
        assert made.exit_code == 0, made.output
    said = json.loads(made.stdout)
    assert said["shape"] == [256, 256]
    assert said["substrates"]["oxygen"]["error_bound"] <= 0.38
