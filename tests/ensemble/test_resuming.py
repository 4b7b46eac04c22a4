"""A command that was killed, or had members that failed, is gone on with: nothing is lost and nothing done twice."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from surrogate_plugin import ensemble
from tests.ensemble.members import begun, finished, noted, noting

ROOT = Path(__file__).parents[2]


def killed(folder: Path, *, together: int) -> None:
    """Run ten members in a process of their own, of which member 5 kills that process."""
    program = f"""
        from surrogate_plugin import ensemble
        from tests.ensemble.members import noting
        over = {{"x": range(10), "kills": [5], "notes": [{str(folder / "notes")!r}]}}
        ensemble.run(noting, ensemble.grid(over), {str(folder / "out.zarr")!r}, together={together})
    """
    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], cwd=ROOT, check=False, timeout=300)
    assert ended.returncode == -9


@pytest.mark.parametrize("together", [1, 4])
def test_a_killed_command_goes_on_with_what_is_not_finished(tmp_path, together) -> None:
    killed(tmp_path, together=together)
    before = finished(tmp_path / "out.zarr")
    assert together > 1 or before == [0, 1, 2, 3, 4]

    over = {"x": range(10), "kills": [5], "notes": [str(tmp_path / "notes")]}
    results = ensemble.run(noting, ensemble.grid(over), tmp_path / "out.zarr", together=together)
    assert results.finished.all()
    times = begun(tmp_path / "notes")
    assert all(times[x] == 1 for x in before), "what was finished is not begun again"
    assert times[5] == 2
    assert results.number("second")[5] == 1.0, "it finds the checkpoint that it had written"
    assert not (tmp_path / "out.begun").exists()

    alone = ensemble.run(noting, ensemble.grid(over | {"kills": [-1]}), tmp_path / "alone.zarr")
    assert np.array_equal(results.stack("field"), alone.stack("field")), "a kill changes no result"


def test_the_same_command_again_runs_nothing(tmp_path) -> None:
    over = {"x": range(3), "kills": [-1], "notes": [str(tmp_path / "notes")]}
    for _ in range(2):
        results = ensemble.run(noting, ensemble.grid(over), tmp_path / "out.zarr")
        assert results.finished.all()
    assert set(begun(tmp_path / "notes").values()) == {1}
    ensemble.run(noting, ensemble.grid(over), tmp_path / "out.zarr", fresh=True)
    assert set(begun(tmp_path / "notes").values()) == {2}


def test_a_sweep_that_grows_runs_what_is_new(tmp_path) -> None:
    over = {"kills": [-1], "notes": [str(tmp_path / "notes")]}
    ensemble.run(noting, ensemble.grid({"x": [1, 2], **over}), tmp_path / "out.zarr")
    results = ensemble.run(noting, ensemble.grid({"x": [3, 2, 1, 0], **over}), tmp_path / "out.zarr")
    assert begun(tmp_path / "notes") == dict.fromkeys(range(4), 1)
    assert results.parameter("x") == [3, 2, 1, 0]


def test_a_member_that_fails_stops_no_other_and_is_tried_again(tmp_path) -> None:
    broken = [True]

    def picky(given, link):
        if broken[0] and given["x"] == 1:
            raise ZeroDivisionError("x is 1")
        return {"inverse": 1 / (given["x"] - 1 + 1e-3)}

    with pytest.warns(RuntimeWarning, match="1 of 3 members failed, member 1 with ZeroDivisionError: x is 1; `failed`"):
        results = ensemble.run(picky, ensemble.grid({"x": [0, 1, 2]}), tmp_path / "out.zarr")
    assert results.finished.tolist() == [True, False, True]
    assert results.failed[1].error == "ZeroDivisionError: x is 1"
    assert "in picky" in results.failed[1].traceback
    assert np.isnan(results.number("inverse")).tolist() == [False, True, False]
    with pytest.raises(ensemble.EnsembleError, match=r"member 1 of .* failed .ZeroDivisionError: x is 1"):
        results[1]
    broken[0] = False
    results = ensemble.run(picky, ensemble.grid({"x": [0, 1, 2]}), tmp_path / "out.zarr")
    assert results.finished.all()
    assert not results.failed


def test_two_commands_at_once_share_the_members(tmp_path) -> None:
    """The second runs in a member of the first, and finds the members that the first is running."""
    over = {"x": range(6), "kills": [-1], "notes": [str(tmp_path / "notes")]}
    sweep, inner = ensemble.grid(over), []

    def outer(given, link):
        if given["x"] == 0:
            inner.append(Rest(sweep[1:]).run(tmp_path))
        return noting(given, link)

    outer.subject = "noting"
    results = ensemble.run(outer, sweep, tmp_path / "out.zarr", together=1)
    assert inner[0].finished.all()
    assert results.finished.all()
    assert begun(tmp_path / "notes") == dict.fromkeys(range(6), 1)


class Rest:
    """The members that another command goes on with."""

    def __init__(self, sweep) -> None:
        self.sweep = sweep

    def run(self, folder: Path) -> ensemble.Results:
        return ensemble.run(self, self.sweep, folder / "out.zarr")

    subject = "noting"

    def __call__(self, given, link):
        return noting(given, link)


def test_a_member_that_somebody_else_runs_is_left_to_them(tmp_path) -> None:
    from surrogate_plugin.ensemble.members import members_of
    from surrogate_plugin.ensemble.side_by_side import Outcome, Task, run_member
    from surrogate_plugin.ensemble.store import Store

    store = Store(tmp_path / "out.zarr")
    store.create({}, fresh=False)
    (member,) = members_of([{"x": 0, "kills": -1, "notes": str(tmp_path / "notes")}], "noting", repeats=1, seed=0)
    task = Task(noting, store, together=1)
    with store.claim(member) as mine:
        assert mine
        assert run_member(task, member) is Outcome.ELSEWHERE
    assert not (tmp_path / "notes").exists()
    assert run_member(task, member) is Outcome.FINISHED
    assert run_member(task, member) is Outcome.ELSEWHERE
    assert noted(tmp_path / "notes", "begun") == [0]


def test_what_another_command_has_begun_is_left_alone(tmp_path) -> None:
    """One comes to its end while another, of other members, is in the middle of one in the same store."""

    def outer(given, link):
        (link.folder / "checkpoint").write_text("begun")
        ensemble.run(lambda given, link: None, [{"x": 5}], tmp_path / "out.zarr")
        return {"kept": (link.folder / "checkpoint").exists()}

    results = ensemble.run(outer, [{"x": 1}], tmp_path / "out.zarr")
    assert results.number("kept").tolist() == [1.0]
    assert not (tmp_path / "out.begun").exists()


def test_ctrl_c_begins_no_further_member_and_is_gone_on_from(tmp_path) -> None:
    begun = []

    def run(given, link):
        begun.append(given["x"])
        if given["x"] == 1 and begun.count(1) == 1:
            raise KeyboardInterrupt
        return {"same": given["x"]}

    sweep = ensemble.grid({"x": [0, 1, 2]})
    with pytest.raises(KeyboardInterrupt):
        ensemble.run(run, sweep, tmp_path / "out.zarr", together=1)
    assert begun == [0, 1]
    assert ensemble.run(run, sweep, tmp_path / "out.zarr", together=1).finished.all()
    assert begun == [0, 1, 1, 2]
