"""What came of a retraining: parent and child side by side, what the card says now, and whether the child is worse."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from surrogate_plugin.surrogate.card import Ranges
from surrogate_training.quality.assessment import CYCLES, Summary

#: The base test split may lose this much of its share certified at 1 % after two cycles.
MOST_LOST = 0.02
_TOLERANCE, _CYCLES = 0.01, 2


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Pair(_Entry):
    """Parent and child on the same problems, each within its own card."""

    parent: Summary
    child: Summary


class Report(_Entry):
    """Everything that ``report.json`` says.

    Attributes
    ----------
    parent, child : str
        Names of the models.
    recording : str
        What was recorded, in a few lines.
    training_steps, held_out_steps : int
        How many recorded steps each block has.
    steps, samples, minutes
        Of the fine-tuning: steps taken, samples seen (mirror images included), minutes by the clock.
    held_out, base : Pair
        On held-out steps of the recording, and on the test split of what the parent was trained on.
    ranges : Ranges
        Of the child's card.
    widening : list of str
        What became of each limit of the parent's card that recorded states lie beyond.
    worse : list of str
        In which respects the child is worse than its parent; empty if it is not.
    """

    parent: str
    child: str
    recording: str
    training_steps: int
    held_out_steps: int
    steps: int
    samples: int
    minutes: float
    held_out: Pair
    base: Pair
    ranges: Ranges
    widening: list[str]
    worse: list[str]


def worse(held_out: Pair, base: Pair) -> list[str]:
    """In which respects the child is worse than its parent, a sentence each.

    It is worse if the base test split's share certified at 1 % after two cycles loses more than `MOST_LOST`, or if
    held-out steps get no better: their share certified at 1 % after two cycles does not rise, and the median of their
    relative L2 error does not fall where that share stays.
    """
    found = []
    before, after = (summary.share(_TOLERANCE, _CYCLES) for summary in (base.parent, base.child))
    if not before - after <= MOST_LOST + 1e-9:
        found.append(
            f"of the base test split, {_percent(after)} are certified at 1 % after {_CYCLES} cycles, before it was "
            f"{_percent(before)}: more than {100 * MOST_LOST:.0f} points less."
        )
    before, after = (summary.share(_TOLERANCE, _CYCLES) for summary in (held_out.parent, held_out.child))
    errors = [summary.relative_l2["median"] for summary in (held_out.parent, held_out.child)]
    if not (after > before or (after == before and errors[1] < errors[0])):
        found.append(
            f"held-out steps got no better: {_percent(before)} before and {_percent(after)} after are certified at 1 % "
            f"after {_CYCLES} cycles, with a median relative L2 error of {_error(errors[0])} and {_error(errors[1])}."
        )
    return found


class Row(NamedTuple):
    """A line of the table."""

    name: str
    value: Callable[[Summary], float]
    show: Callable[[float], str]


def rows() -> list[Row]:
    """What the table shows, line by line."""
    found = [
        Row("relative L2 error, median", lambda summary: summary.relative_l2["median"], _error),
        Row("relative L2 error, 95th percentile", lambda summary: summary.relative_l2["p95"], _error),
        Row("largest error, median", lambda summary: summary.largest_error["median"], _error),
        Row("largest error, 95th percentile", lambda summary: summary.largest_error["p95"], _error),
        Row("covered by the card", lambda summary: summary.covered, _percent),
    ]
    for tolerance, written in ((0.01, "1 %"), (0.001, "0.1 %")):
        for at, cycles in enumerate(CYCLES):
            found.append(
                Row(
                    f"certified at {written} after {cycles} cycle{'s' if cycles > 1 else ''}",
                    lambda summary, tolerance=tolerance, at=at: summary.certified[tolerance][at],  # type: ignore[misc]
                    _percent,
                )
            )
    for at, cycles in enumerate(CYCLES[:2]):
        found.append(
            Row(
                f"at 1 % after {cycles} cycle{'s' if cycles > 1 else ''}, card or no card",
                lambda summary, at=at: summary.certified_by_network[0.01][at],  # type: ignore[misc]
                _percent,
            )
        )
    return found


def markdown(report: Report) -> str:
    """The before/after table, and what else people want to know, as Markdown."""
    held, base = report.held_out, report.base
    lines = [
        f"| | held-out steps ({held.parent.states}): `{report.parent}` | `{report.child}` "
        f"| base test split ({base.parent.states}): `{report.parent}` | `{report.child}` |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, value, show in rows():
        cells = [show(value(summary)) for summary in (held.parent, held.child, base.parent, base.child)]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    lines += ["", f"{report.minutes:.1f} minutes, {report.steps} steps on {report.samples} samples.", ""]
    lines += ["Ranges of the card:", "", *(f"- {line}" for line in report.widening or ["as the parent's."])]
    if report.worse:
        lines += ["", "Worse than its parent:", "", *(f"- {line}" for line in report.worse)]
    return "\n".join(lines) + "\n"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _error(error: float) -> str:
    return f"{100 * error:.2g} %"
