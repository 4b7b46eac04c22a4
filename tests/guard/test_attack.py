"""Random and hostile problems against every promise of the guard; ``python -m tests.attack`` makes more of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.attack.__main__ import main
from tests.attack.campaign import Tally, attack, campaign
from tests.attack.judge import KINDS
from tests.attack.report import report
from tests.attack.trials import METHODS


def told(tally: Tally) -> str:
    return "\n".join(line for way, examples in sorted(tally.examples.items()) for line in (way, *examples))


@pytest.mark.parametrize("start", range(0, 320, 80))
def test_no_promise_is_broken(start: int) -> None:
    """Each problem by four methods, at any tolerance, from any previous field, with networks that mislead."""
    tally = attack(0, start, 80)
    assert tally.faults() == 0, told(tally)
    assert all(tally.counts[f"{method}|answered"] for method in METHODS)


@pytest.mark.parametrize("number", [94_799])
def test_what_a_campaign_once_found_is_found_no_more(number: int) -> None:
    """A torus that uptake alone anchors, from a field at which its slope is lost: the coarsest level was singular."""
    tally = attack(0, number, 1)
    assert tally.faults() == 0, told(tally)


@pytest.mark.slow
@pytest.mark.parametrize("start", range(0, 100_000, 5_000))
def test_no_promise_is_broken_in_a_hundred_thousand_problems(start: int) -> None:
    tally = attack(1, start, 5_000)
    assert tally.faults() == 0, told(tally)


def test_a_campaign_goes_on_where_it_was_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Tally()
    for start in (0, 3):
        piece = attack(3, start, 3)
        piece.write(tmp_path / f"3-{start}.json")
        whole.add(piece)
    monkeypatch.setattr("tests.attack.campaign.PIECE", 3)
    monkeypatch.setattr("tests.attack.campaign.attack", None)  # whatever is stored is not made again
    *_, (done, _, total) = campaign(3, 0, 6, 1, tmp_path)
    assert done == 6
    assert total.counts == whole.counts
    assert total.examples == whole.examples


def test_the_page_counts_what_was_broken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tally = Tally()
    tally.targets = 500
    tally.counts.update({"guarded|solves": 700, "guarded|answered": 698, "exact|solves": 500, "exact|answered": 500})
    tally.write(tmp_path / "0-0.json")
    page = tmp_path / "page.md"
    arguments = ["--problems", "500", "--processes", "1", "--folder", str(tmp_path), "--report", str(page)]
    assert main(arguments) == 0
    assert "500 random and hostile problems" in page.read_text()
    assert "0 promises broken" in page.read_text()
    for kind in KINDS:
        tally.counts[f"exact|{kind}"] += 1
    tally.examples["broken, asked for exact"] = ["0-7 exact: error 2, bound 1"]
    tally.write(tmp_path / "0-0.json")
    assert main(arguments) == 1
    assert f"{len(KINDS)} promises broken" in report(tally, 0, 0)
    assert "error 2, bound 1" in capsys.readouterr().out
