"""The audited run: what it says was wrong, and that the step which it predicts to be small enough is."""

from __future__ import annotations

import re

import pytest

from tests.examples.running import NUMBER, numbers, run
from tests.examples.saying import no_longer_said, page_of


@pytest.fixture(scope="module")
def audited(tmp_path_factory):
    folder = tmp_path_factory.mktemp("audit")
    return run("audit_a_run.py", "-o", "picture.png", "--out", "run", folder=folder), folder


def test_both_moments_are_errors_that_the_step_explains(audited):
    said = re.sub(r"\n {10}(?!cells)", " ", audited[0])  # lines are folded
    assert len(re.findall(r"^ +\d+ min: error\. .*: the step was too long\.$", said, re.MULTILINE)) == 2
    for least in re.findall(rf"no nearer to the saved field than ({NUMBER})", said):
        assert 3.0 < float(least) < 4.0
    median, lowest, low = numbers("cells read # mmHg (median), # at worst; # were below 5 mmHg for it", said)
    assert -4.0 < lowest < -3.0 < median < -0.76
    assert low > 30


def test_the_step_that_is_predicted_to_be_small_enough_is(audited):
    said, _ = audited
    step, predicted = numbers("predicted: with a step of # min no cell is off by more than # mmHg", said)
    (found,) = numbers("with that step: cells are off by up to # mmHg", said)
    assert step < 0.01
    assert found == pytest.approx(predicted, abs=0.011)  # two decimals are printed
    assert found < 0.76


def test_the_page_and_the_picture_are_there(audited):
    _, folder = audited
    assert "error" in (folder / "run" / "audit.html").read_text(encoding="utf-8")
    assert (folder / "picture.png").stat().st_size > 10_000


def test_the_gallery_shows_what_is_printed(audited):
    assert no_longer_said(page_of("audit_a_run.py"), audited[0]) == []
