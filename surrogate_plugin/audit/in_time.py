"""Certified implicit steps up to a saved moment: what the cells, as far as the files tell, would have brought about.

Three are taken, and what they agree on does not hang on how cells fared between the saved moments:

- from the saved field before, with the cells of now all the time;
- from there with the cells of the moment before, until the rates of cells can have changed last, then those of now;
- for as long as rates have held, from the lowest and from the highest field that there can have been. Diffusion keeps
  the order of fields, so that whatever there was before, the field now lies between the two.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from surrogate_plugin.arguments import FloatArray
from surrogate_plugin.audit.run import Moment, Seen
from surrogate_plugin.audit.steady import config_of
from surrogate_plugin.session.backend import Backend
from surrogate_plugin.tissue.state import TissueState


@dataclass(frozen=True, eq=False)
class Evolved:
    """A field that certified steps came to.

    Attributes
    ----------
    field : (H, W) float64, field units
    bound : float, field units
        At least its distance to the exact implicit steps.
    time_error : float, field units
        About how far off it is for the length of the steps: an estimate.
    steps : int
    """

    field: FloatArray
    bound: float
    time_error: float
    steps: int

    @property
    def off(self) -> float:
        """Bound and estimate together."""
        return self.bound + self.time_error


@dataclass(frozen=True, eq=False)
class Brackets:
    """Between which fields the exact one lies if rates and places of cells held for a time, whatever there was before.

    Attributes
    ----------
    low, high : (H, W) float64, field units
        Widened by all that they may be off.
    minutes : float, min
    """

    low: FloatArray
    high: FloatArray
    minutes: float

    def outside(self, field: FloatArray) -> FloatArray:
        """How far a field is outside of them, (H, W) >= 0."""
        return np.maximum(np.maximum(self.low - field, field - self.high), 0.0)


def held_for(time_min: float, period_min: float | None) -> float:
    """For how long rates have held at a time, min: since the last multiple of a period, before the time itself.

    Examples
    --------
    >>> held_for(60.0, 6.0), held_for(8.0, 6.0), held_for(1.0, 6.0), held_for(60.0, None)
    (6.0, 2.0, 1.0, 0.0)
    """
    if period_min is None or time_min <= 0.0:
        return 0.0
    since = time_min - period_min * math.floor(time_min / period_min)
    return period_min if since < 1e-6 * period_min else since


@dataclass(frozen=True, eq=False)
class Between:
    """What certified steps make of the time between two saved moments.

    Attributes
    ----------
    minutes : float, min
        From the moment before to this one.
    by_now : Evolved
        With the cells of now all the time.
    by_before : Evolved
        With the cells of the moment before for as long as can be, then those of now.
    """

    minutes: float
    by_now: Evolved
    by_before: Evolved

    @property
    def apart(self) -> float:
        """How far the two are from one another: what the files do not tell of the cells, about."""
        return float(np.abs(self.by_now.field - self.by_before.field).max())

    @property
    def doubt(self) -> float:
        """By how much the field of the steps can be off, with what is not known of the cells."""
        return self.apart + self.by_now.off + self.by_before.off

    def outside(self, field: FloatArray) -> FloatArray:
        """How far a field is from both, beyond all doubt of theirs, (H, W) >= 0."""
        nearest = np.minimum(np.abs(field - self.by_now.field), np.abs(field - self.by_before.field))
        return np.maximum(nearest - self.doubt, 0.0)


class Stepper:
    """Takes certified steps of one substrate.

    Parameters
    ----------
    time_tolerance : float, field units
        What a stretch may be estimated to be off for the length of its steps.
    """

    def __init__(self, time_tolerance: float) -> None:
        self._time_tolerance = time_tolerance

    def evolve(
        self, moment: Moment, seen: Seen, state: TissueState, start: FloatArray, minutes: float, error: float = 0.0
    ) -> Evolved:
        """From a field on for a time, with the cells of a moment."""
        config = config_of(moment, seen).replace(
            stepping="implicit-euler", time_tolerance=self._time_tolerance, method="guarded"
        )
        backend = Backend(config.replace(tolerance=0.1 * self._time_tolerance))
        backend.restart(np.maximum(start, 0.0), error)
        result = backend.step(state, minutes)
        return Evolved(result.field, result.record.bound, result.record.time_error, 2 * result.record.parts)

    def between(self, before: tuple[Moment, Seen], now: tuple[Moment, Seen], held_min: float | None) -> Between | None:
        """From the moment before to this one; None where it cannot be stepped from.

        ``held_min`` is the period at whose multiples the rates of cells change, min.
        """
        (earlier, old), (moment, seen) = before, now
        minutes = moment.time_min - earlier.time_min
        if old.state is None or seen.state is None or minutes <= 0 or old.field.shape != seen.field.shape:
            return None
        by_now = self.evolve(moment, seen, seen.state, old.field, minutes)
        held = min(held_for(moment.time_min, held_min), minutes)
        by_before = None
        if minutes - held > 1e-9 * minutes:
            by_before = self.evolve(earlier, old, old.state, old.field, minutes - held)
        if held > 0.0:
            start, error = (old.field, 0.0) if by_before is None else (by_before.field, by_before.off)
            last = self.evolve(moment, seen, seen.state, start, held, error)
            by_before = last if by_before is None else Evolved(
                last.field, last.bound, last.time_error, by_before.steps + last.steps
            )  # fmt: skip
        assert by_before is not None, "the time between is not 0"
        return Between(minutes, by_now, by_before)

    def brackets(self, moment: Moment, seen: Seen, highest: float, held_min: float) -> Brackets | None:
        """From nothing, and from ``highest`` everywhere, for a time in which rates have held."""
        if seen.state is None or held_min <= 0.0:
            return None
        shape = seen.field.shape
        low = self.evolve(moment, seen, seen.state, np.zeros(shape), held_min)
        high = self.evolve(moment, seen, seen.state, np.full(shape, highest), held_min)
        return Brackets(low.field - low.off, high.field + high.off, held_min)
