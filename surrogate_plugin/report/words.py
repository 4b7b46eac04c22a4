"""A run in sentences and in rows of tables."""

from __future__ import annotations

import math

from surrogate_plugin.equation.solution import Reason
from surrogate_plugin.report.course import Course
from surrogate_plugin.session.steps import HELD, StepRecord

#: What every page says of its bounds.
WHAT_A_BOUND_IS = (
    "A bound is at least the largest distance, over all pixels, between a field and the exact solution of the discrete "
    "equation that was posed. How well lattice, rates and sides describe the tissue it does not say."
)
WHAT_AN_ESTIMATE_IS = (
    "This is an estimate, no bound. It is of the continuous equation whose data are constant on the pixels, held "
    "pixels being squares. How far the squares are from the vessels and cells that they stand for it does not say."
)


def verdict(course: Course, tolerance: float | None, unit: str) -> str:
    """How sure the fields of a run are, in a sentence or two."""
    if not len(course):
        return "No step was taken."
    summary, of = course.summary(), f" {unit}" if unit else ""
    steps = "1 step" if summary.steps == 1 else f"{summary.steps} steps"
    if course.unbounded:
        return (
            f"{steps}, {course.unbounded} of which have no bound, since who answered them was asked without the guard."
        )
    largest = f"{summary.largest_bound:.3g}{of}"
    beyond = course.beyond(tolerance) if tolerance is not None else _said_beyond(course)
    wanted = f" of {tolerance:.4g}{of}" if tolerance is not None else ""
    if beyond:
        return f"{steps}, {beyond} of which have a bound beyond the tolerance{wanted}; the largest bound is {largest}."
    within = f", within the tolerance{wanted}" if tolerance is not None else ""
    return f"{steps}, and every field is certified: the largest bound is {largest}{within}."


def answered(course: Course) -> list[list[object]]:
    """Method, steps, share and the median time of a solve."""
    counts = course.summary().answered
    rows: list[list[object]] = []
    for method, count in sorted(counts.items(), key=lambda pair: -pair[1]):
        spent = "" if method == HELD else duration(course.median_seconds(method))
        rows.append([_named(method), count, f"{100 * count / len(course):.3g} %", spent])
    if course.held_without_asking:
        rows.append(["held by the host's side, without a step", course.held_without_asking, "", ""])
    return rows


def flagged(course: Course) -> list[list[object]]:
    """Reason, how many steps raised it, the first and the last of them, and what it said first."""
    return [[reason.value, said.steps, said.first, said.last, said.message] for reason, said in course.flags.items()]


def notable(course: Course) -> list[list[object]]:
    """Steps to look at: each once, with what makes it one, and why it was answered as it was."""
    found: dict[int, tuple[StepRecord, float, list[str]]] = {}
    for name, (record, time) in course.notable.items():
        found.setdefault(record.step, (record, time, []))[2].append(name)
    rows: list[list[object]] = []
    for step in sorted(found):
        record, time, names = found[step]
        row: list[object] = [step, record.method, record.bound, duration(record.total_seconds), ", ".join(names)]
        rows.append([*row[:1], *([time] if course.timed else []), *row[1:], why(record)])
    return rows


def why(record: StepRecord) -> str:
    """Why a step was answered as it was."""
    told = [f"started from {record.start}"] if record.start else []
    told += [record.why.rstrip(".")] if record.why else []
    told += [str(flag) for flag in record.flags]
    return "; ".join(told) or ("nothing had changed" if record.method == HELD else "")


def timings(course: Course, wall: float) -> dict[str, object]:
    """What the fields took, by part, beside the run as a whole."""
    told: dict[str, object] = {stage: duration(spent) for stage, spent in course.stages.items()}
    share = f", {100 * course.total_seconds / wall:.3g} % of the run" if wall > 0 else ""
    told["all of it"] = f"{duration(course.total_seconds)}{share}"
    if course.loading > 0:
        told["of which loading and compiling, once"] = duration(course.loading)
    told["median of a solve"] = duration(course.summary().median_seconds)
    if course.starts:
        told["solves started from"] = ", ".join(f"{start} ({count})" for start, count in course.starts.most_common())
    return told


def duration(seconds: float) -> str:
    """A number of seconds as people say it.

    Examples
    --------
    >>> duration(0.0123), duration(75.0), duration(7500.0), duration(float("nan"))
    ('12.3 ms', '75 s', '2.08 h', 'not known')
    """
    if not math.isfinite(seconds):
        return "not known"
    if seconds < 1:
        return f"{1e3 * seconds:.3g} ms"
    if seconds < 600:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.3g} min" if seconds < 5400 else f"{seconds / 3600:.3g} h"


def _said_beyond(course: Course) -> int:
    said = course.flags.get(Reason.TOLERANCE_NOT_REACHED)
    return 0 if said is None else said.steps


def _named(method: str) -> str:
    return "held, as nothing had changed" if method == HELD else method
