"""What an audit says, as plain numbers: one `Entry` a moment and substrate, and all of them together."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

from surrogate_plugin.arguments import FloatArray
from surrogate_plugin.errors import InvalidProblemError


class Verdict(StrEnum):
    """What a difference from the steady field is, as far as the files tell."""

    STEADY = "steady"
    ERROR = "error"
    NOT_YET_STEADY = "not yet steady"
    BOTH = "error, and not yet steady"
    UNTOLD = "difference"
    INITIAL = "initial condition"
    REFUSED = "not audited"


@dataclass(frozen=True)
class Difference:
    """How far the field that the cells saw was from another, saved less other, field units.

    Attributes
    ----------
    largest : float
        Anywhere.
    where_um : (float, float), um
        The centre of that voxel, (x, y).
    relative_l2 : float
        Over the norm of the other field; NaN where that is 0 everywhere.
    cells : int
        How many cells the rest is of.
    median, lowest, highest : float
        At cells; 0 where there are none. Negative where cells saw too little.
    """

    largest: float
    where_um: tuple[float, float]
    relative_l2: float
    cells: int
    median: float
    lowest: float
    highest: float

    @property
    def largest_at_cells(self) -> float:
        """The largest at any cell, whatever its sign."""
        return max(abs(self.lowest), abs(self.highest))

    @classmethod
    def of(
        cls, saved: FloatArray, other: FloatArray, at_cells: FloatArray, centres: tuple[FloatArray, FloatArray]
    ) -> Difference:
        """Between two fields, (H, W) each; ``at_cells`` is that at the cells, (n,), ``centres`` x and y of voxels."""
        apart = saved - other
        row, column = np.unravel_index(int(np.argmax(np.abs(apart))), apart.shape)
        norm = float(np.linalg.norm(other))
        there = len(at_cells) > 0
        return cls(
            largest=float(np.abs(apart).max()),
            where_um=(float(centres[0][column]), float(centres[1][row])),
            relative_l2=float(np.linalg.norm(apart)) / norm if norm > 0 else math.nan,
            cells=len(at_cells),
            median=float(np.median(at_cells)) if there else 0.0,
            lowest=float(at_cells.min()) if there else 0.0,
            highest=float(at_cells.max()) if there else 0.0,
        )


@dataclass(frozen=True)
class InTime:
    """How the saved field compares with certified steps from the saved field before.

    Attributes
    ----------
    minutes : float, min
        Between the two moments.
    steps : int
    difference : Difference
        Saved less stepped, with the cells of this moment all the time.
    steady : float, field units
        How far the stepped field is from the steady one: what is not yet steady.
    bound : float, field units
        At least what the solves of all steps add up to.
    time_error : float, field units
        About what the length of the steps adds: an estimate.
    apart : float, field units
        How far it is from the field that the cells of the moment before bring about, held for as long as can be.
    """

    minutes: float
    steps: int
    difference: Difference
    steady: float
    bound: float
    time_error: float
    apart: float


@dataclass(frozen=True)
class Pace:
    """How quasi-steady a substrate was.

    Attributes
    ----------
    relaxation_min : float, min
        In which what is slowest comes e times closer to rest, with the cells of this moment.
    held_min : float, min
        For how long rates had held; 0 if that is not known.
    changed : float or None, field units
        The largest change of the saved field at any voxel since the moment before.
    steady_changed : float or None, field units
        The same of the steady field.
    lag : float or None, field units
        How far behind the steady field one would be that follows it, if that changed evenly since: an estimate.
    """

    relaxation_min: float
    held_min: float
    changed: float | None
    steady_changed: float | None
    lag: float | None


@dataclass(frozen=True)
class Crossing:
    """Which living cells were on the other side of a threshold than in the steady field.

    Attributes
    ----------
    threshold : float, field units
    below_saved, below_steady : int
        How many living cells were below it, in either field.
    made_low : tuple of int
        The IDs of those that the difference put below.
    made_high : tuple of int
        Of those that it kept above.
    undecided : int
        How many are within the bound of the threshold in the steady field; they are in neither list.
    """

    threshold: float
    below_saved: int
    below_steady: int
    made_low: tuple[int, ...]
    made_high: tuple[int, ...]
    undecided: int


@dataclass(frozen=True)
class TimeStep:
    """What the host's time step explains of the difference, and which would be small enough: a prediction.

    Attributes
    ----------
    dt_min : float, min
        The host's diffusion step.
    predicted : float, field units
        How far the host's scheme is from the steady field at rest with that step, the largest at any voxel.
    predicted_at_cells : float, field units
        The largest at cells.
    left : float, field units
        The largest difference between the saved field and the one predicted.
    small_enough_min : float or None, min
        A step with which no cell would be off by more than the tolerance, to one digit; None if none was found.
    then : float or None, field units
        How far off the worst cell would be with it.
    """

    dt_min: float
    predicted: float
    predicted_at_cells: float
    left: float
    small_enough_min: float | None
    then: float | None


@dataclass(frozen=True)
class Entry:
    """One substrate at one moment.

    Attributes
    ----------
    moment, substrate, units : str
    time_min : float, min
    cells : int
    verdict : Verdict
    sentence : str
        What it means.
    size : float, field units
        The largest value, saved or steady, that differences are small beside.
    tolerance : float, field units
        Up to which a difference counts as none.
    steady : Difference or None
        Saved less steady; None where it was not audited.
    bound : float, field units
        At least the largest error of the steady field.
    error_at_least : float, field units
        How much of the largest difference is error, as certified steps do not come near it whatever the cells did.
    in_time : InTime or None
    pace : Pace or None
    crossing : Crossing or None
    time_step : TimeStep or None
    """

    moment: str
    substrate: str
    units: str
    time_min: float
    cells: int
    verdict: Verdict
    sentence: str
    size: float = 0.0
    tolerance: float = 0.0
    steady: Difference | None = None
    bound: float = 0.0
    error_at_least: float = 0.0
    in_time: InTime | None = None
    pace: Pace | None = None
    crossing: Crossing | None = None
    time_step: TimeStep | None = None


@dataclass(frozen=True, eq=False)
class Maps:
    """The fields of one entry, to be drawn.

    Attributes
    ----------
    saved, steady : (H, W) float64, field units
    extent_um : (left, right, bottom, top), um
    position_um : (n, 2) float64, um
    """

    saved: FloatArray
    steady: FloatArray
    extent_um: tuple[float, float, float, float]
    position_um: FloatArray


@dataclass(frozen=True, eq=False)
class Audit:
    """A finished run beside certified fields.

    Attributes
    ----------
    host, source : str
    diffusion_step_min : float or None, min
    notes : tuple of str
    entries : tuple of Entry
        Moment by moment, in each substrate by substrate.
    maps : mapping of (moment, substrate) to Maps
        Of each substrate the entry with the largest difference, as `worst` finds it.
    seconds : float
    """

    host: str
    source: str
    diffusion_step_min: float | None
    notes: tuple[str, ...]
    entries: tuple[Entry, ...]
    maps: Mapping[tuple[str, str], Maps] = field(default_factory=dict)
    seconds: float = 0.0

    def of(self, substrate: str) -> tuple[Entry, ...]:
        """The entries of one substrate, in the order of time."""
        return tuple(entry for entry in self.entries if entry.substrate == substrate)

    def worst(self, substrate: str) -> tuple[Entry, Maps]:
        """The entry with the largest difference from the steady field, of the size of its field, and its maps.

        Parameters
        ----------
        substrate : str

        Returns
        -------
        (Entry, Maps)
            To be read, or drawn by `difference_picture`. What a run began with is passed over.

        Raises
        ------
        InvalidProblemError
            If the substrate is none of those audited, or none of its moments has a steady field to compare with.
        """
        entries = self.of(substrate)
        if not entries:
            raise InvalidProblemError(
                f"substrate is {substrate!r}, which was not audited; {', '.join(self.substrates) or 'none'} is allowed."
            )
        for entry in entries:
            if (entry.moment, substrate) in self.maps:
                return entry, self.maps[entry.moment, substrate]
        raise InvalidProblemError(
            f"no moment of {substrate!r} was compared with a steady field; the last is: {entries[-1].sentence}"
        )

    @property
    def substrates(self) -> tuple[str, ...]:
        """Those that were audited, in order."""
        return tuple(dict.fromkeys(entry.substrate for entry in self.entries))

    def as_json(self) -> dict[str, Any]:
        """All numbers by name, for `json.dumps`; what is not finite is None."""
        return {
            "host": self.host,
            "source": self.source,
            "diffusion_step_min": self.diffusion_step_min,
            "notes": list(self.notes),
            "seconds": self.seconds,
            "entries": [_plain(asdict(entry)) for entry in self.entries],
        }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, StrEnum) else value
