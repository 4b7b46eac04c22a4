"""Agents of a multibody composite, in the terms of the core."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from vivarium.library.units import Quantity, units

import surrogate_plugin as sp
from surrogate_adapters.vivarium.settings import SECONDS_PER_MINUTE

FloatArray = npt.NDArray[np.float64]
Bins = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]

#: Looked up once: the host's library reads the name of a unit anew each time.
_UM, _FL = units.um, units.fL

RATES = ("uptake_per_s", "secretion_per_s", "secretion_target")


def bins_of(location: npt.ArrayLike, n_bins: Sequence[int], bounds: Sequence[float]) -> Bins:
    """The bins (x, y) of (n, 2) locations, um, by the host's own rule; those off the lattice get the nearest one.

    The host wraps them around to the other side instead, which no side of its field does.

    Examples
    --------
    >>> x, y = bins_of([(4.9, 0.1), (12.0, 20.0)], n_bins=(4, 8), bounds=(10.0, 20.0))
    >>> x.tolist(), y.tolist()
    ([1, 3], [0, 7])
    """
    place = np.asarray(location, dtype=np.float64).reshape(-1, 2)
    if not np.isfinite(place).all():
        wrong = place[~np.isfinite(place).all(axis=1)][0].tolist()
        raise sp.InvalidProblemError(f"an agent's location is {wrong}; finite ones are allowed.")
    x, y = (np.clip(place[:, k] * n_bins[k] / bounds[k], 0, n_bins[k] - 1).astype(np.int64) for k in (0, 1))
    return x, y


@dataclass(frozen=True)
class Agents:
    """The agents at one moment, and the substrates' rates of each.

    Attributes
    ----------
    ids : list of str
    bins : pair of (n,) int64
        Along x and along y.
    volume_fL : (n,) float64, fL
    rates : dict of (rate, substrate) to (n,) float64, 1 / s and mmol / L
    """

    ids: list[str]
    bins: Bins
    volume_fL: FloatArray
    rates: dict[tuple[str, str], FloatArray]

    @classmethod
    def of(
        cls, agents: Mapping[str, Any], names: Sequence[str], n_bins: Sequence[int], bounds: Sequence[float]
    ) -> Agents:
        """Read the ``agents`` port.

        Parameters
        ----------
        agents : mapping of agent to its state
        names : sequence of str
            The substrates.
        n_bins, bounds : (x, y)
            The host's lattice.

        Raises
        ------
        InvalidProblemError
            If a location, volume or rate is not a finite number, or a volume or rate is negative.
        """
        ids, boundaries = list(agents), [agent["boundary"] for agent in agents.values()]
        place = [[_plain(one, _UM) for one in boundary["location"]] for boundary in boundaries]
        volume = [_plain(boundary["volume"], _FL) for boundary in boundaries]
        rates = {
            (rate, name): np.array([boundary[rate][name] for boundary in boundaries], dtype=np.float64)
            for rate in RATES
            for name in names
        }
        for agent, fL in zip(ids, volume, strict=True):
            if not 0 <= fL < np.inf:
                raise sp.InvalidProblemError(f"agent {agent!r} has volume {fL:g} fL; finite volumes >= 0 are allowed.")
        return cls(ids, bins_of(place, n_bins, bounds), np.array(volume, dtype=np.float64), rates)

    def cells(self, name: str, spacing_um: float) -> sp.Cells:
        """What one substrate's field feels of them.

        They sit in the centres of their bins: the host's rule has said which bin, and a step within it changes nothing.
        """
        bins = np.stack(self.bins, axis=1)
        return sp.Cells(
            position_um=(bins + 0.5) * spacing_um,
            radius_um=np.cbrt(self.volume_fL * (3.0 / (4.0 * np.pi))),
            uptake_per_min=SECONDS_PER_MINUTE * self.rates["uptake_per_s", name],
            secretion_per_min=SECONDS_PER_MINUTE * self.rates["secretion_per_s", name],
            secretion_target=self.rates["secretion_target", name],
        )

    def taken_up(self, name: str, field: FloatArray, seconds: float) -> FloatArray:
        """Molecules that each takes up in a time: ``u V c t``, (n,) float64, counts.

        Parameters
        ----------
        name : str
        field : (n_x, n_y) float64, mmol / L
        seconds : float, s
        """
        amount = self.rates["uptake_per_s", name] * self.volume_fL * field[self.bins] * seconds
        return np.asarray(amount * COUNTS_PER_MMOLAR_FL)


#: Molecules in 1 fL at 1 mmol / L: Avogadro's number times 1e-18 mol.
COUNTS_PER_MMOLAR_FL = 602214.076


def _plain(value: Any, unit: Any) -> float:
    """A number in a unit of the host's library, or already without one."""
    if not isinstance(value, Quantity):
        return float(value)
    # Converting to the unit that it has already would take several times as long as the solve.
    return float((value if value.units == unit else value.to(unit)).magnitude)
