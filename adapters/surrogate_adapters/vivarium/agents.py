"""Agents of a multibody composite, in the terms of the core."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from vivarium.library.units import Quantity, units

import surrogate_plugin as sp
from surrogate_adapters.quantities import in_unit
from surrogate_adapters.vivarium.settings import SECONDS_PER_MINUTE

FloatArray = npt.NDArray[np.float64]
Bins = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]

#: The rates that an agent may have for each substrate, and their units.
RATES = {
    "uptake_per_s": "1/s",
    "secretion_per_s": "1/s",
    "secretion_target": "mmol/L",
    "production_per_s": "mmol/L/s",
    "release_per_s": "count/s",
}

#: Looked up once: the host's library reads the name of a unit anew each time.
_UM, _FL = units.um, units.fL


def bins_of(
    location: npt.ArrayLike,
    n_bins: Sequence[int],
    bounds: Sequence[float],
    rings: tuple[bool, bool] = (False, False),
) -> Bins:
    """The bins (x, y) of (n, 2) locations, um, by the host's own rule; those off the lattice get the nearest one.

    The host wraps them around to the other side, which is done here along axes that are rings: whose sides are
    periodic.

    Examples
    --------
    >>> x, y = bins_of([(4.9, 0.1), (12.0, 20.0)], n_bins=(4, 8), bounds=(10.0, 20.0))
    >>> x.tolist(), y.tolist()
    ([1, 3], [0, 7])
    >>> bins_of([(12.0, 20.0)], (4, 8), (10.0, 20.0), rings=(True, False))[0].tolist()
    [0]
    """
    place = np.asarray(location, dtype=np.float64).reshape(-1, 2)
    if not np.isfinite(place).all():
        wrong = place[~np.isfinite(place).all(axis=1)][0].tolist()
        raise sp.InvalidProblemError(f"an agent's location is {wrong}; finite ones are allowed.")

    def along(axis: int) -> npt.NDArray[np.int64]:
        count = n_bins[axis]
        pixel = place[:, axis] * count / bounds[axis]
        if rings[axis]:
            return np.asarray(np.mod(np.floor(pixel), count)).astype(np.int64)
        return np.clip(pixel, 0, count - 1).astype(np.int64)

    return along(0), along(1)


@dataclass(frozen=True)
class Lattice:
    """The host's bins along x and y, which of these axes are rings, and the molecules that its agents may name."""

    n_bins: Sequence[int]
    bounds: Sequence[float]
    rings: tuple[bool, bool]
    names: Sequence[str]
    known: Collection[str]


