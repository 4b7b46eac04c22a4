"""How commands end: nearest names, Ctrl-C with a sentence and pages in order, closed pipes, faults of our own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner, Result

from surrogate_plugin import cli
from surrogate_plugin.cli.commands import Command, Commands
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.terminal import BROKEN_PIPE, FAULT


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments], env={"COLUMNS": "200"})


@pytest.mark.parametrize(
    ("arguments", "nearest"),
    [
        (["slove"], "the nearest is solve"),
        (["physicell", "chek"], "the nearest is check"),
        (["solve", "x.png", "--whit", "3"], "the nearest is --white"),
        (["view", "run.zarr", "--animated"], "the nearest is --animate"),
        (["--versoin"], "the nearest is --version"),
    ],
)
def test_an_unknown_name_is_answered_by_the_nearest(arguments: list[str], nearest: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert nearest in result.stderr
    assert result.stdout == ""


def test_a_name_that_is_near_to_none_names_none() -> None:
    result = run("xyzzy")
    assert result.exit_code == 2
    assert "there is no command 'xyzzy'." in result.stderr


def group(end: BaseException) -> typer.Typer:
    """A command line whose one command ends in an exception."""
    made = typer.Typer(cls=Commands)
    made.callback()(lambda: None)

    @made.command(cls=Command)
    def fail() -> None:
        """End."""
        raise end

    return made


def test_ctrl_c_inside_a_command_is_one_sentence_and_130() -> None:
    result = CliRunner().invoke(group(KeyboardInterrupt()), ["fail"])
    assert result.exit_code == 130
    assert result.stderr.strip() == "Stopped."


def test_a_closed_pipe_ends_quietly() -> None:
    result = CliRunner().invoke(group(BrokenPipeError()), ["fail"])
    assert result.exit_code == BROKEN_PIPE
    assert result.output == ""


def test_nothing_is_said_where_nobody_reads_on() -> None:
    """The reader of a real pipe is gone before anything is written."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "surrogate_plugin", "solve", "--help"], stdout=writing, stderr=subprocess.PIPE, text=True
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (BROKEN_PIPE, "")


@pytest.mark.parametrize("arguments", [["hosts"], ["hosts", "--json"], ["solve", "--help"], ["--version"]])
def test_results_that_cannot_be_written_are_one_sentence(arguments: list[str]) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no device that is always full")
    with full.open("w") as stream:
        done = subprocess.run(
            [sys.executable, "-m", "surrogate_plugin", *arguments], stdout=stream, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 2
    assert done.stderr == "Error: the results could not be written (no space left on device).\n"


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams_are_no_fault(closed: str) -> None:
    program = f'"{sys.executable}" -m surrogate_plugin'
    for arguments, code in (("hosts", 0), ("hosts --json", 0), ("--help", 0), ("solve gone.npy", 2), ("slove", 2)):
        done = subprocess.run(f"{program} {arguments} {closed}", shell=True, capture_output=True, text=True)
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr


def test_a_stream_that_lacks_letters_gets_what_it_can_have(tmp_path: Path) -> None:
    poor = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    asked = [sys.executable, "-m", "surrogate_plugin", "solve", str(tmp_path / "µ.npy")]
    done = subprocess.run(asked, capture_output=True, env=poor)
    assert done.returncode == 2
    assert b"?.npy is not a file" in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="needs names of files that are bytes")
def test_a_name_that_is_no_text_is_drawn_with_what_it_has(tmp_path: Path) -> None:
    """As of a disk in another encoding."""
    field = os.path.join(os.fsencode(tmp_path), b"gef\xe4\xdf.npy")
    np.save(os.fsdecode(field), np.eye(8))
    result = run("view", os.fsdecode(field), "-o", tmp_path / "field.png")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "field.png").is_file()


@pytest.mark.parametrize("option", ["--units", "--length-units"])
def test_units_that_are_no_text_are_told_before_anything_is_solved(tmp_path: Path, option: str) -> None:
    np.save(tmp_path / "source.npy", np.eye(8))
    result = run("solve", tmp_path / "source.npy", option, os.fsdecode(b"\xb5m"), "-o", tmp_path / "field.vti")
    assert result.exit_code == 2
    assert r"'\udcb5m' is not in the encoding of this terminal; letters are allowed." in result.stderr


