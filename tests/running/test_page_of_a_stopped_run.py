"""The page and the last words of a run that was stopped or killed have all of its steps, not only those since."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import surrogate_plugin as sp
from surrogate_plugin.running import going as going_module
from surrogate_plugin.running.going import Going
from tests.fuzzing import assert_one_sentence
from tests.report.strict import read
from tests.running.scenes import DOMAIN, DOSE, DRUG, OXYGEN, TIME, VESSEL, going, written

REPORT = "report = 'run.html'\n"
#: One that goes on in time, and one that is solved for anew where something comes, and held else.
STEADY = OXYGEN + VESSEL.replace("[[vessels]]\n", "[[vessels]]\nsubstrate = 'oxygen'\n") + "from_min = 1.0\n"
PARTS = (REPORT, DOMAIN, DRUG, STEADY, DOSE, TIME)


def page_of(folder: Path) -> Any:
    return read((folder / "run.html").read_text(encoding="utf-8"))


def stopped_after(folder: Path, steps: int, *parts: str, fresh: bool = False) -> Going:
    run = going(folder, *parts, fresh=fresh)
    taken: list[None] = []
    assert not run.run(lambda: taken.append(None), lambda: len(taken) >= steps * len(run.tissue.names))
    return run


def killed_at(folder: Path, step: int, *parts: str) -> None:
    """As a kill leaves it: nothing is kept of the step, and nothing is put in order."""
    run = going(folder, *parts)
    taken: list[None] = []

    def killed() -> None:
        taken.append(None)
        if len(taken) == step * len(run.tissue.names):
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        run.run(killed)


def counts(run: Going) -> dict[str, tuple[int, float, bool]]:
    return {name: (told.methods.total(), told.largest_bound, told.reached) for name, told in run.told.items()}


def test_a_page_has_the_steps_of_all_processes(tmp_path: Path) -> None:
    whole = going(tmp_path, *PARTS, fresh=True)
    assert whole.run()
    expected = page_of(tmp_path)
    stopped_after(tmp_path, 3, *PARTS, fresh=True)
    stopped_after(tmp_path, 4, *PARTS)
    again = going(tmp_path, *PARTS)
    assert again.run()
    found = page_of(tmp_path)
    assert "10 steps, and every field is certified" in found.text
    assert found.text.count("10 steps") == expected.text.count("10 steps") >= 2
    assert "It was stopped before and went on from 3.5 min." in found.text
    assert counts(again)["drug"] == counts(whole)["drug"]
    drawn = [picture for picture in found.pictures if " at step " in picture]
    assert [picture.partition(",")[0] for picture in drawn] == [
        f"{name} at step {step}" for name in ("drug", "oxygen") for step in (0, 9)
    ]
    assert drawn == [picture for picture in expected.pictures if " at step " in picture]


def test_what_a_kill_has_left_of_later_steps_is_not_counted_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(going_module, "_SECONDS_BETWEEN", 0.0)
    killed_at(tmp_path, 4, *PARTS)
    kept = tmp_path / "surrogate.run"
    before = (kept / "latest.npz").read_bytes()
    killed_at(tmp_path, 3, *PARTS)
    (kept / "latest.npz").write_bytes(before)  # as if the kill had come between the steps and what is gone on from
    again = going(tmp_path, *PARTS)
    assert again.resumed_min == pytest.approx(1.5)
    stopped_after(tmp_path, 1, *PARTS)
    again = going(tmp_path, *PARTS)
    assert again.run()
    assert {name: told[0] for name, told in counts(again).items()} == {"drug": 10, "oxygen": 10}
    assert "10 steps, and every field is certified" in page_of(tmp_path).text


def test_a_bound_beyond_the_tolerance_is_told_though_it_was_before_a_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = (DOMAIN, DRUG.replace("1e-6", "1e-30"), DOSE, TIME)
    first = stopped_after(tmp_path, 2, *parts)
    assert not first.told["drug"].reached
    largest = first.told["drug"].largest_bound
    again = going(tmp_path, *parts)
    assert not again.told["drug"].reached
    assert again.told["drug"].flags == first.told["drug"].flags
    assert again.told["drug"].largest_bound == largest


def test_a_page_that_was_not_there_before_has_the_steps_before(tmp_path: Path) -> None:
    stopped_after(tmp_path, 4, *PARTS[1:])
    assert going(tmp_path, *PARTS).run()
    found = page_of(tmp_path)
    assert "10 steps, and every field is certified" in found.text
    assert any(picture.startswith("drug at step 4,") for picture in found.pictures)  # the first that could be drawn


def test_a_page_that_is_missing_at_the_end_is_written_with_the_last_field(tmp_path: Path) -> None:
    assert going(tmp_path, *PARTS).run()
    expected = page_of(tmp_path)
    (tmp_path / "run.html").unlink()
    assert going(tmp_path, *PARTS).run()
    found = page_of(tmp_path)
    assert "10 steps, and every field is certified" in found.text
    assert [each for each in found.pictures if " at step " in each] == [
        each for each in expected.pictures if " at step " in each
    ]


def test_without_the_file_of_its_steps_a_run_goes_on_and_its_page_says_so(tmp_path: Path) -> None:
    stopped_after(tmp_path, 4, *PARTS)
    (tmp_path / "surrogate.run" / "steps.jsonl.gz").unlink()
    stopped_after(tmp_path, 2, *PARTS)
    assert going(tmp_path, *PARTS).run()
    found = page_of(tmp_path)
    assert "6 steps, and every field is certified" in found.text
    assert "; of the steps before, some are not known any more." in found.text
    assert any(picture.startswith("drug at step 9,") for picture in found.pictures)


def test_a_damaged_file_of_steps_is_refused_in_a_sentence_that_says_what_helps(tmp_path: Path) -> None:
    stopped_after(tmp_path, 4, *PARTS)
    path = tmp_path / "surrogate.run" / "steps.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(sp.InvalidProblemError, match="if it is removed, the run goes on") as caught:
        going(tmp_path, *PARTS)
    assert_one_sentence(caught.value)
    path.unlink()
    assert going(tmp_path, *PARTS).resumed_min == pytest.approx(2.0)


@pytest.mark.parametrize("left", [(), (".partial-run.json",), ("run.json",), ("run.json", "steps.jsonl.gz")])
def test_a_kill_before_anything_was_kept_costs_nothing(tmp_path: Path, left: tuple[str, ...]) -> None:
    stopped_after(tmp_path, 1, *PARTS)
    kept = tmp_path / "surrogate.run"
    (kept / ".partial-run.json").write_text('{"format"')
    for path in kept.iterdir():
        if path.name not in left:
            path.unlink()
    again = going(tmp_path, *PARTS)
    assert again.resumed_min is None
    assert again.run()
    assert {name: told[0] for name, told in counts(again).items()} == {"drug": 10, "oxygen": 10}


def test_numbers_of_steps_and_what_they_took_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped_after(tmp_path, 4, *PARTS)
    run = going(tmp_path, *PARTS)
    assert run.saved is not None
    taken = list(run.saved.taken())
    stopped_after(tmp_path, 3, *PARTS)
    run = going(tmp_path, *PARTS)
    assert run.saved is not None
    more = list(run.saved.taken())
    assert more[: len(taken)] == taken
    assert [each.record.step for each in more if each.substrate == "drug"] == list(range(7))
    assert [each.spent_s for each in more] == sorted(each.spent_s for each in more)
    assert not any(math.isinf(each.record.dt_min) for each in more if each.substrate == "drug")


def test_a_page_that_cannot_be_written_is_told_in_a_sentence_and_costs_no_run(tmp_path: Path) -> None:
    path = written(tmp_path, *PARTS)
    code = f"""
from surrogate_plugin.cli import app
from surrogate_plugin.report.page import Page

def full(*_):
    raise OSError("no space left on device")

Page.write = full
app(["run", {str(path)!r}, "--quiet"])
"""
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert made.returncode == 0
    assert made.stdout == ""
    assert made.stderr.startswith("Warning: the page ")
    assert made.stderr.endswith("was not written (OSError: no space left on device); the run goes on.\n")
    assert made.stderr.count("\n") == 1
