"""Cells and vessels of a composite, in the terms of the core."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

import surrogate_plugin as sp
from surrogate_adapters.quantities import has_unit, in_unit

FloatArray = npt.NDArray[np.float64]

#: The rates that a cell may have for each substrate, and their units; a field's unit is the user's own.
RATES = {
    "uptake_per_min": "1/min",
    "secretion_per_min": "1/min",
    "secretion_target": None,
    "production_per_min": None,
    "release_per_min": None,
}

#: What a cell may have of its own, its unit, and what it is where a cell does not say: nothing of its own.
OWN = {
    "diffusivity_um2_per_min": ("um**2/min", math.nan),
    "membrane_um_per_min": ("um/min", math.inf),
    "decay_change_per_min": ("1/min", 0.0),
}

#: Those that count whatever the cell's volume is.
_WITHOUT_VOLUME = {"secretion_target", "release_per_min"}

_NUMBERS = {float, int, np.float64}
_CELL = {"position_um", "volume_um3", *RATES, *OWN}
_VESSEL = {"position_um", "end_um", "radius_um", "value", "permeability_um_per_min"}
#: How keys begin that somebody may have meant for one of ours.
_MEANT = (
    "uptake",
    "secretion",
    "production",
    "release",
    "volume",
    "radius",
    "position",
    "diameter",
    "membrane",
    "permeability",
)


@dataclass(frozen=True)
class Names:
    """The substrates answered for, and what else cells and vessels may name since others read it."""

    substrates: Sequence[str]
    elsewhere: Collection[str] = ()

    def by_substrate(self, whose: str, given: Any, unit: str | None = None) -> dict[str, float]:
        """A mapping of substrates to numbers; a number, if there is one substrate.

        Raises
        ------
        InvalidProblemError
            If it names what nobody answers for, or is one number for several substrates.

        Examples
        --------
        >>> Names(["oxygen"]).by_substrate("vessels['v'].value", 38.0)
        {'oxygen': 38.0}
        >>> Names(["oxygen"]).by_substrate("vessels['v'].value", {"Oxygen": 38.0})
        Traceback (most recent call last):
        surrogate_plugin.errors.InvalidProblemError: vessels['v'].value names 'Oxygen'; the substrates are oxygen...
        """
        if given is None:
            return {}
        if not isinstance(given, Mapping):
            if len(self.substrates) > 1:
                raise sp.InvalidProblemError(
                    f"{whose} is {given}; with {len(self.substrates)} substrates a mapping is allowed that names them: "
                    f"{', '.join(self.substrates)}."
                )
            given = {self.substrates[0]: given}
        for name in given:
            if name not in self.substrates and name not in self.elsewhere:
                raise sp.InvalidProblemError(
                    f"{whose} names {name!r}; the substrates are {', '.join(self.substrates)}; what other processes "
                    "answer for is named in elsewhere."
                )
        return in_unit(whose, given, unit) if any(map(has_unit, given.values())) else dict(given)

    def refuse_meant(self, whose: str, keys: Collection[str], read: Collection[str]) -> None:
        """Refuse keys that are not read and look as if they were meant to be."""
        for key in keys:
            if key not in read and key not in self.elsewhere and str(key).lower().startswith(_MEANT):
                raise sp.InvalidProblemError(
                    f"{whose} has {key!r}, which nobody reads; {', '.join(sorted(read))} are read, and what other "
                    "processes read is named in elsewhere."
                )


@dataclass(frozen=True)
class CellTable:
    """The cells at one moment.

    Attributes
    ----------
    ids : list of str
        Their keys; empty if the composite keeps them in arrays.
    position_um : (n, 2) float64, um
    volume_um3 : (n,) float64, um^3
    rates : dict of (rate, substrate) to (n,) float64, 1 / min, field units, field units / min, and of `OWN`
    """

    ids: list[str]
    position_um: FloatArray
    volume_um3: FloatArray
    rates: dict[tuple[str, str], Any]

    @classmethod
    def of_map(cls, cells: Mapping[str, Mapping[str, Any]], names: Names) -> CellTable:
        """Cells with keys of their own; a rate that a cell does not give is 0.

        Raises
        ------
        InvalidProblemError
            If a cell names a substrate that nobody has, has a key that looks like one of ours, or exchanges something
            and has no volume.

        Examples
        --------
        >>> cell = {"position_um": [5.0, 15.0], "volume_um3": 500.0, "uptake_per_min": {"oxygen": 10.0}}
        >>> CellTable.of_map({"a": cell}, Names(["oxygen"])).rates["uptake_per_min", "oxygen"].tolist()
        [10.0]
        """
        for key, cell in cells.items():
            if not cell.keys() <= _CELL:
                names.refuse_meant(f"cells[{key!r}]", cell.keys(), _CELL)
        known = {*names.substrates, *names.elsewhere}
        rates = {}
        for rate, (unit, unsaid) in _ALL.items():
            each = [
                given
                if type(given) is dict and given.keys() <= known
                else names.by_substrate(_of(key, rate), given, unit)
                for key, given in ((key, cell.get(rate)) for key, cell in cells.items())
            ]
            for name in names.substrates:
                rates[rate, name] = _numbers([one.get(name, unsaid) for one in each], list(cells), rate, unit)
        position = [
            place if type(place) is list and len(place) == 2 and _plain(place) else _place(f"cells[{key!r}]", place)
            for key, place in ((key, cell.get("position_um")) for key, cell in cells.items())
        ]
        volume = _numbers(
            [cell.get("volume_um3") or 0.0 for cell in cells.values()], list(cells), "volume_um3", "um**3"
        )
        table = cls(list(cells), np.array(position, dtype=np.float64).reshape(-1, 2), volume, rates)
        table.check_volumes(lambda k: _of(table.ids[k], "volume_um3"))
        return table

    @classmethod
    def of_arrays(cls, cells: Mapping[str, Any], names: Names) -> CellTable:
        """Cells as arrays: ``position_um`` (n, 2), ``volume_um3`` (n,), and for each rate a (n,) array a substrate."""
        names.refuse_meant("cells", cells.keys(), _CELL)
        position = np.asarray(in_unit("cells.position_um", cells.get("position_um", ()), "um"), dtype=np.float64)
        # The host's default for an array that nobody gave is one number.
        position = np.empty((0, 2)) if position.size == 0 or position.ndim == 0 else position
        given = {
            rate: names.by_substrate(f"cells.{rate}", cells.get(rate) or {}, unit) for rate, (unit, _) in _ALL.items()
        }
        rates = {
            (rate, name): _per_cell(_said(rate, each, name), len(position))
            for rate, each in given.items()
            for name in names.substrates
        }
        volume = in_unit("cells.volume_um3", cells.get("volume_um3", 0.0), "um**3")
        table = cls([], position, _per_cell(volume, len(position)), rates)
        table.check_volumes(lambda k: f"cells.volume_um3[{k}]")
        return table

    def cells(self, name: str, voxel_volume_um3: float) -> sp.Cells:
        """What one substrate's field feels of them.

        Those that release something come twice: what they release, a cell as large as a voxel would produce there.

        Raises
        ------
        InvalidProblemError
            If a position, volume or rate is not a finite number, or a volume or rate is negative.
        """
        release = np.ravel(self.rates["release_per_min", name])
        giving = np.flatnonzero(release != 0)
        none = np.zeros(giving.size)

        def with_them(own: Any, theirs: FloatArray) -> FloatArray:
            return np.concatenate([own, theirs]) if giving.size else own

        return sp.Cells(
            position_um=with_them(self.position_um, self.position_um[giving]),
            volume_um3=with_them(self.volume_um3, none + voxel_volume_um3),
            uptake_per_min=with_them(self.rates["uptake_per_min", name], none),
            secretion_per_min=with_them(self.rates["secretion_per_min", name], none),
            secretion_target=with_them(self.rates["secretion_target", name], none),
            production_per_min=with_them(self.rates["production_per_min", name], release[giving]),
            **{
                option: with_them(self.rates[option, name], none + unsaid)
                for option, (_, unsaid) in OWN.items()
                if not _nothing_but(self.rates[option, name], unsaid)
            },
        )

    def check_volumes(self, called: Callable[[int], str]) -> None:
        """Refuse volumes that are no volumes, and cells that exchange something and have none.

        Parameters
        ----------
        called : callable
            What the volume of cell k is called, for the error.
        """
        volume = self.volume_um3.ravel()
        wrong = np.flatnonzero(~((volume >= 0) & np.isfinite(volume)))
        if wrong.size:
            raise sp.InvalidProblemError(
                f"{called(int(wrong[0]))} is {volume[wrong[0]]:g}; finite volumes >= 0 are allowed."
            )
        for (rate, name), each in self.rates.items():
            if rate in OWN:
                continue
            idle = np.flatnonzero((volume == 0) & (np.ravel(each) > 0))
            if idle.size and rate not in _WITHOUT_VOLUME:
                raise sp.InvalidProblemError(
                    f"{called(int(idle[0]))} is 0 or missing, but the cell has {rate} of {name!r}, which counts by its "
                    "volume; one > 0 is allowed."
                )


def vessels_of(vessels: Mapping[str, Mapping[str, Any]], names: Names) -> dict[str, sp.Vessels]:
    """Those that hold each substrate: discs, or capsules if they have an end.

    Raises
    ------
    InvalidProblemError
        If a vessel names a substrate that nobody has, holds none, lacks a radius, or has a key that looks like one of
        ours.

    Examples
    --------
    >>> vessels = {"v": {"position_um": [5.0, 5.0], "radius_um": 3.0, "value": {"oxygen": 38.0}}}
    >>> held = vessels_of(vessels, Names(["oxygen", "glucose"]))
    >>> len(held["oxygen"]), len(held["glucose"])
    (1, 0)
    """
    values = {}
    for key, vessel in vessels.items():
        whose = f"vessels[{key!r}]"
        names.refuse_meant(whose, vessel.keys(), _VESSEL)
        values[key] = names.by_substrate(f"{whose}.value", vessel.get("value"))
        if not values[key]:
            raise sp.InvalidProblemError(
                f"{whose} has no value, so that it holds nothing; a mapping of substrates to what it holds is allowed."
            )
        if vessel.get("radius_um") is None:
            raise sp.InvalidProblemError(f"{whose} has no radius_um; a number >= 0 is allowed.")
    return {
        name: _held({key: vessels[key] for key, value in values.items() if name in value}, name, values, names)
        for name in names.substrates
    }


def _held(
    vessels: Mapping[str, Mapping[str, Any]], name: str, values: Mapping[str, Mapping[str, float]], known: Names
) -> sp.Vessels:
    if not vessels:
        return sp.Vessels.none()
    leaks = {
        key: known.by_substrate(
            f"vessels[{key!r}].permeability_um_per_min", one.get("permeability_um_per_min"), "um/min"
        )
        for key, one in vessels.items()
    }
    return sp.Vessels(
        position_um=[_place(f"vessels[{key!r}]", vessel.get("position_um")) for key, vessel in vessels.items()],
        radius_um=[in_unit(f"vessels[{key!r}].radius_um", one["radius_um"], "um") for key, one in vessels.items()],
        value=[values[key][name] for key in vessels],
        end_um=[
            _place(f"vessels[{key!r}]", vessel.get("end_um") or vessel.get("position_um"))
            for key, vessel in vessels.items()
        ],
        permeability_um_per_min=[leaks[key].get(name, math.inf) for key in vessels],
    )


_ALL = {**{rate: (unit, 0.0) for rate, unit in RATES.items()}, **OWN}


def _said(rate: str, given: Mapping[str, Any], name: str) -> Any:
    """What arrays say of a substrate; the host's default, one number, says nothing of what cells have of their own."""
    said = given.get(name, _ALL[rate][1])
    return _ALL[rate][1] if rate in OWN and np.ndim(said) == 0 else said


