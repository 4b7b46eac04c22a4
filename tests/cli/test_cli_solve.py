"""``surrogate-plugin solve``: what it says of a picture, its exit codes, and what it refuses before anybody waits."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

import surrogate_plugin as sp
from surrogate_plugin import files
from surrogate_plugin.cli import app
from tests.exact import exact_field
from tests.report.strict import read

ROOT = Path(__file__).parents[2]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "200"})


@pytest.fixture
def mask(tmp_path: Path) -> Path:
    """Two vessels, white on black."""
    pixels = np.zeros((16, 24), np.uint8)
    pixels[2:4, 3:6], pixels[10, 20] = 255, 255
    Image.fromarray(pixels).save(tmp_path / "mask.png")
    return tmp_path / "mask.png"


def said(result: Result) -> dict[str, Any]:
    """The JSON object that was printed, alone on the standard output."""
    assert result.stdout.count("\n") == 1
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_the_table_says_what_is_held(mask: Path) -> None:
    result = run("solve", mask, "--white", 38, "--units", "mmHg", "--length-units", "um", "--spacing", 20)
    assert result.exit_code == 0, result.output
    for shown in (
        "7 of 384 pixels (1.82 %) in 2 groups, at 38 mmHg",
        "a mask, cut at 0.5 of white",
        "tolerance 0.38",
        "spacing 20 um",
    ):
        assert shown in result.output


def test_json_says_all_that_the_table_says(mask: Path, tmp_path: Path) -> None:
    out = tmp_path / "field.vti"
    found = said(run("solve", mask, "--white", 38, "--units", "mmHg", "--json", "-o", out))
    problem = sp.Problem(files.read_source(mask, files.Choice(white=38.0)).values)
    exact = exact_field(problem)
    assert found["held"] == {
        "pixels": 7,
        "groups": 2,
        "different_values": 1,
        "values": [38.0],
        "told_by": "a mask, cut at 0.5 of white",
    }
    assert found["tolerance"] == pytest.approx(0.38)
    assert found["tolerance_reached"] is True
    assert found["error_bound"] <= 0.38
    assert abs(found["values"]["highest"] - exact.max()) <= found["error_bound"] + 1e-9
    assert (found["shape"], found["spacing"], found["units"]) == ([16, 24], 1.0, "mmHg")
    assert found["written"] == [str(out)]
    back = files.read_source(out, files.Choice(values=True))
    assert np.abs(back.values - exact).max() <= found["error_bound"] + 1e-9
    assert f"{found['error_bound']:.3g}" in back.notes[0]


def test_quiet_says_nothing_but_errors(mask: Path, tmp_path: Path) -> None:
    out = tmp_path / "field.npy"
    result = run("solve", mask, "--invert", "--quiet", "-o", out)  # most of it held, which is warned of otherwise
    assert (result.exit_code, result.output) == (0, "")
    assert out.is_file()
    assert "Error" in run("solve", mask, "--quiet", "--white", -1).stderr


def test_warnings_go_where_they_do_not_spoil_results(mask: Path) -> None:
    result = run("solve", mask, "--invert", "--json")
    assert "without --invert" in result.stderr
    assert "without --invert" in said(result)["warnings"][0]


@pytest.mark.parametrize("flagged", [True, False])
@pytest.mark.parametrize("bound", [0.5, float("inf")])
def test_a_tolerance_that_was_not_reached_is_exit_code_1_and_the_field_is_there(
    mask: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flagged: bool, bound: float
) -> None:
    honest = sp.solve
    flags = (sp.Flag(sp.Reason.TOLERANCE_NOT_REACHED, "The bound is larger."),) if flagged else ()

    def poor(problem: sp.Problem, **options: Any) -> sp.Solution:
        return dataclasses.replace(honest(problem, **options), error_bound=bound, flags=flags)

    monkeypatch.setattr(sp, "solve", poor)
    for json_too in ([], ["--json"]):
        out = tmp_path / f"field{len(json_too)}.npy"
        result = run("solve", mask, "--white", 38, "--tolerance", 0.1, "-o", out, *json_too)
        assert result.exit_code == 1
        assert out.is_file()
    assert said(result)["tolerance_reached"] is False
    assert said(result)["error_bound"] == (0.5 if bound == 0.5 else None)
    assert "not reached" in run("solve", mask, "--white", 38, "--tolerance", 0.1).output


def test_a_tolerance_that_float64_cannot_reach_is_exit_code_1(mask: Path) -> None:
    result = run("solve", mask, "--white", 38, "--method", "exact", "--tolerance", 1e-300)
    assert result.exit_code == 1, result.output
    assert "tolerance-not-reached" in result.output


def test_outputs_that_cannot_be_written_are_told_before_the_solve(
    mask: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*arguments: object, **options: object) -> sp.Solution:
        raise AssertionError("nobody is to wait for this solve")

    monkeypatch.setattr(sp, "solve", never)
    (tmp_path / "file").write_text("a file")
    (tmp_path / "folder.npy").mkdir()
    monkeypatch.chdir(tmp_path)
    for arguments, says in (
        (["-o", "file/field.npy"], "not a folder"),
        (["-o", "folder.npy"], "is a folder"),
        (["-o", "mask.png"], "is read"),
        (["-o", "../" + tmp_path.name + "/mask.png"], "is read"),
        (["-o", "field.npy", "-o", "./field.npy"], "is written already"),
        (["-o", "field.docx"], ".docx"),
        (["-o", "field.png", "--colours", "infrared"], "infrared"),
    ):
        result = run("solve", mask, *arguments)
        assert result.exit_code == 2, result.output
        assert says in result.output
        assert result.output.count("\n") == 1
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=10_000))  # room for a header
        assert "make room" in run("solve", mask, "-o", "field.npy").output


def test_one_output_that_fails_costs_no_other(mask: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = files.write_field

    def failing(path: Path, *arguments: Any, **options: Any) -> None:
        if path.suffix == ".png":
            raise files.UnwritableError(f"{path} could not be written (no space left on device).")
        honest(path, *arguments, **options)

    monkeypatch.setattr(files, "write_field", failing)
    outputs = [part for suffix in ("npy", "png", "vti") for part in ("-o", tmp_path / f"field.{suffix}")]
    result = run("solve", mask, "--json", *outputs)
    assert result.exit_code == 2
    assert "no space left" in result.stderr
    assert said(result)["written"] == [str(tmp_path / "field.npy"), str(tmp_path / "field.vti")]
    assert (tmp_path / "field.npy").is_file()
    assert (tmp_path / "field.vti").is_file()


def test_where_nothing_can_be_written_the_field_is_kept_for_a_while(
    mask: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(elsewhere))
    honest = files.write_field

    def failing(path: Path, *arguments: Any, **options: Any) -> None:
        if path.parent != elsewhere:
            raise files.UnwritableError(f"{path} could not be written (no space left on device).")
        honest(path, *arguments, **options)

    monkeypatch.setattr(files, "write_field", failing)
    result = run("solve", mask, "--white", 38, "-o", tmp_path / "field.npy")
    assert result.exit_code == 2
    (kept,) = elsewhere.iterdir()
    assert str(kept) in result.stderr
    exact = sp.solve(sp.Problem(files.read_source(mask, files.Choice(white=38.0)).values), method="exact").field
    assert np.abs(np.load(kept) - exact).max() <= 0.38


def test_nothing_held_and_nothing_supplied_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "black.png"
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(path)
    result = run("solve", path)
    assert result.exit_code == 2
    assert "all pixels of" in result.output
    assert result.output.count("\n") == 1
    for supplied in (["--boundary", "38"], ["--production", "0.1"]):
        result = run("solve", path, *supplied)
        assert result.exit_code == 0, result.output
        assert "Nothing is held" in result.output


def test_a_photograph_is_not_held_pixel_by_pixel(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    Image.fromarray(np.uint8(np.add.outer(np.arange(64), np.arange(64)) * 2)).save(path, quality=75)
    result = run("solve", path, "--white", 38)
    assert result.exit_code == 2
    for option in ("--threshold", "--values"):
        assert option in result.output
    assert run("solve", path, "--white", 38, "--threshold", 0.7).exit_code == 0


def test_the_options_of_a_picture_reach_it(tmp_path: Path) -> None:
    pages = [np.zeros((9, 12, 4), np.uint8) for _ in range(2)]
    pages[1][..., 1] = 255
    pages[1][2, 3] = (255, 0, 0, 255)
    first, second = (Image.fromarray(page) for page in pages)
    first.save(tmp_path / "a.tiff", save_all=True, append_images=[second])
    for options in (["--channel", "alpha"], ["--channel", "red"], ["--channel", "green", "--invert"]):
        found = said(run("solve", tmp_path / "a.tiff", "--page", 2, "--json", *options))
        assert found["held"]["pixels"] == 1
    np.savez(tmp_path / "a.npz", one=pages[1][..., 3] > 0, other=np.eye(9))
    assert said(run("solve", tmp_path / "a.npz", "--array", "one", "--json"))["held"]["pixels"] == 1


def test_the_spacing_of_a_scene_is_taken_over(tmp_path: Path) -> None:
    source = np.zeros((9, 9))
    source[4, 4] = 38.0
    files.write_field(tmp_path / "source.vti", source, spacing=20.0)
    options = ["--diffusivity", 400, "--json"]
    assert said(run("solve", tmp_path / "source.vti", *options))["spacing"] == 20.0
    assert said(run("solve", tmp_path / "source.vti", *options, "--spacing", 5))["spacing"] == 5.0


def test_a_map_of_decay_is_shown_with_its_range(mask: Path, tmp_path: Path) -> None:
    rates = np.zeros((16, 24), np.uint8)
    rates[:8] = 255
    Image.fromarray(rates).save(tmp_path / "decay.png")
    result = run("solve", mask, "--decay", 0.3, "--decay-map", tmp_path / "decay.png")
    assert result.exit_code == 0, result.output
    assert "0 to 0.3" in result.output


def test_a_header_of_terabytes_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "false.npy"
    np.save(path, np.zeros((9, 12)))
    path.write_bytes(path.read_bytes().replace(b"(9, 12), }          ", b"(1000000, 1000000), }"[:20]))
    result = run("solve", path)
    assert result.exit_code == 2
    assert result.output.count("\n") == 1
    assert "Traceback" not in result.output


def test_memory_that_runs_out_is_one_sentence(mask: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def greedy(*arguments: object, **options: object) -> sp.Solution:
        raise MemoryError

    monkeypatch.setattr(sp, "solve", greedy)
    result = run("solve", mask)
    assert result.exit_code == 2
    assert "memory" in result.output


def test_a_device_that_is_missing_is_named_and_the_answer_is_there(mask: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr("surrogate_plugin.engine.engine._shared", {})
    result = run("solve", mask, "--device", "cuda", "--json")
    assert result.exit_code == 0, result.output
    (flag,) = [flag for flag in said(result)["flags"] if flag["reason"] == "no-device"]
    assert "no CUDA device" in flag["message"]


def test_the_module_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "surrogate_plugin", "--version"], check=True, capture_output=True, text=True
    )
    assert sp.__version__ in done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_completes(shell: str) -> None:
    script = CliRunner().invoke(
        app, [], prog_name="surrogate-plugin", env={"_SURROGATE_PLUGIN_COMPLETE": f"source_{shell}"}
    )
    assert "surrogate-plugin" in script.output
    asked = {
        "_SURROGATE_PLUGIN_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": "surrogate-plugin solve a.png --method ",
        "COMP_CWORD": "4",
        "_TYPER_COMPLETE_ARGS": "surrogate-plugin solve a.png --method ",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    offered = CliRunner().invoke(app, [], prog_name="surrogate-plugin", env=asked)
    assert "multigrid" in offered.output
    assert "--install-completion" in run("--help").output


@pytest.mark.parametrize("document", ["README.md", "docs/pictures.md"])
def test_the_first_commands_of_the_documents_run_as_they_stand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, document: str
) -> None:
    text = (ROOT / document).read_text()
    commands = re.findall(r"^surrogate-plugin ((?:example|solve) [^#\n]*)", text, flags=re.MULTILINE)
    assert len(commands) == 2
    monkeypatch.chdir(tmp_path)
    for command in commands:
        result = run(*command.split())
        assert result.exit_code == 0, result.output
    for row in re.findall(r"^(?:held {5}|told by  )(.*)", text, flags=re.MULTILINE):
        assert row in result.output
    with Image.open("field.png") as made:
        assert made.size == (256, 256)


def test_the_example_is_drawn_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("example").exit_code == 0
    assert run("example").exit_code == 0
    assert run("solve", "vessels.png", "--white", 38, "-o", "field.png").exit_code == 0
    result = run("example", "field.png")
    assert result.exit_code == 2
    assert "there already" in result.output


def test_the_problem_is_saved_as_it_was_posed(mask: Path, tmp_path: Path) -> None:
    given = (
        "--white",
        38,
        "--decay",
        0.01,
        "--vmax",
        2,
        "--km",
        3,
        "--spacing",
        20,
        "--boundary",
        "left=5,top=reflecting",
    )
    result = run(
        "solve", mask, *given, "--json", "--save-problem", tmp_path / "of" / "mine.npz", "-o", tmp_path / "f.npy"
    )
    assert result.exit_code == 0, result.output
    assert said(result)["written"] == [str(tmp_path / "of" / "mine.npz"), str(tmp_path / "f.npy")]
    problem = sp.Problem.load(tmp_path / "of" / "mine.npz")
    assert (problem.largest_imposed, problem.decay, problem.spacing) == (38.0, 0.01, 20.0)
    assert (problem.uptake.vmax, problem.uptake.km) == (2.0, 3.0)
    assert (problem.boundary.left.value, problem.boundary.top.kind) == (5.0, "reflecting")
    bound = said(result)["error_bound"]
    assert np.abs(np.load(tmp_path / "f.npy") - sp.solve(problem, method="exact").field).max() <= bound + 1e-7


def test_a_problem_that_cannot_be_saved_is_told_before_the_solve(
    mask: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*arguments: object, **options: object) -> sp.Solution:
        raise AssertionError("nobody is to wait for this solve")

    monkeypatch.setattr(sp, "solve", never)
    (tmp_path / "file").write_text("a file")
    for name, says in (("problem.zarr", ".npz is allowed"), ("file/problem.npz", "could not be written")):
        result = run("solve", mask, "--save-problem", tmp_path / name)
        assert result.exit_code == 2, result.output
        assert says in result.output
        assert result.output.count("\n") == 1
    source = tmp_path / "source.npz"
    np.savez(source, source=np.eye(8))
    assert "is read; another name" in run("solve", source, "--save-problem", source).output


def test_a_page_of_the_solve_is_written_if_asked_for(mask: Path, tmp_path: Path) -> None:
    page = tmp_path / "<run>.html"
    result = run("solve", mask, "--white", 38, "--units", "mmHg", "--decay", 0.01, "--report", page)
    assert result.exit_code == 0
    assert str(page) in result.output
    found = read(page.read_text(encoding="utf-8"))
    assert "The field around mask.png" in found.text
    assert "all held at 0" in found.text
    assert len(found.pictures) == 1
    assert "7 pixels are held" in found.pictures[0]
    refused = run("solve", mask, "--report", tmp_path / "run.pdf")
    assert refused.exit_code == 2
    assert "a file whose name ends in .html is allowed" in " ".join(refused.output.split())


def test_pixels_that_are_not_square_have_a_page_too(tmp_path: Path, mask: Path) -> None:
    page = tmp_path / "uneven.html"
    result = run("solve", mask, "--white", 38, "--spacing", "2,1", "--decay", 0.01, "--report", page)
    assert result.exit_code == 0, result.output
    assert len(read(page.read_text(encoding="utf-8")).pictures) == 1


def test_what_the_lattice_costs_is_estimated_beside_the_bound(mask: Path, tmp_path: Path) -> None:
    problem, page = tmp_path / "problem.npz", tmp_path / "run.html"
    asked = ("solve", mask, "--white", 38, "--decay", 0.05, "--discretisation")
    found = said(run(*asked, "--json", "--save-problem", problem))["discretisation"]
    estimate = sp.estimate_discretisation(sp.Problem.load(problem), lattices=3)
    assert found == {
        "estimate": pytest.approx(estimate.largest),
        "uncertainty": pytest.approx(estimate.uncertainty),
        "order": pytest.approx(estimate.order),
        "reliable": True,
        "spacings": [[1.0, 1.0], [pytest.approx(1 / 3)] * 2, [pytest.approx(1 / 5)] * 2],
    }
    result = run(*asked, "--units", "mmHg", "--report", page)
    assert result.exit_code == 0, result.output
    assert f"about {estimate.largest:.3g} mmHg (estimated, give or take" in result.output
    text = read(page.read_text(encoding="utf-8")).text
    assert "What the lattice costs: an estimate" in text
    assert estimate.sentence("mmHg") in text


def test_without_being_asked_for_it_is_not(mask: Path) -> None:
    assert said(run("solve", mask, "--json"))["discretisation"] is None
    assert "discretisation" not in run("solve", mask).output


def test_a_lattice_that_cannot_be_refined_is_refused_before_anything_is_written(
    mask: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("surrogate_plugin.memory.available_bytes", lambda: 500_000)
    result = run("solve", mask, "--discretisation", "--boundary", "reflecting", "-o", tmp_path / "field.npy")
    assert result.exit_code == 2
    assert "the lattice of 1/3 of the spacing has 48 x 72 pixels" in result.output
    assert not (tmp_path / "field.npy").exists()
