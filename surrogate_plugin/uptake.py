"""Uptake that saturates: Michaelis and Menten's law."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from surrogate_plugin.arguments import Coefficient, FloatArray, coefficient, positive_number


@dataclass(frozen=True, eq=False)
class MichaelisMenten:
    """Saturating uptake ``U(c) = vmax c / (km + c)``.

    Parameters
    ----------
    vmax : float or (H, W) float64, field units / time
        Largest uptake rate, >= 0 and at most 1e100; 0 where nothing consumes.
    km : float, field units
        The value at which uptake is half of ``vmax``; in (1e-100, 1e100].

    Raises
    ------
    InvalidProblemError
        If ``vmax`` is negative or not finite, or ``km`` is not a positive finite number.

    Examples
    --------
    >>> uptake = MichaelisMenten(vmax=20.0, km=5.0)
    >>> float(uptake.rate(np.array(5.0))), float(uptake.slope(np.array(0.0)))
    (10.0, 4.0)
    """

    vmax: Coefficient
    km: float

    def __init__(self, vmax: float | npt.ArrayLike, km: float) -> None:
        object.__setattr__(self, "vmax", coefficient("uptake.vmax", vmax))
        object.__setattr__(self, "km", positive_number("uptake.km", km))

    def rate(self, field: FloatArray) -> FloatArray:
        """``U(c)``, (H, W) float64, field units / time."""
        return np.asarray(self.vmax * (field / (self.km + field)))

    def slope(self, field: FloatArray) -> FloatArray:
        """``dU/dc``, (H, W) float64, 1 / time."""
        fraction = self.km / (self.km + field)
        return np.asarray((self.vmax / self.km) * fraction * fraction)
