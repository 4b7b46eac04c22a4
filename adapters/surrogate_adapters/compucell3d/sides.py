"""What is said of a field's sides, in the host's words: values, slopes and fluxes, by pixel and MCS or um and min."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import surrogate_plugin as sp
from surrogate_plugin.arguments import one_number

__all__ = ["ConstantDerivative", "fluxes", "in_um_and_min"]

_SIDES = ("left", "right", "bottom", "top")
#: Where the field falls towards the inside if it rises along the axis.
_MAX = ("right", "top")


@dataclass(frozen=True)
class ConstantDerivative:
    """The host's ``<ConstantDerivative>``: the slope that a field has at a side, along the axis.

    Parameters
    ----------
    slope : float, field units per pixel in a `LatticeField`, per um in a `Field`
        What comes in for it is minus the diffusivity times the slope at ``left`` and ``bottom``, and plus that at
        ``right`` and ``top``, where the global diffusivity counts; only what comes in is allowed, and 0.
    """

    slope: float

    def __post_init__(self) -> None:
        slope = one_number("ConstantDerivative", self.slope, "finite numbers")
        if not math.isfinite(slope):
            raise sp.InvalidProblemError(f"ConstantDerivative is {slope:g}; finite numbers are allowed.")
        object.__setattr__(self, "slope", slope)


def in_um_and_min(boundary: Any, um_per_pixel: float, minutes_per_mcs: float) -> Any:
    """The same sides with lengths and times in micrometres and minutes.

    Examples
    --------
    >>> in_um_and_min({"left": sp.Flux(2.0), "top": 5.0}, um_per_pixel=4.0, minutes_per_mcs=0.5)
    {'left': Flux(inward=16.0), 'top': 5.0}
    """
    speed = um_per_pixel / minutes_per_mcs

    def of(side: Any) -> Any:
        if isinstance(side, sp.Flux):
            return sp.Flux(side.inward * speed)
        if isinstance(side, sp.Exchange):
            return sp.Exchange(side.rate * speed, side.value)
        return ConstantDerivative(side.slope / um_per_pixel) if isinstance(side, ConstantDerivative) else side

    return _each(boundary, lambda _, side: of(side))


def fluxes(boundary: Any, diffusivity: float) -> Any:
    """The same sides, with slopes as what comes in for them.

    Raises
    ------
    InvalidProblemError
        If a slope takes something out, whatever is there.

    Examples
    --------
    >>> fluxes({"left": ConstantDerivative(-0.5), "right": ConstantDerivative(0.0)}, diffusivity=10.0)
    {'left': Flux(inward=5.0), 'right': 'reflecting'}
    """

    def of(name: str, side: Any) -> Any:
        if not isinstance(side, ConstantDerivative):
            return side
        inward = diffusivity * (side.slope if name in _MAX else -side.slope)
        if inward < 0:
            raise sp.InvalidProblemError(
                f"the slope {side.slope:g} of side {name!r} takes something out whatever is there, which leaves less "
                "than nothing in the end; a slope that lets something in, 0, or an Exchange is allowed."
            )
        return sp.Flux(inward) if inward > 0 else "reflecting"

    if isinstance(boundary, ConstantDerivative):
        boundary = dict.fromkeys(_SIDES, boundary)
    return _each(boundary, of)


def _each(boundary: Any, of: Callable[[str, Any], Any]) -> Any:
    if isinstance(boundary, Mapping):
        return {name: of(name, side) for name, side in boundary.items()}
    return of("all sides", boundary)
