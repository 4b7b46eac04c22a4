"""The command line: answers that agree with the library, and one sentence with exit code 2 for bad input."""

from __future__ import annotations

import dataclasses
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner, Result

import surrogate_plugin as sp
from surrogate_plugin import registry
from surrogate_plugin.cli import app, selfcheck
from surrogate_plugin.cli.hosts import installed
from surrogate_plugin.cli.plugins import add_commands
from surrogate_plugin.cli.posing import parse_boundary
from tests.exact import exact_field


def run(*arguments: object, width: int = 200) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": str(width)})


@pytest.fixture
def source(tmp_path: Path) -> Path:
    values = np.zeros((16, 23))
    values[4, 7] = 38.0
    np.save(tmp_path / "source.npy", values)
    return tmp_path / "source.npy"


def plugin(monkeypatch: pytest.MonkeyPatch, group: str, **values: Any) -> None:
    """Put plugins in place of the installed ones of a group; a string stands for a broken one."""
    found = tuple(
        registry.Plugin(group, name, "lab:it", "lab", "1.2", registry.Status.BROKEN, None, value)
        if isinstance(value, str)
        else registry.Plugin(group, name, "lab:it", "lab", "1.2", registry.Status.LOADED, value)
        for name, value in values.items()
    )
    for name in ("_loaded", "_found"):
        installed = getattr(registry, name)
        monkeypatch.setattr(
            registry, name, lambda asked, path, there=installed: found if asked == group else there(asked, path)
        )


@pytest.mark.parametrize("command", ["", "demo", "solve", "hosts", "doctor"])
def test_help_helps(command: str) -> None:
    result = run(*command.split(), "--help")
    assert result.exit_code == 0
    assert "Usage" in result.output


def test_version() -> None:
    assert sp.__version__ in run("--version").output


@pytest.mark.parametrize("method", ["sparse-direct", "multigrid", "exact", "guarded"])
def test_solve_writes_what_the_library_answers(source: Path, tmp_path: Path, method: str) -> None:
    decay = np.full((16, 23), 0.01)
    decay[8:, 10:] = 0.3
    np.save(tmp_path / "decay.npy", decay)
    outputs = [tmp_path / "out" / f"field{suffix}" for suffix in (".npy", ".png", ".vti")]
    chosen = [part for path in outputs for part in ("-o", path)]
    options = ("--decay-map", tmp_path / "decay.npy", "--boundary", "left=5,right=reflecting", "--spacing", 2)
    result = run("solve", source, "--method", method, "--diffusivity", 3, "--tolerance", 0.01, *options, *chosen)
    assert result.exit_code == 0, result.output
    assert all(path.stat().st_size > 0 for path in outputs)
    problem = sp.Problem(
        np.load(source), decay=decay, diffusivity=3, spacing=2, boundary={"left": 5, "right": "reflecting"}
    )
    exact = exact_field(problem)
    assert np.abs(np.load(outputs[0]) - exact).max() <= 0.01
    for shown in ("answered by", "error at most", "time", str(outputs[2])):
        assert shown in result.output


