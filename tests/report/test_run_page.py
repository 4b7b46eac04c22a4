"""The page of a run says who answered, how sure, when and why; of no step and of ten thousand."""

from __future__ import annotations

import math

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_plugin.report import Audited, run_page
from surrogate_plugin.report.course import GROUPS, Course
from surrogate_plugin.session.steps import StepRecord
from tests.report.runs import config, run
from tests.report.strict import read

CARD = sp.Flag(sp.Reason.OUTSIDE_CARD, "the lattice is <small>")


def many(steps: int) -> list[StepRecord]:
    """One step in a thousand stands out."""
    return [
        StepRecord(n, "surrogate", 5.0 if n % 1000 == 617 else 0.1 + 1e-6 * n, {"solve": 0.002}, flags=(CARD,))
        for n in range(steps)
    ]


def test_a_page_has_settings_answers_flags_certainty_and_versions() -> None:
    backend = run(4)
    found = read(run_page({"oxygen": backend.records}, {"oxygen": backend.config}, unit="mmHg").html())
    for said in (
        "24 x 12 pixels of 20 µm",
        "1e+05 µm²/min",
        "0.38 mmHg",
        "all held at 0",
        "numba",
        "SHA-256",
    ):
        assert said in found.text
    bound = max(record.bound for record in backend.records)
    assert f"4 steps, and every field is certified: the largest bound is {bound:.3g} mmHg" in found.text


def test_no_step_is_said_and_not_drawn() -> None:
    found = read(run_page({"oxygen": []}, {"oxygen": config()}).html())
    assert "No step was taken." in found.text
    assert found.pictures == []


def test_of_ten_thousand_steps_none_that_stands_out_is_hidden() -> None:
    course = Course.of(many(10_000))
    bounds = course.bounds
    assert len(bounds.at) == GROUPS
    assert int((bounds.high == 5.0).sum()) == 10
    assert bounds.low.min() == 0.1
    html = run_page({"oxygen": course}, {"oxygen": config()}).html()
    assert f"10000 steps in {GROUPS} groups of up to 25" in read(html).text
    assert "10000 steps, 10 of which have a bound beyond the tolerance of 0.38" in read(html).text
    assert len(html) < 300_000


@pytest.mark.parametrize("steps", [1, 7, GROUPS, GROUPS + 1, 5003])
def test_groups_hold_every_step_once(steps: int) -> None:
    records = [
        StepRecord(n, "multigrid", float(value)) for n, value in enumerate(np.random.default_rng(steps).random(steps))
    ]
    bounds = Course.of(records).bounds
    values = [record.bound for record in records]
    assert (bounds.low.min(), bounds.high.max()) == (min(values), max(values))
    assert bounds.size == math.ceil(steps / GROUPS)
    at, shares = Course.of(records).shares()
    assert at.tolist() == bounds.at.tolist()
    assert (sum(shares.values()) == 1.0).all()


def test_flags_are_counted_with_the_first_and_the_last_step_and_what_they_said() -> None:
    found = read(run_page({"oxygen": many(30)}, {"oxygen": config()}).html())
    at = found.cells.index("the lattice is <small>")
    assert found.cells[at - 3 : at] == ["30", "0", "29"]


def test_steps_without_a_bound_are_said() -> None:
    records = [StepRecord(0, "surrogate", math.inf, {"solve": 0.1}), StepRecord(1, "multigrid", 0.2, {"solve": 0.1})]
    found = read(run_page({"oxygen": records}, {"oxygen": config()}).html())
    assert "2 steps, 1 of which have no bound" in found.text


def test_audits_stand_beside_what_was_promised() -> None:
    audits = {"oxygen": [Audited(3.0, "sparse-direct", 0.0123, 0.31)]}
    found = read(run_page({"oxygen": many(30)}, {"oxygen": config()}, audits=audits).html())
    at = found.cells.index("sparse-direct")
    assert found.cells[at + 1 : at + 3] == ["0.0123", "0.31"]


def test_a_name_that_is_mathematics_or_markup_is_text() -> None:
    name = "O$_2$^{ <b>&amp;"
    found = read(run_page({name: many(3)}, {name: config()}, unit="$\\frac").html())
    assert name in found.text
    assert "b" not in found.tags


def test_a_field_that_goes_on_in_time_tells_its_balance_and_what_steps_cost_it() -> None:
    backend = sp.Backend(config(stepping="implicit-euler", boundary="reflecting", tolerance=1e-3))
    vessel = sp.TissueState(vessels=sp.Vessels([(240.0, 120.0)], radius_um=25.0, value=38.0))
    for _ in range(3):
        backend.step(vessel, 0.1)
    found = read(run_page({"drug": backend.records}, {"drug": backend.config}).html())
    assert "implicit-euler" in found.text
    assert "balances in each step" in found.text
    assert "estimate from halved steps" in found.text


def test_what_was_loaded_once_is_no_part_of_what_a_solve_takes() -> None:
    records = [
        StepRecord(0, "multigrid", 0.1, {"solve": 9.0}, {"load": 8.5}),
        StepRecord(1, "multigrid", 0.1, {"solve": 0.5}),
    ]
    course = Course.of(records)
    assert course.seconds.high.tolist() == [0.5, 0.5]
    assert course.loading == 8.5
