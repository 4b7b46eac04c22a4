"""Uptake that saturates: Michaelis and Menten's law."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

import numpy as np
import numpy.typing as npt

from surrogate_plugin.arguments import (
    Coefficient,
    FloatArray,
    check_values,
    coefficient,
    positive_number,
    real_array,
    same_shape,
)


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

    def rate(self, field: npt.ArrayLike) -> FloatArray:
        """``U(c)`` for a field in [0, 1e100], (H, W) float64, field units / time."""
        return np.asarray(_law().rate.py_func(self.vmax, self.km, self._checked(field)))

    def slope(self, field: npt.ArrayLike) -> FloatArray:
        """``dU/dc`` for a field in [0, 1e100], (H, W) float64, 1 / time."""
        return np.asarray(_law().slope.py_func(self.vmax / self.km, self.km, self._checked(field)))

    def _checked(self, field: npt.ArrayLike) -> FloatArray:
        c = real_array("field", field, copy=False)
        if isinstance(self.vmax, np.ndarray):
            same_shape("field", c.shape, self.vmax.shape, "uptake.vmax")
        if c.size:
            check_values("field", c, positive=False)
        return c


def _law() -> ModuleType:
    """The formulas, imported when they are called for: they stand with the kernels, which load a compiler."""
    from surrogate_plugin.equation import uptake_kernels

    return uptake_kernels
