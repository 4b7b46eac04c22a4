"""Membranes: what resists on the faces between pixels, in series with the tissue on both sides."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from surrogate_plugin.arguments import Coefficient, FloatArray, one_number, real_array, same_shape, shown
from surrogate_plugin.errors import InvalidProblemError

_ALLOWED = "permeabilities >= 0, inf where there is no membrane,"


@dataclass(frozen=True, eq=False)
class Membranes:
    """Permeabilities of the faces between neighbouring pixels.

    Across a face of permeability ``P`` between pixels of diffusivity ``D`` a distance ``h`` apart pass ``1 / (h / D +
    1 / P)`` times the difference of their values.

    Parameters
    ----------
    x : float or (H, W - 1) array, length / time
        Of the face between columns ``j`` and ``j + 1``: inf where there is no membrane, 0 where nothing passes. Where
        columns wrap around it may be (H, W): the last face is then that between the last column and the first.
    y : float or (H - 1, W) array, length / time
        Of the face between rows ``i`` and ``i + 1``; (H, W) likewise.

    Raises
    ------
    InvalidProblemError
        If a value is negative or NaN.

    Examples
    --------
    A wall between columns 3 and 4:

    >>> from surrogate_plugin import Problem, solve
    >>> wall = np.full((8, 7), np.inf); wall[:, 3] = 1.0
    >>> sides = {"left": 1.0, "right": "absorbing", "bottom": "reflecting", "top": "reflecting"}
    >>> problem = Problem(np.zeros((8, 8)), decay=0.0, boundary=sides, membranes=Membranes(x=wall))
    >>> np.round(10 * solve(problem, method="exact").field[0], 6)
    array([9., 8., 7., 6., 4., 3., 2., 1.])
    """

    x: Coefficient
    y: Coefficient

    def __init__(self, x: float | npt.ArrayLike = math.inf, y: float | npt.ArrayLike = math.inf) -> None:
        for name, value in (("x", x), ("y", y)):
            object.__setattr__(self, name, _permeability(f"membranes.{name}", value))

    @classmethod
    def between(
        cls,
        ids: npt.ArrayLike,
        permeability: float | Mapping[tuple[int, int], float],
        *,
        around: int | None = None,
        rings: tuple[bool, bool] = (False, False),
    ) -> Membranes:
        """Membranes on the faces between pixels of different numbers: around cells, between tissues.

        Parameters
        ----------
        ids : (H, W) array of int
            What a pixel belongs to.
        permeability : float, or mapping of pairs of numbers to float, length / time
            Of every face between two different ones; or of those between these two, whichever way round, where faces
            between others have no membrane.
        around : int, optional
            With one permeability: faces between two pixels of which neither is of this number, the space between
            the cells, have two membranes, which is half the permeability.
        rings : (bool, bool)
            Whether rows and columns wrap around, so that the last pixels are beside the first ones.

        Raises
        ------
        InvalidProblemError
            If ``ids`` are no whole numbers of two axes, or a permeability is not allowed.

        Examples
        --------
        >>> Membranes.between([[0, 0, 7], [0, 7, 7]], 0.5).x
        array([[inf, 0.5],
               [0.5, inf]])
        """
        numbers = np.asarray(ids)
        if numbers.ndim != 2 or numbers.dtype.kind not in "iub":
            raise InvalidProblemError(
                f"ids is {shown(ids)} of dtype {numbers.dtype}; an (H, W) array of whole numbers is allowed."
            )
        between: float | Mapping[tuple[int, int], float] = (
            _pairs_of(permeability)
            if isinstance(permeability, Mapping)
            else _one_permeability("permeability", permeability)
        )
        y, x = (_between(*_beside(numbers, axis, rings[axis]), between, around) for axis in (0, 1))
        return cls(x=x, y=y)

    def on(self, shape: tuple[int, ...], rings: tuple[bool, ...]) -> Membranes | None:
        """The membranes of a lattice, as maps of its faces; None where there are none at all.

        Raises
        ------
        InvalidProblemError
            If the maps are of another lattice.
        """
        maps = {}
        for axis, name in enumerate(("y", "x")):
            value, inside = getattr(self, name), _fewer(shape, axis)
            if not isinstance(value, np.ndarray):
                maps[name] = np.full(shape if rings[axis] else inside, value)
            elif rings[axis] and value.shape == shape:
                maps[name] = value
            else:
                same_shape(f"membranes.{name}", value.shape, inside, f"the faces of a source of shape {shape}")
                maps[name] = value
        if all(bool(np.isposinf(each).all()) for each in maps.values()):
            return None
        return Membranes(**maps)

    @property
    def of_shape(self) -> tuple[Coefficient, Coefficient]:
        """The permeabilities in the order of a shape: y, x."""
        return self.y, self.x


def _fewer(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    """The shape of the faces inside a lattice along an axis."""
    return tuple(size - (each == axis) for each, size in enumerate(shape))


def _beside(numbers: npt.NDArray[Any], axis: int, ring: bool) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """What lies below and above each face along an axis."""
    along = np.moveaxis(numbers, axis, 0)
    low, high = (along, np.roll(along, -1, axis=0)) if ring else (along[:-1], along[1:])
    return np.moveaxis(low, 0, axis), np.moveaxis(high, 0, axis)


def _permeability(name: str, value: Any) -> Coefficient:
    if isinstance(value, str | bool | Real):
        return _one_permeability(name, value)
    array = real_array(name, value, allowed=_ALLOWED.rstrip(","))
    if array.ndim == 0:
        return _one_permeability(name, float(array))
    wrong = ~(array >= 0)
    if wrong.any():
        place = tuple(int(i) for i in np.unravel_index(int(np.argmax(wrong)), array.shape))
        raise InvalidProblemError(f"{name}{list(place)} is {array[place]:g}; {_ALLOWED} are allowed.")
    return array


def _one_permeability(name: str, value: Any) -> float:
    number = one_number(name, value, _ALLOWED)
    if not number >= 0:
        raise InvalidProblemError(f"{name} is {shown(value)}; {_ALLOWED} are allowed.")
    return number


def _pairs_of(permeability: Mapping[Any, Any]) -> dict[tuple[Any, Any], float]:
    """The permeability between two numbers, checked."""
    found = {}
    for pair, value in permeability.items():
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise InvalidProblemError(f"permeability names {shown(pair)}; pairs of numbers, as (0, 7), are allowed.")
        found[pair] = _one_permeability(f"permeability[{pair}]", value)
    return found


def _between(
    one: npt.NDArray[Any],
    other: npt.NDArray[Any],
    permeability: float | Mapping[tuple[int, int], float],
    around: int | None,
) -> FloatArray:
    found = np.full(one.shape, math.inf)
    if isinstance(permeability, Mapping):
        for (a, b), value in permeability.items():
            found[((one == a) & (other == b)) | ((one == b) & (other == a))] = value
        return found
    found[one != other] = permeability
    if around is not None:
        found[(one != other) & (one != around) & (other != around)] = permeability / 2
    return found