def test_solve_takes_saturating_uptake(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "field.npy"
    assert run("solve", source, "--method", "exact", "--vmax", 2, "--km", 5, "-o", out).exit_code == 0
    problem = sp.Problem(np.load(source), uptake=sp.MichaelisMenten(2.0, 5.0))
    np.testing.assert_allclose(np.load(out), exact_field(problem), atol=1e-7 * 38)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--decay", "-1"], "decay"),
        (["--decay", "much"], "--decay"),
        (["--spacing", "0"], "spacing"),
        (["--diffusivity", "nan"], "diffusivity"),
        (["--boundary", "wet"], "'wet'"),
        (["--boundary", "left=periodic"], "periodic"),
        (["--boundary", "left=1,left=2"], "each side once"),
        (["--boundary", "up=1"], "'up'"),
        (["--method", "magic"], "magic"),
        (["--policy", "slowest"], "slowest"),
        (["--tolerance", "-1"], "tolerance"),
        (["--tolerance", "nan"], "tolerance"),
        (["--device", "abacus"], "abacus"),
        (["--vmax", "1"], "--km"),
        (["--decay-map", "no-such-file.npy"], "no-such-file.npy"),
        (["-o", "field.docx"], ".docx"),
        (["-o", "field.png", "--colours", "infrared"], "infrared"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("solve", source, *arguments)
    assert result.exit_code == 2, result.output
    assert says in result.output
    assert "Traceback" not in result.output
    assert not (tmp_path / "field.png").exists()


def test_a_source_that_is_no_picture_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing to see")
    result = run("solve", tmp_path / "notes.txt")
    assert result.exit_code == 2
    assert result.output.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [("absorbing", "absorbing"), (" 3.5 ", 3.5), ("left=1,top=periodic", {"left": 1.0, "top": "periodic"})],
)
def test_boundaries_are_read(text: str, expected: object) -> None:
    assert parse_boundary(text) == expected


def test_hosts_lists_every_adapter_and_the_broken_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run("hosts")
    assert result.exit_code == 0
    assert "pyphysicell" in result.output
    assert "C++" in result.output  # nothing to import, so the adapter tells what to do
    plugin(monkeypatch, registry.ADAPTERS, good=lambda host: None, bad="it needs [brackets] and a host.")
    result = run("hosts")
    assert "ready" in result.output
    assert "it needs [brackets] and a host." in result.output
    plugin(monkeypatch, registry.ADAPTERS)
    assert "No adapter" in run("hosts").output


def test_installed_tells_what_is_there() -> None:
    assert installed("numpy") == f"installed, {np.__version__}"
    assert installed("no_such_host") == "not installed"
    assert installed("no_such_host.inside") == "not installed"


def test_demo_hands_over_what_was_asked_and_nothing_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: list[dict[str, Any]] = []
    plugin(monkeypatch, registry.DEMOS, mine=lambda out, steps=3: seen.append({"out": out, "steps": steps}))
    assert run("demo", "mine", "--out", tmp_path).exit_code == 0
    assert run("demo", "mine", "--out", tmp_path, "--steps", 5).exit_code == 0
    assert [call["steps"] for call in seen] == [3, 5]
    refused = run("demo", "mine", "--cells", 5)
    assert refused.exit_code == 2
    assert "--cells" in refused.output
    assert len(seen) == 2


def test_a_demo_without_a_folder_to_write_to_is_told_before_it_starts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen: list[Path] = []
    plugin(monkeypatch, registry.DEMOS, mine=lambda out: seen.append(out))
    (tmp_path / "file").write_text("a file")
    result = run("demo", "mine", "--out", tmp_path / "file")
    assert result.exit_code == 2
    assert "is not a folder" in result.output
    assert not seen


def test_ctrl_c_in_a_demo_and_in_a_solve_ends_the_process_itself(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, source: Path
) -> None:
    seen: list[Any] = []
    plugin(monkeypatch, registry.DEMOS, mine=lambda out: seen.append(signal.getsignal(signal.SIGINT)))
    solve = sp.solve

    def watched(*arguments: Any, **options: Any) -> sp.Solution:
        seen.append(signal.getsignal(signal.SIGINT))
        return solve(*arguments, **options)

    monkeypatch.setattr(sp, "solve", watched)
    found = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job starts with it ignored
    before = signal.getsignal(signal.SIGINT)
    assert run("demo", "mine", "--out", tmp_path).exit_code == 0
    done = run("solve", source)
    assert done.exit_code == 0, done.output
    assert len(seen) == 2
    assert before not in seen
    assert signal.signal(signal.SIGINT, found) is before


@pytest.mark.parametrize("ignored", [False, True])
def test_a_process_that_ends_itself_tears_nothing_down(ignored: bool) -> None:
    """An exception would be lost where a compiler calls back, as here; and teardown is where threads are hurt."""
    code = f"""
import atexit, os, signal
from surrogate_plugin.cli.console import stopped_at_once
atexit.register(print, "torn down", flush=True)
signal.signal(signal.SIGINT, signal.SIG_IGN if {ignored} else signal.default_int_handler)
with stopped_at_once("Stopped; all is well."):
    try:
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):
            pass
    except BaseException:
        pass
print("went on")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    if ignored:
        assert (done.returncode, done.stdout, done.stderr) == (0, "went on\ntorn down\n", "")
    else:
        assert (done.returncode, done.stdout, done.stderr) == (130, "", "\nStopped; all is well.\n")


def test_an_unknown_demo_lists_the_known(monkeypatch: pytest.MonkeyPatch) -> None:
    plugin(monkeypatch, registry.DEMOS, mine=print, hurt="it hurts.")
    result = run("demo", "yours")
    assert result.exit_code == 2
    assert "yours" in result.output
    assert "mine" in result.output
    broken = run("demo", "hurt")
    assert broken.exit_code == 2
    assert "it hurts." in broken.output


def test_doctor_finds_this_machine_sound() -> None:
    result = run("doctor", "--problems", 3, "--size", 32, "--extremes", 40, "--tissues", 6)
    assert result.exit_code == 0, result.output
    tables = (
        "Versions", "Devices", "Models", "Plugins", "3 random problems", "40 extreme problems", "6 tissue problems",
    )  # fmt: skip
    for shown in (*tables, "bound / error"):
        assert shown in result.output


def test_doctor_sees_through_a_guard_that_lies(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = sp.solve

    def lying(problem: sp.Problem, method: str = "guarded", **options: Any) -> sp.Solution:
        solution = honest(problem, method=method, **options)
        if method != "guarded":
            return solution
        return dataclasses.replace(solution, field=1.01 * solution.field, error_bound=1e-12)

    monkeypatch.setattr(sp, "solve", lying)
    result = run("doctor", "--problems", 2, "--size", 16, "--extremes", 0, "--tissues", 0)
    assert result.exit_code == 1
    assert "does not hold" in result.output
    assert not all(check.held for check in selfcheck.check_guard(2, 16, 0))
    assert not all(check.held for check in selfcheck.check_extremes(20, 0))


def test_doctor_lists_a_broken_plugin_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    plugin(monkeypatch, registry.MODELS, hurt="its weights are gone.")
    monkeypatch.setattr(selfcheck, "check_guard", lambda *arguments, **options: [])
    result = run("doctor", "--problems", 1, "--size", 16, "--extremes", 0, "--tissues", 0)
    assert "its weights are gone." in result.output
    assert result.exit_code == 0


def test_doctor_shows_a_model_with_its_card_and_sees_damage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    from surrogate_plugin.surrogate import card, features, networks

    weights = tmp_path / "tiny.safetensors"
    network = networks.build("compact", {})
    save_file(network.state_dict(), weights)
    ranges = card.Ranges(
        shortest_length_px=3, longest_length_px=90, largest_contrast=50, most_sources=30, largest_source_px=400,
        largest_fixed_share=0.2, boundaries=("absorbing",), shortest_side_px=64, longest_side_px=512,
    )  # fmt: skip
    entry = card.NetworkEntry(kind="compact", parameters=12345, features=features.VERSION)
    metrics = {"relative_l2": {"median": 0.0123}}
    card.ModelCard(
        name="tiny", network=entry, ranges=ranges, training={}, metrics=metrics, sha256=card.checksum(weights)
    ).write(weights.with_suffix(".json"))
    plugin(monkeypatch, registry.MODELS, tiny=lambda: tmp_path)
    monkeypatch.setattr(selfcheck, "check_guard", lambda *arguments, **options: [])
    result = run("doctor", "--extremes", 0, "--tissues", 0)
    for shown in ("tiny", "loads", "12,345 parameters", "3 to 90 px", "median 0.0123"):
        assert shown in result.output
    save_file({name: torch.zeros_like(value) for name, value in network.state_dict().items()}, weights)
    damaged = run("doctor", "--extremes", 0, "--tissues", 0)
    assert "checksum" in damaged.output
    assert damaged.exit_code == 0


@pytest.mark.parametrize("asked", ["--help", "solve --help", "physicell check --help", "train --help", "--version"])
def test_nothing_heavy_is_loaded_to_print_help(asked: str) -> None:
    code = f"import sys, surrogate_plugin.cli as c\ntry: c.app({asked.split()})\nexcept SystemExit: pass\n"
    heavy = {"torch", "pyvista", "numba", "scipy", "numpy", "zarr", "matplotlib", "PIL"}
    code += f"loaded = {heavy} & set(sys.modules)\nassert not loaded, loaded"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_a_plugin_adds_a_group_of_commands_and_an_unreadable_one_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(what: object) -> None:
        """The type of its parameter is not to be found."""

    unreadable.__annotations__["what"] = "Nowhere"
    good, odd, taken = typer.Typer(), typer.Typer(), typer.Typer()
    good.callback()(lambda: None)
    good.command("count")(lambda to=3: typer.echo(f"counted to {to}"))
    odd.callback()(lambda: None)
    odd.command("fail")(unreadable)
    taken.command("first")(lambda: typer.echo("replaced"))
    mine = typer.Typer()
    mine.add_typer(good, name="there")
    plugin(monkeypatch, registry.COMMANDS, good=good, odd=odd, there=taken)
    add_commands(mine)

    def call(*arguments: str) -> Result:
        return CliRunner().invoke(mine, arguments, env={"COLUMNS": "200"})

    assert "counted to 5" in call("good", "count", "--to", "5").output
    assert "counted to 3" in call("there", "count").output
    for command in ("good", "odd", "there"):
        assert command in call("--help").output
    broken = call("odd", "fail", "--any", "arguments")
    assert broken.exit_code == 2
    assert "command 'odd' of lab 1.2 is broken: typer cannot read lab:it" in broken.output
