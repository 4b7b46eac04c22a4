"""One field of a run as its page sees it: each step counted, the first and the last field kept to be drawn."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from surrogate_plugin.arguments import FloatArray
from surrogate_plugin.report.course import Course
from surrogate_plugin.report.embedding import png_of
from surrogate_plugin.report.scene import Scene
from surrogate_plugin.session.config import BackendConfig
from surrogate_plugin.session.posing import Posed
from surrogate_plugin.session.steps import StepRecord


class Drawn(NamedTuple):
    """A picture of a field: a PNG, its caption, and what is to be seen."""

    picture: bytes
    caption: str
    alt: str


class Watch:
    """What a backend tells of its steps.

    Parameters
    ----------
    name : str
        Of the field.
    config : BackendConfig
    unit : function
        That of the field, when it is asked for.
    told : function
        Called with this after each step, and whether its field is the first there is.

    Attributes
    ----------
    course : Course
    config : BackendConfig
        The one of the last step.
    time : float
        The host's time of the next step, where a host tells it.
    stopped : str
        What stopped the last step, if something has.
    news : bool
        Whether something was told since this was set to False.
    first : Drawn or None
        The first field.
    """

    def __init__(
        self, name: str, config: BackendConfig, unit: Callable[[], str], told: Callable[[Watch, bool], None]
    ) -> None:
        self.name = name
        self.config = config
        self.course = Course()
        self.time = math.nan
        self.stopped = ""
        self.news = True
        self._unit, self._told = unit, told
        self.first: Drawn | None = None
        self._before = 0
        self._last: tuple[Posed, FloatArray, StepRecord, float] | None = None

    def go_on(self, course: Course, steps: int, first: Drawn | None) -> None:
        """Count on from what another process has come to: its steps as far as they are known, and their number."""
        self.course, self._before, self.first = course, steps, first

    def take(self, posed: Posed, field: FloatArray, record: StepRecord) -> None:
        """Count a step, and what it was solved for."""
        self.config, self.news, self.stopped = posed.config, True, ""
        record = replace(record, step=self._before + record.step)
        self.course.add(record, self.time)
        begins = self._last is None and self.first is None
        self.show(posed, field, record)
        self._told(self, begins)

    def show(self, posed: Posed, field: FloatArray, record: StepRecord) -> None:
        """Have this field for the last one, without counting a step."""
        self._last = posed, field, record, self.time

    def hold(self) -> None:
        """Count a step for which the host's side keeps the field without asking."""
        self.course.held_without_asking += 1
        self.news = True

    def stop(self, error: BaseException) -> None:
        """Note what kept a step from being answered."""
        said = f": {error}" if str(error) else ""
        self.stopped = f"Step {len(self.course)} of {self.name} was not answered: {type(error).__name__}{said}"
        self.news = True

    def draw_first(self) -> None:
        """Draw the field that there is now, if none was drawn before."""
        if self.first is None:
            self.first = self._drawn()

    def pictures(self) -> list[Drawn]:
        """The first and the last field with its cells: PNGs, each with a caption and what is to be seen."""
        if self._last is None:
            return [] if self.first is None else [self.first]
        self.draw_first()
        assert self.first is not None
        last = self.first if self._last[2].step == 0 else self._drawn()
        return [last] if last[0] == self.first[0] else [self.first, last]

    def _drawn(self) -> Drawn:
        assert self._last is not None
        posed, field, record, time = self._last
        raster = posed.raster
        walls = np.broadcast_to(np.asarray(raster.exchange_per_min) > 0, raster.fixed.shape)
        scene = Scene(posed.config.domain, field, posed.state.cells, raster.fixed, walls if walls.any() else None)
        when = f"step {record.step}" + (f", time {time:.6g}" if math.isfinite(time) else "")
        unit = self._unit()
        bound = f"{record.bound:.3g} {unit}".rstrip()
        caption = f"{self.name} at {when}, answered by {record.method} within {bound}."
        return Drawn(png_of(scene.draw(self.name, unit)), caption, f"{caption} {scene.told}")
