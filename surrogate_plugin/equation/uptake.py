"""Uptake that saturates: Michaelis and Menten's law."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

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
        return np.asarray(self.law.rate(self._checked(field)))

    def slope(self, field: npt.ArrayLike) -> FloatArray:
        """``dU/dc`` for a field in [0, 1e100], (H, W) float64, 1 / time."""
        return np.asarray(self.law.slope(self._checked(field)))

    @property
    def initial_slope(self) -> Coefficient:
        """``dU/dc`` at 0, ``vmax / km``, 1 / time: the first-order rate that this uptake is at low values."""
        return self.vmax / self.km

    @property
    def law(self) -> Saturation:
        """The formulas, for fields that need no checking."""
        return Saturation(self.vmax, self.km)

    def _checked(self, field: npt.ArrayLike) -> FloatArray:
        c = real_array("field", field, copy=False)
        if isinstance(self.vmax, np.ndarray):
            same_shape("field", c.shape, self.vmax.shape, "uptake.vmax")
        if c.size:
            check_values("field", c, positive=False)
        return c


class Saturation(NamedTuple):
    """The law with its constants, unchecked: numbers or arrays of any shape, in any units that agree."""

    vmax: Coefficient
    km: float

    def rate(self, c: Coefficient) -> Coefficient:
        """``U(c)``."""
        return _formula("rate", self.vmax, self.km, c)

    def unsaturated(self, c: Coefficient) -> Coefficient:
        """``km / (km + c)``, the share of its initial slope that uptake keeps along the chord to ``c``."""
        return _formula("unsaturated", self.km, c)

    def slope(self, c: Coefficient) -> Coefficient:
        """``U'(c)``."""
        return _formula("slope", self.vmax / self.km, self.km, c)

    def secant(self, c: Coefficient) -> Coefficient:
        """``U(c) / c``."""
        return _formula("secant", self.vmax, self.km, c)

    def quotient(self, c: Coefficient, w: Coefficient) -> Coefficient:
        """``(U(c + w) - U(c)) / w``, the tangent at ``w = 0``."""
        return _formula("quotient", self.vmax, self.km, c, w)


def _formula(name: str, *arguments: Coefficient) -> Coefficient:
    """A formula of the kernels', imported when it is called for, since a compiler is loaded with them."""
    from surrogate_plugin.equation import uptake_kernels

    result: Coefficient = getattr(uptake_kernels, name).py_func(*arguments)
    return result