def test_a_fault_of_ours_keeps_its_traceback_and_has_a_code_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("surrogate_plugin.cli.tree.app", group(ZeroDivisionError("the lattice is gone")))
    monkeypatch.setattr(sys, "argv", ["surrogate-plugin", "fail"])
    with pytest.raises(SystemExit) as left:
        cli.main()
    said = capsys.readouterr().err
    assert left.value.code == FAULT
    assert "Traceback" in said
    assert "ZeroDivisionError: the lattice is gone" in said
    assert "please report it" in said


def test_ctrl_c_while_commands_are_loaded_is_one_sentence() -> None:
    code = """
import builtins, sys
load = builtins.__import__
def interrupted(name, *given):
    if name == "surrogate_plugin.cli.tree":
        raise KeyboardInterrupt
    return load(name, *given)
builtins.__import__ = interrupted
from surrogate_plugin.cli import main
main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "\nStopped.\n")


def test_what_a_caller_can_put_right_is_no_fault(tmp_path: Path) -> None:
    from surrogate_plugin.cli.console import plain_errors

    with pytest.raises(typer.Exit) as left, plain_errors():
        raise InvalidProblemError("decay is -1; at least 0 is allowed.")
    assert left.value.exit_code == 2


def test_ctrl_c_leaves_a_page_that_says_what_ended_the_run(tmp_path: Path) -> None:
    code = f"""
import os, signal
import surrogate_plugin as sp
from surrogate_plugin.terminal import stopped_at_once

signal.signal(signal.SIGINT, signal.default_int_handler)
domain = sp.Domain.from_lattice((16, 32), spacing_um=20.0)
page = {str(tmp_path / "run.html")!r}
backend = sp.Backend(sp.BackendConfig(domain=domain, diffusivity_um2_per_min=1e5, decay_per_min=0.1, report=page))
state = sp.TissueState(vessels=sp.Vessels([(320.0, 160.0)], radius_um=30.0, value=38.0))
with stopped_at_once("Stopped; the page is there."):
    for _ in range(3):
        backend.step(state)
    os.kill(os.getpid(), signal.SIGINT)
    raise AssertionError("Ctrl-C went by")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (130, "\nStopped; the page is there.\n")
    page = (tmp_path / "run.html").read_text(encoding="utf-8")
    assert "The run was ended by Ctrl-C." in page
    assert "still going on" not in page


def test_ctrl_c_after_a_run_leaves_its_page_alone(tmp_path: Path) -> None:
    from surrogate_plugin import Backend, BackendConfig, Domain, TissueState, Vessels
    from surrogate_plugin.interruption import put_in_order

    domain, path = Domain.from_lattice((16, 32), spacing_um=20.0), tmp_path / "run.html"
    backend = Backend(BackendConfig(domain=domain, diffusivity_um2_per_min=1e5, decay_per_min=0.1, report=path))
    backend.step(TissueState(vessels=Vessels([(320.0, 160.0)], radius_um=30.0, value=38.0)))
    assert backend.report is not None
    backend.report.write(over=True)
    put_in_order()
    assert "The run is over." in path.read_text(encoding="utf-8")


def test_a_second_ctrl_c_does_not_wait(tmp_path: Path) -> None:
    code = """
import os, signal
from surrogate_plugin.interruption import on_interrupt
from surrogate_plugin.terminal import stopped_at_once

class Slow:
    def close(self):
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):
            pass
        print("waited")

slow = Slow()
on_interrupt(slow.close)
signal.signal(signal.SIGINT, signal.default_int_handler)
with stopped_at_once():
    os.kill(os.getpid(), signal.SIGINT)
    raise AssertionError("Ctrl-C went by")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "\nStopped.\n")


def test_what_cannot_be_put_in_order_is_not_waited_for() -> None:
    """As where Ctrl-C comes while a lock is held that putting in order needs."""
    code = """
import os, signal, threading
from surrogate_plugin.interruption import on_interrupt
from surrogate_plugin.terminal import stopping

class Stuck:
    def close(self):
        threading.Event().wait()

stuck = Stuck()
on_interrupt(stuck.close)
stopping._PATIENCE = 0.01
signal.signal(signal.SIGINT, signal.default_int_handler)
with stopping.stopped_at_once():
    os.kill(os.getpid(), signal.SIGINT)
    raise AssertionError("Ctrl-C went by")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "\nStopped.\n")


def test_a_signal_is_python_s_again_afterwards() -> None:
    from surrogate_plugin.terminal import stopped_at_once

    before = signal.getsignal(signal.SIGINT)
    with stopped_at_once():
        pass
    assert signal.getsignal(signal.SIGINT) is before
