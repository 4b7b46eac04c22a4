"""A run in time that was stopped or killed goes on where it was, and comes to the very fields of one that was not."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
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
from surrogate_plugin.session.backend import Backend
from tests.fuzzing import assert_one_sentence, file_damages, files_of
from tests.running.scenes import DOMAIN, DOSE, DRUG, TIME, going, written

PARTS = (DOMAIN, DRUG, DOSE, "until_min = 2.0\n", TIME)
OUTPUT = "[output]\nfiles = ['drug.npy']\n"
#: What is kept of a run.
KEPT = ("run.json", "latest.npz", "steps.jsonl.gz")
#: Of each step, so that each is kept as soon as it is taken.
FILM = "[output]\nfiles = ['drug.pvd']\n"


@contextmanager
def hearing() -> Iterator[None]:
    """Ctrl-C is heard: what a shell started in the background begins deaf to it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def uninterrupted(folder: Path) -> Any:
    run = going(folder, *PARTS, fresh=True)
    assert run.run()
    assert run.last is not None
    return run.last


def same(run: Going, expected: Any) -> bool:
    assert run.last is not None
    return np.array_equal(run.last.fields["drug"], expected.fields["drug"]) and run.last.bounds == expected.bounds


@pytest.mark.parametrize("after", [1, 4, 9])
def test_a_run_that_was_stopped_goes_on_to_the_same_fields(tmp_path: Path, after: int) -> None:
    expected = uninterrupted(tmp_path)
    parts = (*PARTS, FILM)
    first = going(tmp_path, *parts, fresh=True)
    solves: list[None] = []
    assert not first.run(lambda: solves.append(None), lambda: len(solves) == after)
    again = going(tmp_path, *parts)
    assert again.resumed_min == pytest.approx(0.5 * after)
    assert again.solves == 10 - after
    assert again.run()
    assert same(again, expected)
    assert [again.saved.moment(step).step for step in again.saved.steps()] == list(range(1, 11))  # type: ignore[union-attr]


def test_a_run_that_was_killed_within_a_step_goes_on_from_the_last_one_kept(tmp_path: Path) -> None:
    expected = uninterrupted(tmp_path)
    solves: list[None] = []

    def killed() -> None:
        solves.append(None)
        if len(solves) == 6:
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        going(tmp_path, *PARTS, FILM, fresh=True).run(killed)
    again = going(tmp_path, *PARTS, FILM)
    assert again.resumed_min == pytest.approx(2.5)
    assert again.run()
    assert same(again, expected)


def test_a_longer_run_goes_on_from_one_that_was_stopped(tmp_path: Path) -> None:
    longer = TIME.replace("5.0", "8.0")
    whole = going(tmp_path, *PARTS[:-1], longer, fresh=True)
    assert whole.run()
    assert not going(tmp_path, *PARTS, fresh=True).run(stopping=lambda: True)
    again = going(tmp_path, *PARTS[:-1], longer)
    assert again.resumed_min == pytest.approx(0.5)
    assert again.run()
    assert same(again, whole.last)
    with pytest.raises(sp.InvalidProblemError, match="a longer duration_min is allowed"):
        going(tmp_path, *PARTS[:-1], TIME.replace("5.0", "3.0"))


def test_other_settings_or_other_files_do_not_go_on_from_it(tmp_path: Path) -> None:
    (tmp_path / "vessels.csv").write_text("x_um,y_um,radius_um,value\n45,60,14,5\n")
    parts = (DOMAIN, DRUG, "[[sources]]\nfile = 'vessels.csv'\n", TIME)
    assert not going(tmp_path, *parts).run(stopping=lambda: True)
    assert going(tmp_path, "report = 'run.html'\n", *parts).resumed_min is not None
    with pytest.raises(sp.InvalidProblemError, match="of other settings than"):
        going(tmp_path, *parts, "[[vessels]]\nposition_um = [0, 60]\nradius_um = 14\nvalue = 5\n")
    (tmp_path / "vessels.csv").write_text("x_um,y_um,radius_um,value\n45,60,14,6\n")
    with pytest.raises(sp.InvalidProblemError, match="--fresh begins anew") as caught:
        going(tmp_path, *parts)
    assert_one_sentence(caught.value)
    assert going(tmp_path, *parts, fresh=True).resumed_min is None


def test_a_folder_that_is_no_run_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "surrogate.run"
    folder.mkdir()
    (folder / "thesis.txt").write_text("mine")
    for fresh in (False, True):
        with pytest.raises(sp.InvalidProblemError, match="is no run that was stopped") as caught:
            going(tmp_path, *PARTS, fresh=fresh)
        assert_one_sentence(caught.value)
    assert (folder / "thesis.txt").read_text() == "mine"


@pytest.fixture(scope="module")
def stopped() -> Any:
    with tempfile.TemporaryDirectory() as folder:
        assert not going(Path(folder), *PARTS).run(stopping=lambda: True)
        yield {name: (Path(folder) / name).read_bytes() for name in files_of(Path(folder))}


