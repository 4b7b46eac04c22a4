"""Coefficients that differ from axis to axis: diagonal anisotropy, and pixels that are not square."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from surrogate_plugin.arguments import Coefficient, FloatArray, coefficient, largest, positive_number, real_array
from surrogate_plugin.errors import InvalidProblemError


@dataclass(frozen=True, eq=False)
class PerAxis:
    """A diffusivity along each axis: fibres, layers, anything that conducts better one way than the other.

    Parameters
    ----------
    x, y : float or (H, W) array, length^2 / time
        >= 0; where one is 0 nothing passes along that axis.
    z : optional
        For lattices of three axes.

    Raises
    ------
    InvalidProblemError
        If a value is negative or not finite.

    Examples
    --------
    >>> from surrogate_plugin import Problem
    >>> muscle = Problem(np.eye(8), diffusivity=PerAxis(x=4.0, y=1.0))
    >>> muscle.diffusivities
    (1.0, 4.0)
    """

    x: Coefficient
    y: Coefficient
    z: Coefficient | None

    def __init__(
        self, x: float | npt.ArrayLike, y: float | npt.ArrayLike, z: float | npt.ArrayLike | None = None
    ) -> None:
        object.__setattr__(self, "x", coefficient("diffusivity.x", x))
        object.__setattr__(self, "y", coefficient("diffusivity.y", y))
        object.__setattr__(self, "z", None if z is None else coefficient("diffusivity.z", z))

    @property
    def of_shape(self) -> tuple[Coefficient, ...]:
        """The coefficients in the order of a shape: y, x, or z, y, x."""
        plane = (self.y, self.x)
        return plane if self.z is None else (self.z, *plane)


#: What a problem's diffusivity is.
Diffusivity = Coefficient | PerAxis


def diffusivity_of(given: Any, shape: tuple[int, ...]) -> Diffusivity:
    """A number or a map >= 0, or one an axis; one for all where they are equal.

    Raises
    ------
    InvalidProblemError
    """
    if not isinstance(given, PerAxis):
        return coefficient("diffusivity", given, shape=shape)
    if given.z is not None:
        raise InvalidProblemError("diffusivity.z is given, but source has two axes; x and y are allowed.")
    y, x = (
        coefficient(f"diffusivity.{name}", value, shape=shape) for name, value in zip("yx", given.of_shape, strict=True)
    )
    if x is y or (isinstance(x, np.ndarray) == isinstance(y, np.ndarray) and np.array_equal(x, y)):
        return x
    return PerAxis(x=x, y=y)


def spacing_of(given: Any, axes: int) -> float | tuple[float, ...]:
    """One spacing, or one an axis where they differ.

    Raises
    ------
    InvalidProblemError
    """
    if isinstance(given, Real | Decimal | str | bytes | None):
        return positive_number("spacing", given)
    array, names = real_array("spacing", given), ("dz", "dy", "dx")[-axes:]
    if array.ndim == 0:
        return positive_number("spacing", given)
    if array.shape != (axes,):
        raise InvalidProblemError(f"spacing has shape {array.shape}; a number or ({', '.join(names)}) is allowed.")
    each = tuple(positive_number(f"spacing ({name})", float(h)) for name, h in zip(names, array, strict=True))
    return each[0] if len(set(each)) == 1 else each


def per_axis(diffusivity: Diffusivity, axes: int) -> tuple[Coefficient, ...]:
    """The diffusivity along each axis, in the order of a shape."""
    return diffusivity.of_shape if isinstance(diffusivity, PerAxis) else (diffusivity,) * axes


def largest_of(diffusivity: Diffusivity) -> float:
    """The largest diffusivity of any axis and pixel."""
    return max(largest(each) for each in per_axis(diffusivity, 1))


def harmonic_mean(one: FloatArray, other: FloatArray) -> FloatArray:
    """Of two pixels' coefficients, for the face between them: 0 where either is 0."""
    total = one + other
    return np.divide(2 * one * other, total, out=np.zeros_like(total), where=total > 0)


def in_series(conductance: FloatArray, permeance: FloatArray | float) -> FloatArray:
    """Of a face and a membrane on it, ``1 / (1 / g + 1 / p)``: 0 where either is 0, ``g`` where ``p`` is infinite."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        together = conductance / (1.0 + conductance / permeance)
    return np.where(conductance > 0, together, 0.0)
