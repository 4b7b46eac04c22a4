"""Cells and vessels of a composite, in the terms of the core."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

import surrogate_plugin as sp

FloatArray = npt.NDArray[np.float64]

RATES = ("uptake_per_min", "secretion_per_min", "secretion_target")


@dataclass(frozen=True)
class CellTable:
    """The cells at one moment.

    Attributes
    ----------
    ids : list of str
        Their keys; empty if the composite keeps them in arrays.
    position_um : (n, 2) float64, um
    volume_um3 : (n,) float64, um^3
    rates : dict of (rate, substrate) to (n,) float64, 1 / min and field units
    """

    ids: list[str]
    position_um: FloatArray
    volume_um3: FloatArray
    rates: dict[tuple[str, str], Any]

    @classmethod
    def of_map(cls, cells: Mapping[str, Mapping[str, Any]], names: Sequence[str]) -> CellTable:
        """Cells with keys of their own; a rate that a cell does not give is 0.

        Examples
        --------
        >>> cell = {"position_um": [5.0, 15.0], "volume_um3": 500.0, "uptake_per_min": {"oxygen": 10.0}}
        >>> CellTable.of_map({"a": cell}, ["oxygen"]).rates["uptake_per_min", "oxygen"].tolist()
        [10.0]
        """
        each = list(cells.values())
        rates = {
            (rate, name): np.array([(cell.get(rate) or {}).get(name, 0.0) for cell in each], dtype=np.float64)
            for rate in RATES
            for name in names
        }
        position = [_place(f"cells[{key!r}]", cell["position_um"]) for key, cell in cells.items()]
        volume = np.array([cell["volume_um3"] for cell in each], dtype=np.float64)
        _check_volumes(volume, [f"cells[{key!r}].volume_um3" for key in cells])
        return cls(list(cells), np.array(position, dtype=np.float64).reshape(-1, 2), volume, rates)

    @classmethod
    def of_arrays(cls, cells: Mapping[str, Any], names: Sequence[str]) -> CellTable:
        """Cells as arrays: ``position_um`` (n, 2), ``volume_um3`` (n,), and for each rate a (n,) array a substrate."""
        position = np.asarray(cells["position_um"], dtype=np.float64)
        # The host's default for an array that nobody gave is one number.
        position = np.empty((0, 2)) if position.size == 0 or position.ndim == 0 else position
        rates = {(rate, name): (cells.get(rate) or {}).get(name, 0.0) for rate in RATES for name in names}
        volume = np.asarray(cells["volume_um3"], dtype=np.float64) if len(position) else np.empty(0)
        _check_volumes(volume, [f"cells.volume_um3[{k}]" for k in range(volume.size)])
        return cls([], position, volume, rates)

    def cells(self, name: str) -> sp.Cells:
        """What one substrate's field feels of them.

        Raises
        ------
        InvalidProblemError
            If a position, volume or rate is not a finite number, or a volume or rate is negative.
        """
        return sp.Cells(
            position_um=self.position_um,
            radius_um=np.cbrt(self.volume_um3 * (3.0 / (4.0 * np.pi))),
            uptake_per_min=self.rates["uptake_per_min", name] if len(self.position_um) else 0.0,
            secretion_per_min=self.rates["secretion_per_min", name] if len(self.position_um) else 0.0,
            secretion_target=self.rates["secretion_target", name] if len(self.position_um) else 0.0,
        )


def vessels_of(vessels: Mapping[str, Mapping[str, Any]], name: str) -> sp.Vessels:
    """Those that hold one substrate: discs, or capsules if they have an end.

    Examples
    --------
    >>> vessels = {"v": {"position_um": [5.0, 5.0], "radius_um": 3.0, "value": {"oxygen": 38.0}}}
    >>> len(vessels_of(vessels, "oxygen")), len(vessels_of(vessels, "glucose"))
    (1, 0)
    """
    chosen = {key: vessel for key, vessel in vessels.items() if name in vessel["value"]}
    if not chosen:
        return sp.Vessels.none()
    return sp.Vessels(
        position_um=[_place(f"vessels[{key!r}]", vessel["position_um"]) for key, vessel in chosen.items()],
        radius_um=[vessel["radius_um"] for vessel in chosen.values()],
        value=[vessel["value"][name] for vessel in chosen.values()],
        end_um=[
            _place(f"vessels[{key!r}]", vessel.get("end_um") or vessel["position_um"]) for key, vessel in chosen.items()
        ],
    )


def _check_volumes(volume_um3: FloatArray, names: Sequence[str]) -> None:
    wrong = np.flatnonzero(~((volume_um3 >= 0) & np.isfinite(volume_um3)))
    if wrong.size:
        first = wrong[0]
        raise sp.InvalidProblemError(
            f"{names[first]} is {volume_um3.ravel()[first]:g}; finite volumes >= 0 are allowed."
        )


def _place(whose: str, place: Any) -> list[float]:
    if len(place) != 2:
        raise sp.InvalidProblemError(f"{whose} is at {list(place)}; two numbers (x, y) are allowed.")
    return [float(place[0]), float(place[1])]