@dataclass(frozen=True)
class Agents:
    """The agents at one moment, and the substrates' rates of each.

    Attributes
    ----------
    ids : list of str
    bins : pair of (n,) int64
        Along x and along y.
    volume_fL : (n,) float64, fL
    rates : dict of (rate, substrate) to (n,) float64, 1 / s, mmol / L, mmol / L / s, counts / s
    external : dict of substrate to (n,) float64, mmol / L
        What each has in ``boundary.external`` now; NaN where it has nothing.
    """

    ids: list[str]
    bins: Bins
    volume_fL: FloatArray
    rates: dict[tuple[str, str], FloatArray]
    external: dict[str, FloatArray]

    @classmethod
    def of(cls, agents: Mapping[str, Any], lattice: Lattice) -> Agents:
        """Read the ``agents`` port.

        Raises
        ------
        InvalidProblemError
            If a location, volume or rate is not a finite number of its unit, a volume or rate is negative, or a rate is
            of a molecule that nobody has.
        """
        names, ids = lattice.names, list(agents)
        boundaries = [agent["boundary"] for agent in agents.values()]
        for agent, boundary in zip(ids, boundaries, strict=True):
            _refuse_unknown(agent, boundary, lattice.known)
        place = [
            [_plain("location", one, _UM, agent) for one in boundary["location"]]
            for agent, boundary in zip(ids, boundaries, strict=True)
        ]
        volume = [_plain("volume", b["volume"], _FL, agent) for agent, b in zip(ids, boundaries, strict=True)]
        for agent, fL in zip(ids, volume, strict=True):
            if not 0 <= fL < np.inf:
                raise sp.InvalidProblemError(f"agent {agent!r} has volume {fL:g} fL; finite volumes >= 0 are allowed.")
        return cls(
            ids,
            bins_of(place, lattice.n_bins, lattice.bounds, lattice.rings),
            np.array(volume, dtype=np.float64),
            {(rate, name): _rate(rate, name, ids, boundaries) for rate in RATES for name in names},
            {name: np.array([_external(boundary, name) for boundary in boundaries]) for name in names},
        )

    def cells(self, name: str) -> sp.Cells:
        """What one substrate's field feels of them.

        They live in their bins: the host's rule has said which bin, and a step within it changes nothing.
        """
        x, y = self.bins
        return sp.Cells(
            voxel=np.column_stack([y, x]),
            volume_um3=self.volume_fL,  # 1 fL is 1 um^3
            uptake_per_min=SECONDS_PER_MINUTE * self.rates["uptake_per_s", name],
            secretion_per_min=SECONDS_PER_MINUTE * self.rates["secretion_per_s", name],
            secretion_target=self.rates["secretion_target", name],
            production_per_min=SECONDS_PER_MINUTE * (self.rates["production_per_s", name] + self._released(name)),
        )

    def _released(self, name: str) -> FloatArray:
        """What each releases in counts, as production of its volume, mmol / L / s."""
        counts, volume = self.rates["release_per_s", name], self.volume_fL
        empty = np.flatnonzero((counts > 0) & (volume == 0))
        if empty.size:
            raise sp.InvalidProblemError(
                f"agent {self.ids[empty[0]]!r} has release_per_s of {name!r} and volume 0 fL; a volume > 0 is allowed."
            )
        return counts / (COUNTS_PER_MMOLAR_FL * np.where(counts > 0, volume, 1.0))

    def not_knowing(self, environments: Mapping[str, Any]) -> dict[str, Any]:
        """Those of the agents' updates that bring a value which the agent does not have in ``boundary.external``."""
        told = zip(self.ids, *(each.tolist() for each in self.external.values()), strict=True)
        known = {agent: dict(zip(self.external, values, strict=True)) for agent, *values in told}
        return {
            agent: update
            for agent, update in environments.items()
            if "gradient" in update["boundary"]
            or any(one["_value"] != known[agent][name] for name, one in update["boundary"]["external"].items())
        }

    def taken_up(self, name: str, field: FloatArray, seconds: float, km: float | None) -> FloatArray:
        """Molecules that each takes up in a time: ``u V c t``, (n,) float64, counts.

        Parameters
        ----------
        name : str
        field : (n_x, n_y) float64, mmol / L
        seconds : float, s
        km : float, mmol / L, optional
            If given, uptake saturates: ``u V c km / (km + c) t``.
        """
        value = field[self.bins]
        if km is not None:
            value = value * (km / (km + value))
        amount = self.rates["uptake_per_s", name] * self.volume_fL * value * seconds
        return np.asarray(amount * COUNTS_PER_MMOLAR_FL)

    def taking(self, name: str) -> Iterator[tuple[int, int]]:
        """The bins of those that take up a substrate."""
        eats = self.rates["uptake_per_s", name] > 0
        return zip(self.bins[0][eats].tolist(), self.bins[1][eats].tolist(), strict=True)

    def misread(self, name: str, field: FloatArray) -> float:
        """How far what they have in ``boundary.external`` is off a field where they are, mmol / L."""
        if not self.ids:
            return 0.0
        gap = np.abs(self.external[name] - field[self.bins])
        return float(np.nanmax(gap, initial=0.0))


#: Molecules in 1 fL at 1 mmol / L: Avogadro's number times 1e-18 mol.
COUNTS_PER_MMOLAR_FL = 602214.076


def _rate(rate: str, name: str, ids: Sequence[str], boundaries: Sequence[Mapping[str, Any]]) -> FloatArray:
    given = [boundary[rate][name] if rate in boundary else 0.0 for boundary in boundaries]
    if any(isinstance(one, Quantity) for one in given):
        given = [_told(f"{rate}[{name!r}]", one, RATES[rate], agent) for agent, one in zip(ids, given, strict=True)]
    return np.array(given, dtype=np.float64)


def _refuse_unknown(agent: str, boundary: Mapping[str, Any], known: Collection[str]) -> None:
    for rate in RATES:
        for name in boundary.get(rate, ()):
            if name not in known:
                raise sp.InvalidProblemError(
                    f"agent {agent!r} has {rate} of {name!r}; the molecules are {', '.join(known)}."
                )


def _external(boundary: Mapping[str, Any], name: str) -> float:
    value = boundary.get("external", {}).get(name, np.nan)
    return float(value.magnitude if isinstance(value, Quantity) else value)


def _plain(what: str, value: Any, unit: Any, agent: str) -> float:
    """A number in a unit of the host's library, or already without one."""
    if not isinstance(value, Quantity):
        return float(value)
    # Converting to the unit that it has already would take several times as long as the solve.
    return float(value.magnitude if value.units == unit else _told(what, value, str(unit), agent))


def _told(what: str, value: Any, unit: str, agent: str) -> float:
    return float(in_unit(f"{what} of agent {agent!r}", value, unit))
