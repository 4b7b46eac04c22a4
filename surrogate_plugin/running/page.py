"""The page of a run without a host: one that goes on where it was stopped has the steps before on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from surrogate_plugin.plain_files import check_plain
from surrogate_plugin.report.course import Course
from surrogate_plugin.report.watch import Drawn
from surrogate_plugin.running.saving import Moment
from surrogate_plugin.running.tissue import Tissue
from surrogate_plugin.session.posing import Posed
from surrogate_plugin.whole_files import replacing

if TYPE_CHECKING:
    from surrogate_plugin.report.page import Page
    from surrogate_plugin.report.writing import Watch
    from surrogate_plugin.settings.file import SettingsFile


@dataclass(frozen=True)
class Before:
    """What a run had come to when it was stopped.

    Attributes
    ----------
    last : Moment
    begins_min : float, min
        The begin of its step.
    courses : mapping of str to Course
        The steps of each substrate, as far as they were kept.
    spent_s : float, s
        What they had taken.
    folder : Path
        Where first pictures are kept.
    """

    last: Moment
    begins_min: float
    courses: Mapping[str, Course]
    spent_s: float
    folder: Path


class RunPage:
    """The page, and what is watched for it.

    Parameters
    ----------
    settings : SettingsFile
        Which names a ``report``.
    tissue : Tissue
    before : Before or None
        What it goes on from.

    Attributes
    ----------
    report : RunReport
    watches : dict of str to Watch
    """

    def __init__(self, settings: SettingsFile, tissue: Tissue, before: Before | None) -> None:
        import surrogate_plugin as sp

        units = {settings.substrate(name).units for name in tissue.names}
        unit = units.pop() if len(units) == 1 else ""
        assert settings.report is not None, "a page is asked for"
        self.report = sp.RunReport(settings.report, title=f"Diffusion: {settings.document.path.name}", unit=unit)
        self.watches = {name: self.report.watch(name, config) for name, config in tissue.configs.items()}
        self._named, self._before = settings.document.path.name, before
        self._kept: set[str] = set()
        self._lacks = False
        if before is not None:
            self.report.spent_before = before.spent_s
            self._lacks = any(len(course) < before.last.step for course in before.courses.values())
            for name, watch in self.watches.items():
                _go_on(watch, name, tissue, before)

    def tell(self, page: Page, time_min: float, of_min: float) -> None:
        """How far a run in time is, at the end of a page."""
        page.section("Settings file")
        told = f"The run of {self._named} is at {time_min:g} of {of_min:g} min."
        if self._before is not None:
            told += f" It was stopped before and went on from {self._before.last.time_min:g} min"
            told += "; of the steps before, some are not known any more." if self._lacks else "."
        page.text(told)

    def keep(self, folder: Path) -> None:
        """Keep the first pictures for the process that goes on."""
        for name, watch in self.watches.items():
            if watch.first is not None and name not in self._kept:
                self._kept.add(name)
                _write(_picture(folder, name), watch.first)


def _go_on(watch: Watch, name: str, tissue: Tissue, before: Before) -> None:
    course, last = before.courses[name], before.last
    watch.go_on(course, last.step, _read(_picture(before.folder, name)))
    if len(course):
        # In case that no step is left, and the page has yet to be written.
        record, watch.time = course.notable["the last"]
        watch.show(Posed.of(tissue.state(name, before.begins_min), watch.config), last.fields[name], record)


def _picture(folder: Path, name: str) -> Path:
    return folder / f"first-{name.encode().hex()}.npz"


def _write(path: Path, drawn: Drawn) -> None:
    with replacing(path) as partial, partial.open("wb") as stream:
        np.savez(stream, picture=np.frombuffer(drawn.picture, np.uint8), caption=drawn.caption, alt=drawn.alt)


def _read(path: Path) -> Drawn | None:
    """A picture that is damaged or not there is drawn anew, of the first field that there is then."""
    try:
        check_plain(path)
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            return Drawn(file["picture"].tobytes(), str(file["caption"]), str(file["alt"]))
    except Exception:  # numpy and zipfile have many for what is damaged
        return None
