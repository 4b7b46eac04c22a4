"""The four sides of the lattice: what holds just outside it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from surrogate_plugin.errors import InvalidProblemError

Kind = Literal["value", "reflecting", "periodic"]
SIDES = ("left", "right", "bottom", "top")
_OPPOSITE = {"left": "right", "right": "left", "bottom": "top", "top": "bottom"}

#: What a caller may write for one side, or for all four at once.
SideLike = str | float
BoundaryLike = SideLike | Mapping[str, SideLike]


@dataclass(frozen=True)
class Side:
    """One side of the lattice.

    ``value``: the ghost pixel one spacing outside holds ``value`` (absorbing is ``value`` 0).
    ``reflecting``: no link to a ghost pixel. ``periodic``: the link leads to the opposite side.
    """

    kind: Kind
    value: float = 0.0


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

    @classmethod
    def parse(cls, boundary: BoundaryLike | Boundary) -> Boundary:
        """Read what a caller wrote; a mapping leaves the sides it does not name absorbing.

        Raises
        ------
        InvalidProblemError
            For an unknown side or kind, a value that is not finite or is negative, or a periodic side
            whose opposite is not periodic.
        """
        if isinstance(boundary, Boundary):
            return boundary
        if isinstance(boundary, Mapping):
            for name in boundary:
                if name not in SIDES:
                    raise InvalidProblemError(
                        f"boundary names an unknown side {name!r}; the sides are {', '.join(SIDES)}."
                    )
            given = {name: _parse_side(name, boundary.get(name, "absorbing")) for name in SIDES}
        else:
            given = {name: _parse_side("all sides", boundary) for name in SIDES}
        for name, side in given.items():
            if side.kind == "periodic" and given[_OPPOSITE[name]].kind != "periodic":
                raise InvalidProblemError(
                    f"boundary['{name}'] is periodic but boundary['{_OPPOSITE[name]}'] is not; "
                    "periodic sides come in opposite pairs."
                )
        return cls(**given)

    @property
    def sides(self) -> tuple[Side, Side, Side, Side]:
        """Left, right, bottom, top."""
        return self.left, self.right, self.bottom, self.top

    @property
    def periodic_x(self) -> bool:
        """Whether columns wrap around."""
        return self.left.kind == "periodic"

    @property
    def periodic_y(self) -> bool:
        """Whether rows wrap around."""
        return self.bottom.kind == "periodic"

    @property
    def largest_value(self) -> float:
        """The largest value held by a ghost pixel (0 where no side holds one)."""
        return max(side.value for side in self.sides)

    @property
    def holds_a_value(self) -> bool:
        """Whether any side imposes a value, which alone makes the problem well posed."""
        return any(side.kind == "value" for side in self.sides)


def _parse_side(name: str, side: SideLike) -> Side:
    allowed = "allowed are 'absorbing', 'reflecting', 'periodic' or a number >= 0"
    if isinstance(side, str):
        if side == "absorbing":
            return Side("value", 0.0)
        if side == "reflecting":
            return Side("reflecting")
        if side == "periodic":
            return Side("periodic")
        raise InvalidProblemError(f"boundary ({name}) is {side!r}; {allowed}.")
    try:
        value = float(side)
    except (TypeError, ValueError):
        raise InvalidProblemError(f"boundary ({name}) is {side!r}; {allowed}.") from None
    if isinstance(side, bool) or not math.isfinite(value) or value < 0:
        raise InvalidProblemError(f"boundary ({name}) is {side!r}; {allowed}.")
    return Side("value", value)
