"""Membranes: what resists on the faces between pixels, in series with the tissue on both sides."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
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
        Of the face between columns ``j`` and ``j + 1``: inf where there is no membrane, 0 where nothing passes.
    y : float or (H - 1, W) array, length / time
        Of the face between rows ``i`` and ``i + 1``.

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
        cls, ids: npt.ArrayLike, permeability: float | Mapping[tuple[int, int], float], *, around: int | None = None
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
        pairs = ((numbers[:, :-1], numbers[:, 1:]), (numbers[:-1], numbers[1:]))
        x, y = (_between(one, other, permeability, around) for one, other in pairs)
        return cls(x=x, y=y)

    def on(self, shape: tuple[int, ...]) -> Membranes | None:
        """The membranes of a lattice, as maps of its faces; None where there are none at all.

        Raises
        ------
        InvalidProblemError
            If the maps are of another lattice.
        """
        rows, columns = shape
        faces = {"x": (rows, columns - 1), "y": (rows - 1, columns)}
        maps = {}
        for name, wanted in faces.items():
            value = getattr(self, name)
            if isinstance(value, np.ndarray):
                same_shape(f"membranes.{name}", value.shape, wanted, f"the faces of a source of shape {shape}")
                maps[name] = value
            else:
                maps[name] = np.full(wanted, value)
        if all(bool(np.isposinf(each).all()) for each in maps.values()):
            return None
        return Membranes(**maps)

    @property
    def of_shape(self) -> tuple[Coefficient, Coefficient]:
        """The permeabilities in the order of a shape: y, x."""
        return self.y, self.x


def _permeability(name: str, value: Any) -> Coefficient:
    if isinstance(value, float | int) and not isinstance(value, bool):
        number = one_number(name, value, _ALLOWED)
        if not number >= 0:
            raise InvalidProblemError(f"{name} is {shown(value)}; {_ALLOWED} are allowed.")
        return number
    array = real_array(name, value, allowed=_ALLOWED.rstrip(","))
    if array.ndim == 0:
        return _permeability(name, float(array))
    wrong = ~(array >= 0)
    if wrong.any():
        place = tuple(int(i) for i in np.unravel_index(int(np.argmax(wrong)), array.shape))
        raise InvalidProblemError(f"{name}{list(place)} is {array[place]:g}; {_ALLOWED} are allowed.")
    return array


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
