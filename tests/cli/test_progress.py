"""Progress: how long it took and still takes, a bar on a terminal, a line now and then in a log, nothing if quiet."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_plugin import calibration
from surrogate_plugin.cli import expecting
from surrogate_plugin.terminal import Bar, progress, stderr
from surrogate_plugin.terminal import progress as progress_function


class Clock:
    """Time as a test has it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        module = sys.modules[progress_function.__module__]
        monkeypatch.setattr(module.time, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_what_is_left_follows_from_what_was_done(clock: Clock) -> None:
    bar = Bar("auditing", 40, stderr(), None, None)
    assert (bar.count, bar.times) == ("0 of 40", "0:00")
    for _ in range(10):
        bar.advance()
    clock.now += 90.0
    assert (bar.count, bar.times) == ("10 of 40", "1:30, 4:30 left")
    for _ in range(30):
        bar.advance()
    assert bar.times == "1:30"


def test_what_was_done_before_took_no_time(clock: Clock) -> None:
    bar = Bar("auditing", 40, stderr(), None, None)
    bar.skip(20)
    clock.now += 10.0
    assert (bar.count, bar.times) == ("20 of 40", "0:10")
    bar.advance()
    assert bar.times == "0:10, 3:10 left"


def test_shares_are_as_good_as_steps(clock: Clock) -> None:
    bar = Bar("training", None, stderr(), None, None)
    assert bar.count == ""
    clock.now += 3600.0
    bar.tell(0.25, "step 5")
    assert (bar.count, bar.times) == ("25.0 %", "1:00:00, 3:00:00 left")


def test_what_is_expected_is_said_until_it_is_over(clock: Clock) -> None:
    bar = Bar("solving", None, stderr(), None, None, 60.0)
    clock.now += 15.0
    assert bar.times == "0:15, about 0:45 left"
    clock.now += 60.0
    assert bar.times == "1:15"


def test_a_large_solve_is_expected_to_take_as_long_a_pixel_as_the_last_of_its_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SURROGATE_PLUGIN_CACHE", str(tmp_path))
    monkeypatch.setattr(calibration, "_figures", {})
    monkeypatch.setattr(expecting, "LARGE", 100)
    small, plain, larger = (sp.Problem(np.ones((side, side)), decay=0.1) for side in (9, 10, 20))
    uptake = larger.replace(uptake=sp.MichaelisMenten(1.0, 1.0))
    for problem in (small, plain, larger):
        assert expecting.expected_seconds(problem, "exact") is None
        expecting.remember(small, "exact", 3.0)
    expecting.remember(plain, "exact", 2.0)
    calibration._figures.clear()  # as in the next process
    assert expecting.expected_seconds(larger, "exact") == pytest.approx(8.0)
    assert expecting.expected_seconds(small, "exact") is None
    assert expecting.expected_seconds(uptake, "exact") is None
    assert expecting.expected_seconds(larger, "multigrid") is None


def test_a_log_gets_a_line_now_and_then_and_every_measurement(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with progress("training") as bar:
        for second in range(1, 101):
            clock.now += 1.0
            bar.tell(second / 200, '{"loss": 1.0}' if second == 50 else f"step {second}")
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "15.5 %  0:31, 2:49 left  step 31",
        '25.0 %  {"loss": 1.0}',
        "40.5 %  1:21, 1:59 left  step 81",
    ]


def test_quiet_says_nothing(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with progress("training", quiet=True) as bar:
        clock.now += 1000.0
        bar.tell(0.5, '{"loss": 1.0}')
        bar.tell(0.6, "step 7")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("columns", ["60", "200"])
def test_a_terminal_has_a_bar_that_vanishes(columns: str) -> None:
    code = """
from surrogate_plugin.terminal import progress
with progress("drawing each of the many moments that somebody has recorded, one after the other", 4) as bar:
    for _ in range(4):
        bar.advance()
print("done")
"""
    leader, follower = os.openpty()
    wanted = {**os.environ, "COLUMNS": columns, "TERM": "xterm", "NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=follower, text=True, check=True, env=wanted
    )
    os.close(follower)
    shown = os.read(leader, 100_000).decode()
    os.close(leader)
    assert done.stdout == "done\n"
    assert "4 of 4" in shown
    assert "0:0" in shown
    assert "drawing each" in shown
    assert shown.endswith("\x1b[2K")  # the line is gone
    assert "\x1b[1m" not in shown  # and was not coloured
