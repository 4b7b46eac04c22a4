"""``surrogate-plugin certify``: the bound of a field from a file, on the problem that another file holds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

import surrogate_plugin as sp
from surrogate_plugin import files
from surrogate_plugin.cli import app

PROBLEM = sp.Problem(38.0 * np.eye(16, 24), decay=0.05, uptake=sp.MichaelisMenten(0.3, 2.0), boundary={"left": 5.0})


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "200"})


@pytest.fixture
def problem(tmp_path: Path) -> Path:
    PROBLEM.save(tmp_path / "problem.npz")
    return tmp_path / "problem.npz"


@pytest.fixture
def field() -> np.ndarray:
    """Off by up to 0.3 of what is right."""
    return np.where(PROBLEM.fixed, PROBLEM.source, sp.solve(PROBLEM, method="exact").field * 0.99 + 0.01)


@pytest.mark.parametrize("name", ["field.npy", "field.npz", "field.csv", "field.vti"])
def test_a_field_of_any_file_has_its_bound(problem: Path, tmp_path: Path, field: np.ndarray, name: str) -> None:
    path = tmp_path / name
    if path.suffix == ".csv":
        np.savetxt(path, field, fmt="%.17g", delimiter=",")
    elif path.suffix == ".npz":
        np.savez(path, other=np.zeros(3), field=field)
    else:
        files.write_field(path, field)
    result = run("certify", path, "--problem", problem, "--json", *(["--array", "field"] if name.endswith("z") else []))
    assert result.exit_code == 0, result.output
    error = float(np.abs(field - sp.solve(PROBLEM, method="sparse-direct").field).max())
    assert error <= json.loads(result.stdout)["error_bound"] <= 5 * error
    assert json.loads(result.stdout)["error_bound"] == sp.certify(PROBLEM, field).error_bound


def test_the_exit_code_says_whether_the_tolerance_is_kept(problem: Path, tmp_path: Path, field: np.ndarray) -> None:
    np.save(tmp_path / "field.npy", field)
    bound = sp.certify(PROBLEM, field).error_bound
    for tolerance, code in ((bound, 0), (0.99 * bound, 1)):
        result = run(
            "certify", tmp_path / "field.npy", "--problem", problem, "--tolerance", tolerance, "--units", "mmHg"
        )
        assert result.exit_code == code, result.output
        assert f"{bound:.3g} mmHg (tolerance {tolerance:.3g})" in result.stdout
        assert ("The tolerance is not kept." in result.stderr) == (code == 1)
    assert run("certify", tmp_path / "field.npy", "--problem", problem, "--quiet", "--tolerance", 0).stdout == ""


@pytest.mark.parametrize("name", ["map.npy", "map.vti", "map.png"])
def test_the_bound_at_each_pixel_is_written(problem: Path, tmp_path: Path, field: np.ndarray, name: str) -> None:
    np.save(tmp_path / "field.npy", field)
    result = run("certify", tmp_path / "field.npy", "--problem", problem, "-o", tmp_path / name)
    assert result.exit_code == 0, result.output
    if name.endswith("png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
        return
    read = files.read_field(tmp_path / name)
    np.testing.assert_array_equal(read.values, sp.certify(PROBLEM, field).error_map)


def test_an_output_that_cannot_be_written_is_told_before(problem: Path, tmp_path: Path, field: np.ndarray) -> None:
    np.save(tmp_path / "field.npy", field)
    for name, says in (
        ("field.npy", "is read; another name"),
        ("map.docx", ".docx"),
        ("problem.npz/map.npy", "folder"),
    ):
        result = run("certify", tmp_path / "field.npy", "--problem", problem, "-o", tmp_path / name)
        assert result.exit_code == 2, result.output
        assert says in result.output
    np.testing.assert_array_equal(np.load(tmp_path / "field.npy"), field)


def test_what_was_solved_and_saved_is_certified(tmp_path: Path) -> None:
    source = np.zeros((20, 30))
    source[4, 5:9] = 1.0
    np.save(tmp_path / "source.npy", source)
    solved = run(
        "solve", tmp_path / "source.npy", "--white", 38, "--decay", 0.1, "--save-problem", tmp_path / "problem.npz",
        "-o", tmp_path / "field.npy", "--quiet",
    )  # fmt: skip
    assert solved.exit_code == 0, solved.output
    result = run("certify", tmp_path / "field.npy", "--problem", tmp_path / "problem.npz", "--tolerance", 0.5)
    assert result.exit_code == 0, result.output


def test_what_cannot_be_read_is_one_sentence(problem: Path, tmp_path: Path, field: np.ndarray) -> None:
    np.save(tmp_path / "field.npy", field)
    np.save(tmp_path / "other.npy", field[:-1])
    np.save(tmp_path / "nan.npy", np.where(field > 10, np.nan, field))
    files.write_field(tmp_path / "field.png", field)
    (tmp_path / "text.npz").write_text("no archive")
    for path, beside, says in (
        ("field.png", problem, "not as a picture's shades"),
        ("other.npy", problem, "field has shape (15, 24)"),
        ("nan.npy", problem, "nan.npy"),
        ("none.npy", problem, "is not a file"),
        ("field.npy", tmp_path / "field.npy", ".npz is allowed"),
        ("field.npy", tmp_path / "none.npz", "no such file"),
        ("field.npy", tmp_path / "text.npz", "cannot be read as a problem"),
    ):
        result = run("certify", tmp_path / path, "--problem", beside)
        assert result.exit_code == 2, result.output
        assert says in result.output
        assert result.output.strip().count("\n") == 0
