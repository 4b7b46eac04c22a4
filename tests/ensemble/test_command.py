"""`surrogate-plugin ensemble`: what its file says is what is run, and what is wrong with it is told with its line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

import surrogate_plugin as sp
from surrogate_plugin import ensemble
from surrogate_plugin.cli import app
from surrogate_plugin.ensemble.files import read_ensemble
from surrogate_plugin.running.going import Going

SETTINGS = """
tolerance = 0.05
domain = { size_um = [480.0, 320.0], spacing_um = 20.0 }
substrates.oxygen = { diffusivity_um2_per_min = 1e5, decay_per_min = 0.1 }
vessels = [{ substrate = "oxygen", position_um = [100.0, 100.0], radius_um = 25.0, value = 38.0 }]
"""
IN_TIME = """
time = { duration_min = 6.0, dt_min = 1.0 }
stepping = "implicit-euler"
"""
PROGRAM = "def f(given, link):\n    return {'sum': sum(given.values())}\n"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["ensemble", *(str(each) for each in arguments)])


def written(
    folder: Path, text: str, *, program: str = "def f(given, link):\n    return {'sum': sum(given.values())}\n"
):
    (folder / "program.py").write_text(program)
    path = folder / "ensemble.toml"
    path.write_text(text)
    return path


def test_a_function_over_a_grid(tmp_path) -> None:
    path = written(tmp_path, 'function = "program.py:f"\nrepeats = 2\n[sweep.over]\na = [1, 2]\nb = [10, 20]\n')
    result = run(path, "--json")
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert (said["members"], said["finished"], said["before"]) == (8, 8, 0)
    assert said["numbers"] == {"sum": {"least": 11.0, "median": 16.5, "largest": 22.0}}
    again = json.loads(run(path, "--json").stdout)
    assert (again["before"], again["batches"]["count"]) == (8, 0)
    looked = json.loads(run(tmp_path / "ensemble.zarr", "--json", "-o", tmp_path / "sum.png").stdout)
    assert looked["numbers"] == said["numbers"]
    assert (tmp_path / "sum.png").read_bytes()[:4] == b"\x89PNG"


def test_what_members_print_is_no_part_of_the_object(tmp_path, capfd) -> None:
    program = "def f(given, link):\n    print('printed', given['a'])\n    return {'a2': 2 * given['a']}\n"
    path = written(tmp_path, 'function = "program.py:f"\nsweep.over.a = [1, 2]\n', program=program)
    for workers in (0, 1):
        app(["ensemble", str(path), "--fresh", "--json", "--workers", str(workers)], standalone_mode=False)
        said, errors = capfd.readouterr()
        assert json.loads(said)["finished"] == 2
        assert errors.count("printed") == 2


def test_a_picture_that_cannot_be_drawn_is_refused_before_anything_is_run(tmp_path) -> None:
    path = written(tmp_path, 'function = "program.py:f"\n[sweep.over]\na = [1, 2]\n')
    for name, said in (
        ("sum.bmpx", ".png, .svg or .pdf is allowed"),
        ("ensemble.toml", "ends in"),
        ("", "is a folder"),
    ):
        (tmp_path / "folder.png").mkdir(exist_ok=True)
        result = run(path, "-o", tmp_path / (name or "folder.png"))
        assert result.exit_code == 2
        assert said in " ".join(result.output.split())
    assert not (tmp_path / "ensemble.zarr").exists()


def test_a_member_that_fails_is_told_and_the_exit_code_says_so(tmp_path) -> None:
    program = "def f(given, link):\n    return {'inverse': 1 / given['a']}\n"
    result = run(written(tmp_path, 'function = "program.py:f"\nsweep.over.a = [0, 2]\n', program=program))
    assert result.exit_code == 1
    assert "Member 0 failed: ZeroDivisionError: division by zero" in result.stderr
    assert run(tmp_path / "ensemble.zarr").exit_code == 1


@pytest.mark.parametrize(
    ("sweep", "made"),
    [
        (
            'kind = "latin-hypercube"\ncount = 5\nseed = 3\nover.a = [1, 2]',
            ensemble.latin_hypercube({"a": (1, 2)}, 5, seed=3),
        ),
        ('kind = "sobol"\ncount = 4\nlog = ["a"]\nover.a = [1, 100]', ensemble.sobol({"a": (1, 100)}, 4, log=["a"])),
        ('kind = "list"\nmembers = [{ a.b = 1 }, { a.b = 2 }]', [{"a.b": 1}, {"a.b": 2}]),
        ('over.a.b = [1, 2]\nover."c.d" = [3]', [{"a.b": 1, "c.d": 3}, {"a.b": 2, "c.d": 3}]),
    ],
)  # fmt: skip
def test_each_kind_of_sweep(tmp_path, sweep, made) -> None:
    assert read_ensemble(written(tmp_path, f'function = "program.py:f"\n[sweep]\n{sweep}\n')).sweep == made


def test_settings_are_run_with_other_values_of_their_keys(tmp_path) -> None:
    (tmp_path / "surrogate.toml").write_text(SETTINGS)
    over = 'over.substrates.oxygen.decay_per_min = [0.1, 0.4]\nover."vessels[0].value" = [38.0, 20.0]\n'
    result = run(written(tmp_path, f'settings = "surrogate.toml"\n[sweep]\n{over}'), "--json")
    assert result.exit_code == 0, result.output
    found = ensemble.Results(tmp_path / "ensemble.zarr")
    assert len(found) == 4
    for each in found:
        decay, value = each.parameters.values()
        other = SETTINGS.replace("decay_per_min = 0.1", f"decay_per_min = {decay}").replace("38.0", str(value))
        (tmp_path / "alone.toml").write_text(other.replace("0.05", "1e-6"))
        alone = Going(sp.load_settings(tmp_path / "alone.toml", "run"))
        alone.run()
        assert each.numbers["oxygen_bound"] <= 0.05
        assert np.abs(each.arrays["oxygen"] - alone.last.fields["oxygen"]).max() <= each.numbers["oxygen_bound"] + 1e-6
    assert not list(tmp_path.glob("*.run"))


def test_a_run_in_time_goes_on_where_it_was_killed(tmp_path) -> None:
    (tmp_path / "surrogate.toml").write_text(SETTINGS.replace("tolerance = 0.05", "tolerance = 0.05" + IN_TIME))
    written(tmp_path, 'settings = "surrogate.toml"\n[sweep]\nover.substrates.oxygen.decay_per_min = [0.1, 0.4]\n')
    kill = """
