"""``surrogate-plugin view``: a picture of a recording, a saved field or a problem, from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

import surrogate_plugin as sp
from surrogate_plugin import files
from surrogate_plugin.cli import app
from surrogate_plugin.files.saved import read_saved
from surrogate_plugin.recordings.reader import Recording

DOMAIN = sp.Domain((0.0, 0.0), (640.0, 320.0), (16, 32))


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "200"})


def recording(path: Path, steps: int = 3) -> Path:
    config = sp.BackendConfig(domain=DOMAIN, diffusivity_um2_per_min=1e5, decay_per_min=0.1, method="exact")
    backend = sp.Backend(config, recorder=sp.Recorder(path))
    for step in range(steps):
        backend.step(sp.TissueState(vessels=sp.Vessels([(400.0, 100.0)], radius_um=30.0, value=38.0 - step)))
    return path


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return recording(tmp_path / "run.zarr")


def test_a_recording_becomes_a_picture_beside_it(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("view", store)
    assert result.exit_code == 0, result.output
    assert "step 2 (of 3)" in result.stdout
    assert "run-field.png" in result.stdout
    with Image.open(tmp_path / "run-field.png") as made:
        assert made.size[0] == 1000
        assert float(made.info["error_bound"]) < 1e-6


@pytest.mark.parametrize(("step", "name"), [(0, "step 0"), (-1, "step 2"), (-3, "step 0"), (1, "step 1")])
def test_each_moment_has_its_own_field(store: Path, tmp_path: Path, step: int, name: str) -> None:
    result = run("view", store, "--step", step, "-o", tmp_path / "a.png", "--json")
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    index = step % 3
    exact = sp.solve(Recording(store).problem(index), method="sparse-direct").field
    assert said["moment"] == name
    assert said["values"]["highest"] == 38.0 - index
    assert said["values"]["lowest"] == pytest.approx(float(exact.min()), abs=1e-6)


def test_size_and_panels(store: Path, tmp_path: Path) -> None:
    result = run(
        "view",
        store,
        "--what",
        "field, uptake,hypoxia",
        "--threshold",
        5,
        "--size",
        "1500x600",
        "-o",
        tmp_path / "a.png",
    )
    assert result.exit_code == 0, result.output
    with Image.open(tmp_path / "a.png") as made:
        assert made.size == (1500, 600)


@pytest.mark.parametrize("name", ["field.npy", "field.npz", "field.csv", "field.vti", "field.png"])
def test_a_saved_field_of_any_file_is_drawn(tmp_path: Path, name: str) -> None:
    field = np.linspace(0.0, 38.0, 16 * 24).reshape(16, 24)
    path = tmp_path / name
    if name.endswith("csv"):
        np.savetxt(path, field, fmt="%.17g", delimiter=",")
    elif name.endswith("npz"):
        np.savez(path, field=field)
    else:
        files.write_field(path, field, spacing=20.0, told=files.Told("multigrid", 0.25, units="mmHg"))
    result = run("view", path, "-o", tmp_path / "a.png", "--json")
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert said["values"] == {"lowest": 0.0, "highest": 38.0}
    if name.endswith(("vti", "png")):
        assert (said["units"], said["error_bound"]) == ("mmHg", 0.25)
        saved = read_saved(path)
        assert saved.spacing == 20.0
        np.testing.assert_allclose(saved.values, field, atol=0.0 if name.endswith("vti") else 38.0 / 120.0)


def test_a_problem_is_solved_and_a_field_is_held_against_one(tmp_path: Path) -> None:
    problem = sp.Problem(38.0 * np.eye(16, 24), decay=0.05)
    problem.save(tmp_path / "problem.npz")
    solved = run("view", tmp_path / "problem.npz", "--what", "vessels", "-o", tmp_path / "a.png", "--json")
    assert solved.exit_code == 0, solved.output
    assert json.loads(solved.stdout)["values"]["highest"] == 38.0
    np.save(tmp_path / "field.npy", sp.solve(problem, method="exact").field)
    beside = run(
        "view", tmp_path / "field.npy", "--problem", tmp_path / "problem.npz", "--what", "compare,bound",
        "-o", tmp_path / "b.png",
    )  # fmt: skip
    assert beside.exit_code == 0, beside.output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["missing.zarr"], "'missing.zarr' does not exist; a recording"),
        (["folder"], "'folder' is no run that a reader knows"),
        (["text.txt"], "'text.txt' is no run that a reader knows"),
        (["mask.png"], "is a picture, and not of a field that `solve` wrote"),
        (["run.zarr", "--step", "3"], "step is 3, but there are 3 moments; -3 to 2 is allowed."),
        (["run.zarr", "--substrate", "iron"], "substrate is 'iron'; field is what there is."),
        (["run.zarr", "--what", "fields"], "what has 'fields'"),
        (["run.zarr", "--what", "cells"], "holds no cells, only maps"),
        (["run.zarr", "--what", "hypoxia"], "hypoxia needs --threshold"),
        (["run.zarr", "--size", "big"], "size is 'big'"),
        (["run.zarr", "--size", "10x99999"], "each from 100 to 20000 pixels"),
        (["run.zarr", "--colours", "mauve"], "colours is 'mauve'"),
        (["run.zarr", "-o", "a.docx"], "output 'a.docx' ends in '.docx'"),
        (["run.zarr", "--spacing", "20"], "run.zarr is a recording, which --spacing is not for."),
        (["run.zarr", "--method", "magic"], "magic"),
        (["empty.zarr"], "holds something other than a recording"),
    ],
)
def test_bad_input_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    recording(tmp_path / "run.zarr")
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.zarr").mkdir()
    (tmp_path / "empty.zarr" / "zarr.json").write_text("{}")
    (tmp_path / "text.txt").write_text("text")
    Image.fromarray(np.eye(8, dtype=np.uint8)).save(tmp_path / "mask.png")
    result = run("view", *arguments)
    assert result.exit_code == 2
    assert says in result.stderr
    assert result.stderr.strip().count("\n") == 0
    assert not list(tmp_path.glob("*-*.png"))


def test_what_is_read_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "field.png"
    files.write_field(path, np.eye(8))
    before = path.read_bytes()
    result = run("view", path, "-o", path)
    assert result.exit_code == 2
    assert "is read; another name" in result.stderr
    assert path.read_bytes() == before


def test_a_film_of_some_steps(store: Path, tmp_path: Path) -> None:
    result = run("view", store, "--moments", "0:3:2", "--size", 300, "-o", tmp_path / "a.gif", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["drawn"] == 2
    with Image.open(tmp_path / "a.gif") as made:
        assert made.n_frames == 2


def test_a_recording_is_exported(store: Path, tmp_path: Path) -> None:
    import pyvista

    result = run("export", store, tmp_path / "a.vti", "--units", "mmHg", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["moments"] == 1
    read = pyvista.read(tmp_path / "a.vti")
    exact = sp.solve(Recording(store).problem(-1), method="exact").field
    np.testing.assert_allclose(read.point_data["field"], exact.ravel(), rtol=1e-6)
    assert read.field_data["units"][0] == "mmHg"
    for arguments, says in (
        (["a.csv"], "a .csv is of cells"),
        (["a.xyz"], "is of no kind that is known"),
        (["a.pvd", "--moments", "7:"], "moments is '7:', which chooses none of 3."),
    ):
        refused = run("export", store, tmp_path / arguments[0], *arguments[1:])
        assert (refused.exit_code, says in refused.stderr) == (2, True), refused.output
