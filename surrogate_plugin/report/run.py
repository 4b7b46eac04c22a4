"""The page of a run: what was asked, who answered when and why, how sure each field is, and what it looks like."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from surrogate_plugin.report import about, charts, words
from surrogate_plugin.report.course import GROUPS, Course
from surrogate_plugin.report.page import Page
from surrogate_plugin.session.config import BackendConfig
from surrogate_plugin.session.steps import StepRecord

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Picture(NamedTuple):
    """A picture of a run, as `Page.picture` takes it."""

    picture: Figure | bytes
    caption: str
    alt: str = ""


class Audited(NamedTuple):
    """A field that was solved for again: when (the host's time, or the step), by whom, and how far it was off."""

    at: float
    by: str
    error: float
    bound: float


def run_page(
    records: Mapping[str, Sequence[StepRecord] | Course],
    settings: Mapping[str, BackendConfig],
    *,
    title: str = "A run",
    unit: str = "",
    lead: Sequence[str] = (),
    pictures: Mapping[str, Sequence[Picture]] | None = None,
    audits: Mapping[str, Sequence[Audited]] | None = None,
    hosts: Sequence[str] = (),
    wall_seconds: float = 0.0,
) -> Page:
    """The page of a run.

    Parameters
    ----------
    records : mapping of field to StepRecords or Course
        What each step of each field took; charts show at most 400 points, each the least and the largest of a group of
        steps where there are more.
    settings : mapping of field to BackendConfig
        Of each of them.
    title : str
    unit : str
        That of the fields, such as ``"mmHg"``.
    lead : sequence of str
        Sentences to begin with.
    pictures, audits : mapping of field to sequences, optional
        What a field looks like, and how far it was off where somebody solved for it again.
    hosts : sequence of str
        Python packages whose versions belong on the page.
    wall_seconds : float, s
        What the run took as a whole, if it is known.

    Returns
    -------
    Page
        To which more can be added before it is written.

    Examples
    --------
    >>> from surrogate_plugin import Backend, Domain, TissueState, Vessels
    >>> domain = Domain.from_lattice((16, 32), spacing_um=20.0)
    >>> backend = Backend(BackendConfig(domain=domain, diffusivity_um2_per_min=1e5, decay_per_min=0.1, tolerance=0.38))
    >>> result = backend.step(TissueState(vessels=Vessels([(320.0, 160.0)], radius_um=30.0, value=38.0)))
    >>> page = run_page({"oxygen": backend.records}, {"oxygen": backend.config}, title="One vessel", unit="mmHg")
    >>> "1 step, and every field is certified" in page.html()
    True
    """
    page = Page(title)
    for sentence in lead:
        page.text(sentence)
    courses = {name: each if isinstance(each, Course) else Course.of(each) for name, each in records.items()}
    for name, course in courses.items():
        page.section(name)
        page.text(words.verdict(course, settings[name].tolerance, unit))
        for picture in (pictures or {}).get(name, ()):
            page.picture(picture.picture, picture.caption, alt=picture.alt)
        if len(course) > 1:
            _charts(page, name, course, settings[name].tolerance, unit, (audits or {}).get(name, ()))
        if len(course):
            _answers(page, course)
            _certainty(page, name, course, unit, (audits or {}).get(name, ()))
            page.subsection("How long it took")
            page.facts(words.timings(course, wall_seconds))
            _notable(page, name, course)
    page.section("Settings")
    for name, config in settings.items():
        page.subsection(name)
        page.facts(about.settings_of(config, unit))
    page.section("Model card")
    for model in dict.fromkeys(config.model for config in settings.values()):
        page.facts(about.card_of(model))
    page.section("Versions")
    page.facts(about.versions(hosts))
    return page


def _charts(
    page: Page, name: str, course: Course, tolerance: float | None, unit: str, audits: Sequence[Audited]
) -> None:
    page.subsection("Over the run")
    size, summary = course.bounds.size, course.summary()
    if size > 1:
        page.text(
            f"The charts show {len(course)} steps in {GROUPS} groups of up to {size}. A band runs from the least to "
            "the largest of each group, so that none is hidden."
        )
    largest = f"{summary.largest_bound:.3g} {unit}".rstrip()
    drawn = charts.bounds(course, unit, tolerance, [(audit.at, audit.error) for audit in audits])
    page.picture(drawn, f"The bound of each step of {name}.", alt=f"The bounds of {name}; the largest is {largest}.")
    shares = ", ".join(f"{method} {count}" for method, count in summary.answered.items())
    page.picture(charts.answers(course), f"Who answered over the run of {name}.", alt=f"Steps answered: {shares}.")
    median = words.duration(summary.median_seconds)
    caption = f"What each solve of {name} took, without what was loaded or compiled for it."
    page.picture(charts.seconds(course), caption, alt=f"The time of each solve, with a median of {median}.")


def _answers(page: Page, course: Course) -> None:
    page.subsection("Who answered, and why")
    page.table(["answered by", "steps", "share", "median of a solve"], words.answered(course), caption="Who answered")
    if course.flags:
        header = ["why not the surrogate, or not at once", "steps", "first", "last", "what was said first"]
        page.table(header, words.flagged(course), caption="Flags")


def _certainty(page: Page, name: str, course: Course, unit: str, audits: Sequence[Audited]) -> None:
    page.subsection("How certain")
    page.text(words.WHAT_A_BOUND_IS)
    if math.isfinite(course.largest_time_error):
        page.text(
            f"The largest error that a step made by being so long is about {course.largest_time_error:.3g} {unit}: an "
            "estimate from halved steps, where it was made."
        )
    if math.isfinite(course.largest_defect):
        page.text(f"What came and went balances in each step to {course.largest_defect:.2g} of what there is.")
    if audits:
        header = ["at", "solved again by", "largest error", "bound that was promised"]
        page.table(header, [list(audit) for audit in audits], caption=f"Audits of {name}")


def _notable(page: Page, name: str, course: Course) -> None:
    page.subsection("Steps to look at")
    when = ["time"] if course.timed else []
    header = ["step", *when, "answered by", "bound", "took", "which it is", "why"]
    page.table(header, words.notable(course), caption=f"Steps of {name}")