def _nothing_but(values: Any, unsaid: float) -> bool:
    """Whether no cell has said anything."""
    return bool(np.array_equal(np.ravel(values), np.full(np.size(values), unsaid), equal_nan=True))


def _of(key: str, what: str) -> str:
    return f"cells[{key!r}].{what}"


def _plain(values: Collection[Any]) -> bool:
    """Whether all are numbers as the host has them, which need not be looked at one by one."""
    return _NUMBERS.issuperset(map(type, values))


def _numbers(values: Sequence[Any], keys: Sequence[str], what: str, unit: str | None) -> FloatArray:
    """One number a cell, without units."""
    if not _plain(values):
        values = [in_unit(_of(key, what), value, unit) for key, value in zip(keys, values, strict=True)]
    return np.array(values, dtype=np.float64)


def _per_cell(given: Any, count: int) -> FloatArray:
    """(n,) numbers; one number is that of each cell, and without cells there are none."""
    array = np.asarray(given, dtype=np.float64)
    return np.full(count, float(array.ravel()[0])) if array.ndim == 0 else array if count else np.empty(0)


def _place(whose: str, place: Any) -> list[float]:
    place = in_unit(f"{whose}.position_um", [] if place is None else place, "um")
    if np.shape(place) != (2,):
        raise sp.InvalidProblemError(f"{whose} is at {np.asarray(place).tolist()}; two numbers (x, y) are allowed.")
    return [float(place[0]), float(place[1])]