@settings(max_examples=60)
@given(name=st.sampled_from([f"surrogate.run/{each}" for each in KEPT]), damage=file_damages())
def test_what_was_kept_and_damaged_is_gone_on_from_or_refused(stopped: Any, name: str, damage: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for each, content in stopped.items():
            (Path(folder) / each).parent.mkdir(exist_ok=True)
            (Path(folder) / each).write_bytes(content)
        damage(Path(folder) / name)
        try:
            again = going(Path(folder), *PARTS)
        except sp.InvalidProblemError as error:
            assert_one_sentence(error)
            return
        assert again.resumed_min in (0.5, None)


def test_ctrl_c_ends_the_command_after_a_step_and_the_same_command_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = uninterrupted(tmp_path)
    path = written(tmp_path, "report = 'run.html'\nrecord = 'run.zarr'\n", *PARTS, OUTPUT)
    command, step, taken = CliRunner(), Backend.step, []

    def interrupted(self: Backend, *arguments: Any) -> Any:
        taken.append(None)
        if len(taken) == 3:
            signal.raise_signal(signal.SIGINT)
        return step(self, *arguments)

    assert command.invoke(app, ["run", str(path), "--fresh"]).exit_code == 0
    assert not (tmp_path / "surrogate.run").exists()
    whole = np.load(tmp_path / "drug.npy")
    assert np.array_equal(whole, expected.fields["drug"])
    (tmp_path / "drug.npy").unlink()
    with monkeypatch.context() as patch, hearing():
        patch.setattr(Backend, "step", interrupted)
        made = command.invoke(app, ["run", str(path), "--json"])
    assert made.exit_code == 130
    said = json.loads(made.stdout)
    assert (said["finished"], said["time_min"]) == (False, 1.5)
    assert not (tmp_path / "drug.npy").exists()
    assert "The run of surrogate.toml is at 1.5 of 5 min." in (tmp_path / "run.html").read_text(encoding="utf-8")
    again = command.invoke(app, ["run", str(path), "--json"])
    assert again.exit_code == 0
    assert json.loads(again.stdout)["resumed_min"] == 1.5
    assert np.array_equal(np.load(tmp_path / "drug.npy"), whole)
    page = (tmp_path / "run.html").read_text(encoding="utf-8")
    assert "is at 5 of 5 min. It was stopped before and went on from 1.5 min." in page
    assert files_of(tmp_path / "surrogate.run") == []
    # Each step of both runs was recorded once.
    assert len(sp.Recording(tmp_path / "run.zarr")) == 20


def test_a_second_ctrl_c_ends_at_once_and_what_was_kept_is_gone_on_from(tmp_path: Path) -> None:
    path = written(tmp_path, *PARTS, FILM)
    code = f"""
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from surrogate_plugin.cli import app
from surrogate_plugin.session.backend import Backend
step, taken = Backend.step, []

def interrupted(self, *arguments):
    taken.append(None)
    if len(taken) == 3:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        print("still there")
    return step(self, *arguments)

Backend.step = interrupted
app(["run", {str(path)!r}])
"""
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert made.returncode == 130
    assert made.stdout == ""
    assert "Stopped within a step;" in made.stderr
    again = CliRunner().invoke(app, ["run", str(path), "--json"])
    assert again.exit_code == 0
    assert json.loads(again.stdout)["resumed_min"] == 1.0


def test_files_that_could_not_be_written_cost_no_solve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, *PARTS, OUTPUT)

    def full(*_: Any, **__: Any) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("surrogate_plugin.files.write_field", full)
        assert CliRunner().invoke(app, ["run", str(path)]).exit_code == 2
    monkeypatch.setattr(Backend, "step", full)
    made = CliRunner().invoke(app, ["run", str(path), "--quiet"])
    assert (made.exit_code, made.output) == (0, "")
    assert (tmp_path / "drug.npy").exists()


def test_a_damaged_moment_costs_a_film_that_moment_and_no_other(tmp_path: Path) -> None:
    parts = (*PARTS, "[output]\nfiles = ['drug.pvd']\n")
    first, solves = going(tmp_path, *parts, fresh=True), []
    assert not first.run(lambda: solves.append(None), lambda: len(solves) == 4)
    (moment,) = tmp_path.rglob("moment-00000002.npz")
    moment.write_bytes(b"junk")
    result = CliRunner().invoke(app, ["run", str(tmp_path / "surrogate.toml")])
    assert result.exit_code == 2
    assert "if it is removed, films go on without this moment." in result.stderr
    moment.unlink()
    result = CliRunner().invoke(app, ["run", str(tmp_path / "surrogate.toml")])
    assert result.exit_code == 0, result.stderr
    assert (tmp_path / "drug.pvd").read_text().count("<DataSet") == 9
