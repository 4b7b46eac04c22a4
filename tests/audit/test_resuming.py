"""An audit that was stopped goes on where it was and comes to what it would have; of other files it does not."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from surrogate_plugin.audit import keeping
from surrogate_plugin.audit.auditing import audit
from surrogate_plugin.audit.reading import open_run
from surrogate_plugin.audit.tables import Audit
from surrogate_plugin.cli import app
from tests.audit.files import write_run
from tests.hosts.pyphysicell.tissue import tissue


class Stopped(Exception):
    """Somebody has had enough."""


@pytest.fixture(autouse=True)
def _always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each finished moment is written, whatever that costs."""
    monkeypatch.setattr(keeping, "_SHARE", float("inf"))


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """Three moments of two substrates."""
    sim = tissue(1, vessels=0, second=True)
    moments = []
    for until in (0.3, 0.6, 0.9):
        sim.run(until)
        moments.append(sim.branch())
    return write_run(tmp_path, moments)


class Heard:
    """What an audit tells of its progress; at one moment it is stopped."""

    def __init__(self, until: str = "") -> None:
        self.entries: list[tuple[str, str]] = []
        self._until = until

    def __call__(self, moment: str, substrate: str) -> None:
        if moment == self._until:
            raise Stopped
        self.entries.append((moment, substrate))


def stop(output: Path, kept: Path, until: str = "output00000002", **options: Any) -> None:
    with pytest.raises(Stopped):
        audit(open_run(output), keep=kept, progress=Heard(until), **options)
    assert kept.is_file()


def goes_on(output: Path, kept: Path, **options: Any) -> int:
    """How many moments are left to audit."""
    heard = Heard()
    audit(open_run(output), keep=kept, progress=heard, **options)
    return len({moment for moment, _ in heard.entries})


def same(one: Audit, other: Audit) -> bool:
    told = [json.dumps(dataclasses.replace(each, seconds=0.0, maps={}).as_json()) for each in (one, other)]
    return told[0] == told[1] and one.maps.keys() == other.maps.keys()


def test_what_was_stopped_goes_on_and_says_the_same_bit_for_bit(output: Path, tmp_path: Path) -> None:
    whole, kept = audit(open_run(output)), tmp_path / "kept.npz"
    stop(output, kept)
    heard = Heard()
    resumed = audit(open_run(output), keep=kept, progress=heard)
    assert sorted(heard.entries) == [("output00000002", "glucose"), ("output00000002", "oxygen")]
    assert same(whole, resumed)
    for where, maps in whole.maps.items():
        for name in ("saved", "steady", "position_um", "extent_um"):
            np.testing.assert_array_equal(getattr(maps, name), getattr(resumed.maps[where], name))


def test_a_moment_that_was_not_finished_is_audited_anew(
    output: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of it is in the file, though it is written, as by Ctrl-C, while the moment is half done."""
    keepers: list[keeping.Keeper] = []
    monkeypatch.setattr(
        "surrogate_plugin.audit.auditing.Keeper", lambda *given: keepers.append(made(*given)) or keepers[0]
    )

    def made(*given: Any) -> keeping.Keeper:
        keeper = keeping.Keeper(*given)
        keeper._wrote = float("inf")  # writes nothing by itself
        return keeper

    class Half(Heard):
        def __call__(self, moment: str, substrate: str) -> None:
            if (moment, substrate) == ("output00000001", "oxygen"):  # which comes after glucose
                raise Stopped

    kept = tmp_path / "kept.npz"
    with pytest.raises(Stopped):
        audit(open_run(output), keep=kept, progress=Half())
    assert not kept.exists()
    keepers[0].write()
    monkeypatch.undo()
    assert same(audit(open_run(output)), audit(open_run(output), keep=kept))
    stop(output, tmp_path / "other.npz", "output00000001")
    assert goes_on(output, tmp_path / "other.npz") == 2


def test_other_options_begin_anew(output: Path, tmp_path: Path) -> None:
    for changed in (
        {"tolerance": 0.5},
        {"thresholds": {"oxygen": 4.0}},
        {"in_time": False},
        {"substrates": ["oxygen"]},
    ):
        stop(output, tmp_path / "kept.npz")
        assert goes_on(output, tmp_path / "kept.npz", **changed) == 3
    assert goes_on(output, tmp_path / "kept.npz", substrates=["oxygen"]) == 0  # the last of these is done


def test_other_files_begin_anew(output: Path, tmp_path: Path) -> None:
    for path in (output / "output00000000.xml", output.parent / "config" / "PhysiCell_settings.xml"):
        stop(output, tmp_path / f"{path.stem}.npz")
        known = path.stat()
        os.utime(path, ns=(known.st_atime_ns, known.st_mtime_ns + 1_000_000_000))
        assert goes_on(output, tmp_path / f"{path.stem}.npz") == 3


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "text", "pickle"])
def test_a_damaged_file_costs_the_chance_to_go_on_and_nothing_else(output: Path, tmp_path: Path, damage: str) -> None:
    kept = tmp_path / "kept.npz"
    stop(output, kept)
    content = bytearray(kept.read_bytes())
    content[content.index(b"question") + 12] ^= 1
    made = {"empty": b"", "cut": kept.read_bytes()[:-300], "flipped": bytes(content), "text": b"[1, 2]"}
    if damage == "pickle":
        np.savez(kept, told=np.array([{"question": 1}], dtype=object))
    else:
        kept.write_bytes(made[damage])
    assert goes_on(output, kept) == 3


def test_ctrl_c_writes_what_is_finished(output: Path, tmp_path: Path) -> None:
    code = f"""
import os, signal
from surrogate_plugin.audit import keeping
from surrogate_plugin.audit.auditing import audit
from surrogate_plugin.audit.reading import open_run
from surrogate_plugin.terminal import stopped_at_once

keeping._SHARE = 1e-12  # after the first time nothing is written but by Ctrl-C

def told(moment, substrate):
    if moment == "output00000002":
        os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
with stopped_at_once():
    audit(open_run({str(output)!r}), keep={str(tmp_path / "kept.npz")!r}, progress=told)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 130, done.stderr
    assert goes_on(output, tmp_path / "kept.npz") == 1


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["audit", *map(str, arguments)], env={"COLUMNS": "200"})


def test_the_command_goes_on_by_itself_and_leaves_nothing_behind(
    output: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SURROGATE_PLUGIN_CACHE", str(tmp_path / "cache"))
    kept = keeping.place_of(output)
    whole = json.loads(run(output, "--json").stdout)
    assert not kept.exists()
    for options, left in ((["--json"], "goes on at output00000002"), (["--json", "--fresh"], "")):
        stop(output, kept, moments=["output00000000", "output00000001", "output00000002"])
        result = run(output, *options)
        assert result.exit_code == 0, result.output
        assert (left in result.stderr) if left else ("goes on" not in result.stderr)
        assert json.loads(result.stdout)["entries"] == whole["entries"]
        assert not kept.exists()


def test_a_page_that_cannot_be_written_costs_no_audit(
    output: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SURROGATE_PLUGIN_CACHE", str(tmp_path / "cache"))

    def full(*arguments: object) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr("surrogate_plugin.audit.page.audit_page", full)
        assert run(output, "--report", tmp_path / "audit.html").exit_code == 2
    moments = [f"output{number:08d}" for number in range(3)]
    assert goes_on(output, keeping.place_of(output), moments=moments) == 0


def test_a_place_where_nothing_can_be_kept_costs_the_chance_to_go_on_alone(output: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    assert same(audit(open_run(output)), audit(open_run(output), keep=tmp_path / "file" / "kept.npz"))