import os, signal, sys
from surrogate_plugin.running import going, saving
keep = saving.Saved.keep
def keep_and_die(self, moment, *more, **said):
    keep(self, moment, *more, **said)
    if moment.step == 3:
        os.kill(os.getpid(), signal.SIGKILL)
saving.Saved.keep, going._SECONDS_BETWEEN = keep_and_die, 0.0
sys.argv = ["surrogate-plugin", "ensemble"]
from surrogate_plugin.cli import main
main()
"""
    assert subprocess.run([sys.executable, "-c", kill], cwd=tmp_path, check=False, timeout=300).returncode == -9
    begun = list(tmp_path.glob("ensemble.begun/*/run/latest.npz"))
    assert len(begun) >= 1

    steps = []
    step = sp.Backend.step
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sp.Backend, "step", lambda *given: steps.append(given) or step(*given))
        result = run(tmp_path / "ensemble.toml")
    assert result.exit_code == 0, result.output
    assert len(steps) <= 2 * 6 - 3, "three steps of one member at least are not taken again"
    found = ensemble.Results(tmp_path / "ensemble.zarr")
    fresh = run(tmp_path / "ensemble.toml", "--fresh")
    assert fresh.exit_code == 0
    again = ensemble.Results(tmp_path / "ensemble.zarr")
    bounds = found.number("oxygen_bound") + again.number("oxygen_bound")
    apart = np.abs(found.stack("oxygen") - again.stack("oxygen")).max(axis=(1, 2))
    assert (apart <= bounds).all()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sweep.over.a = [1]\n", "function and settings are both missing; one of them is allowed."),
        ('function = "program.py:f"\n', "sweep is missing; needed is a table, [sweep]."),
        ('function = "program.py:g"\nsweep.over.a = [1]\n', "line 1: function: "),
        ('function = "gone.py:f"\nsweep.over.a = [1]\n', "line 1: function is 'gone.py:f'; a file that is there and"),
        ('settings = "gone.toml"\nsweep.over.a = [1]\n', "line 1: settings is 'gone.toml', which is not there in"),
        ('function = "program.py:f"\nseeds = 3\nsweep.over.a = [1]\n', "line 2: there is no key 'seeds'; the nearest"),
        ('function = "program.py:f"\n[sweep]\nkind = "sobl"\nover.a = [1]\n', "line 3: sweep.kind is 'sobl'; allowed"),
        ('function = "program.py:f"\n[sweep]\nkind = "sobol"\nover.a = [1, 2]\n', "line 2: sweep: count is missing"),
        ('function = "program.py:f"\n[sweep]\ncount = 4\nover.a = [1, 2]\n', "sweep: count is for another kind of"),
        ('settings = "surrogate.toml"\nsweep.over.tolerances = [1.0]\n', "there is no key 'tolerances'; the nearest"),
        ('settings = "surrogate.toml"\nsweep.over.tolerance.a = [1.0]\n', "has no place for tolerance.a"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_file_is_one_sentence(tmp_path, text, said) -> None:
    (tmp_path / "surrogate.toml").write_text(SETTINGS)
    result = run(written(tmp_path, text))
    assert result.exit_code == 2, result.output
    assert said in result.stderr.replace("\n", " ")
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "ensemble.zarr").exists()


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("raise ValueError('no\\nspheroid')\n", "cannot be run (ValueError: no spheroid)."),
        ("raise SystemExit(3)\n", "cannot be run (SystemExit: 3)."),
        ("def f(given, link):\n    return {'sum' 1}\n", "cannot be run (SyntaxError: "),
    ],
)
def test_a_program_that_cannot_be_run_is_one_sentence(tmp_path, program, said) -> None:
    result = run(written(tmp_path, 'function = "program.py:f"\nsweep.over.a = [1]\n', program=program))
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert said in line
