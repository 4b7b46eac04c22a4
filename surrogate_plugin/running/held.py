"""What holds a substrate at values: vessels that are described, and those out of pictures and tables."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np

from surrogate_plugin import files
from surrogate_plugin.arguments import BoolArray, FloatArray
from surrogate_plugin.equation.membranes import Membranes
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.running.tables import Column, has_header, read_table
from surrogate_plugin.settings.file import SettingsFile
from surrogate_plugin.settings.lines import Place
from surrogate_plugin.settings.scene import Source, Timed, Vessel
from surrogate_plugin.tissue.state import Vessels

_NEEDED = (Column("x_um"), Column("y_um"))
_OPTIONAL = (
    Column("radius_um", 0.0),
    Column("value", 0.0),
    Column("permeability_um_per_min", 0.0),
    Column("end_x_um"),
    Column("end_y_um"),
)


@dataclass(frozen=True, eq=False)
class Picture:
    """Pixels that are held, all on one lattice.

    Attributes
    ----------
    fixed : (H, W) bool
    values : (H, W) float64, field units
    permeability_um_per_min : float or None
        Of the wall between them and the tissue, if there is one.
    """

    fixed: BoolArray
    values: FloatArray
    permeability_um_per_min: float | None


@dataclass(frozen=True, eq=False)
class Held:
    """One entry of the settings.

    Attributes
    ----------
    substrate : str
    timed : Timed
        When it is there.
    what : Vessels or Picture
    place : tuple
        Where the settings have it.
    """

    substrate: str
    timed: Timed
    what: Vessels | Picture
    place: Place

    def at(self, time_min: float) -> bool:
        """Whether it is there in a step that begins then."""
        until = self.timed.until_min
        return self.timed.from_min <= time_min and (until is None or time_min < until)


def read_held(settings: SettingsFile) -> tuple[list[Held], list[str]]:
    """All that is held, and what is to be said of the files.

    Raises
    ------
    InvalidProblemError
        One sentence with file and line.
    """
    found, notes = [], []
    for number, vessel in enumerate(settings.vessels):
        place: Place = ("vessels", number)
        with settings.document.at(place):
            found.append(Held(_substrate(settings, vessel), vessel, _vessel(vessel), place))
    for number, source in enumerate(settings.sources):
        place = ("sources", number)
        with settings.document.at(place):
            what, said = _source(source)
            found.append(Held(_substrate(settings, source), source, what, place))
            notes += said
    return found, notes


def shape_of(held: list[Held]) -> tuple[int, ...] | None:
    """The shape of the pictures, if there is one."""
    return next((each.what.fixed.shape for each in held if isinstance(each.what, Picture)), None)


def together(vessels: list[Vessels]) -> Vessels:
    """All of them as one."""
    if not vessels:
        return Vessels.none()
    return Vessels(
        np.concatenate([each.position_um for each in vessels]),
        np.concatenate([each.radius_um for each in vessels]),
        np.concatenate([each.value for each in vessels]),
        np.concatenate([each.end_um for each in vessels]),
        permeability_um_per_min=np.concatenate([each.permeability_um_per_min for each in vessels]),
    )


def walls(pictures: list[Picture], rings: tuple[bool, bool]) -> Membranes | None:
    """The walls between held pixels and the tissue; one behind the other where several meet."""
    leaky = [each for each in pictures if each.permeability_um_per_min is not None]
    made = [
        Membranes.between(each.fixed.astype(np.int64), float(each.permeability_um_per_min or 0.0), rings=rings)
        for each in leaky
    ]
    return reduce(_in_series, made) if made else None


def _in_series(one: Membranes, other: Membranes) -> Membranes:
    return Membranes(x=_behind(one.x, other.x), y=_behind(one.y, other.y))


def _behind(one: float | FloatArray, other: float | FloatArray) -> FloatArray:
    with np.errstate(divide="ignore"):
        return np.asarray(1.0 / (1.0 / np.asarray(one) + 1.0 / np.asarray(other)))


def _substrate(settings: SettingsFile, given: Vessel | Source) -> str:
    names = settings.names or []
    if given.substrate is None and len(names) == 1:
        return names[0]
    if given.substrate is None:
        raise InvalidProblemError(f"substrate is missing; needed is the name of one of {', '.join(names)}.")
    if given.substrate not in names:
        raise InvalidProblemError(f"substrate is {given.substrate!r}; the substrates are {', '.join(names)}.")
    return given.substrate


def _vessel(given: Vessel) -> Vessels:
    return Vessels(
        [given.position_um],
        given.radius_um,
        given.value,
        None if given.end_um is None else [given.end_um],
        permeability_um_per_min=given.permeability_um_per_min,
    )


def _source(given: Source) -> tuple[Vessels | Picture, list[str]]:
    if given.file.suffix.lower() == ".csv" and has_header(given.file):
        return _table(given), []
    choice = files.Choice(
        given.value, given.threshold, given.values, given.invert, given.page, given.channel, given.array
    )
    read = files.read_source(given.file, choice)
    if read.nothing:
        raise InvalidProblemError(f"{given.file} holds nothing, since {read.nothing}.")
    return Picture(read.fixed, read.values, given.permeability_um_per_min), [*read.notes, *read.warnings]


def _table(given: Source) -> Vessels:
    for name in ("threshold", "channel", "page", "array", "values", "invert"):
        if name in given.model_fields_set:
            raise InvalidProblemError(f"{name} is given, but {given.file} is a table of vessels, which has none.")
    table = read_table(given.file, _NEEDED, _OPTIONAL)
    columns = table.numbers
    if not len(table):
        raise InvalidProblemError(f"{given.file} has no vessels; a line for each is allowed.")
    for name in ("radius_um", "value"):
        if name not in columns and (name == "radius_um" or given.value is None):
            raise InvalidProblemError(f"{given.file} has no column {name!r}, which is needed.")
    if ("end_x_um" in columns) != ("end_y_um" in columns):
        raise InvalidProblemError(f"{given.file} has one of the columns end_x_um and end_y_um; both are allowed.")
    end = np.stack([columns["end_x_um"], columns["end_y_um"]], axis=1) if "end_x_um" in columns else None
    return Vessels(
        np.stack([columns["x_um"], columns["y_um"]], axis=1),
        columns["radius_um"],
        columns.get("value", given.value),  # type: ignore[arg-type]  # one of the two is there
        end,
        permeability_um_per_min=columns.get("permeability_um_per_min", given.permeability_um_per_min),
    )
