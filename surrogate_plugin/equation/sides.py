"""The four sides of the lattice: what holds just outside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from surrogate_plugin.arguments import HUGE, instance_of, one_number, one_of, shown
from surrogate_plugin.errors import InvalidProblemError

Kind = Literal["value", "reflecting", "periodic"]
SIDES = ("left", "right", "bottom", "top")
_CONDUCTANCE: dict[Kind, float] = {"value": 1.0, "reflecting": 0.0, "periodic": 0.0}
_OPPOSITE = {"left": "right", "right": "left", "bottom": "top", "top": "bottom"}

#: What a caller may write for one side, or for all four at once.
SideLike = str | float
BoundaryLike = SideLike | Mapping[str, SideLike]


@dataclass(frozen=True)
class Side:
    """One side of the lattice.

    ``value``: the ghost pixel one spacing outside holds ``value`` (absorbing is ``value`` 0).
    ``reflecting``: no link to a ghost pixel. ``periodic``: the link leads to the opposite side.

    Raises
    ------
    InvalidProblemError
        For another kind, or a value that is not in [0, 1e100].
    """

    kind: Kind
    value: float = 0.0

    def __post_init__(self) -> None:
        one_of("side.kind", self.kind, get_args(Kind))
        _value_of("side.value", self.value)


@dataclass(frozen=True, eq=False)
class Walls:
    """What sides are to an operator: every face between an edge pixel and a ghost pixel, axis by axis.

    Attributes
    ----------
    conductance : (axes, 2) float64
        Of the face below the first pixel and of that above the last one, in units of the edge pixel's own link ``D /
        h^2``: 1 where the ghost pixel holds a value, 0 where nothing passes and on rings.
    value : (axes, 2) float64, field units
        What the ghost pixels hold.
    ring : (axes,) bool
        Whether the pixel beyond the last is the first.
    """

    conductance: npt.NDArray[np.float64]
    value: npt.NDArray[np.float64]
    ring: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Boundary:
    """The four sides; ``left`` is column 0 and ``bottom`` is row 0.

    Examples
    --------
    >>> Boundary.parse({"left": 38.0, "right": "reflecting"}).left
    Side(kind='value', value=38.0)
    """

    left: Side
    right: Side
    bottom: Side
    top: Side

    def __post_init__(self) -> None:
        for name in SIDES:
            instance_of(f"boundary.{name}", getattr(self, name), Side, "a Side")
        for name in SIDES:
            if getattr(self, name).kind == "periodic" and getattr(self, _OPPOSITE[name]).kind != "periodic":
                raise InvalidProblemError(
                    f"boundary['{name}'] is periodic but boundary['{_OPPOSITE[name]}'] is not; "
                    "periodic sides come in opposite pairs."
                )

    @classmethod
    def parse(cls, boundary: BoundaryLike | Boundary, unnamed: BoundaryLike | Boundary = "absorbing") -> Boundary:
        """Read what a caller wrote; a host says what the sides are that a mapping does not name.

        Parameters
        ----------
        boundary : str, float, mapping or Boundary
            As in `Problem`.
        unnamed : str, float, mapping or Boundary
            What the sides are that a mapping ``boundary`` leaves out; a mapping here leaves them absorbing.

        Returns
        -------
        Boundary

        Raises
        ------
        InvalidProblemError
            For an unknown side or kind, a value that is not in [0, 1e100], or a periodic side whose opposite is
            not periodic.

        Examples
        --------
        >>> Boundary.parse({"left": 38.0}, unnamed="reflecting").top
        Side(kind='reflecting', value=0.0)
        >>> torus = Boundary.parse("periodic")
        >>> Boundary.parse({"left": 38.0, "right": "absorbing"}, unnamed=torus).top
        Side(kind='periodic', value=0.0)
        """
        if isinstance(boundary, Boundary):
            return boundary
        if not isinstance(boundary, Mapping):
            return cls(**{name: _parse_side("all sides", boundary) for name in SIDES})
        _check_names(boundary)
        own = cls.parse(unnamed)
        sides = {name: _parse_side(name, boundary[name]) if name in boundary else getattr(own, name) for name in SIDES}
        for name in boundary:
            _check_pair_is_named(name, boundary, sides)
        return cls(**sides)

    @property
    def sides(self) -> tuple[Side, Side, Side, Side]:
        """Left, right, bottom, top."""
        return self.left, self.right, self.bottom, self.top

    @property
    def pairs(self) -> tuple[tuple[Side, Side], ...]:
        """The sides axis by axis in the order of a shape, the low side first: (bottom, top), (left, right)."""
        return (self.bottom, self.top), (self.left, self.right)

    @classmethod
    def of_pairs(cls, pairs: Iterable[tuple[Side, Side]]) -> Boundary:
        """The boundary whose `pairs` these are."""
        (bottom, top), (left, right) = pairs
        return cls(left, right, bottom, top)

    @property
    def walls(self) -> Walls:
        """The sides as conductances and values; nothing else of an operator knows of kinds.

        Examples
        --------
        >>> Boundary.parse({"left": 38.0, "right": "reflecting"}).walls.conductance.tolist()
        [[1.0, 1.0], [1.0, 0.0]]
        """
        return Walls(
            conductance=np.array([[_CONDUCTANCE[side.kind] for side in pair] for pair in self.pairs]),
            value=np.array([[side.value for side in pair] for pair in self.pairs]),
            ring=np.array([low.kind == "periodic" for low, _ in self.pairs]),
        )

    @property
    def periodic_x(self) -> bool:
        """Whether columns wrap around."""
        return self.left.kind == "periodic"

    @property
    def periodic_y(self) -> bool:
        """Whether rows wrap around."""
        return self.bottom.kind == "periodic"

    @property
    def rings(self) -> tuple[bool, bool]:
        """Whether rows and columns wrap around, in the order of a shape."""
        return self.periodic_y, self.periodic_x

    @property
    def largest_value(self) -> float:
        """The largest value held by a ghost pixel (0 where no side holds one)."""
        return max(side.value for side in self.sides)

    @property
    def holds_a_value(self) -> bool:
        """Whether any side imposes a value, which alone makes the problem well posed."""
        return any(side.kind == "value" for side in self.sides)


_ALLOWED = f"'absorbing', 'reflecting', 'periodic' or a number >= 0 and at most {HUGE:g}"


def _check_names(boundary: Mapping[str, SideLike]) -> None:
    for name in boundary:
        if name not in SIDES:
            raise InvalidProblemError(
                f"boundary names an unknown side {shown(name)}; the sides are {', '.join(SIDES)}."
            )


def _check_pair_is_named(name: str, boundary: Mapping[str, SideLike], sides: Mapping[str, Side]) -> None:
    """Refuse a mapping that opens a ring at one end alone, in words about the side that the caller did not name."""
    far = _OPPOSITE[name]
    if far not in boundary and sides[far].kind == "periodic" and sides[name].kind != "periodic":
        raise InvalidProblemError(
            f"boundary names '{name}', which is periodic unless it is named, without '{far}' across from it; "
            "name both, since periodic sides come in opposite pairs."
        )


def _parse_side(name: str, side: SideLike) -> Side:
    if not isinstance(side, str):
        return Side("value", _value_of(f"boundary ({name})", side))
    if side == "absorbing":
        return Side("value", 0.0)
    if side == "reflecting":
        return Side("reflecting")
    if side == "periodic":
        return Side("periodic")
    raise InvalidProblemError(f"boundary ({name}) is {shown(side)}; allowed are {_ALLOWED}.")


def _value_of(name: str, value: Any) -> float:
    number = one_number(name, value, _ALLOWED)
    if not 0 <= number <= HUGE:
        raise InvalidProblemError(f"{name} is {shown(value)}; {_ALLOWED} are allowed.")
    return number
